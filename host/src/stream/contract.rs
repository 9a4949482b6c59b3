//! Conversions between the types of the contract and those of the engine.

use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{EventKind, Failure, Message, Outgoing, Rule, State};

use super::error::Error;
use crate::error::SandboxError;
use crate::protocol::{self as contract, Compression, OutgoingKind};
use crate::sandbox::CallError;

/// Converts each element of a list.
pub(super) fn all<T: Into<U>, U>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(Into::into).collect()
}

/// Converts the kind of an event, unless a later version defines it.
pub(super) fn known(kind: contract::EventKind) -> Option<EventKind> {
    use contract::EventKind as Kind;
    Some(match kind {
        Kind::Text => EventKind::Text,
        Kind::TextChunk => EventKind::TextChunk,
        Kind::Binary => EventKind::Binary,
        Kind::BinaryChunk => EventKind::BinaryChunk,
        Kind::Ping => EventKind::Ping,
        Kind::Pong(round_trip) => EventKind::Pong(round_trip),
        Kind::UnsolicitedPong => EventKind::UnsolicitedPong,
        Kind::Close(code) => EventKind::Close(code),
        Kind::ExtensionFrame(bits) => EventKind::ExtensionFrame(bits),
        Kind::Request => EventKind::Request,
        Kind::Opened => EventKind::Opened,
        Kind::Sent(context) => EventKind::Sent(context),
        Kind::Cancelled(context) => EventKind::Cancelled(context),
        Kind::Other(_) => return None,
    })
}

/// Returns the kind that a message is sent as.
pub(super) fn kind(outgoing: &Outgoing<'_>) -> OutgoingKind {
    let compression = match outgoing.compress {
        true => Compression::Automatic,
        false => Compression::Off,
    };
    match outgoing.message {
        Message::Text(_) | Message::Utf8(_) => OutgoingKind::Text(compression),
        Message::TextFragment(_) | Message::Utf8Fragment(_) => {
            OutgoingKind::TextFragment(compression)
        }
        Message::BinaryFragment(_) => OutgoingKind::BinaryFragment(compression),
        Message::Ping(_) => OutgoingKind::Ping,
        Message::Pong(_) => OutgoingKind::Pong,
        Message::Close => OutgoingKind::Close(None),
        Message::CloseWith(code, _) => OutgoingKind::Close(Some(code)),
        Message::ExtensionFrame(bits, _) => OutgoingKind::ExtensionFrame(bits),
        _ => OutgoingKind::Binary(compression),
    }
}

/// Returns the payload of a message, or the reason of a close frame.
pub(super) fn bytes<'a>(message: &Message<'a>) -> &'a [u8] {
    match *message {
        Message::Text(text) | Message::TextFragment(text) => text.as_bytes(),
        Message::Utf8(bytes)
        | Message::Utf8Fragment(bytes)
        | Message::Binary(bytes)
        | Message::BinaryFragment(bytes)
        | Message::Ping(bytes)
        | Message::Pong(bytes)
        | Message::CloseWith(_, bytes)
        | Message::ExtensionFrame(_, bytes) => bytes,
        _ => &[],
    }
}

impl TryFrom<contract::Failure> for Failure {
    type Error = SandboxError;

    /// A rule that this version doesn't know breaks the contract: the component has the same version.
    fn try_from(failure: contract::Failure) -> Result<Self, SandboxError> {
        let Some(rule) = failure.rule() else {
            let contract::Failure {
                rule, description, ..
            } = failure;
            let reason = format!("it names an unknown rule, {rule}: {description}");
            return Err(SandboxError::broken(reason));
        };
        let mut known = Self::from(rule);
        known.offset = failure.offset;
        known.limit = failure.limit;
        known.value = failure.value;
        Ok(known)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failure(failure) => match Failure::try_from(*failure) {
                Ok(failure) => failure.into(),
                Err(error) => error.into(),
            },
            CallError::Sandbox(error) => error.into(),
        }
    }
}

impl From<contract::State> for State {
    fn from(state: contract::State) -> Self {
        match state {
            contract::State::Connecting => Self::Connecting,
            contract::State::Open => Self::Open,
            contract::State::Closing => Self::Closing,
            contract::State::Draining => Self::Draining,
            contract::State::Closed => Self::Closed,
        }
    }
}

impl From<HandshakeKind> for contract::HandshakeKind {
    fn from(kind: HandshakeKind) -> Self {
        match kind {
            HandshakeKind::Upgrade => Self::Upgrade,
            HandshakeKind::ExtendedConnect => Self::ExtendedConnect,
        }
    }
}

impl From<Header> for contract::Header {
    fn from(header: Header) -> Self {
        let Header { name, value } = header;
        Self { name, value }
    }
}

impl From<contract::Header> for Header {
    fn from(header: contract::Header) -> Self {
        Self::new(header.name, header.value)
    }
}

impl From<Extension> for contract::Extension {
    fn from(extension: Extension) -> Self {
        let parameter = |(name, value)| contract::ExtensionParameter { name, value };
        Self {
            name: extension.name,
            parameters: extension.parameters.into_iter().map(parameter).collect(),
        }
    }
}

impl From<contract::Extension> for Extension {
    fn from(extension: contract::Extension) -> Self {
        let parameters = extension.parameters.into_iter();
        Self {
            name: extension.name,
            parameters: parameters.map(|it| (it.name, it.value)).collect(),
        }
    }
}

impl From<&Negotiated> for contract::Negotiated {
    fn from(negotiated: &Negotiated) -> Self {
        Self {
            subprotocol: negotiated.subprotocol.clone(),
            extensions: all(negotiated.extensions.clone()),
        }
    }
}

impl From<contract::Negotiated> for Negotiated {
    fn from(negotiated: contract::Negotiated) -> Self {
        Self {
            subprotocol: negotiated.subprotocol,
            extensions: all(negotiated.extensions),
        }
    }
}

impl From<Request> for contract::Request {
    fn from(request: Request) -> Self {
        Self {
            target: request.target,
            authority: request.authority,
            subprotocols: request.subprotocols,
            extensions: all(request.extensions),
            headers: all(request.headers),
        }
    }
}

impl From<contract::RequestHead> for RequestHead {
    fn from(head: contract::RequestHead) -> Self {
        let mut known = Self::default();
        known.method = head.method;
        known.target = head.target;
        known.authority = head.authority;
        known.subprotocols = head.subprotocols;
        known.extensions = all(head.extensions);
        known.headers = all(head.headers);
        known.violation = head.violation.and_then(|failure| failure.rule());
        let tolerated = head.tolerated.iter();
        known.tolerated = tolerated.filter_map(|rule| Rule::from_name(rule)).collect();
        known
    }
}

impl From<contract::ResponseHead> for ResponseHead {
    fn from(head: contract::ResponseHead) -> Self {
        let mut known = Self::default();
        known.status = head.status;
        known.reason = head.reason;
        known.headers = all(head.headers);
        known.body = head.body;
        known.body_complete = head.body_complete;
        known
    }
}

impl From<Acceptance> for contract::Acceptance {
    fn from(acceptance: Acceptance) -> Self {
        Self {
            subprotocol: acceptance.subprotocol,
            extensions: all(acceptance.extensions),
            headers: all(acceptance.headers),
        }
    }
}

impl From<Refusal> for contract::Refusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            headers: all(refusal.headers),
            body: refusal.body,
        }
    }
}
