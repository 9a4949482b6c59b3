//! Conversions from types of the contract to those that tests compare.

use websocket_component::handshake::{Extension, Header, Negotiated, RequestHead, ResponseHead};
use websocket_component::inspector::{Parked, ParkedSide, Sides, Traffic};
use websocket_component::{ActionId, Fault, Initiator, Instant, Rule, RuleGroup, State};
use websocket_host::inspector as contract;
use websocket_host::protocol::{self, EventKind};

use crate::engine::{ActionIs, Event, ExchangeResult, Failure, Outcome, RelayResult};

/// A value of the contract's as its counterpart.
pub(super) trait FromContract<Contract> {
    fn from_contract(value: Contract) -> Self;
}

impl<C, T: FromContract<C>> FromContract<Vec<C>> for Vec<T> {
    fn from_contract(values: Vec<C>) -> Self {
        values.into_iter().map(T::from_contract).collect()
    }
}

fn rule(name: &str) -> Rule {
    Rule::from_name(name).unwrap_or_else(|| panic!("{name} is no rule of the engine"))
}

impl FromContract<protocol::Failure> for Failure {
    fn from_contract(failure: protocol::Failure) -> Self {
        Failure {
            rule: rule(&failure.rule),
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
            offset: failure.offset,
            limit: failure.limit,
            value: failure.value,
        }
    }
}

impl FromContract<protocol::State> for State {
    fn from_contract(state: protocol::State) -> Self {
        match state {
            protocol::State::Connecting => State::Connecting,
            protocol::State::Open => State::Open,
            protocol::State::Closing => State::Closing,
            protocol::State::Draining => State::Draining,
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
            parameters: extension
                .parameters
                .into_iter()
                .map(|parameter| (parameter.name, parameter.value))
                .collect(),
        }
    }
}

impl FromContract<contract::ParkedSide> for ParkedSide {
    fn from_contract(side: contract::ParkedSide) -> Self {
        let mut traffic = Traffic::default();
        traffic.frames = side.traffic.frames;
        traffic.messages = side.traffic.messages;
        traffic.bytes = side.traffic.bytes;
        ParkedSide {
            position: side.position,
            traffic,
            idle_since: Instant::from_nanos(side.idle_since),
            message_idle_since: Instant::from_nanos(side.message_idle_since),
        }
    }
}

impl FromContract<contract::Parked> for Parked {
    fn from_contract(parked: contract::Parked) -> Self {
        Parked {
            at: Instant::from_nanos(parked.at),
            opened: Instant::from_nanos(parked.opened),
            sides: Sides {
                client: ParkedSide::from_contract(parked.client),
                server: ParkedSide::from_contract(parked.server),
            },
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
        let mut request = RequestHead::default();
        request.method = head.method;
        request.target = head.target;
        request.authority = head.authority;
        request.subprotocols = head.subprotocols;
        request.extensions = Vec::from_contract(head.extensions);
        request.headers = Vec::from_contract(head.headers);
        request.violation = head.violation.map(|failure| rule(&failure.rule));
        request.tolerated = head.tolerated.iter().map(|name| rule(name)).collect();
        request
    }
}

impl FromContract<protocol::ResponseHead> for ResponseHead {
    fn from_contract(head: protocol::ResponseHead) -> Self {
        let mut response = ResponseHead::default();
        response.status = head.status;
        response.reason = head.reason;
        response.headers = Vec::from_contract(head.headers);
        response.body = head.body;
        response.body_complete = head.body_complete;
        response
    }
}

impl FromContract<websocket_host::Exchanged<'_>> for ExchangeResult {
    fn from_contract(result: websocket_host::Exchanged<'_>) -> Self {
        let events = result.events.iter();
        ExchangeResult {
            consumed: result.consumed,
            events: events
                .map(|event| self::event(event.kind, result.bytes(event).into()))
                .collect(),
            output: result.output.into(),
            accepted: result.accepted,
            refused: result
                .refused
                .map(|failure| Failure::from_contract(*failure)),
            more: result.more,
            state: State::from_contract(result.state),
            next_deadline: result.next_deadline.map(Instant::from_nanos),
            failure: result
                .failure
                .map(|failure| Failure::from_contract(*failure)),
        }
    }
}

impl FromContract<websocket_host::Relayed<'_>> for RelayResult {
    fn from_contract(results: websocket_host::Relayed<'_>) -> Self {
        RelayResult {
            source: ExchangeResult::from_contract(results.source),
            target: ExchangeResult::from_contract(results.target),
            messages: results.messages,
            bytes: results.bytes,
        }
    }
}

fn event(kind: EventKind, payload: Vec<u8>) -> Event {
    match kind {
        EventKind::Text | EventKind::TextChunk => Event::Text {
            payload,
            last: kind == EventKind::Text,
        },
        EventKind::Binary | EventKind::BinaryChunk => Event::Binary {
            payload,
            last: kind == EventKind::Binary,
        },
        EventKind::Ping => Event::Ping(payload),
        EventKind::Pong(round_trip) => Event::Pong(payload, Some(round_trip)),
        EventKind::UnsolicitedPong => Event::Pong(payload, None),
        EventKind::Close(code) => Event::Close(code, payload),
        EventKind::ExtensionFrame(bits) => Event::ExtensionFrame { bits, payload },
        EventKind::Request => Event::Request,
        EventKind::Opened => Event::Opened,
        EventKind::Sent(context) => Event::Sent(context),
        EventKind::Cancelled(context) => Event::Cancelled(context),
        EventKind::Other(number) => panic!("nobody asked for event {number}"),
    }
}

impl FromContract<protocol::Outcome> for Outcome {
    fn from_contract(outcome: protocol::Outcome) -> Self {
        Outcome {
            clean: outcome.clean,
            initiator: outcome.initiator.map(|initiator| match initiator {
                protocol::Initiator::Local => Initiator::Local,
                protocol::Initiator::Peer => Initiator::Peer,
            }),
            sent: outcome.sent,
            received: outcome.received,
            failure: outcome.failure.map(Failure::from_contract),
        }
    }
}

impl FromContract<protocol::Action> for ActionIs {
    fn from_contract(action: protocol::Action) -> Self {
        use protocol::Action;
        match action {
            Action::NoAction => ActionIs::Nothing,
            Action::SendToNetwork(send) => ActionIs::SendToNetwork(ActionId(send.id), send.bytes),
            Action::IndicateSendComplete(done) => {
                ActionIs::SendComplete(ActionId(done.id), done.context, done.complete)
            }
            Action::ReceiveFromNetwork(receive) => {
                ActionIs::ReceiveFromNetwork(ActionId(receive.id), receive.max_bytes as usize)
            }
            Action::IndicateReceiveComplete(done) => {
                let received = done
                    .received
                    .map(|received| event(received.kind, received.payload));
                ActionIs::ReceiveComplete(ActionId(done.id), done.context, received)
            }
        }
    }
}
