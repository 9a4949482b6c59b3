//! The types of the contract, `websocket:protocol@0.2.0`, as `wit/` describes them.
//!
//! Times are in nanoseconds: an [`Instant`] is a reading of the caller's monotonic clock ([`Clock`](crate::Clock) is
//! one). A session's settings are the engine's [`Config`], from which options are created in the guest.

pub use websocket_component::{
    Config, Deflate, Delivery, FrameHeader, IncomingPayload, Limits, PongPolicy, Rule, Timeouts,
};

pub use crate::bindings::exports::websocket::protocol::session::{
    Acceptance, Action, ActionId, ActionQueue, CloseFrame, Completion, Compression, Event,
    EventKind, ExtensionFrame, FrameBits, GlobalProperties, Initiator, Message, NetworkReceive,
    NetworkSend, Outcome, Outgoing, OutgoingKind, ReceiveCompletion, Received, Refusal, Request,
    RequestHead, ResponseHead, SendCompletion,
};
pub use crate::bindings::exports::websocket::protocol::types::{
    CloseCode, Duration, Extension, ExtensionParameter, Failure, Fault, HandshakeKind, Header,
    Instant, Negotiated, RuleGroup, State, StatusCode,
};

/// The code reported for a close frame without a code (RFC 6455, section 7.1.5).
pub const NO_CODE: CloseCode = 1005;

impl Failure {
    /// Returns the rule, or `None` if it is one of a later version that this crate doesn't know.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        Rule::from_name(&self.rule)
    }
}

impl State {
    /// Returns whether the session has ended: it is draining or closed, takes no input and has no output.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Draining | Self::Closed)
    }
}

impl EventKind {
    /// Returns how to send a message or close frame on to another session, or `None` for other events.
    #[must_use]
    pub fn to_outgoing(self) -> Option<OutgoingKind> {
        let compression = Compression::Automatic;
        Some(match self {
            Self::Text => OutgoingKind::Text(compression),
            Self::TextChunk => OutgoingKind::TextFragment(compression),
            Self::Binary => OutgoingKind::Binary(compression),
            Self::BinaryChunk => OutgoingKind::BinaryFragment(compression),
            Self::Close(NO_CODE) => OutgoingKind::Close(None),
            Self::Close(code) => OutgoingKind::Close(Some(code)),
            _ => return None,
        })
    }
}

/// No subprotocol and no extensions.
impl Default for Negotiated {
    fn default() -> Self {
        Self {
            subprotocol: None,
            extensions: Vec::new(),
        }
    }
}

/// No subprotocol, no extensions, no further fields.
impl Default for Acceptance {
    fn default() -> Self {
        Self {
            subprotocol: None,
            extensions: Vec::new(),
            headers: Vec::new(),
        }
    }
}
