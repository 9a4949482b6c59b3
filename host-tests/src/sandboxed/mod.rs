//! The component in its sandbox, through websocket-host.

mod from_contract;
mod inspected;
mod relay;
mod to_contract;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{
    ActionId, ActionQueue, Completion, Config, IncomingPayload, Instant, Message, Outgoing, Role,
    State,
};
use websocket_host::{CallError, Guest, Sandbox, SandboxConfig, SandboxError, Session, protocol};

use crate::engine::{ActionIs, ENTROPY, Engine, ExchangeResult, Failure, Outcome, START};
use from_contract::FromContract;
pub use inspected::SandboxedInspector;
pub use relay::SandboxedRelay;
use to_contract::{Batch, all, compression, to_contract};

/// A session of the component, alone in its guest.
pub struct Sandboxed {
    guest: Guest,
    session: Session,
}

/// Where the component is: what `WEBSOCKET_COMPONENT` says, or where `cargo xtask component` puts it.
#[must_use]
pub fn component_path() -> PathBuf {
    match std::env::var_os("WEBSOCKET_COMPONENT") {
        Some(path) => path.into(),
        None => concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../target/component/websocket.wasm"
        )
        .into(),
    }
}

/// The sandbox that all tests of a process share.
///
/// # Panics
///
/// If there is no component.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let config = SandboxConfig {
            // Time is the wall's, and the machine is busy with other tests.
            call_time: Duration::from_secs(60),
            ..SandboxConfig::default()
        };
        let path = component_path();
        Sandbox::load(&path, config).unwrap_or_else(|error| {
            panic!("{error}\nrun `cargo xtask component`, or set WEBSOCKET_COMPONENT")
        })
    })
}

impl Sandboxed {
    /// How many bytes of memory the guest has.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.guest.memory()
    }

    /// The batched call, whose outcome may be the end of the guest.
    ///
    /// # Errors
    ///
    /// What ended the guest.
    pub fn try_exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
    ) -> Result<ExchangeResult, SandboxError> {
        let batch = Batch::new(outgoing);
        let now = now.as_nanos();
        let result = self.guest.exchange(
            &self.session,
            input,
            &batch.records,
            &batch.payload,
            now,
            capacity,
        )?;
        Ok(ExchangeResult::from_contract(result))
    }

    /// A session that starts open, in a guest of another sandbox.
    ///
    /// # Errors
    ///
    /// The rule that the configuration breaks.
    pub fn open_in(
        sandbox: &Sandbox,
        role: Role,
        config: &Config,
        negotiated: &Negotiated,
    ) -> Result<Self, Failure> {
        let negotiated = to_contract(negotiated);
        let now = START.as_nanos();
        Sandboxed::make_in(sandbox, |guest| match role {
            Role::Client => guest.open_client(config, &ENTROPY, &negotiated, now),
            Role::Server => guest.open_server(config, &negotiated, now),
        })
    }

    fn send_as(
        &mut self,
        message: Message<'_>,
        compress: bool,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        let (message, compression) = (to_contract(&message), compression(compress));
        let (session, now) = (&self.session, now.as_nanos());
        outcome(
            self.guest
                .send(session, &message, compression, context, now),
        )
    }

    fn make_in(
        sandbox: &Sandbox,
        make: impl FnOnce(&mut Guest) -> Result<Session, CallError>,
    ) -> Result<Self, Failure> {
        let mut guest = sandbox.guest().expect("the pool has room");
        let session = outcome(make(&mut guest))?;
        Ok(Sandboxed { guest, session })
    }

    fn make(make: impl FnOnce(&mut Guest) -> Result<Session, CallError>) -> Result<Self, Failure> {
        Sandboxed::make_in(sandbox(), make)
    }
}

/// A broken rule is what tests are about; the end of a guest is not.
#[track_caller]
fn outcome<T>(result: Result<T, CallError>) -> Result<T, Failure> {
    result.map_err(|error| match error {
        CallError::Failure(failure) => Failure::from_contract(*failure),
        CallError::Sandbox(error) => panic!("the guest ended: {error}"),
    })
}

#[track_caller]
fn answer<T>(result: Result<T, SandboxError>) -> T {
    result.unwrap_or_else(|error| panic!("the guest ended: {error}"))
}

impl Engine for Sandboxed {
    type Relay = SandboxedRelay;

    const NAME: &'static str = "component";

    fn client(config: &Config, entropy: &[u8], now: Instant) -> Result<Self, Failure> {
        Sandboxed::make(|guest| guest.client(config, entropy, now.as_nanos()))
    }

    fn server(config: &Config, now: Instant) -> Result<Self, Failure> {
        Sandboxed::make(|guest| guest.server(config, now.as_nanos()))
    }

