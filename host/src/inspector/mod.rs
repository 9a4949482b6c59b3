//! An inspector in a guest: it inspects a WebSocket connection that a proxy forwards as it is.

mod forwarder;
mod one_way;
mod options;
mod queries;
mod types;

use wasmtime::component::ResourceAny;

use crate::Role;
use crate::bindings::exports::websocket::protocol::inspector as contract;
use crate::bindings::exports::websocket::protocol::types::{
    CloseCode, Failure, HandshakeKind, Header, Instant, Negotiated, StatusCode,
};
use crate::error::{CallError, SandboxError};
use crate::guest::{Guest, GuestId};
use crate::limiter::Limiter;
use crate::outside::{MAX_HEADER, header_bits};

pub use forwarder::Forwarder;

pub use contract::{
    CloseSummary, Data, Edit, End, Forwarding, FrameHeader, MessageSummary, Progress, Seen, Side,
    Span, Step, Traffic, Violation,
};
pub use websocket_component::inspector::{
    Direction, Options, OtherCode, Payload, Timeouts, UnknownExtensions, View,
};

type Store = wasmtime::Store<Limiter>;

/// Looks at a connection between two other sides, in a [`Guest`].
///
/// Its methods are the functions of the resource `websocket-inspector` of the contract (`wit/inspector.wit`); the
/// native [`Inspector`](websocket_component::inspector) has the same, and an overview. They take the guest that the
/// inspector was made in; with another one they fail with [`SandboxError::ForeignSession`]. It holds memory of the
/// guest until [`Inspector::drop`] is called or the guest is dropped.
///
/// ```no_run
/// use websocket_host::inspector::{Inspector, Options};
/// use websocket_host::{Clock, Role, Sandbox, SandboxConfig};
///
/// # fn read() -> Vec<u8> { Vec::new() }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sandbox = Sandbox::load("websocket.wasm", SandboxConfig::default())?;
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
pub struct Inspector {
    resource: ResourceAny,
    guest: GuestId,
}

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
        Self::make(guest, options, |inspectors, store, options| {
            inspectors.call_create(store, options, entropy, now)
        })
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
        Self::make(guest, options, |inspectors, store, options| {
            inspectors.call_open(store, options, entropy, negotiated, now)
        })
    }

    fn make(
        guest: &mut Guest,
        options: &Options,
        call: impl FnOnce(
            &contract::GuestWebsocketInspector<'_>,
            &mut Store,
            ResourceAny,
        ) -> wasmtime::Result<Result<ResourceAny, Failure>>,
    ) -> Result<Self, CallError> {
        let id = guest.id();
        let made = guest.enter_inspector(|exports, store| {
            let options = match options::options(exports, store, options)? {
                Ok(options) => options,
                Err(failure) => return Ok(Err(failure)),
            };
            let made = call(&exports.websocket_inspector(), store, options);
            options.resource_drop(store)?;
            made
        });
        let resource = made??;
        Ok(Self {
            resource,
            guest: id,
        })
    }

    /// Frees what the inspector holds.
    ///
    /// # Errors
    ///
    /// The inspector belongs to another guest, or the guest has ended.
    pub fn drop(self, guest: &mut Guest) -> Result<(), SandboxError> {
        guest.check_owner(self.guest)?;
        guest.enter_inspector(|_, store| self.resource.resource_drop(store))
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
        self.tell(guest, |inspector, store, this| {
            inspector.call_request_headers(store, this, kind, headers, now)
        })
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
        self.tell(guest, |inspector, store, this| {
            inspector.call_response_headers(store, this, status, headers, now)
        })
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
        let mut step = self.ask(guest, |inspector, store, this| {
            inspector.call_advance(store, this, from.into(), skipped, input, now)
        })?;
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
        let passed = self.ask(guest, |inspector, store, this| {
            let (from, length) = (from.into(), header.len().min(MAX_HEADER) as u32);
            inspector.call_pass_header(store, this, from, skipped, low, high, length, now)
        })?;
        Ok((passed != 0).then_some(((passed & 15) as usize, passed >> 4)))
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
        self.ask(guest, |inspector, store, this| {
            inspector.call_end_of_input(store, this, from.into(), now)
        })?;
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
        self.change(guest, |inspector, store, this| {
            inspector.call_close(store, this, code, reason, now)
        })
    }

    /// Inserts a ping towards a side at its next boundary of frames. Its pong is swallowed.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `queue-full`, or the guest has ended.
    pub fn ping(&self, guest: &mut Guest, to: Role, now: Instant) -> Result<Progress, CallError> {
        self.change(guest, |inspector, store, this| {
            inspector.call_ping(store, this, to.into(), now)
        })
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
        self.change(guest, |inspector, store, this| {
            inspector.call_insert(store, this, to.into(), payload, is_text, now)
        })
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
        self.change(guest, |inspector, store, this| {
            inspector.call_decide(store, this, from.into(), goes_on, now)
        })
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
        self.ask(guest, |inspector, store, this| {
            inspector.call_pause_reading(store, this, from.into(), now)
        })
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
        self.ask(guest, |inspector, store, this| {
            inspector.call_resume_reading(store, this, from.into(), now)
        })
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
        self.ask(guest, |inspector, store, this| {
            inspector.call_output_blocked(store, this, to.into(), now)
        })
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
        self.ask(guest, |inspector, store, this| {
            inspector.call_output_taken(store, this, to.into(), now)
        })
    }

    /// Calls a function of the inspector's.
    fn ask<R>(
        &self,
        guest: &mut Guest,
        call: impl FnOnce(
            &contract::GuestWebsocketInspector<'_>,
            &mut Store,
            ResourceAny,
        ) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        guest.check_owner(self.guest)?;
        let this = self.resource;
        guest.enter_inspector(|exports, store| call(&exports.websocket_inspector(), store, this))
    }

    /// Calls one that can break a rule.
    fn tell<R>(
        &self,
        guest: &mut Guest,
        call: impl FnOnce(
            &contract::GuestWebsocketInspector<'_>,
            &mut Store,
            ResourceAny,
        ) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, CallError> {
        Ok(self.ask(guest, call)??)
    }

    /// Calls one that can break a rule, and changes what goes on.
    fn change(
        &self,
        guest: &mut Guest,
        call: impl FnOnce(
            &contract::GuestWebsocketInspector<'_>,
            &mut Store,
            ResourceAny,
        ) -> wasmtime::Result<Result<(), Failure>>,
    ) -> Result<Progress, CallError> {
        self.tell(guest, call)?;
        Ok(self.progress(guest)?)
    }
}
