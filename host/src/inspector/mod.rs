//! Inspects a WebSocket connection that a proxy forwards unchanged, in a guest.

mod forwarder;
mod inspection;
mod one_way;
mod options;
mod queries;
mod types;

use crate::Role;
use crate::bindings::exports::websocket::protocol::inspector as contract;
use crate::bindings::exports::websocket::protocol::types::{
    CloseCode, Failure, HandshakeKind, Header, Instant, Negotiated, StatusCode,
};
use crate::error::SandboxError;
use crate::sandbox::abi::inspector::Function;
use crate::sandbox::abi::{Argument, Resource, Value, inspector_options};
use crate::sandbox::guest::Belonging;
use crate::sandbox::outside::{MAX_HEADER, header_bits};
use crate::sandbox::{CallError, Guest};
use crate::sizes::header_lengths;

pub use forwarder::Forwarder;

pub use contract::{
    CloseSummary, Data, Edit, End, Forwarding, FrameHeader, MessageSummary, Parked, ParkedSide,
    Progress, Seen, Side, Span, Step, Traffic, Violation,
};
pub use websocket_component::inspector::{
    Direction, Options, OtherCode, Payload, Timeouts, UnknownExtensions, View,
};

/// Checks a connection between a client and a server, in a [`Guest`].
///
/// Its methods are the functions of the resource `websocket-inspector` of the contract (`wit/inspector.wit`). The
/// native [`Inspector`](websocket_component::inspector) has the same methods, and an overview. Each method takes the
/// guest in which the inspector was created, and fails with [`SandboxError::ForeignSession`] for another one. The
/// inspector uses memory of the guest until [`Inspector::drop`] is called or the guest is dropped; in a guest that
/// connections [share](crate::Guests), it is enough to drop the inspector.
///
/// ```no_run
/// use websocket_host::inspector::{Inspector, Options};
/// use websocket_host::{Clock, Role, Sandbox, SandboxConfig};
///
/// # fn read() -> Vec<u8> { Vec::new() }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sandbox = Sandbox::bundled(SandboxConfig::default())?;
/// let clock = Clock::start();
/// let mut guest = sandbox.guest()?;
/// # let entropy = [7; 32];
/// let inspector = Inspector::new(&mut guest, &Options::default(), &entropy, clock.now())?;
///
/// let input = read(); // what the client has sent
/// let step = inspector.advance(&mut guest, Role::Client, 0, &input, clock.now())?;
/// println!("{} bytes may go on to the server", step.progress.client.to);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Inspector(Belonging);

impl Inspector {
    /// Creates an inspector of a connection before its handshake, from at least 32 unpredictable bytes.
    ///
    /// # Errors
    ///
    /// `config-out-of-range`, `entropy-too-short`, or the guest has ended.
    pub fn new(
        guest: &mut Guest,
        options: &Options,
        entropy: &[u8],
        now: Instant,
    ) -> Result<Self, CallError> {
        Self::make(guest, options, Function::Create, (entropy, now))
    }

