//! One session, on either engine.

use std::fmt::Debug;

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{
    ActionId, ActionQueue, Completion, Config, Fault, IncomingPayload, Initiator, Instant, Message,
    Outgoing, Role, Rule, RuleGroup, State,
};

/// A session of an implementation of the engine. The methods are those of the contract (`wit/session.wit`).
///
/// A call that the sandbox can't complete panics: these tests never expect that.
pub trait Engine: Sized {
    /// Two sessions of it that know each other.
    type Relay: Relay;

    /// What test output calls it.
    const NAME: &'static str;

    fn client(config: &Config, entropy: &[u8], now: Instant) -> Result<Self, Failure>;
    fn server(config: &Config, now: Instant) -> Result<Self, Failure>;
    fn open_client(
        config: &Config,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Self, Failure>;
    fn open_server(config: &Config, negotiated: &Negotiated, now: Instant)
    -> Result<Self, Failure>;

    fn connect(&mut self, request: &Request, now: Instant) -> Result<(), Failure>;
    fn request(&mut self) -> Option<RequestHead>;
    fn response(&mut self) -> Option<ResponseHead>;
    fn set_config(&mut self, config: &Config) -> Result<(), Failure>;
    fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<Negotiated, Failure>;
    fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Failure>;

    fn begin_client_handshake(
        &mut self,
        kind: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, Failure>;
    fn end_client_handshake(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Failure>;
    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Failure>;
    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Failure>;

    fn exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
    ) -> ExchangeResult;
    fn begin_payload(&mut self, input: &[u8], now: Instant) -> Option<(usize, IncomingPayload)>;
    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Failure>;
    fn end_of_input(&mut self, now: Instant);
    fn send(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure>;
    fn send_uncompressed(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Failure>;
    fn receive(&mut self, context: Option<u64>) -> Result<(), Failure>;
    fn get_action(&mut self, queue: ActionQueue, now: Instant) -> ActionIs;
    fn complete_action(
        &mut self,
        id: ActionId,
        completion: Completion<'_>,
        now: Instant,
    ) -> Result<(), Failure>;
    fn abort(&mut self);

    fn state(&mut self) -> State;
    fn failure(&mut self) -> Option<Failure>;
    fn outcome(&mut self) -> Option<Outcome>;
    fn negotiated(&mut self) -> Option<Negotiated>;
    fn output_blocked(&mut self, now: Instant);
    fn output_taken(&mut self, now: Instant);
    fn pause_reading(&mut self, now: Instant);
    fn resume_reading(&mut self, now: Instant);
    fn has_more(&mut self) -> bool;
    fn next_deadline(&mut self) -> Option<Instant>;
    fn buffered_amount(&mut self) -> u64;
    /// In nanoseconds.
    fn round_trip_time(&mut self) -> Option<u64>;

    /// A session of either role that starts open.
    fn open(role: Role, config: &Config, negotiated: &Negotiated) -> Result<Self, Failure> {
        match role {
            Role::Client => Self::open_client(config, &ENTROPY, negotiated, START),
            Role::Server => Self::open_server(config, negotiated, START),
        }
    }

    /// A session of either role before its handshake.
    fn new(role: Role, config: &Config) -> Result<Self, Failure> {
        match role {
            Role::Client => Self::client(config, &ENTROPY, START),
            Role::Server => Self::server(config, START),
        }
    }
}

/// A server's session and a client's that start open, between which messages are relayed.
pub trait Relay: Sized {
    fn open(server: &Config, client: &Config) -> Self;

    /// The server is open, and the client has yet to connect.
    fn half_open(server: &Config, client: &Config) -> Self;

    /// Relays what `from` receives to the other session.
    fn relay(&mut self, from: Role, input: &[u8], now: Instant, capacity: u32) -> RelayResult;

    fn exchange(&mut self, of: Role, outgoing: &[Outgoing<'_>], now: Instant) -> ExchangeResult;
}

/// When sessions are made in tests where it doesn't matter: not at the clock's origin.
pub const START: Instant = Instant::from_nanos(7_000_000_000);

/// What clients get in tests where it doesn't matter.
pub const ENTROPY: [u8; 32] = [0x5a; 32];

/// Both roles, for rules that hold for both.
pub const ROLES: [Role; 2] = Role::BOTH;

/// A broken rule with its details. Two are equal if they describe the rule equally; the details of the case are
/// compared where they matter.
#[derive(Clone, Debug, Eq)]
pub struct Failure {
    pub rule: Rule,
    pub fault: Fault,
    pub group: RuleGroup,
    pub section: String,
    pub description: String,
    pub close_code: Option<u16>,
    pub status: Option<u16>,
    pub offset: Option<u64>,
    pub limit: Option<u64>,
    pub value: Option<u64>,
}

/// Where in the input a rule was broken, the limit, and the value beyond it.
pub type Case = (Option<u64>, Option<u64>, Option<u64>);

impl Failure {
    /// Where in the input, the limit, and the value beyond it.
    #[must_use]
    pub fn case(&self) -> Case {
        (self.offset, self.limit, self.value)
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        let of_rule = |failure: &Failure| {
            let Failure {
                rule,
                fault,
                group,
                close_code,
                status,
                ..
            } = *failure;
            (rule, fault, group, close_code, status)
        };
        of_rule(self) == of_rule(other)
            && self.section == other.section
            && self.description == other.description
    }
}

impl From<Rule> for Failure {
    fn from(rule: Rule) -> Self {
        websocket_component::Failure::from(rule).into()
    }
}

impl From<websocket_component::Failure> for Failure {
    fn from(failure: websocket_component::Failure) -> Self {
        let rule = failure.rule;
        Failure {
            rule,
            fault: rule.fault(),
            group: rule.group(),
            section: rule.section().into(),
            description: rule.description().into(),
            close_code: rule.close_code(),
            status: rule.status(),
            offset: failure.offset,
            limit: failure.limit,
            value: failure.value,
        }
    }
}

/// How a session has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub clean: bool,
    pub initiator: Option<Initiator>,
    pub sent: Option<u16>,
    pub received: Option<u16>,
    pub failure: Option<Failure>,
}

impl From<websocket_component::Outcome> for Outcome {
    fn from(outcome: websocket_component::Outcome) -> Self {
        Outcome {
            clean: outcome.clean,
            initiator: outcome.initiator,
            sent: outcome.sent,
            received: outcome.received,
            failure: outcome.failure.map(Failure::from),
        }
    }
}

/// The rule that a call broke.
///
/// # Panics
///
/// If it broke none.
#[track_caller]
pub fn rule<T: Debug>(result: Result<T, Failure>) -> Rule {
    result.expect_err("a rule is broken").rule
}

/// What was received, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Request,
    Opened,
    Text {
        payload: Vec<u8>,
        last: bool,
    },
    Binary {
        payload: Vec<u8>,
        last: bool,
    },
    ExtensionFrame {
        bits: u8,
        payload: Vec<u8>,
    },
    Ping(Vec<u8>),
    /// With the round-trip time in nanoseconds, if it answers a ping.
    Pong(Vec<u8>, Option<u64>),
    Close(u16, Vec<u8>),
    Sent(u64),
    Cancelled(u64),
}

impl Event {
    /// A text message that is whole.
    #[must_use]
    pub fn text(text: impl AsRef<[u8]>) -> Event {
        let payload = text.as_ref().to_vec();
        Event::Text {
            payload,
            last: true,
        }
    }

    /// A binary message that is whole.
    #[must_use]
    pub fn binary(bytes: impl AsRef<[u8]>) -> Event {
        let payload = bytes.as_ref().to_vec();
        Event::Binary {
            payload,
            last: true,
        }
    }

    #[must_use]
    pub fn close(code: u16, reason: &str) -> Event {
        Event::Close(code, reason.into())
    }

    /// How many bytes it has.
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

/// Pieces of one message put together: what a host that takes pieces has at the end of each message, or so far.
#[must_use]
pub fn joined(events: &[Event]) -> Vec<Event> {
    let mut joined: Vec<Event> = Vec::new();
    for event in events {
        match (joined.last_mut(), event) {
            (
                Some(Event::Text { payload, last }),
                Event::Text {
                    payload: more,
                    last: ends,
                },
            )
            | (
                Some(Event::Binary { payload, last }),
                Event::Binary {
                    payload: more,
                    last: ends,
                },
            ) if !*last => {
                payload.extend_from_slice(more);
                *last = *ends;
            }
            _ => joined.push(event.clone()),
        }
    }
    joined
}

/// The result of an exchange, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeResult {
    pub consumed: usize,
    pub events: Vec<Event>,
    pub output: Vec<u8>,
    pub accepted: usize,
    pub refused: Option<Failure>,
    pub more: bool,
    pub state: State,
    pub next_deadline: Option<Instant>,
    pub failure: Option<Failure>,
}

impl Default for ExchangeResult {
    /// Of an open session in which nothing happens.
    fn default() -> Self {
        ExchangeResult {
            consumed: 0,
            events: Vec::new(),
            output: Vec::new(),
            accepted: 0,
            refused: None,
            more: false,
            state: State::Open,
            next_deadline: None,
            failure: None,
        }
    }
}

/// The results of a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayResult {
    pub source: ExchangeResult,
    pub target: ExchangeResult,
    pub messages: u64,
    pub bytes: u64,
}

/// What the host has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionIs {
    Nothing,
    SendToNetwork(ActionId, Vec<u8>),
    /// The context, and whether all was written.
    SendComplete(ActionId, Option<u64>, bool),
    ReceiveFromNetwork(ActionId, usize),
    /// The context, and what came, unless it was cancelled.
    ReceiveComplete(ActionId, Option<u64>, Option<Event>),
}
