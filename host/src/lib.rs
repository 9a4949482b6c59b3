//! The WebSocket engine in its sandbox.
//!
//! The protocol lives in a WebAssembly component that imports nothing: whatever a hostile peer sends is parsed where
//! the worst it can cause is a wrong answer. This crate runs it in wasmtime. The streams for tokio run the same engine
//! without a sandbox too ([`Native`]).
//!
//! | module | what it is |
//! |---|---|
//! | `upgrade`, `axum` | a request of hyper's that becomes a WebSocket, over HTTP/1.1 and HTTP/2, and an extractor for axum |
//! | [`stream`] | a WebSocket for tokio: a `Stream` and `Sink` of messages, client and server |
//! | [`driver`] | what moves bytes between transports and sessions, for proxies |
//! | [`tls`] | TLS for the stream and for drivers, by rustls |
//! | [`transport`] | what streams and drivers know of a transport: what it has not taken, how it ends, its timer |
//! | [`inspector`] | [`Inspector`](inspector::Inspector): inspects a connection that a proxy forwards as it is |
//! | `sandbox` | [`Sandbox`], [`Guests`], [`Guest`]: the component in wasmtime |
//! | `error`, `clock`, `sizes`, `failure_close` | [`SandboxError`], the clock, how much the engine is given at once, the close frame that needs no session |
//! | [`protocol`] | the types of the contract, as the WIT describes them |
//! | [`bindings`] | the contract as wasmtime's `bindgen!` makes it, for a store of the program's own |
//!
//! Each module uses only those below it.
//!
//! # A session by hand
//!
//! ```no_run
//! use websocket_host::protocol::{Acceptance, Config, EventKind};
//! use websocket_host::{Clock, Sandbox, SandboxConfig};
//!
//! # fn read() -> Vec<u8> { Vec::new() }
//! # fn write(bytes: &[u8]) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::bundled(SandboxConfig::default())?;
//! let clock = Clock::start();
//! let mut guest = sandbox.guest()?;
//! let session = guest.server(&Config::default(), clock.now())?;
//! let mut input = Vec::new();
//! loop {
//!     let result = guest.exchange(&session, &input, &[], &[], clock.now(), 64 << 10)?;
//!     write(result.output);
//!     for event in &result.events {
//!         println!("{:?} {:?}", event.kind, result.bytes(event));
//!     }
//!     let has_request = result.events.iter().any(|event| event.kind == EventKind::Request);
//!     let more = result.more;
//!     input.drain(..result.consumed);
//!     if has_request {
//!         guest.accept(&session, &Acceptance::default(), clock.now())?;
//!     } else if !more {
//!         input.extend(read());
//!     }
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds | and brings |
//! |---|---|---|
//! | `bundled` (default) | [`Sandbox::bundled`]: the component comes along | `sandbox` |
//! | `sandbox` | [`Sandbox`], [`Guest`], [`Guests`], [`inspector`] | wasmtime |
//! | `stream` | [`stream`], with [`Native`] | tokio's timers |
//! | `client` (default) | [`connect_async`](stream::connect_async) | `stream`, tokio's sockets |
//! | `rustls` (default) | [`tls`], `wss` | `stream`, rustls |
//! | `driver` (default) | [`driver`] | `sandbox`, `stream`, tokio's sockets |
//! | `hyper` | `upgrade` | `stream`, hyper |
//! | `axum` | `axum` | `hyper`, axum-core |
//! | `deflate` | permessage-deflate for [`Native`]; a sandbox has it anyway | zlib-rs |
//!
//! # Who is at fault
//!
//! A [`protocol::Failure`] is a rule that was broken, by the peer, by the transport or by the caller; its `fault` says
//! by whom. A [`SandboxError`] is the guest's own: it trapped, or ran out of memory or time. It ends that guest, every
//! call after it returns the same error, and no other guest notices.

mod clock;
mod error;
mod failure_close;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(any(feature = "sandbox", feature = "stream"))]
mod sizes;

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "sandbox")]
pub mod bindings;
#[cfg(feature = "driver")]
pub mod driver;
#[cfg(feature = "sandbox")]
pub mod inspector;
#[cfg(feature = "sandbox")]
pub mod protocol;
#[cfg(feature = "stream")]
pub mod stream;
#[cfg(feature = "rustls")]
pub mod tls;
#[cfg(feature = "stream")]
pub mod transport;
#[cfg(feature = "hyper")]
pub mod upgrade;

pub use clock::Clock;
pub use error::SandboxError;
pub use failure_close::failure_close;
pub use websocket_component::Role;

#[cfg(feature = "sandbox")]
pub use sandbox::{
    Cache, CallError, Exchanged, Guest, Guests, LoadError, Relayed, Sandbox, SandboxBuilder,
    SandboxConfig, Seat, SeatGuard, Session,
};
#[cfg(feature = "stream")]
pub use stream::Native;
/// The version that this crate runs guests in, for [`SandboxBuilder::engine`].
#[cfg(feature = "sandbox")]
pub use wasmtime;
