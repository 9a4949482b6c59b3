//! HTTP/1.1 heads and the bodies of responses: reading, grammar and writing (RFC 9110,
//! RFC 9112).
//!
//! Nothing here knows of WebSocket. [`head`] turns bytes into a parsed head as
//! they come, with [`scan`] failing at the first byte that breaks the grammar or a
//! limit; [`body`] reads what follows the head of a response; [`header`] finds fields;
//! [`grammar`] has the words that field values are made of, [`authority`] the form of a
//! host and port; [`write`] makes heads.

pub(crate) mod authority;
pub(crate) mod body;
pub(crate) mod grammar;
pub(crate) mod head;
pub(crate) mod header;
mod scan;
pub(crate) mod write;
