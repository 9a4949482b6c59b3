//! Conversions from types of tests to those of the contract.

use std::fmt::Debug;

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request,
};
use websocket_component::inspector::{Parked, ParkedSide};
use websocket_component::{ActionQueue, Completion, Message, Outgoing};
use websocket_host::{inspector as contract, protocol};

/// A value of the engine's with its counterpart in the contract.
pub(super) trait ToContract {
    type Contract;
    fn to_contract(&self) -> Self::Contract;
}

pub(super) fn to_contract<T: ToContract>(value: &T) -> T::Contract {
    value.to_contract()
}

pub(super) fn all<T: ToContract>(values: &[T]) -> Vec<T::Contract> {
    values.iter().map(T::to_contract).collect()
}

/// What the engine has, and the contract or these tests don't.
fn unknown(value: &dyn Debug) -> ! {
    panic!("no counterpart in the contract: {value:?}")
}

impl ToContract for Header {
    type Contract = protocol::Header;

    fn to_contract(&self) -> protocol::Header {
        protocol::Header {
            name: self.name.clone(),
            value: self.value.clone(),
        }
    }
}

impl ToContract for Extension {
    type Contract = protocol::Extension;

    fn to_contract(&self) -> protocol::Extension {
        protocol::Extension {
            name: self.name.clone(),
            parameters: self.parameters.iter().cloned().map(parameter).collect(),
        }
    }
}

fn parameter((name, value): (String, Option<String>)) -> protocol::ExtensionParameter {
    protocol::ExtensionParameter { name, value }
}

impl ToContract for HandshakeKind {
    type Contract = protocol::HandshakeKind;

    fn to_contract(&self) -> protocol::HandshakeKind {
        match self {
            HandshakeKind::Upgrade => protocol::HandshakeKind::Upgrade,
            HandshakeKind::ExtendedConnect => protocol::HandshakeKind::ExtendedConnect,
        }
    }
}

impl ToContract for ParkedSide {
    type Contract = contract::ParkedSide;

    fn to_contract(&self) -> contract::ParkedSide {
        contract::ParkedSide {
            position: self.position,
            traffic: contract::Traffic {
                frames: self.traffic.frames,
                messages: self.traffic.messages,
                bytes: self.traffic.bytes,
            },
            idle_since: self.idle_since.as_nanos(),
            message_idle_since: self.message_idle_since.as_nanos(),
        }
    }
}

impl ToContract for Parked {
    type Contract = contract::Parked;

    fn to_contract(&self) -> contract::Parked {
        contract::Parked {
            at: self.at.as_nanos(),
            opened: self.opened.as_nanos(),
            client: self.sides.client.to_contract(),
            server: self.sides.server.to_contract(),
        }
    }
}

impl ToContract for Negotiated {
    type Contract = protocol::Negotiated;

    fn to_contract(&self) -> protocol::Negotiated {
        protocol::Negotiated {
            subprotocol: self.subprotocol.clone(),
            extensions: all(&self.extensions),
        }
    }
}

impl ToContract for Request {
    type Contract = protocol::Request;

    fn to_contract(&self) -> protocol::Request {
        protocol::Request {
            target: self.target.clone(),
            authority: self.authority.clone(),
            subprotocols: self.subprotocols.clone(),
            extensions: all(&self.extensions),
            headers: all(&self.headers),
        }
    }
}

impl ToContract for Acceptance {
    type Contract = protocol::Acceptance;

    fn to_contract(&self) -> protocol::Acceptance {
        protocol::Acceptance {
            subprotocol: self.subprotocol.clone(),
            extensions: all(&self.extensions),
            headers: all(&self.headers),
        }
    }
}

impl ToContract for Refusal {
    type Contract = protocol::Refusal;

    fn to_contract(&self) -> protocol::Refusal {
        protocol::Refusal {
            status: self.status,
            headers: all(&self.headers),
            body: self.body.clone(),
        }
    }
}

impl ToContract for ActionQueue {
    type Contract = protocol::ActionQueue;

