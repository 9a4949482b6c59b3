//! The engine as a Rust crate.

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{
    Action, ActionId, ActionQueue, Completion, Config, Event as Borrowed, Exchanged,
    IncomingPayload, Instant, Message, Outgoing, Role, Session, State,
};

use crate::engine::{
    ActionIs, Engine, Event, ExchangeResult, Failure, Outcome, Relay, RelayResult,
};

/// A session of the Rust crate, driven by its own methods.
pub struct Native {
    session: Session,
}

impl From<Session> for Native {
    fn from(session: Session) -> Self {
        Native { session }
    }
}

impl From<Exchanged<'_>> for ExchangeResult {
    fn from(exchanged: Exchanged<'_>) -> Self {
        ExchangeResult {
            consumed: exchanged.consumed,
            events: exchanged.events().map(Event::from).collect(),
            output: exchanged.output.to_vec(),
            accepted: exchanged.accepted,
            refused: exchanged.refused.map(Failure::from),
            more: exchanged.more,
            state: exchanged.state,
            next_deadline: exchanged.next_deadline,
            failure: exchanged.failure.map(Failure::from),
        }
    }
}

impl From<Borrowed<'_>> for Event {
    fn from(event: Borrowed<'_>) -> Self {
        match event {
            Borrowed::Request => Event::Request,
            Borrowed::Opened => Event::Opened,
            Borrowed::Text { payload, last } => Event::Text {
                payload: payload.into(),
                last,
            },
            Borrowed::Binary { payload, last } => Event::Binary {
                payload: payload.into(),
                last,
            },
            Borrowed::ExtensionFrame { bits, payload } => Event::ExtensionFrame {
                bits,
                payload: payload.into(),
            },
            Borrowed::Ping { payload } => Event::Ping(payload.into()),
            Borrowed::Pong {
                payload,
                round_trip,
            } => {
                let nanos = |time: std::time::Duration| time.as_nanos().try_into().unwrap();
                Event::Pong(payload.into(), round_trip.map(nanos))
            }
            Borrowed::Close { code, reason } => Event::Close(code, reason.into()),
            Borrowed::Sent { context } => Event::Sent(context),
            Borrowed::Cancelled { context } => Event::Cancelled(context),
            other => panic!("an event that tests don't know: {other:?}"),
        }
    }
}

/// Two sessions of the Rust crate.
pub struct NativeRelay {
    server: Native,
    client: Native,
}

impl NativeRelay {
    fn from(&mut self, role: Role) -> (&mut Native, &mut Native) {
        match role {
            Role::Server => (&mut self.server, &mut self.client),
            Role::Client => (&mut self.client, &mut self.server),
        }
    }
}

impl Relay for NativeRelay {
    fn open(server: &Config, client: &Config) -> Self {
        let open = |role, config| Native::open(role, config, &Negotiated::default()).unwrap();
        NativeRelay {
            server: open(Role::Server, server),
            client: open(Role::Client, client),
        }
    }

    fn half_open(server: &Config, client: &Config) -> Self {
        NativeRelay {
            server: Native::open(Role::Server, server, &Negotiated::default()).unwrap(),
            client: Native::new(Role::Client, client).unwrap(),
        }
    }

    fn relay(&mut self, from: Role, input: &[u8], now: Instant, capacity: u32) -> RelayResult {
        let (source, target) = self.from(from);
        let mut bytes = input.to_vec();
        let relayed = source
            .session
            .relay(&mut target.session, &mut bytes, now, capacity as usize);
        RelayResult {
            source: relayed.source.into(),
            target: relayed.target.into(),
            messages: relayed.messages,
            bytes: relayed.bytes,
        }
    }

    fn exchange(&mut self, of: Role, outgoing: &[Outgoing<'_>], now: Instant) -> ExchangeResult {
        let (session, _) = self.from(of);
        Engine::exchange(session, &[], outgoing, now, u32::MAX)
    }
}

impl Engine for Native {
    type Relay = NativeRelay;

    const NAME: &'static str = "native";

    fn client(config: &Config, entropy: &[u8], now: Instant) -> Result<Self, Failure> {
        Ok(Session::client(*config, entropy, now)?.into())
    }

    fn server(config: &Config, now: Instant) -> Result<Self, Failure> {
        Ok(Session::server(*config, now)?.into())
    }

