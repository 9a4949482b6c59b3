//! The calls that carry a connection.

use crate::error::SandboxError;
use crate::protocol::{Instant, Outgoing};
use crate::sandbox::abi::{Place, Value};
use crate::sandbox::exchanged::{Answer, Exchanged, RelayAnswer, Relayed};
use crate::sandbox::guest::{Guest, Session};

impl Guest {
    /// Queues messages, processes input, and returns events and output: the batched call.
    ///
    /// `outgoing` is queued before `input` is parsed, in order, up to the first record that is refused; its records
    /// point into `payload`. No further input is taken once the result holds `capacity` bytes of payload, and no more
    /// than `capacity` bytes of output are handed out; a message is delivered whole even if it is longer. All lists may
    /// be empty: the call then only passes the time.
    ///
    /// The returned bytes are not copied from the guest.
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
        let session = self.resource(session)?.0;
        let answer: Answer = self.call_often(|often, core, store| {
            let mut memory = core.allocator(store);
            let arguments = (
                session,
                memory.list(input)?,
                input.len() as u32,
                memory.list(outgoing)?,
                outgoing.len() as u32,
                memory.list(payload)?,
                payload.len() as u32,
                now,
                capacity,
            );
            let at = often.exchange.call(core, store, arguments)?;
            let mut reader = core.reader(store);
            let answer = Answer::load(&mut reader, at as usize)?;
            answer.is_there(&reader)?;
            Ok(answer)
        })?;
        self.check(answer.check(input.len(), outgoing.len()))?;
        let (payload, output) = self.bytes(&answer);
        Ok(answer.into_exchanged(payload, output))
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
        let (source, target) = (self.resource(source)?.0, self.resource(target)?.0);
        let answer: RelayAnswer = self.call_often(|often, core, store| {
            let bytes = core.allocator(store).list(input)?;
            let arguments = (source, target, bytes, input.len() as u32, now, capacity);
            let at = often.relay.call(core, store, arguments)?;
            let mut reader = core.reader(store);
            let answer = RelayAnswer::load(&mut reader, at as usize)?;
            answer.source.is_there(&reader)?;
            answer.target.is_there(&reader)?;
            Ok(answer)
        })?;
        self.check(answer.check(input.len()))?;
        let (source, target) = (self.bytes(&answer.source), self.bytes(&answer.target));
        Ok(answer.into_relayed(source, target))
    }

    /// The guest has ended if it tells of bytes that don't exist.
    fn check(&mut self, checked: Result<(), &'static str>) -> Result<(), SandboxError> {
        checked.map_err(|reason| self.end_with(SandboxError::broken(reason)))
    }

    /// The payload and the output of a result, which have been found to be there.
    fn bytes(&self, answer: &Answer) -> (&[u8], &[u8]) {
        let reader = self.core.reader(&self.store);
        let bytes = |place: Place| {
            let bytes = reader.bytes(place.start as usize, place.length as usize);
            bytes.unwrap_or_default()
        };
        (bytes(answer.payload), bytes(answer.output))
    }
}
