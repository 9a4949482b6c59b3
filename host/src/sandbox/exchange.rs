//! The batched calls: `exchange` and `relay`.

use crate::error::SandboxError;
use crate::protocol::{Instant, Outgoing};
use crate::sandbox::abi::{Exchange, Place, Relay, Value};
use crate::sandbox::exchanged::{Answer, Exchanged, RelayAnswer, Relayed};
use crate::sandbox::guest::{Guest, Session};

impl Guest {
    /// Queues messages, processes input, and returns events and output: the batched call.
    ///
    /// `outgoing` is queued before `input` is parsed, in order, up to the first record that is refused; its records
    /// point into `payload`. No further input is consumed once the result holds `capacity` bytes of payload, and at
    /// most `capacity` bytes of output are returned; a message is delivered whole even if it is longer. All lists may
    /// be empty: the call then only passes the time.
    ///
    /// The returned bytes are borrowed from the guest, not copied.
    ///
    /// # Errors
    ///
    /// The guest has ended, or ends with this call. A broken rule is in the result.
    pub fn exchange(
        &mut self,
        session: &Session,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Exchanged<'_>, SandboxError> {
        let arguments = self.pass_exchange(session, input, outgoing, payload, now, capacity)?;
        let at = self.go_on(|often, core, store| often.exchange.call(core, store, arguments))?;
        self.exchanged(at, input.len(), outgoing.len())
    }

    /// Does as [`exchange`](Self::exchange), but yields at each tick of the epoch, so that a long call doesn't block
    /// other tasks of its thread.
    ///
    /// It requires [`SandboxConfig::async_calls`](crate::SandboxConfig::async_calls), and takes a little longer.
    /// Dropping the future before it is ready ends the guest. While the call is suspended, no time is counted towards
    /// [`SandboxConfig::call_time`](crate::SandboxConfig::call_time).
    ///
    /// ```
    /// use websocket_host::protocol::{Config, EventKind};
    /// use websocket_host::{Clock, Sandbox, SandboxConfig};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # if websocket_component_wasm::COMPONENT.is_empty() { return Ok(()) }
    /// let config = SandboxConfig { async_calls: true, ..SandboxConfig::default() };
    /// let (sandbox, clock) = (Sandbox::bundled(config)?, Clock::start());
    /// let mut guest = sandbox.guest()?;
    /// let session = guest.open_server(&Config::default(), &Default::default(), clock.now())?;
    /// // "Hello" in a text frame (RFC 6455, section 5.7).
    /// let input = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    /// let result = guest.exchange_async(&session, input, &[], &[], clock.now(), 64 << 10).await?;
    /// assert_eq!(result.events[0].kind, EventKind::Text);
    /// assert_eq!(result.bytes(&result.events[0]), b"Hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`exchange`](Self::exchange), and [`SandboxError::Trap`] if there is no stack for the call.
    pub async fn exchange_async(
        &mut self,
        session: &Session,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Exchanged<'_>, SandboxError> {
        let arguments = self.pass_exchange(session, input, outgoing, payload, now, capacity)?;
        let call = self.call_suspended(|often| &mut often.exchange, arguments);
        let at = call.await?;
        self.exchanged(at, input.len(), outgoing.len())
    }

    /// Copies the arguments to the guest.
    fn pass_exchange(
        &mut self,
        session: &Session,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Exchange, SandboxError> {
        let session = self.resource(session)?.0;
        self.call_often(|_, core, store| {
            let mut memory = core.allocator(store);
            Ok((
                session,
                memory.list(input)?,
                input.len() as u32,
                memory.list(outgoing)?,
                outgoing.len() as u32,
                memory.list(payload)?,
                payload.len() as u32,
                now,
                capacity,
            ))
        })
    }

    /// Reads the result of an exchange that was passed this many bytes and messages.
    fn exchanged(
        &mut self,
        at: u32,
        input: usize,
        outgoing: usize,
    ) -> Result<Exchanged<'_>, SandboxError> {
        let answer = self.go_on(|_, core, store| {
            let mut reader = core.reader(store);
            let answer = Answer::load(&mut reader, at as usize)?;
            answer.is_there(&reader)?;
            Ok(answer)
        })?;
        self.check(answer.check(input, outgoing))?;
        let (payload, output) = self.bytes(&answer);
        Ok(answer.into_exchanged(payload, output))
    }

    /// Processes input, and queues the messages in it on `target`, another session of this guest: a relay whose
    /// messages don't leave the guest.
    ///
    /// A message that is delivered in chunks is sent in fragments. No further input is consumed once `target` holds
    /// `capacity` bytes of output, and each session returns at most `capacity` bytes. If the target can't send messages
    /// any more, they are consumed, counted and dropped.
    ///
    /// # Errors
    ///
    /// The guest has ended, or ends with this call. Broken rules are in the results.
    pub fn relay(
        &mut self,
        source: &Session,
        target: &Session,
        input: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Relayed<'_>, SandboxError> {
        let arguments = self.pass_relay(source, target, input, now, capacity)?;
        let at = self.go_on(|often, core, store| often.relay.call(core, store, arguments))?;
        self.relayed(at, input.len())
    }

    /// Does as [`relay`](Self::relay), but yields as [`exchange_async`](Self::exchange_async) does.
    ///
    /// # Errors
    ///
    /// As for [`relay`](Self::relay), and [`SandboxError::Trap`] if there is no stack for the call.
    pub async fn relay_async(
        &mut self,
        source: &Session,
        target: &Session,
        input: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Relayed<'_>, SandboxError> {
        let arguments = self.pass_relay(source, target, input, now, capacity)?;
        let call = self.call_suspended(|often| &mut often.relay, arguments);
        let at = call.await?;
        self.relayed(at, input.len())
    }

    /// Copies the arguments to the guest.
    fn pass_relay(
        &mut self,
        source: &Session,
        target: &Session,
        input: &[u8],
        now: Instant,
        capacity: u32,
    ) -> Result<Relay, SandboxError> {
        let (source, target) = (self.resource(source)?.0, self.resource(target)?.0);
        self.call_often(|_, core, store| {
            let bytes = core.allocator(store).list(input)?;
            Ok((source, target, bytes, input.len() as u32, now, capacity))
        })
    }

    /// Reads the result of a relay that was passed this many bytes.
    fn relayed(&mut self, at: u32, input: usize) -> Result<Relayed<'_>, SandboxError> {
        let answer = self.go_on(|_, core, store| {
            let mut reader = core.reader(store);
            let answer = RelayAnswer::load(&mut reader, at as usize)?;
            answer.source.is_there(&reader)?;
            answer.target.is_there(&reader)?;
            Ok(answer)
        })?;
        self.check(answer.check(input))?;
        let (source, target) = (self.bytes(&answer.source), self.bytes(&answer.target));
        Ok(answer.into_relayed(source, target))
    }

    /// Ends the guest if a result refers to bytes that don't exist.
    fn check(&mut self, checked: Result<(), &'static str>) -> Result<(), SandboxError> {
        checked.map_err(|reason| self.end_with(SandboxError::broken(reason)))
    }

    /// Returns the payload and output of a result, which were checked to be in bounds.
    fn bytes(&self, answer: &Answer) -> (&[u8], &[u8]) {
        let reader = self.core.reader(&self.store);
        let bytes = |place: Place| {
            let bytes = reader.bytes(place.start as usize, place.length as usize);
            bytes.unwrap_or_default()
        };
        (bytes(answer.payload), bytes(answer.output))
    }
}
