//! What tests say, in the types of the contract.

use std::time::Duration;

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request,
};
use websocket_component::{
    ActionQueue, Completion, Config, Deflate, Delivery, Limits, Message, PongPolicy, Timeouts,
};
use websocket_host::protocol;

use crate::engine::Outgoing;

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

impl ToContract for Config {
    type Contract = protocol::Config;

    fn to_contract(&self) -> protocol::Config {
        protocol::Config {
            receive_buffer: self.receive_buffer,
            max_whole_frame: self.max_whole_frame,
            send_buffer: self.send_buffer,
            masking: self.masking,
            verify_utf8: self.verify_utf8,
            delivery: match self.delivery {
                Delivery::Messages => protocol::Delivery::Messages,
                Delivery::Streaming => protocol::Delivery::Streaming,
            },
            pongs: match self.pongs {
                PongPolicy::Each => protocol::PongPolicy::Each,
                PongPolicy::Latest => protocol::PongPolicy::Latest,
                PongPolicy::Manual => protocol::PongPolicy::Manual,
            },
            report_control_frames: self.report_control_frames,
            reply_to_close: self.reply_to_close,
            close_on_failure: self.close_on_failure,
            expose_invalid_requests: self.expose_invalid_requests,
            allow_malformed_host: self.allow_malformed_host,
            allow_http10_response: self.allow_http10_response,
            deflate: self.deflate.as_ref().map(deflate),
            limits: limits(&self.limits),
            timeouts: timeouts(&self.timeouts),
        }
    }
}

fn deflate(deflate: &Deflate) -> protocol::Deflate {
    protocol::Deflate {
        send_window_bits: deflate.send_window_bits,
        send_context_takeover: deflate.send_context_takeover,
        receive_window_bits: deflate.receive_window_bits,
        receive_context_takeover: deflate.receive_context_takeover,
        level: deflate.level,
        memory_level: deflate.memory_level,
        minimum: deflate.min_length,
    }
}

fn limits(limits: &Limits) -> protocol::Limits {
    protocol::Limits {
        head: limits.head,
        headers: limits.headers,
        refusal_body: limits.refusal_body,
        frame: limits.frame,
        message: limits.message,
        inflated: limits.inflate_per_call,
        fragments: limits.fragments,
        queued_output: limits.queued_output,
        queued_pongs: limits.queued_pongs,
    }
}

fn timeouts(timeouts: &Timeouts) -> protocol::Timeouts {
    let nanos = |span: Duration| span.as_nanos().try_into().unwrap_or(u64::MAX);
    protocol::Timeouts {
        handshake: timeouts.handshake.map(nanos),
        idle: timeouts.idle.map(nanos),
        message: timeouts.message.map(nanos),
        keepalive: timeouts.keepalive.map(nanos),
        pong: timeouts.pong.map(nanos),
        gather: timeouts.coalesce.map(nanos),
        write: timeouts.write.map(nanos),
        close: timeouts.close.map(nanos),
    }
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
            parameters: self.parameters.clone(),
        }
    }
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
                protocol::Message::ExtensionFrame((bits, payload.into()))
            }
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
            let (kind, bytes, detail) = record(outgoing);
            batch.records.push(protocol::Outgoing {
                kind,
                start: u32::try_from(batch.payload.len()).unwrap(),
                length: u32::try_from(bytes.len()).unwrap(),
                detail,
                context: outgoing.context,
            });
            batch.payload.extend_from_slice(bytes);
        }
        batch
    }
}

fn record<'a>(outgoing: &Outgoing<'a>) -> (protocol::Kind, &'a [u8], u64) {
    use protocol::Kind;
    let uncompressed = u64::from(!outgoing.compress);
    match outgoing.message {
        Message::Text(text) => (Kind::Text, text.as_bytes(), uncompressed),
        Message::TextFragment(text) => (Kind::TextFragment, text.as_bytes(), uncompressed),
        Message::Utf8(bytes) => (Kind::Text, bytes, uncompressed),
        Message::Utf8Fragment(bytes) => (Kind::TextFragment, bytes, uncompressed),
        Message::Binary(bytes) => (Kind::Binary, bytes, uncompressed),
        Message::BinaryFragment(bytes) => (Kind::BinaryFragment, bytes, uncompressed),
        Message::Ping(payload) => (Kind::Ping, payload, 0),
        Message::Pong(payload) => (Kind::Pong, payload, 0),
        Message::Close => (Kind::Close, b"", 1005),
        Message::CloseWith(code, reason) => (Kind::Close, reason, u64::from(code)),
        Message::ExtensionFrame(bits, payload) => (Kind::ExtensionFrame, payload, u64::from(bits)),
    }
}
