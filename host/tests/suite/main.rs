//! The host with the component that `cargo xtask component` builds.

mod cache;
mod deflate;
mod ending;
mod engine;
mod exchange;
mod handshake;
mod hostile;
mod interop;
mod load;
mod outside;
mod parked;
mod sandbox;
mod shared;
mod stream;
mod support;
mod tls;
#[cfg(feature = "axum")]
mod upgrade;
