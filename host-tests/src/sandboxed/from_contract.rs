//! What the contract says, in the types that tests compare.

use std::time::Duration;

use websocket_component::handshake::{Extension, Header, Negotiated, RequestHead, ResponseHead};
use websocket_component::{
    ActionId, Config, Deflate, Delivery, Fault, Instant, PongPolicy, Rule, RuleGroup, State,
};
use websocket_host::protocol::{self, Kind};

use crate::engine::{ActionIs, Event, Failure, RelayTurns, Turn};

/// A value of the contract's as its counterpart.
pub(super) trait FromContract<Contract> {
    fn from_contract(value: Contract) -> Self;
}

impl<C, T: FromContract<C>> FromContract<Vec<C>> for Vec<T> {
    fn from_contract(values: Vec<C>) -> Self {
        values.into_iter().map(T::from_contract).collect()
    }
}

impl FromContract<protocol::Rule> for Rule {
    /// By its name: the names are the same, which is tested.
    fn from_contract(rule: protocol::Rule) -> Self {
        let name = format!("{rule:?}");
        let name = name.rsplit(':').next().unwrap_or_default();
        let known = Rule::ALL.iter().find(|rule| format!("{rule:?}") == name);
        *known.unwrap_or_else(|| panic!("{name} is no rule of the engine"))
    }
}

impl FromContract<protocol::Failure> for Failure {
    fn from_contract(failure: protocol::Failure) -> Self {
        Failure {
            rule: Rule::from_contract(failure.rule),
            fault: match failure.fault {
                protocol::Fault::Peer => Fault::Peer,
                protocol::Fault::Host => Fault::Host,
                protocol::Fault::Transport => Fault::Transport,
            },
            group: match failure.group {
                protocol::RuleGroup::InvalidOperation => RuleGroup::InvalidOperation,
                protocol::RuleGroup::InvalidFormat => RuleGroup::InvalidFormat,
                protocol::RuleGroup::UnsupportedExtensions => RuleGroup::UnsupportedExtensions,
                protocol::RuleGroup::UnsupportedSubprotocol => RuleGroup::UnsupportedSubprotocol,
                protocol::RuleGroup::UnsupportedVersion => RuleGroup::UnsupportedVersion,
            },
            section: failure.section,
            description: failure.description,
            close_code: failure.close_code,
            status: failure.status,
        }
    }
}

impl FromContract<protocol::State> for State {
    fn from_contract(state: protocol::State) -> Self {
        match state {
            protocol::State::Connecting => State::Connecting,
            protocol::State::Open => State::Open,
            protocol::State::Closing => State::Closing,
            protocol::State::Closed => State::Closed,
        }
    }
}

impl FromContract<protocol::Header> for Header {
    fn from_contract(header: protocol::Header) -> Self {
        Header::new(header.name, header.value)
    }
}

impl FromContract<protocol::Extension> for Extension {
    fn from_contract(extension: protocol::Extension) -> Self {
        Extension {
            name: extension.name,
            parameters: extension.parameters,
        }
    }
}

impl FromContract<protocol::Negotiated> for Negotiated {
    fn from_contract(negotiated: protocol::Negotiated) -> Self {
        Negotiated {
            subprotocol: negotiated.subprotocol,
            extensions: Vec::from_contract(negotiated.extensions),
        }
    }
}

impl FromContract<protocol::RequestHead> for RequestHead {
    fn from_contract(head: protocol::RequestHead) -> Self {
        RequestHead {
            method: head.method,
            target: head.target,
            authority: head.authority,
            subprotocols: head.subprotocols,
            extensions: Vec::from_contract(head.extensions),
            headers: Vec::from_contract(head.headers),
            violation: head
                .violation
                .map(|failure| Rule::from_contract(failure.rule)),
            tolerated: Vec::from_contract(head.tolerated),
        }
    }
}

impl FromContract<protocol::ResponseHead> for ResponseHead {
    fn from_contract(head: protocol::ResponseHead) -> Self {
        ResponseHead {
            status: head.status,
            reason: head.reason,
            headers: Vec::from_contract(head.headers),
            body: head.body,
            body_complete: head.body_complete,
        }
    }
}

impl FromContract<websocket_host::Turn<'_>> for Turn {
    fn from_contract(turn: websocket_host::Turn<'_>) -> Self {
        let events = turn.events.iter();
        Turn {
            consumed: turn.consumed,
            events: events
                .map(|event| self::event(event.kind, turn.bytes(event).into(), event.detail))
                .collect(),
            output: turn.output.into(),
            accepted: turn.accepted,
            refused: turn.refused.map(Failure::from_contract),
            more: turn.more,
            state: State::from_contract(turn.state),
            next_deadline: turn.next_deadline.map(Instant::from_nanos),
            failure: turn.failure.map(Failure::from_contract),
        }
    }
}

