//! The engine's permessage-deflate (RFC 7692).

mod hostile;
mod messages;
mod negotiation;
mod sent;

use host_tests::wire::{Frame, RSV1};
use host_tests::{Engine, Subject, deflate};
use websocket_component::{Config, Role};

/// A session that starts open, with takeover and the largest windows.
fn open<E: Engine>(role: Role) -> Subject<E> {
    open_with(role, &deflate::config(), "")
}

/// A session that starts open, with the parameters of a server's answer.
fn open_with<E: Engine>(role: Role, config: &Config, answer: &str) -> Subject<E> {
    Subject::open_with(role, config, &deflate::negotiated(answer))
}

/// As RFC 7692, section 6, marks the first frame of a compressed message.
fn compressed(frame: Frame) -> Frame {
    frame.reserved(RSV1)
}
