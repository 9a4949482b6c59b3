//! The opening handshake, client and server (RFC 6455, section 4; RFC 8441,
//! section 5; RFC 9220).
//!
//! A client makes a request, which is either the bytes of a whole head or the fields to add
//! to one, and checks the response to it. A server parses a request, and accepts or refuses
//! it. Both hold it as an `UpgradeRequest`, whether it is an upgrade of HTTP/1.1 or an
//! extended CONNECT, see [`HandshakeKind`].
//!
//! The types that are public here are what sessions take and give. Nothing in this module
//! keeps time or a connection: it makes answers from heads.

mod connect;
pub(crate) mod extensions;
mod key;
mod memory;
mod refusal;
mod subprotocol;
mod target;
mod types;
mod upgrade_request;

pub use crate::http::header::Header;
pub use extensions::Extension;
pub use key::{accept_value, new_key};
pub use subprotocol::choose as choose_subprotocol;
pub use types::{
    Acceptance, HandshakeKind, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};

pub(crate) use memory::Memory;
pub(crate) use refusal::{gateway_error, refusal_for, refusal_head};
pub(crate) use upgrade_request::UpgradeRequest;

use alloc::{collections::BinaryHeap, vec, vec::Vec};
use core::cmp::Reverse;

use crate::{Rule, http::header};

/// The version of the protocol (RFC 6455, section 4.1).
const VERSION: &str = "13";

/// The fields that the handshake itself writes, or that would give a body to a head
/// that has none. A caller may not add them.
const RESERVED: [&str; 9] = [
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// Checks the fields that a caller adds to a head.
#[inline(never)]
fn check_extra(headers: &[Header], reserved: &[&str]) -> Result<(), Rule> {
    header::validate(headers)?;
    let is_reserved = |header: &Header| {
        reserved
            .iter()
            .any(|name| header.name.eq_ignore_ascii_case(name))
    };
    if headers.iter().any(is_reserved) {
        return Err(Rule::HeaderReserved);
    }
    Ok(())
}

/// Returns of each name whether it is the same as one before it.
///
/// A peer may send as many as fit in a head, so they are not compared each with each. A
/// heap takes less code than a set or a sort, which nothing else in the component needs.
fn repeated<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<bool> {
    let mut heap: BinaryHeap<_> = names.zip(0..).map(Reverse).collect();
    let mut repeated = vec![false; heap.len()];
    let mut last = None;
    while let Some(Reverse((name, index))) = heap.pop() {
        if last == Some(name)
            && let Some(repeated) = repeated.get_mut(index)
        {
            *repeated = true;
        }
        last = Some(name);
    }
    repeated
}

#[cfg(test)]
mod tests;