    fn open_client(
        config: &Config,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, Failure> {
        let negotiated = to_contract(negotiated);
        let now = now.as_nanos();
        Sandboxed::make(|guest| guest.open_client(config, entropy, &negotiated, now))
    }

    fn open_server(
        config: &Config,
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, Failure> {
        let negotiated = to_contract(negotiated);
        let now = now.as_nanos();
        Sandboxed::make(|guest| guest.open_server(config, &negotiated, now))
    }

    fn connect(&mut self, request: &Request, now: Instant) -> Result<(), Failure> {
        outcome(
            self.guest
                .connect(&self.session, &to_contract(request), now.as_nanos()),
        )
    }

    fn request(&mut self) -> Option<RequestHead> {
        answer(self.guest.request(&self.session)).map(RequestHead::from_contract)
    }

    fn response(&mut self) -> Option<ResponseHead> {
        answer(self.guest.response(&self.session)).map(ResponseHead::from_contract)
    }

    fn set_config(&mut self, config: &Config) -> Result<(), Failure> {
        outcome(self.guest.set_options(&self.session, config))
    }

    fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<Negotiated, Failure> {
        let negotiated = self
            .guest
            .accept(&self.session, &to_contract(acceptance), now.as_nanos());
        outcome(negotiated).map(Negotiated::from_contract)
    }

    fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Failure> {
        outcome(
            self.guest
                .refuse(&self.session, &to_contract(refusal), now.as_nanos()),
        )
    }

    fn begin_client_handshake(
        &mut self,
        kind: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        let fields = self.guest.begin_client_handshake(
            &self.session,
            to_contract(&kind),
            subprotocols,
            &all(extensions),
            &all(headers),
            now.as_nanos(),
        );
        outcome(fields).map(Vec::from_contract)
    }

    fn end_client_handshake(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Failure> {
        let negotiated =
            self.guest
                .end_client_handshake(&self.session, status, &all(headers), now.as_nanos());
        outcome(negotiated).map(Negotiated::from_contract)
    }

    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        let fields = self.guest.begin_server_handshake(
            &self.session,
            to_contract(&kind),
            &all(headers),
            &to_contract(acceptance),
            now.as_nanos(),
        );
        outcome(fields).map(Vec::from_contract)
    }

    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Failure> {
        outcome(
            self.guest
                .end_server_handshake(&self.session, now.as_nanos()),
        )
    }

    fn exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
    ) -> ExchangeResult {
        answer(self.try_exchange(input, outgoing, now, capacity))
    }

    fn begin_payload(&mut self, input: &[u8], now: Instant) -> Option<(usize, IncomingPayload)> {
        answer(
            self.guest
                .begin_payload(&self.session, input, now.as_nanos()),
        )
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Failure> {
        outcome(
            self.guest
                .payload_read(&self.session, payload, now.as_nanos()),
        )
    }

    fn end_of_input(&mut self, now: Instant) {
        answer(self.guest.end_of_input(&self.session, now.as_nanos()));
    }

    fn send(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        self.send_as(message, true, context, now)
    }

    fn send_uncompressed(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        self.send_as(message, false, context, now)
    }

    fn receive(&mut self, context: Option<u64>) -> Result<(), Failure> {
        outcome(self.guest.receive(&self.session, context))
    }

    fn get_action(&mut self, queue: ActionQueue, now: Instant) -> ActionIs {
        let queue = to_contract(&queue);
        let action = self.guest.get_action(&self.session, queue, now.as_nanos());
        ActionIs::from_contract(answer(action))
    }

    fn complete_action(
        &mut self,
        id: ActionId,
        completion: Completion<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        let completion = to_contract(&completion);
        let now = now.as_nanos();
        outcome(
            self.guest
                .complete_action(&self.session, id.0, &completion, now),
        )
    }

    fn abort(&mut self) {
        answer(self.guest.abort(&self.session));
    }

    fn state(&mut self) -> State {
        State::from_contract(answer(self.guest.state(&self.session)))
    }

    fn failure(&mut self) -> Option<Failure> {
        answer(self.guest.failure(&self.session)).map(Failure::from_contract)
    }

    fn outcome(&mut self) -> Option<Outcome> {
        answer(self.guest.outcome(&self.session)).map(Outcome::from_contract)
    }

    fn negotiated(&mut self) -> Option<Negotiated> {
        answer(self.guest.negotiated(&self.session)).map(Negotiated::from_contract)
    }

    fn output_blocked(&mut self, now: Instant) {
        answer(self.guest.output_blocked(&self.session, now.as_nanos()));
    }

    fn output_taken(&mut self, now: Instant) {
        answer(self.guest.output_taken(&self.session, now.as_nanos()));
    }

    fn pause_reading(&mut self, now: Instant) {
        answer(self.guest.pause_reading(&self.session, now.as_nanos()));
    }

    fn resume_reading(&mut self, now: Instant) {
        answer(self.guest.resume_reading(&self.session, now.as_nanos()));
    }

    fn has_more(&mut self) -> bool {
        answer(self.guest.has_more(&self.session))
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        answer(self.guest.next_deadline(&self.session)).map(Instant::from_nanos)
    }

    fn buffered_amount(&mut self) -> u64 {
        answer(self.guest.buffered_amount(&self.session))
    }

    fn round_trip_time(&mut self) -> Option<protocol::Duration> {
        answer(self.guest.round_trip_time(&self.session))
    }
}
