//! The WebSocket engine [`websocket-component`](https://docs.rs/websocket-component), built as a WebAssembly component.
//!
//! It implements RFC 6455 as client and server, with permessage-deflate (RFC 7692) and over HTTP/2 (RFC 8441). It does
//! no I/O and imports nothing, so it runs in any runtime for components. In Rust, use the crate
//! [`websocket-host`](https://docs.rs/websocket-host), which runs it in wasmtime. Other runtimes
//! can load [`COMPONENT`] directly.
//!
//! ```
//! use websocket_component_wasm::{COMPONENT, SHA256, VERSION};
//!
//! // A component begins with the magic number of WebAssembly.
//! assert!(COMPONENT.starts_with(b"\0asm"));
//! println!("websocket-component {VERSION}, {} bytes, sha256 {SHA256}", COMPONENT.len());
//! ```

#![no_std]

/// The component. It exports the interfaces of the WIT package `websocket:protocol`, which is documented in the folder
/// `wit/` of `websocket-host`.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/websocket.wasm"));

/// The version of the engine in the component.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The SHA-256 of [`COMPONENT`], in hexadecimal.
pub const SHA256: &str = env!("WEBSOCKET_COMPONENT_SHA256");