    fn to_contract(&self) -> protocol::ActionQueue {
        match self {
            ActionQueue::Send => protocol::ActionQueue::Send,
            ActionQueue::Receive => protocol::ActionQueue::Receive,
            ActionQueue::All => protocol::ActionQueue::All,
        }
    }
}

impl ToContract for Completion<'_> {
    type Contract = protocol::Completion;

    fn to_contract(&self) -> protocol::Completion {
        match self {
            Completion::Sent(count) => protocol::Completion::Sent(u32::try_from(*count).unwrap()),
            Completion::Read(bytes) => protocol::Completion::Read(bytes.to_vec()),
            Completion::Acknowledged => protocol::Completion::Acknowledged,
            other => unknown(other),
        }
    }
}

impl ToContract for Message<'_> {
    type Contract = protocol::Message;

    fn to_contract(&self) -> protocol::Message {
        match *self {
            Message::Text(text) => protocol::Message::Text(text.into()),
            Message::TextFragment(text) => protocol::Message::TextFragment(text.into()),
            Message::Utf8(bytes) => protocol::Message::Utf8(bytes.into()),
            Message::Utf8Fragment(bytes) => protocol::Message::Utf8Fragment(bytes.into()),
            Message::Binary(bytes) => protocol::Message::Binary(bytes.into()),
            Message::BinaryFragment(bytes) => protocol::Message::BinaryFragment(bytes.into()),
            Message::Ping(payload) => protocol::Message::Ping(payload.into()),
            Message::Pong(payload) => protocol::Message::Pong(payload.into()),
            Message::Close => protocol::Message::Close(None),
            Message::CloseWith(code, reason) => {
                let reason = String::from_utf8(reason.into());
                let reason = reason.expect("of the calls, only exchange takes other reasons");
                protocol::Message::Close(Some(protocol::CloseFrame { code, reason }))
            }
            Message::ExtensionFrame(bits, payload) => {
                let payload = payload.into();
                protocol::Message::ExtensionFrame(protocol::ExtensionFrame { bits, payload })
            }
            other => unknown(&other),
        }
    }
}

/// Records of the batched call with the bytes that they point into.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<protocol::Outgoing>,
    pub(super) payload: Vec<u8>,
}

impl Batch {
    pub(super) fn new(outgoing: &[Outgoing<'_>]) -> Batch {
        let mut batch = Batch::default();
        for outgoing in outgoing {
            let (kind, bytes) = record(outgoing);
            batch.records.push(protocol::Outgoing {
                kind,
                start: u32::try_from(batch.payload.len()).unwrap(),
                length: u32::try_from(bytes.len()).unwrap(),
                context: outgoing.context,
            });
            batch.payload.extend_from_slice(bytes);
        }
        batch
    }
}

pub(super) fn compression(compress: bool) -> protocol::Compression {
    match compress {
        true => protocol::Compression::Automatic,
        false => protocol::Compression::Off,
    }
}

fn record<'a>(outgoing: &Outgoing<'a>) -> (protocol::OutgoingKind, &'a [u8]) {
    use protocol::OutgoingKind as Kind;
    let compression = compression(outgoing.compress);
    match outgoing.message {
        Message::Text(text) => (Kind::Text(compression), text.as_bytes()),
        Message::TextFragment(text) => (Kind::TextFragment(compression), text.as_bytes()),
        Message::Utf8(bytes) => (Kind::Text(compression), bytes),
        Message::Utf8Fragment(bytes) => (Kind::TextFragment(compression), bytes),
        Message::Binary(bytes) => (Kind::Binary(compression), bytes),
        Message::BinaryFragment(bytes) => (Kind::BinaryFragment(compression), bytes),
        Message::Ping(payload) => (Kind::Ping, payload),
        Message::Pong(payload) => (Kind::Pong, payload),
        Message::Close => (Kind::Close(None), b""),
        Message::CloseWith(code, reason) => (Kind::Close(Some(code)), reason),
        Message::ExtensionFrame(bits, payload) => (Kind::ExtensionFrame(bits), payload),
        other => unknown(&other),
    }
}
