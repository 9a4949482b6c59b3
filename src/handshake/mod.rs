//! The opening handshake, client and server (RFC 6455, section 4; RFC 8441,
//! section 5; RFC 9220).
//!
//! A client makes an offer, which is either the bytes of a whole request or the
//! fields to add to one, and checks the response to it. A server examines a request,
//! and answers it with an acceptance or a refusal. The same two pairs serve an
//! upgrade of HTTP/1.1 and an extended CONNECT, see [`HandshakeKind`].
//!
//! The types that are public here are what sessions take and give. Nothing in this
//! module keeps time or a connection: it turns heads into answers.

mod client;
mod connect;
pub(crate) mod extensions;
mod key;
mod refusal;
mod server;
mod subprotocol;
mod target;
mod types;

pub use crate::http::header::Header;
pub use subprotocol::choose as choose_subprotocol;
pub use types::{
    Acceptance, Extension, HandshakeKind, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};

pub(crate) use client::Offer;
pub(crate) use refusal::{refusal_for, refusal_head};
pub(crate) use server::Asked;

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

/// Fields with their names as the form has them: those of HTTP/2 and HTTP/3 are in
/// lower case (RFC 9113, section 8.2.1; RFC 9114, section 4.2).
fn named_for(form: HandshakeKind, mut headers: alloc::vec::Vec<Header>) -> alloc::vec::Vec<Header> {
    if form == HandshakeKind::ExtendedConnect {
        for header in &mut headers {
            header.name.make_ascii_lowercase();
        }
    }
    headers
}

#[cfg(test)]
mod tests;
