//! The calls that carry a connection.

use std::mem;

use wasmtime::component::WasmList;

use crate::error::SandboxError;
use crate::exchanged::{Answer, Exchange, Exchanged, Relay, Relayed};
use crate::guest::{Guest, Session};
use crate::protocol::{Instant, Outgoing};
use crate::records::List;

impl Guest {
    /// Queues messages, processes input, and returns events and output: the batched call.
    ///
    /// `outgoing` is queued before `input` is parsed, in order, up to the first record that is refused; its records
    /// point into `payload`. No further input is taken once the result holds `capacity` bytes of payload, and no more
    /// than `capacity` bytes of output are handed out; a message is delivered whole even if it is longer. All lists may
    /// be empty: the call then only passes the time.
    ///
    /// The returned bytes are not copied from the guest, if its component leaves them in place
    /// ([`Sandbox::reads_in_place`](crate::Sandbox::reads_in_place)).
    ///
    /// # Errors
    ///
    /// The guest has ended, or ends with this call; a rule that is broken is in the result.
    pub fn exchange(
        &mut self,
        session: &Session,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Exchanged<'_>, SandboxError> {
        let session = self.resource(session)?;
        self.begin()?;
        let (bytes, records, payload) = (List(input), List(outgoing), List(payload));
        let arguments = (session, bytes, records, payload, now, capacity);
        match self.exchange {
            Exchange::Borrowed(function) => {
                let result = function.call(&mut self.store, arguments);
                let answer = self.checked(result, |answer| {
                    answer.check(input.len(), outgoing.len(), answer.payload.len())
                })?;
                let payload = answer.payload.as_le_slice(&self.store);
                let output = answer.output.as_le_slice(&self.store);
                Ok(answer.into_exchanged(payload, output))
            }
            Exchange::Copied(function) => {
                let result = function.call(&mut self.store, arguments);
                let mut answer = self.checked(result, |answer| {
                    answer.check(input.len(), outgoing.len(), answer.payload.len())
                })?;
                let bytes = (
                    mem::take(&mut answer.payload),
                    mem::take(&mut answer.output),
                );
                self.copied[0] = bytes;
                let (payload, output) = &self.copied[0];
                Ok(answer.into_exchanged(payload, output))
            }
        }
    }

    /// Processes input, and queues the messages in it on `target`, another session of this guest: a relay whose
    /// messages don't leave the guest.
    ///
    /// A message that is delivered in chunks is sent in fragments. No further input is taken once `target` holds
    /// `capacity` bytes of output, and no more than that are handed out by each session. If the target can't send
    /// messages any more, they are consumed, counted and dropped.
    ///
    /// # Errors
    ///
    /// The guest has ended, or ends with this call; a rule that is broken is in the results.
    pub fn relay(
        &mut self,
        source: &Session,
        target: &Session,
        input: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Relayed<'_>, SandboxError> {
        let (source, target) = (self.resource(source)?, self.resource(target)?);
        self.begin()?;
        let relay = self.relay_function().map_err(|error| self.end(&error))?;
        let arguments = (source, target, List(input), now, capacity);
        match relay {
            Relay::Borrowed(function) => {
                let result = function.call(&mut self.store, arguments);
                let answer =
                    self.checked(result, |answer| answer.check(input.len(), WasmList::len))?;
                let store = &self.store;
                let bytes = |answer: &Answer<WasmList<u8>>| {
                    let payload = answer.payload.as_le_slice(store);
                    (payload, answer.output.as_le_slice(store))
                };
                let (source, target) = (bytes(&answer.source), bytes(&answer.target));
                Ok(answer.into_relayed(source, target))
            }
            Relay::Copied(function) => {
                let result = function.call(&mut self.store, arguments);
                let mut answer =
                    self.checked(result, |answer| answer.check(input.len(), Vec::len))?;
                self.copied = [&mut answer.source, &mut answer.target].map(|answer| {
                    let payload = mem::take(&mut answer.payload);
                    (payload, mem::take(&mut answer.output))
                });
                let [source, target] = &self.copied;
                Ok(answer.into_relayed((&source.0, &source.1), (&target.0, &target.1)))
            }
        }
    }

    /// What a call gave, if nobody is told of bytes that don't exist.
    fn checked<Answer>(
        &mut self,
        result: wasmtime::Result<(Answer,)>,
        check: impl FnOnce(&Answer) -> Result<(), &'static str>,
    ) -> Result<Answer, SandboxError> {
        let (answer,) = result.map_err(|error| self.end(&error))?;
        match check(&answer) {
            Ok(()) => Ok(answer),
            Err(reason) => Err(self.end_with(SandboxError::broken(reason))),
        }
    }
}
