//! The types of the contract, `websocket:protocol@0.1.0`, as `wit/` describes them.
//!
//! Times are nanoseconds: [`Instant`] of a monotonic clock of the caller's ([`Clock`](crate::Clock) is one),
//! [`Duration`] of a span.

pub use crate::bindings::exports::websocket::protocol::session::{
    Acceptance, Action, ActionId, ActionQueue, CloseFrame, Completion, Event, FrameBits, Kind,
    Message, Outgoing, Received, Refusal, Request, RequestHead, ResponseHead,
};
pub use crate::bindings::exports::websocket::protocol::types::{
    CloseCode, Config, Deflate, Delivery, Duration, Extension, Failure, Fault, GlobalProperties,
    HandshakeKind, Header, Instant, Limits, Negotiated, PongPolicy, Rule, RuleGroup, State,
    StatusCode, Timeouts,
};

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
