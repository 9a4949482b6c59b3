//! The network: listeners, TLS and sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `client` | a client's address and TLS handshake |
//! | `tls` | certificates, and reloading them |
//! | `proxy_protocol` | the PROXY protocol |
//! | `channel` | a socket, with or without TLS, that can be recorded |
//! | `listener`, `socket` | listening; a socket in a task and in a worker's loop |
//!
//! Each module uses those in its own line and below.

pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod listener;
pub(crate) mod proxy_protocol;
pub(crate) mod socket;
pub(crate) mod tls;
