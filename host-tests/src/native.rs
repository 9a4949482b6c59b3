//! The engine as a Rust crate.

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{
    Action, ActionId, ActionQueue, Completion, Config, Event as Lent, Instant, Message, Relayed,
    Role, Rule, Session, State,
};

use crate::engine::{ActionIs, Engine, Event, Failure, Outgoing, Relay, RelayTurns, Turn};

/// A session of the Rust crate, driven by its own methods.
pub struct Native {
    session: Session,
    /// Messages of up to so many bytes are left in the input while they are cut.
    longest_left: usize,
}

impl From<Session> for Native {
    fn from(session: Session) -> Self {
        Native {
            session,
            longest_left: 0,
        }
    }
}

impl Native {
    /// Leaves messages of up to so many bytes in the input while they are cut.
    #[must_use]
    pub fn leaving(self, longest_left: usize) -> Self {
        Native {
            longest_left,
            ..self
        }
    }

    #[must_use]
    pub fn longest_left(&self) -> usize {
        self.longest_left
    }

    /// A turn in which nothing happens.
    fn refuse(&mut self, rule: Rule) -> Turn {
        Turn {
            refused: Some(rule.into()),
            state: self.session.state(),
            next_deadline: self.session.next_deadline(),
            failure: self.session.failure().map(Failure::from),
            ..Turn::default()
        }
    }

    /// What the session wants written, and where it is.
    fn hand_out(&mut self, mut turn: Turn, full: bool, now: Instant, capacity: usize) -> Turn {
        turn.output = self.session.take_output(capacity, now);
        turn.events.extend(self.sent());
        turn.state = self.session.state();
        turn.next_deadline = self.session.next_deadline();
        turn.failure = self.session.failure().map(Failure::from);
        let waits = full || self.session.has_more() || self.session.buffered_amount() > 0;
        turn.more = waits && turn.state != State::Closed;
        turn
    }

    fn sent(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(sent) = self.session.sent() {
            events.extend(sent.context.map(|context| match sent.complete {
                true => Event::Sent(context),
                false => Event::Cancelled(context),
            }));
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
            Lent::Frame { bits, payload } => Event::ExtensionFrame {
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
            | Event::ExtensionFrame { payload, .. }
            | Event::Ping(payload)
            | Event::Pong(payload, _)
            | Event::Close(_, payload) => payload.len(),
            Event::Request | Event::Opened | Event::Sent(_) | Event::Cancelled(_) => 0,
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

    fn relay(&mut self, from: Role, input: &[u8], now: Instant, capacity: u32) -> RelayTurns {
        let capacity = (capacity as usize).max(1);
        let (source, target) = self.from(from);
        if target.session.state() == State::Connecting {
            return RelayTurns {
                source: source.refuse(Rule::NotOpen),
                target: target.refuse(Rule::NotOpen),
                messages: 0,
                bytes: 0,
            };
        }
        let mut bytes = input.to_vec();
        let mut relayed = Relayed::default();
        let mut events = Vec::new();
        let mut refused = None;
        let mut turn = source.session.input(&mut bytes, now);
        loop {
            match turn.relay(&mut target.session, capacity, &mut relayed) {
                Ok(Some(event)) => events.push(event.into()),
                Ok(None) => break,
                Err(rule) => {
                    refused = Some(rule.into());
                    break;
                }
            }
        }
        let consumed = turn.consumed();
        let full = refused.is_some() || target.session.buffered_amount() >= capacity;
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

    fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<Negotiated, Failure> {
        Ok(self.session.accept(acceptance, now)?.clone())
    }

    fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Failure> {
        Ok(self.session.refuse(refusal, now)?)
    }

    fn begin_client_handshake(
        &mut self,
        form: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        let session = &mut self.session;
        Ok(session.begin_client_handshake(form, subprotocols, extensions, headers, now)?)
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
        form: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Failure> {
        Ok(self
            .session
            .begin_server_handshake(form, headers, acceptance, now)?)
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
    ) -> Turn {
        let capacity = (capacity as usize).max(1);
        let mut accepted = 0;
        let mut refused = None;
        for record in outgoing {
            let sent = if record.compress {
                self.session.send(record.message, record.context, now)
            } else {
                self.session
                    .send_uncompressed(record.message, record.context, now)
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
        let turn = self.session.input(&mut bytes, now);
        let mut turn = turn.leave_unfinished(self.longest_left);
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
        let is_as_it_came = bytes.get(turn.consumed..) == input.get(turn.consumed..);
        assert!(is_as_it_came, "what is given again was changed");
        self.hand_out(turn, full, now, capacity)
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

    fn default_config() -> Config {
        Config::default()
    }
}
