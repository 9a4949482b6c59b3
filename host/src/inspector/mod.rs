//! An inspector in a guest: it inspects a WebSocket connection that a proxy forwards as it is.

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

/// Looks at a connection between two other sides, in a [`Guest`].
///
/// Its methods are the functions of the resource `websocket-inspector` of the contract (`wit/inspector.wit`); the
/// native [`Inspector`](websocket_component::inspector) has the same, and an overview. They take the guest that the
/// inspector was made in; with another one they fail with [`SandboxError::ForeignSession`]. It holds memory of the
/// guest until [`Inspector::drop`] is called or the guest is dropped; in a guest that connections
/// [share](crate::Guests), it is enough to drop it.
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
    /// Creates an inspector of a connection whose handshake is still to come, from at least 32 unpredictable bytes.
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

    /// Creates an inspector of a connection whose handshake something else has made or checked.
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

    /// Goes on with a connection that another inspector has [parked](Self::park). For one that was
    /// [opened](Self::open) just now, with the same options and what was negotiated.
    ///
    /// # Errors
    ///
    /// `handshake-out-of-order`: it was not opened, or has been given bytes; or the guest has ended.
    pub fn resume(&self, guest: &mut Guest, parked: &Parked) -> Result<(), CallError> {
        self.tell(guest, Function::Resume, parked)
    }

    /// Frees what the inspector holds.
    ///
    /// # Errors
    ///
    /// The inspector belongs to another guest, or the guest has ended.
    pub fn drop(self, guest: &mut Guest) -> Result<(), SandboxError> {
        guest.free(self.0)
    }

    /// Checks a request that comes in header fields.
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

    /// Checks the response to that request. Frames follow in both directions.
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

    /// Looks at what `from` has sent: `skipped` bytes that went by without being given, and then `input`. Both may be
    /// empty: the call then passes the time.
    ///
    /// # Errors
    ///
    /// `skipped-too-much`, which changes nothing, or the guest has ended. A rule that `from` breaks is no error of this
    /// call: [`Progress::violation`].
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
            let reason = SandboxError::broken("it tells of bytes that don't exist");
            return Err(guest.end_with(reason).into());
        }
        match step.refused.take() {
            Some(failure) => Err(failure.into()),
            None => Ok(step),
        }
    }

    /// Does what [`advance`](Self::advance) does for the header of a frame at the start of `header`, if its payload need
    /// not be given and there is nothing else to tell, in a fraction of the time. Returns the lengths of the header and
    /// of the payload: both may go on.
    ///
    /// Otherwise it returns none and has changed nothing: call [`advance`](Self::advance).
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
            let reason = SandboxError::broken("it passes another header than it was given");
            return Err(guest.end_with(reason));
        }
        Ok(Some(lengths))
    }

    /// Does what [`advance`](Self::advance) does for a whole message in one frame, which `input` begins with, by its
    /// header alone, in a fraction of the time. Returns the length of the frame: all of it may go on.
    ///
    /// Only for binary data that nobody looks at, between two messages, if there is nothing to tell or to insert.
    /// Otherwise it returns none and has changed nothing: call [`advance`](Self::advance).
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
            let reason = SandboxError::broken("it passes another message than it was given");
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

    /// Closes both sides with this code, each at its next boundary of frames, and awaits the answers.
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

    /// Inserts a ping towards a side at its next boundary of frames. Its pong is swallowed.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `queue-full`, or the guest has ended.
    pub fn ping(&self, guest: &mut Guest, to: Role, now: Instant) -> Result<Progress, CallError> {
        self.change(guest, Function::Ping, (Side::from(to), now))
    }

    /// Inserts a message towards a side, between two messages.
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

    /// Decides on the first message of `from` that is held: it goes on, or is left out.
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

    /// Reports that the host has stopped reading what `from` sends.
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

    /// Reports that the host reads again.
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

    /// Reports that `to` doesn't take what goes on to it.
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

    /// Reports that `to` took some of it after that.
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

    /// Calls a function of the inspector's.
    fn ask<R: Value>(
        &self,
        guest: &mut Guest,
        function: Function,
        arguments: impl Argument,
    ) -> Result<R, SandboxError> {
        let this = guest.resource_of(&self.0)?;
        guest.call(function, (this, arguments))
    }

    /// Calls one that can break a rule.
    fn tell<R: Value>(
        &self,
        guest: &mut Guest,
        function: Function,
        arguments: impl Argument,
    ) -> Result<R, CallError> {
        let result: Result<R, Box<Failure>> = self.ask(guest, function, arguments)?;
        Ok(result?)
    }

    /// Calls one that can break a rule, and changes what goes on.
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

/// The number of a side's case.
fn number(side: Role) -> u32 {
    match side {
        Role::Client => 0,
        Role::Server => 1,
    }
}

/// Whether a step tells only of bytes that exist.
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
