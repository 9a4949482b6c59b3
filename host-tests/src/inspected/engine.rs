//! One inspector, on either engine.

use websocket_component::handshake::{
    HandshakeKind, Header, Negotiated, RequestHead, ResponseHead,
};
use websocket_component::inspector::{Edit, End, Inspector, Options, Parked};
use websocket_component::{Failure, Instant, Role, Rule, State};

use super::{ENTROPY, Saw, owned};
use crate::wire;

/// When they are made.
const START: Instant = Instant::from_nanos(0);

/// The outcome of [`Inspects::advance`].
#[derive(Debug)]
pub struct Stepped {
    pub consumed: usize,
    pub skippable: u64,
    pub more: bool,
    pub saw: Vec<Saw>,
}

/// An inspector of an implementation of the engine. The methods are those of the contract (`wit/inspector.wit`).
///
/// A call that the sandbox can't complete panics: these tests never expect that.
pub trait Inspects: Sized {
    fn new(options: &Options) -> Result<Self, Rule>;
    fn open(options: &Options, negotiated: &Negotiated) -> Result<Self, Rule>;
    fn request_headers(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        now: Instant,
    ) -> Result<(), Rule>;
    fn response_headers(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Rule>;
    fn advance(
        &mut self,
        from: Role,
        skipped: u64,
        input: &[u8],
        now: Instant,
    ) -> Result<Stepped, Rule>;
    fn pass_header(
        &mut self,
        from: Role,
        skipped: u64,
        header: &[u8],
        now: Instant,
    ) -> Option<(usize, u64)>;
    /// Passes a whole message by its header, and returns the length of its frame.
    fn pass_message(&mut self, from: Role, input: &[u8], now: Instant) -> Option<usize>;
    fn handle_timeout(&mut self, now: Instant);
    fn end_of_input(&mut self, from: Role, now: Instant);
    fn close(&mut self, code: u16, reason: &str, now: Instant) -> Result<(), Rule>;
    fn ping(&mut self, to: Role, now: Instant) -> Result<(), Rule>;
    fn insert(&mut self, to: Role, payload: &[u8], is_text: bool, now: Instant)
    -> Result<(), Rule>;
    fn decide(&mut self, from: Role, goes_on: bool, now: Instant) -> Result<(), Rule>;
    fn pause_reading(&mut self, from: Role, now: Instant);
    fn resume_reading(&mut self, from: Role, now: Instant);
    fn output_blocked(&mut self, to: Role, now: Instant);
    fn output_taken(&mut self, to: Role, now: Instant);

    fn forward_to(&self, from: Role) -> u64;
    fn take_edits(&mut self, from: Role) -> Vec<Edit>;
    fn end(&self, from: Role) -> End;
    fn is_final(&self, from: Role) -> bool;
    fn is_at_boundary(&self, from: Role) -> bool;
    fn state(&self) -> State;
    fn failure(&self) -> Option<(Role, Failure)>;
    fn next_deadline(&self) -> Option<Instant>;
    fn request(&mut self) -> Option<RequestHead>;
    fn response(&mut self) -> Option<ResponseHead>;
    fn negotiated(&mut self) -> Option<Negotiated>;
    fn close_code(&mut self, from: Role) -> Option<u16>;
    fn close_sent(&mut self, to: Role) -> Option<u16>;
    /// Frames, messages, bytes.
    fn traffic(&mut self, from: Role) -> (u64, u64, u64);
    fn memory(&mut self) -> usize;
    fn park(&mut self) -> Option<Parked>;
    fn resume(&mut self, parked: &Parked) -> Result<(), Rule>;
}

/// The engine as a Rust crate.
pub struct Native(Inspector);

impl Inspects for Native {
    fn new(options: &Options) -> Result<Self, Rule> {
        Inspector::new(*options, &ENTROPY, START).map(Native)
    }

    fn open(options: &Options, negotiated: &Negotiated) -> Result<Self, Rule> {
        Inspector::open(*options, &ENTROPY, negotiated, START).map(Native)
    }

    fn request_headers(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        now: Instant,
    ) -> Result<(), Rule> {
        self.0.request_headers(kind, headers, now)
    }

