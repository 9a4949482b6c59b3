//! The WebSocket engine [`websocket-component`](https://docs.rs/websocket-component), built as a WebAssembly component.
//!
//! It speaks RFC 6455 on both sides, with permessage-deflate (RFC 7692) and over HTTP/2 (RFC 8441), does no I/O, and
//! imports nothing: it runs in whatever runs components. In Rust, `websocket-host` does, with its feature `bundled`.
//!
//! ```
//! use websocket_component_wasm::{COMPONENT, SHA256, VERSION};
//!
//! // A component begins with the magic number of WebAssembly.
//! assert!(COMPONENT.starts_with(b"\0asm"));
//! println!("websocket-component {VERSION}, {} bytes, sha256 {SHA256}", COMPONENT.len());
//! ```

#![no_std]

/// The component. It exports the interfaces of the WIT package `websocket:protocol`; the package `websocket-host` has
/// their files, with the documentation.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/websocket.wasm"));

/// The version of the engine that it was built from.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The SHA-256 of [`COMPONENT`], in hexadecimal digits.
pub const SHA256: &str = env!("WEBSOCKET_COMPONENT_SHA256");