impl FromContract<websocket_host::RelayTurns<'_>> for RelayTurns {
    fn from_contract(turns: websocket_host::RelayTurns<'_>) -> Self {
        RelayTurns {
            source: Turn::from_contract(turns.source),
            target: Turn::from_contract(turns.target),
            messages: turns.messages,
            bytes: turns.bytes,
        }
    }
}

fn event(kind: Kind, payload: Vec<u8>, detail: u64) -> Event {
    let narrow = |detail: u64| u16::try_from(detail).expect("the detail of a close is a code");
    match kind {
        Kind::Text | Kind::TextFragment => Event::Text {
            payload,
            last: kind == Kind::Text,
        },
        Kind::Binary | Kind::BinaryFragment => Event::Binary {
            payload,
            last: kind == Kind::Binary,
        },
        Kind::Ping => Event::Ping(payload),
        Kind::Pong => Event::Pong(payload, (detail != u64::MAX).then_some(detail)),
        Kind::Close => Event::Close(narrow(detail), payload),
        Kind::ExtensionFrame => Event::ExtensionFrame {
            bits: u8::try_from(detail).expect("the detail of a frame is a byte"),
            payload,
        },
        Kind::Request => Event::Request,
        Kind::Opened => Event::Opened,
        Kind::Sent => Event::Sent(detail),
        Kind::Cancelled => Event::Cancelled(detail),
    }
}

impl FromContract<protocol::Action> for ActionIs {
    fn from_contract(action: protocol::Action) -> Self {
        use protocol::Action;
        match action {
            Action::NoAction => ActionIs::Nothing,
            Action::SendToNetwork((id, bytes)) => ActionIs::SendToNetwork(ActionId(id), bytes),
            Action::IndicateSendComplete((id, context, complete)) => {
                ActionIs::SendComplete(ActionId(id), context, complete)
            }
            Action::ReceiveFromNetwork((id, most)) => {
                ActionIs::ReceiveFromNetwork(ActionId(id), most as usize)
            }
            Action::IndicateReceiveComplete((id, context, received)) => {
                let received = received
                    .map(|received| event(received.kind, received.payload, received.detail));
                ActionIs::ReceiveComplete(ActionId(id), context, received)
            }
        }
    }
}

impl FromContract<protocol::Config> for Config {
    fn from_contract(contract: protocol::Config) -> Self {
        let span = |nanos: Option<u64>| nanos.map(Duration::from_nanos);
        let mut config = Config::default();
        config.receive_buffer = contract.receive_buffer;
        config.max_whole_frame = contract.max_whole_frame;
        config.send_buffer = contract.send_buffer;
        config.masking = contract.masking;
        config.verify_utf8 = contract.verify_utf8;
        config.delivery = match contract.delivery {
            protocol::Delivery::Messages => Delivery::Messages,
            protocol::Delivery::Streaming => Delivery::Streaming,
        };
        config.pongs = match contract.pongs {
            protocol::PongPolicy::Each => PongPolicy::Each,
            protocol::PongPolicy::Latest => PongPolicy::Latest,
            protocol::PongPolicy::Manual => PongPolicy::Manual,
        };
        config.report_control_frames = contract.report_control_frames;
        config.reply_to_close = contract.reply_to_close;
        config.close_on_failure = contract.close_on_failure;
        config.expose_invalid_requests = contract.expose_invalid_requests;
        config.allow_malformed_host = contract.allow_malformed_host;
        config.allow_http10_response = contract.allow_http10_response;
        config.deflate = contract.deflate.map(deflate);
        config.limits.head = contract.limits.head;
        config.limits.refusal_body = contract.limits.refusal_body;
        config.limits.headers = contract.limits.headers;
        config.limits.frame = contract.limits.frame;
        config.limits.message = contract.limits.message;
        config.limits.inflate_per_call = contract.limits.inflate_per_call;
        config.limits.fragments = contract.limits.fragments;
        config.limits.queued_output = contract.limits.queued_output;
        config.limits.queued_pongs = contract.limits.queued_pongs;
        config.timeouts.handshake = span(contract.timeouts.handshake);
        config.timeouts.idle = span(contract.timeouts.idle);
        config.timeouts.message = span(contract.timeouts.message);
        config.timeouts.keepalive = span(contract.timeouts.keepalive);
        config.timeouts.pong = span(contract.timeouts.pong);
        config.timeouts.write = span(contract.timeouts.write);
        config.timeouts.close = span(contract.timeouts.close);
        config
    }
}

pub(super) fn deflate(contract: protocol::Deflate) -> Deflate {
    let mut deflate = Deflate::default();
    deflate.send_window_bits = contract.send_window_bits;
    deflate.send_context_takeover = contract.send_context_takeover;
    deflate.receive_window_bits = contract.receive_window_bits;
    deflate.receive_context_takeover = contract.receive_context_takeover;
    deflate.level = contract.level;
    deflate.memory_level = contract.memory_level;
    deflate.min_length = contract.minimum;
    deflate
}
