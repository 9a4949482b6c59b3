//! The types of the contract, `websocket:protocol@0.2.0`, as `wit/` describes them.
//!
//! Times are nanoseconds: [`Instant`] of a monotonic clock of the caller's ([`Clock`](crate::Clock) is one),
//! [`Duration`] of a span. A session's settings are the engine's [`Config`], with which options are made in the guest.

pub use websocket_component::{Config, Deflate, Delivery, Limits, PongPolicy, Rule, Timeouts};

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

impl Failure {
    /// Returns the rule, unless it is one of a later version that this crate doesn't know.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        Rule::from_name(&self.rule)
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
