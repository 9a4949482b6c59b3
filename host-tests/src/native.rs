//! The engine as a Rust crate.

use websocket_component::handshake::{
    Acceptance, Extension, Form, Header, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};
use websocket_component::{
    Action, ActionId, ActionQueue, Completion, Config, Event as Lent, Instant, Message, Relayed,
    Role, Session, State,
};

use crate::engine::{ActionIs, Engine, Event, Failure, Outgoing, Relay, RelayTurns, Turn};

/// A session of the Rust crate, driven by its own methods.
pub struct Native(Session);

impl Native {
    /// What the session wants written, and where it is.
    fn hand_out(&mut self, mut turn: Turn, full: bool, now: Instant, capacity: usize) -> Turn {
        turn.output = self.0.take_output(capacity);
        turn.events.extend(self.sent());
        turn.state = self.0.state();
        turn.next_deadline = self.0.next_deadline();
        turn.failure = self.0.failure().map(Failure::from);
        let is_due = turn.next_deadline.is_some_and(|at| at <= now);
        let waits = full || is_due || self.0.buffered_amount() > 0;
        turn.more = waits && turn.state != State::Closed;
        turn
    }

    fn sent(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(sent) = self.0.sent() {
            if let (Some(context), true) = (sent.context, sent.complete) {
                events.push(Event::Sent(context));
            }
        }
        events
    }
}

impl From<Lent<'_>> for Event {
    fn from(event: Lent<'_>) -> Self {
        match event {
            Lent::Request => Event::Request,
            Lent::Opened => Event::Opened,
            Lent::Text { payload, last } => Event::Text {
                payload: payload.into(),
                last,
            },
            Lent::Binary { payload, last } => Event::Binary {
                payload: payload.into(),
                last,
            },
            Lent::Frame { bits, payload } => Event::Frame {
                bits,
                payload: payload.into(),
            },
            Lent::Ping { payload } => Event::Ping(payload.into()),
            Lent::Pong {
                payload,
                round_trip,
            } => {
                let nanos = |time: std::time::Duration| time.as_nanos().try_into().unwrap();
                Event::Pong(payload.into(), round_trip.map(nanos))
            }
            Lent::Close { code, reason } => Event::Close(code, reason.into()),
        }
    }
}

impl Event {
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Event::Text { payload, .. }
            | Event::Binary { payload, .. }
            | Event::Frame { payload, .. }
            | Event::Ping(payload)
            | Event::Pong(payload, _)
            | Event::Close(_, payload) => payload.len(),
            Event::Request | Event::Opened | Event::Sent(_) => 0,
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

    fn relay(&mut self, from: Role, input: &[u8], now: Instant, capacity: u32) -> RelayTurns {
        let capacity = (capacity as usize).max(1);
        let (source, target) = self.from(from);
        target.0.read_clock(now);
        let mut bytes = input.to_vec();
        let mut relayed = Relayed::default();
        let mut events = Vec::new();
        let mut refused = None;
        let mut turn = source.0.input(&mut bytes, now);
        loop {
            match turn.relay(&mut target.0, capacity, &mut relayed) {
                Ok(Some(event)) => events.push(event.into()),
                Ok(None) => break,
                Err(rule) => {
                    refused = Some(rule.into());
                    break;
                }
            }
        }
        let consumed = turn.consumed();
        let full = refused.is_some() || target.0.buffered_amount() >= capacity;
        let turn = Turn {
            consumed,
            events,
            ..Turn::default()
        };
        let source = source.hand_out(turn, full, now, capacity);
        let turn = Turn {
            refused,
            ..Turn::default()
        };
        RelayTurns {
            source,
            target: target.hand_out(turn, false, now, capacity),
            messages: relayed.messages,
            bytes: relayed.bytes,
        }
    }

    fn exchange(&mut self, of: Role, outgoing: &[Outgoing<'_>], now: Instant) -> Turn {
        let (session, _) = self.from(of);
        Engine::exchange(session, &[], outgoing, now, u32::MAX)
    }
}

impl Engine for Native {
    type Relay = NativeRelay;

    const NAME: &'static str = "native";

    fn client(config: &Config, entropy: &[u8]) -> Result<Self, Failure> {
        Ok(Native(Session::client(*config, entropy)?))
    }

    fn server(config: &Config) -> Result<Self, Failure> {
        Ok(Native(Session::server(*config)?))
    }

