//! The wire format of RFC 6455, section 5: headers, masks, UTF-8, close payloads.
//!
//! Nothing here knows of a session: each file answers for one rule of the wire.

pub(crate) mod close;
#[cfg(test)]
mod exhaustive;
pub(crate) mod header;
pub(crate) mod mask;
pub(crate) mod utf8;
