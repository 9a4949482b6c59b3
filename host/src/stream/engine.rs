//! The engines that a stream can use.

use std::sync::Arc;

use websocket_component::handshake::{
    Acceptance, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};
use websocket_component::{
    Config, EventRecord, Failure, FrameHeader, IncomingPayload, Outgoing, State,
};

use super::error::Error;
use crate::clock::Instant;
use crate::error::SandboxError;

/// The engine that runs the protocol of a connection. All functions of this module take any of them.
///
/// | engine | where the session runs | what a failed guest ends |
/// |---|---|---|
/// | [`Sandbox`](crate::Sandbox) | in a guest for each connection | this connection |
/// | [`Guests`](crate::Guests) | in a guest that several connections share | all connections in that guest |
/// | [`Native`](crate::Native) | in the program, without a sandbox | |
pub trait Engine: Send + Sync {
    /// Creates the endpoint of a connection.
    #[doc(hidden)]
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error>;
}

impl<E: Engine + ?Sized> Engine for &E {
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
        (**self).endpoint(made, config, now)
    }
}

/// For an engine that is chosen at run time: `Arc<dyn Engine>`.
impl<E: Engine + ?Sized> Engine for Arc<E> {
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
        (**self).endpoint(made, config, now)
    }
}

/// An endpoint of any engine. It seals [`Engine`]: only this crate can create one.
pub struct Boxed(pub(super) Box<dyn Endpoint>);

/// What kind of endpoint to create.
pub enum Made<'a> {
    /// A client, with its entropy.
    Client(&'a [u8]),
    /// A server.
    Server,
    /// A client whose handshake is complete.
    OpenClient(&'a [u8], &'a Negotiated),
    /// A server whose handshake is complete.
    OpenServer(&'a Negotiated),
}

/// Takes the results of an exchange: first what was received, once, then the output.
pub(super) trait Take {
    fn receive(&mut self, received: Received<'_>);
    fn write(&mut self, output: &[u8]);
}

/// Received events, and the bytes that they point into.
pub(super) struct Received<'a> {
    pub(super) records: &'a [EventRecord],
    pub(super) payload: &'a [u8],
}

/// The other results of an exchange, as in [`websocket_component::Exchanged`].
pub(super) struct Exchanged {
    pub(super) consumed: usize,
    pub(super) accepted: usize,
    pub(super) refused: Option<Failure>,
    pub(super) more: bool,
    pub(super) state: State,
    pub(super) next_deadline: Option<Instant>,
    pub(super) failure: Option<Failure>,
}

/// One side of a connection: a [`Session`](websocket_component::Session), wherever it runs.
///
/// Its functions are those of the session. Their errors are [`Error::Failure`], a rule that was broken, and
/// [`Error::Sandbox`], the end of the guest.
pub(super) trait Endpoint: Send + Sync {
    /// Queues messages, and processes input, which may be unmasked in place.
    fn exchange(
        &mut self,
        input: &mut [u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
        take: &mut dyn Take,
    ) -> Result<Exchanged, SandboxError>;

    fn frame_header(
        &mut self,
        is_text: bool,
        is_last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, Error>;

    fn begin_payload(
        &mut self,
        input: &[u8],
        now: Instant,
    ) -> Result<Option<(usize, IncomingPayload)>, SandboxError>;

    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Error>;

    /// Reports whether the transport took some of the output, and whether it is blocked now.
    fn output_moved(
        &mut self,
        taken: bool,
        blocked: bool,
        now: Instant,
    ) -> Result<(), SandboxError>;

    fn end_of_input(&mut self, now: Instant) -> Result<(), SandboxError>;

    fn next_deadline(&mut self) -> Result<Option<Instant>, SandboxError>;

    fn connect(&mut self, request: Request, now: Instant) -> Result<(), Error>;

    fn response(&mut self) -> Result<Option<ResponseHead>, Error>;

    fn request(&mut self) -> Result<Option<RequestHead>, Error>;

    fn accept(&mut self, acceptance: Acceptance, now: Instant) -> Result<Negotiated, Error>;

    fn refuse(&mut self, refusal: Refusal, now: Instant) -> Result<(), Error>;

    fn negotiated(&mut self) -> Result<Option<Negotiated>, Error>;

    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        fields: Vec<Header>,
        acceptance: Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Error>;

    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Error>;

    /// Ends the endpoint because it broke the contract, and returns the error.
    fn broken(&mut self, reason: &str) -> SandboxError;

    /// Whether the guest has ended, so that it can't be called any more.
    fn is_gone(&mut self) -> bool;
}
