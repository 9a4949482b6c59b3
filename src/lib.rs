#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(feature = "component"), forbid(unsafe_code))]
#![cfg_attr(feature = "component", deny(unsafe_code))]
//! A sans-I/O WebSocket engine: RFC 6455, client and server, with
//! permessage-deflate (RFC 7692).
//!
//! [`Session`] is one connection's protocol. It makes and checks handshakes, turns
//! messages into frame bytes and back, answers pings, closes, and keeps deadlines;
//! the host owns sockets, clocks and randomness. The same engine is compiled to a
//! WebAssembly component, whose contract is in `wit/`.

extern crate alloc;

#[cfg(feature = "component")]
#[allow(unsafe_code, reason = "the canonical ABI passes pointers")]
mod component;
mod deflate;
mod error;
mod failure;
mod faults;
mod frame;
pub mod handshake;
mod http;
mod limits;
#[cfg(websocket_misbehave)]
mod misbehave;
mod session;
mod stream;

pub use deflate::Deflate;
pub use error::{Fault, Rule, RuleGroup};
pub use failure::Failure;
pub use limits::{Limits, Timeouts};
pub use session::{
    Action, ActionId, ActionQueue, Completion, Config, Delivery, Event, EventKind, EventRecord,
    Exchanged, FrameHeader, Initiator, Instant, Message, NotSent, Outcome, Outgoing, OwnedMessage,
    PongPolicy, Received, Relayed, Role, Sent, Session, State, Turn,
};
