//! permessage-deflate (RFC 7692), of the engine's own.

mod hostile;
mod messages;
mod negotiation;

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

/// Text that compresses.
fn text(length: usize) -> String {
    let words = "Whoever reads this reads it again, and whoever reads it again knows it. ";
    words.chars().cycle().take(length).collect()
}

/// Bytes that don't.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}
