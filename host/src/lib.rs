//! The WebSocket engine in its sandbox.
//!
//! The protocol lives in a WebAssembly component that imports nothing: whatever a hostile peer sends is parsed where
//! the worst it can cause is a wrong answer. This crate runs it in wasmtime.
//!
//! | module | what it is |
//! |---|---|
//! | [`stream`] | a WebSocket for tokio: a `Stream` and `Sink` of messages, client and server |
//! | `upgrade`, `axum` | with features of these names and `hyper`: a request of hyper's that becomes a WebSocket, over HTTP/1.1 and HTTP/2, and an extractor for axum |
//! | [`driver`] | what moves bytes between transports and sessions: for the stream, and for proxies |
//! | [`tls`] | TLS for the stream and for drivers, by rustls |
//! | `guests` | [`Guests`]: a guest for each connection, or one that several share |
//! | `sandbox` | [`Sandbox`]: the loaded component and the pool that its guests come from |
//! | `builder`, `load`, `cache` | from a component to a checked sandbox, compiled on disk where that can be trusted, on an engine of its own or of the program's |
//! | `exchange`, `handshake`, `calls` | the functions of the contract as methods of a guest, first of all [`Guest::exchange`], which carries a connection, and [`Guest::relay`], which carries two |
//! | `outside` | [`Guest::frame_header`], [`Guest::begin_payload`], [`Guest::relay_payload`]: payload that stays outside the guest |
//! | [`inspector`] | [`Inspector`](inspector::Inspector): inspects a connection that a proxy forwards as it is |
//! | `guest` | [`Guest`]: one store and one instance with its sessions, and what ended it |
//! | `exchanged`, `records` | [`Exchanged`], [`Relayed`]: the results of those calls, read where they are in guest memory |
//! | `options` | a session's [`Config`](protocol::Config) as the options resource of a guest |
//! | `engine`, `limiter`, `call_time`, `places` | wasmtime's settings, the limits of one guest, and how many there are |
//! | `config`, `error`, `clock`, `failure_close` | [`SandboxConfig`], [`SandboxError`], the clock, the close frame that needs no session |
//! | `abi` | the component's core module, and how its functions are called: the canonical ABI |
//! | [`protocol`] | the types of the contract, as the WIT describes them |
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
//!     input.extend(read());
//!     let result = guest.exchange(&session, &input, &[], &[], clock.now(), 64 << 10)?;
//!     write(result.output);
//!     for event in &result.events {
//!         println!("{:?} {:?}", event.kind, result.bytes(event));
//!     }
//!     let has_request = result.events.iter().any(|event| event.kind == EventKind::Request);
//!     input.drain(..result.consumed);
//!     if has_request {
//!         guest.accept(&session, &Acceptance::default(), clock.now())?;
//!     }
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Who is at fault
//!
//! A [`protocol::Failure`] is a rule that was broken, by the peer, by the transport or by the caller; its `fault` says
//! by whom. A [`SandboxError`] is the guest's own: it trapped, or ran out of memory or time. It ends that guest, every
//! call after it returns the same error, and no other guest notices.

mod abi;
mod bindings;
mod builder;
mod cache;
mod call_time;
mod calls;
mod clock;
mod config;
pub mod driver;
mod engine;
mod error;
mod exchange;
mod exchanged;
mod failure_close;
mod guest;
mod guests;
mod handshake;
pub mod inspector;
mod limiter;
mod load;
mod options;
mod outside;
mod places;
mod records;
mod sandbox;

#[cfg(feature = "axum")]
pub mod axum;
pub mod protocol;
pub mod stream;
pub mod tls;
#[cfg(feature = "hyper")]
pub mod upgrade;

pub use builder::SandboxBuilder;
pub use clock::Clock;
pub use config::{Cache, SandboxConfig};
pub use error::{CallError, SandboxError};
pub use exchanged::{Exchanged, Relayed};
pub use failure_close::failure_close;
pub use guest::{Guest, Session};
pub use guests::{Guests, Seat, SeatGuard};
pub use load::LoadError;
pub use sandbox::Sandbox;
/// The version that this crate runs guests in, for [`SandboxBuilder::engine`].
pub use wasmtime;
pub use websocket_component::Role;