    fn response_headers(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Rule> {
        self.0.response_headers(status, headers, now).cloned()
    }

    fn advance(
        &mut self,
        from: Role,
        skipped: u64,
        input: &[u8],
        now: Instant,
    ) -> Result<Stepped, Rule> {
        let mut input = input.to_vec();
        let step = self.0.advance(from, skipped, &mut input, now)?;
        Ok(Stepped {
            consumed: step.consumed,
            skippable: step.skippable,
            more: step.more,
            saw: step.seen().map(owned).collect(),
        })
    }

    fn pass_header(
        &mut self,
        from: Role,
        skipped: u64,
        header: &[u8],
        now: Instant,
    ) -> Option<(usize, u64)> {
        self.0.pass_header(from, skipped, header, now)
    }

    fn pass_message(&mut self, from: Role, input: &[u8], now: Instant) -> Option<usize> {
        let whole = wire::frame_length(input)?;
        let (header, payload) = self.0.pass_message(from, input, now)?;
        assert_eq!(header + payload, whole, "another frame");
        Some(whole)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn end_of_input(&mut self, from: Role, now: Instant) {
        self.0.end_of_input(from, now);
    }

    fn close(&mut self, code: u16, reason: &str, now: Instant) -> Result<(), Rule> {
        self.0.close(code, reason.as_bytes(), now)
    }

    fn ping(&mut self, to: Role, now: Instant) -> Result<(), Rule> {
        self.0.ping(to, now)
    }

    fn insert(
        &mut self,
        to: Role,
        payload: &[u8],
        is_text: bool,
        now: Instant,
    ) -> Result<(), Rule> {
        self.0.insert(to, payload, is_text, now)
    }

    fn decide(&mut self, from: Role, goes_on: bool, now: Instant) -> Result<(), Rule> {
        self.0.decide(from, goes_on, now)
    }

    fn pause_reading(&mut self, from: Role, now: Instant) {
        self.0.pause_reading(from, now);
    }

    fn resume_reading(&mut self, from: Role, now: Instant) {
        self.0.resume_reading(from, now);
    }

    fn output_blocked(&mut self, to: Role, now: Instant) {
        self.0.output_blocked(to, now);
    }

    fn output_taken(&mut self, to: Role, now: Instant) {
        self.0.output_taken(to, now);
    }

    fn forward_to(&self, from: Role) -> u64 {
        self.0.forward_to(from)
    }

    fn take_edits(&mut self, from: Role) -> Vec<Edit> {
        self.0.take_edits(from).collect()
    }

    fn end(&self, from: Role) -> End {
        self.0.end(from)
    }

    fn is_final(&self, from: Role) -> bool {
        self.0.is_final(from)
    }

    fn is_at_boundary(&self, from: Role) -> bool {
        self.0.is_at_boundary(from)
    }

    fn state(&self) -> State {
        self.0.state()
    }

    fn failure(&self) -> Option<(Role, Failure)> {
        self.0.failure()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.0.next_deadline()
    }

    fn request(&mut self) -> Option<RequestHead> {
        self.0.request().cloned()
    }

    fn response(&mut self) -> Option<ResponseHead> {
        self.0.response().cloned()
    }

    fn negotiated(&mut self) -> Option<Negotiated> {
        self.0.negotiated().cloned()
    }

    fn close_code(&mut self, from: Role) -> Option<u16> {
        self.0.close_code(from)
    }

    fn close_sent(&mut self, to: Role) -> Option<u16> {
        self.0.close_sent(to)
    }

    fn traffic(&mut self, from: Role) -> (u64, u64, u64) {
        let traffic = self.0.traffic(from);
        (traffic.frames, traffic.messages, traffic.bytes)
    }

    fn memory(&mut self) -> usize {
        self.0.memory()
    }

    fn park(&mut self) -> Option<Parked> {
        self.0.park()
    }

    fn resume(&mut self, parked: &Parked) -> Result<(), Rule> {
        self.0.resume(parked)
    }
}

/// Makes of each function `name`, which is generic over what [`Inspects`], the tests `native::name` and
/// `component::name`.
#[macro_export]
macro_rules! on_both_inspectors {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name::<$crate::inspected::Native>(); })*
        }
        #[cfg(feature = "component")]
        mod component {
            $(#[test] fn $name() { super::$name::<$crate::SandboxedInspector>(); })*
        }
    };
}