    fn open_client(
        config: &Config,
        entropy: &[u8],
        negotiated: &Negotiated,
    ) -> Result<Self, Failure> {
        let session = Session::open_client(*config, entropy, negotiated.clone())?;
        Ok(Native(session))
    }

    fn open_server(config: &Config, negotiated: &Negotiated) -> Result<Self, Failure> {
        let session = Session::open_server(*config, negotiated.clone())?;
        Ok(Native(session))
    }

    fn connect(&mut self, request: &Request) -> Result<(), Failure> {
        Ok(self.0.connect(request)?)
    }

    fn request(&mut self) -> Option<RequestHead> {
        self.0.request().cloned()
    }

    fn response(&mut self) -> Option<ResponseHead> {
        self.0.response().cloned()
    }

    fn accept(&mut self, acceptance: &Acceptance) -> Result<Negotiated, Failure> {
        Ok(self.0.accept(acceptance)?.clone())
    }

    fn refuse(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        Ok(self.0.refuse(refusal)?)
    }

    fn begin_client_handshake(
        &mut self,
        form: Form,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
    ) -> Result<Vec<Header>, Failure> {
        let session = &mut self.0;
        Ok(session.begin_client_handshake(form, subprotocols, extensions, headers)?)
    }

    fn end_client_handshake(
        &mut self,
        status: u16,
        headers: &[Header],
    ) -> Result<Negotiated, Failure> {
        Ok(self.0.end_client_handshake(status, headers)?.clone())
    }

    fn begin_server_handshake(
        &mut self,
        form: Form,
        headers: &[Header],
        acceptance: &Acceptance,
    ) -> Result<Vec<Header>, Failure> {
        Ok(self.0.begin_server_handshake(form, headers, acceptance)?)
    }

    fn end_server_handshake(&mut self) -> Result<(), Failure> {
        Ok(self.0.end_server_handshake()?)
    }

    fn exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
    ) -> Turn {
        let capacity = (capacity as usize).max(1);
        let mut accepted = 0;
        let mut refused = None;
        self.0.read_clock(now);
        for record in outgoing {
            let sent = if record.compress {
                self.0.send(record.message, record.context)
            } else {
                self.0.send_uncompressed(record.message, record.context)
            };
            if let Err(rule) = sent {
                refused = Some(rule.into());
                break;
            }
            accepted += 1;
        }
        let mut bytes = input.to_vec();
        let mut events: Vec<Event> = Vec::new();
        let mut held = 0;
        let mut full = false;
        let mut turn = self.0.input(&mut bytes, now);
        while let Some(event) = turn.next() {
            let event = Event::from(event);
            held += event.length();
            events.push(event);
            if held >= capacity {
                full = true;
                break;
            }
        }
        let turn = Turn {
            consumed: turn.consumed(),
            events,
            accepted,
            refused,
            ..Turn::default()
        };
        self.hand_out(turn, full, now, capacity)
    }

    fn end_of_input(&mut self, now: Instant) {
        self.0.tick(now);
        self.0.end_of_input();
    }

    fn send(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        self.0.tick(now);
        Ok(self.0.send(message, context)?)
    }

    fn send_uncompressed(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure> {
        self.0.tick(now);
        Ok(self.0.send_uncompressed(message, context)?)
    }

    fn receive(&mut self, context: Option<u64>) -> Result<(), Failure> {
        Ok(self.0.receive(context)?)
    }

    fn get_action(&mut self, queue: ActionQueue, now: Instant) -> ActionIs {
        match self.0.get_action(queue, now) {
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
        }
    }

    fn complete_action(
        &mut self,
        id: ActionId,
        completion: Completion<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        Ok(self.0.complete_action(id, completion, now)?)
    }

    fn abort(&mut self) {
        self.0.abort();
    }

    fn state(&mut self) -> State {
        self.0.state()
    }

    fn failure(&mut self) -> Option<Failure> {
        self.0.failure().map(Failure::from)
    }

    fn negotiated(&mut self) -> Option<Negotiated> {
        self.0.negotiated().cloned()
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        self.0.next_deadline()
    }

    fn buffered_amount(&mut self) -> u64 {
        self.0.buffered_amount() as u64
    }

    fn round_trip_time(&mut self) -> Option<u64> {
        let time = self.0.round_trip_time()?;
        u64::try_from(time.as_nanos()).ok()
    }

    fn default_config() -> Config {
        Config::default()
    }
}
