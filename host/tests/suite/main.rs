//! The host with the component that `cargo xtask component` builds.

#[cfg(feature = "axum")]
mod beside_axum;
mod beside_wasi;
mod cache;
mod deflate;
mod engine;
mod exchange;
mod failed_guest;
mod frames;
mod hostile;
mod load;
mod outside;
mod parked;
mod sandbox;
mod shared;
#[allow(
    clippy::duplicate_mod,
    reason = "each engine has a copy of the same tests"
)]
mod streams;
mod support;
mod suspended;