    /// Creates an inspector of a connection whose handshake was checked elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and `deflate-answer-invalid`, `extension-unknown`.
    pub fn open(
        guest: &mut Guest,
        options: &Options,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, CallError> {
        Self::make(guest, options, Function::Open, (entropy, negotiated, now))
    }

    fn make(
        guest: &mut Guest,
        options: &Options,
        function: Function,
        arguments: impl Argument,
    ) -> Result<Self, CallError> {
        guest.free_orphans()?;
        let options = options::options(guest, options)?;
        let made: Result<Resource, Box<Failure>> = guest.call(function, (options, arguments))?;
        guest.call::<()>(inspector_options::Function::Drop, options)?;
        Ok(Self(guest.own(made?, Function::Drop)))
    }

    /// Resumes a connection that another inspector has [parked](Self::park). This one must have been
    /// [opened](Self::open) just now, with the same options and what was negotiated.
    ///
    /// # Errors
    ///
    /// `handshake-out-of-order`: it was not opened, or has had input; or the guest has ended.
    pub fn resume(&self, guest: &mut Guest, parked: &Parked) -> Result<(), CallError> {
        self.tell(guest, Function::Resume, parked)
    }

    /// Frees the inspector's memory.
    ///
    /// # Errors
    ///
    /// The inspector belongs to another guest, or the guest has ended.
    pub fn drop(self, guest: &mut Guest) -> Result<(), SandboxError> {
        guest.free(self.0)
    }

    /// Checks a request in header fields.
    ///
    /// # Errors
    ///
    /// `handshake-out-of-order`, or the rule that the request breaks, which ends the inspection; or the guest has ended.
    pub fn request_headers(
        &self,
        guest: &mut Guest,
        kind: HandshakeKind,
        headers: &[Header],
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(guest, Function::RequestHeaders, (kind, headers, now))
    }

    /// Checks the response to that request. After it, both sides send frames.
    ///
    /// # Errors
    ///
    /// `handshake-out-of-order`, or the rule that the response breaks, which ends the inspection; or the guest has ended.
    pub fn response_headers(
        &self,
        guest: &mut Guest,
        status: StatusCode,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, CallError> {
        self.tell(guest, Function::ResponseHeaders, (status, headers, now))
    }

    /// Processes what `from` has sent: `skipped` bytes that were forwarded without being passed, and then `input`. Both
    /// may be empty: the call then only passes the time.
    ///
    /// # Errors
    ///
    /// `skipped-too-much`, which changes nothing, or the guest has ended. If `from` breaks a rule, the call doesn't
    /// fail: see [`Progress::violation`].
    pub fn advance(
        &self,
        guest: &mut Guest,
        from: Role,
        skipped: u64,
        input: &[u8],
        now: Instant,
    ) -> Result<Step, CallError> {
        let this = guest.resource_of(&self.0)?.0;
        let mut step: Step = guest.call_often(|often, core, store| {
            let bytes = core.allocator(store).list(input)?;
            let (side, length) = (number(from), input.len() as u32);
            let arguments = (this, side, skipped, bytes, length, now);
            let at = often.advance.call(core, store, arguments)?;
            core.result(store, Function::Advance, at)
        })?;
        if !is_sound(&step, input.len()) {
            let reason = SandboxError::broken("its result is out of bounds");
            return Err(guest.end_with(reason).into());
        }
        match step.refused.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(step),
        }
    }

    /// A fast path of [`advance`](Self::advance) for the frame header at the start of `header`, if the payload needn't
    /// be checked and there is nothing to report. Returns the lengths of the header and of the payload: both may be
    /// forwarded.
    ///
    /// Otherwise returns `None` and changes nothing: call [`advance`](Self::advance).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn pass_header(
        &self,
        guest: &mut Guest,
        from: Role,
        skipped: u64,
        header: &[u8],
        now: Instant,
    ) -> Result<Option<(usize, u64)>, SandboxError> {
        let (low, high) = header_bits(header);
        let length = header.len().min(MAX_HEADER) as u32;
        let this = guest.resource_of(&self.0)?.0;
        let arguments = (this, number(from), skipped, low, high, length, now);
        let passed = guest
            .call_often(|often, core, store| often.pass_header.call(core, store, arguments))?;
        if passed == 0 {
            return Ok(None);
        }
        let lengths = ((passed & 15) as usize, passed >> 4);
        if header_lengths(header) != Some(lengths) {
            let reason = SandboxError::broken("it passed another header than it was given");
            return Err(guest.end_with(reason));
        }
        Ok(Some(lengths))
    }

