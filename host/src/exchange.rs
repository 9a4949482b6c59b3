//! The call that carries a connection.

use std::mem;

use wasmtime::component::WasmList;

use crate::error::SandboxError;
use crate::guest::{Guest, Session};
use crate::protocol::{Instant, Outgoing};
use crate::records::Batch;
use crate::turn::{Answer, Exchange, Turn, shorten};

impl Guest {
    /// Takes what was read and what is to be sent, and gives back all that follows from it: the batched call.
    ///
    /// `outgoing` is queued before `input` is parsed, in order, up to the first record that is refused; its records
    /// point into `payload`. No further input is taken once the turn holds `capacity` bytes of payload, and no more
    /// than `capacity` bytes of output are handed out; a message is delivered whole even if it is longer. Both lists
    /// and `input` may be empty: the call then tells the time.
    ///
    /// The bytes that come back are not copied from the guest, if its component leaves them in place
    /// ([`Sandbox::lends`](crate::Sandbox::lends)).
    ///
    /// # Errors
    ///
    /// The guest has ended, or ends with this call; a rule that is broken is in the turn.
    pub fn exchange(
        &mut self,
        session: &Session,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Turn<'_>, SandboxError> {
        let session = self.resource(session)?;
        self.begin()?;
        let bounds = (input.len(), outgoing.len());
        let arguments = (session, input, Batch(outgoing), payload, now, capacity);
        match self.exchange {
            Exchange::Lent(function) => {
                let result = shorten(&function).call(&mut self.store, arguments);
                let answer = self.checked(result, bounds, WasmList::len)?;
                let payload = answer.payload.as_le_slice(&self.store);
                let output = answer.output.as_le_slice(&self.store);
                Ok(answer.into_turn(payload, output))
            }
            Exchange::Given(function) => {
                let result = shorten(&function).call(&mut self.store, arguments);
                let mut answer = self.checked(result, bounds, Vec::len)?;
                let bytes = (
                    mem::take(&mut answer.payload),
                    mem::take(&mut answer.output),
                );
                let (payload, output) = self.given.insert(bytes);
                Ok(answer.into_turn(payload, output))
            }
        }
    }

    fn checked<List>(
        &mut self,
        result: wasmtime::Result<(Answer<List>,)>,
        (input, outgoing): (usize, usize),
        len: impl FnOnce(&List) -> usize,
    ) -> Result<Answer<List>, SandboxError> {
        let (answer,) = result.map_err(|error| self.end(&error))?;
        match answer.check(input, outgoing, len(&answer.payload)) {
            Ok(()) => Ok(answer),
            Err(reason) => Err(self.end_with(SandboxError::broken(reason))),
        }
    }
}
