//! Pings, pongs and the closing handshake (RFC 6455, sections 5.5 and 7).

mod closing;
mod pings;