    fn open_client(
        config: &Config,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, Failure> {
        let session = Session::open_client(*config, entropy, negotiated.clone(), now)?;
        Ok(session.into())
    }

    fn open_server(
        config: &Config,
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, Failure> {
        let session = Session::open_server(*config, negotiated.clone(), now)?;
        Ok(session.into())
    }

    fn connect(&mut self, request: &Request, now: Instant) -> Result<(), Failure> {
        Ok(self.session.connect(request, now)?)
    }

    fn request(&mut self) -> Option<RequestHead> {
        self.session.request().cloned()
    }

    fn response(&mut self) -> Option<ResponseHead> {
        self.session.response().cloned()
    }

    fn set_config(&mut self, config: &Config) -> Result<(), Failure> {
        Ok(self.session.set_config(*config)?)
    }

    fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<Negotiated, Failure> {
        Ok(self.session.accept(acceptance, now)?.clone())
    }

    fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Failure> {
        Ok(self.session.refuse(refusal, now)?)
    }

    fn begin_client_handshake(
        &mut self,
        kind: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        let session = &mut self.session;
        Ok(session.begin_client_handshake(kind, subprotocols, extensions, headers, now)?)
    }

    fn end_client_handshake(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Failure> {
        Ok(self
            .session
            .end_client_handshake(status, headers, now)?
            .clone())
    }

    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        Ok(self
            .session
            .begin_server_handshake(kind, headers, acceptance, now)?)
    }

    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Failure> {
        Ok(self.session.end_server_handshake(now)?)
    }

    fn exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
    ) -> ExchangeResult {
        let mut bytes = input.to_vec();
        let outgoing = outgoing.iter().copied();
        let exchanged = self
            .session
            .exchange(&mut bytes, outgoing, now, capacity as usize);
        let result = ExchangeResult::from(exchanged);
        let is_as_it_came = bytes.get(result.consumed..) == input.get(result.consumed..);
        assert!(is_as_it_came, "what is given again was changed");
        result
    }

    fn begin_payload(&mut self, input: &[u8], now: Instant) -> Option<(usize, IncomingPayload)> {
        let (header, payload) = self.session.begin_payload(input, now)?;
        // It goes into the sandbox and back as bits.
        Some((header, IncomingPayload::from_bits(payload.to_bits())))
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Failure> {
        Ok(self.session.payload_read(payload, now)?)
    }

    fn end_of_input(&mut self, now: Instant) {
        self.session.end_of_input(now);
    }

    fn send(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        Ok(self.session.send(message, context, now)?)
    }

    fn send_uncompressed(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        Ok(self.session.send_uncompressed(message, context, now)?)
    }

    fn receive(&mut self, context: Option<u64>) -> Result<(), Failure> {
        Ok(self.session.receive(context)?)
    }

    fn get_action(&mut self, queue: ActionQueue, now: Instant) -> ActionIs {
        match self.session.get_action(queue, now) {
            Action::NoAction => ActionIs::Nothing,
            Action::SendToNetwork(id, bytes) => ActionIs::SendToNetwork(id, bytes),
            Action::IndicateSendComplete(id, sent) => {
                ActionIs::SendComplete(id, sent.context, sent.complete)
            }
            Action::ReceiveFromNetwork(id, most) => ActionIs::ReceiveFromNetwork(id, most),
            Action::IndicateReceiveComplete(id, context, received) => {
                let event = received.map(|received| received.event().into());
                ActionIs::ReceiveComplete(id, context, event)
            }
            other => panic!("an action that tests don't know: {other:?}"),
        }
    }

    fn complete_action(
        &mut self,
        id: ActionId,
        completion: Completion<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        Ok(self.session.complete_action(id, completion, now)?)
    }

    fn abort(&mut self) {
        self.session.abort();
    }

    fn state(&mut self) -> State {
        self.session.state()
    }

    fn failure(&mut self) -> Option<Failure> {
        self.session.failure().map(Failure::from)
    }

    fn outcome(&mut self) -> Option<Outcome> {
        self.session.outcome().map(Outcome::from)
    }

    fn negotiated(&mut self) -> Option<Negotiated> {
        self.session.negotiated().cloned()
    }

    fn output_blocked(&mut self, now: Instant) {
        self.session.output_blocked(now);
    }

    fn output_taken(&mut self, now: Instant) {
        self.session.output_taken(now);
    }

    fn pause_reading(&mut self, now: Instant) {
        self.session.pause_reading(now);
    }

    fn resume_reading(&mut self, now: Instant) {
        self.session.resume_reading(now);
    }

    fn has_more(&mut self) -> bool {
        self.session.has_more()
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        self.session.next_deadline()
    }

    fn buffered_amount(&mut self) -> u64 {
        self.session.buffered_amount() as u64
    }

    fn round_trip_time(&mut self) -> Option<u64> {
        let time = self.session.round_trip_time()?;
        u64::try_from(time.as_nanos()).ok()
    }
}
