//! The network: from listeners to channels that bytes go through.
//!
//! | module | what it is |
//! |---|---|
//! | `client` | who has connected |
//! | `tls` | certificates, and reading their files again |
//! | `proxy_protocol` | the PROXY protocol |
//! | `channel` | a socket, with TLS or without, and what is recorded of it |
//! | `listener`, `socket` | listening; a socket in a task and in a worker's loop |
//!
//! Each module uses those in its own line and below.

pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod listener;
pub(crate) mod proxy_protocol;
pub(crate) mod socket;
pub(crate) mod tls;