    /// A fast path of [`advance`](Self::advance) for a whole message in one frame at the start of `input`, of which
    /// only the header is passed to the guest. Returns the length of the frame: all of it may be forwarded.
    ///
    /// It applies to binary data that needn't be checked, between two messages, if there is nothing to report or to
    /// insert. Otherwise returns `None` and changes nothing: call [`advance`](Self::advance).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn pass_message(
        &self,
        guest: &mut Guest,
        from: Role,
        input: &[u8],
        now: Instant,
    ) -> Result<Option<usize>, SandboxError> {
        let Some((header, payload)) = header_lengths(input) else {
            return Ok(None);
        };
        let length = header as u64 + payload;
        if length > input.len() as u64 {
            return Ok(None);
        }
        let (low, high) = header_bits(input);
        let this = guest.resource_of(&self.0)?.0;
        let arguments = (this, number(from), low, high, header as u32, now);
        let passed = guest
            .call_often(|often, core, store| often.pass_message.call(core, store, arguments))?;
        if passed == 0 {
            return Ok(None);
        }
        if passed != payload << 4 | header as u64 {
            let reason = SandboxError::broken("it passed another message than it was given");
            return Err(guest.end_with(reason));
        }
        Ok(Some(length as usize))
    }

    /// Reports that `from` sends no more bytes.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn end_of_input(
        &self,
        guest: &mut Guest,
        from: Role,
        now: Instant,
    ) -> Result<Progress, SandboxError> {
        let () = self.ask(guest, Function::EndOfInput, (Side::from(from), now))?;
        self.progress(guest)
    }

    /// Closes both sides with this code, each at its next frame boundary, and waits for the answers.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `close-code-forbidden`, `control-payload-too-long`, or the guest has ended.
    pub fn close(
        &self,
        guest: &mut Guest,
        code: CloseCode,
        reason: &str,
        now: Instant,
    ) -> Result<Progress, CallError> {
        self.change(guest, Function::Close, (code, reason, now))
    }

    /// Inserts a ping to a side at its next frame boundary. The pong is not forwarded.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `queue-full`, or the guest has ended.
    pub fn ping(&self, guest: &mut Guest, to: Role, now: Instant) -> Result<Progress, CallError> {
        self.change(guest, Function::Ping, (Side::from(to), now))
    }

    /// Inserts a message to a side, between two messages.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `text-not-utf8`, `queue-full`, or the guest has ended.
    pub fn insert(
        &self,
        guest: &mut Guest,
        to: Role,
        payload: &[u8],
        is_text: bool,
        now: Instant,
    ) -> Result<Progress, CallError> {
        self.change(
            guest,
            Function::Insert,
            (Side::from(to), payload, is_text, now),
        )
    }

    /// Decides whether the first held message of `from` is forwarded or dropped.
    ///
    /// # Errors
    ///
    /// `nothing-held`, `context-needed`, or the guest has ended.
    pub fn decide(
        &self,
        guest: &mut Guest,
        from: Role,
        goes_on: bool,
        now: Instant,
    ) -> Result<Progress, CallError> {
        self.change(guest, Function::Decide, (Side::from(from), goes_on, now))
    }

    /// Reports that the host has stopped reading from `from`.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn pause_reading(
        &self,
        guest: &mut Guest,
        from: Role,
        now: Instant,
    ) -> Result<(), SandboxError> {
        self.ask(guest, Function::PauseReading, (Side::from(from), now))
    }

    /// Reports that the host has resumed reading.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn resume_reading(
        &self,
        guest: &mut Guest,
        from: Role,
        now: Instant,
    ) -> Result<(), SandboxError> {
        self.ask(guest, Function::ResumeReading, (Side::from(from), now))
    }

    /// Reports that the transport to `to` is blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_blocked(
        &self,
        guest: &mut Guest,
        to: Role,
        now: Instant,
    ) -> Result<(), SandboxError> {
        self.ask(guest, Function::OutputBlocked, (Side::from(to), now))
    }

    /// Reports that the transport to `to` took some output after it had been blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_taken(
        &self,
        guest: &mut Guest,
        to: Role,
        now: Instant,
    ) -> Result<(), SandboxError> {
        self.ask(guest, Function::OutputTaken, (Side::from(to), now))
    }

    /// Calls a function of the inspector.
    fn ask<R: Value>(
        &self,
        guest: &mut Guest,
        function: Function,
        arguments: impl Argument,
    ) -> Result<R, SandboxError> {
        let this = guest.resource_of(&self.0)?;
        guest.call(function, (this, arguments))
    }

    /// Calls a function that can break a rule.
    fn tell<R: Value>(
        &self,
        guest: &mut Guest,
        function: Function,
        arguments: impl Argument,
    ) -> Result<R, CallError> {
        let result: Result<R, Box<Failure>> = self.ask(guest, function, arguments)?;
        Ok(result?)
    }

    /// Calls a function that can break a rule, and changes what is forwarded.
    fn change(
        &self,
        guest: &mut Guest,
        function: Function,
        arguments: impl Argument,
    ) -> Result<Progress, CallError> {
        let () = self.tell(guest, function, arguments)?;
        Ok(self.progress(guest)?)
    }
}

/// Returns a side's discriminant.
fn number(side: Role) -> u32 {
    match side {
        Role::Client => 0,
        Role::Server => 1,
    }
}

/// Whether a step consumes only existing input, and its spans are within the payload.
fn is_sound(step: &Step, input: usize) -> bool {
    let span = |seen: &Seen| match seen {
        Seen::Text(data) | Seen::Binary(data) => Some(data.bytes),
        Seen::Ping(span) | Seen::Pong(span) => Some(*span),
        Seen::Close(close) => Some(close.reason),
        _ => None,
    };
    let is_inside = |span: Span| {
        let end = u64::from(span.start) + u64::from(span.length);
        end <= step.payload.len() as u64
    };
    step.consumed as usize <= input && step.seen.iter().filter_map(span).all(is_inside)
}
