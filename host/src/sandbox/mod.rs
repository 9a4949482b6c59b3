//! The component in wasmtime.
//!
//! | module | what it is |
//! |---|---|
//! | `guests` | [`Guests`]: a guest for each connection, or one that several share |
//! | `pool` | [`Sandbox`]: the loaded component and the pool that its guests come from |
//! | `builder`, `load`, `cache` | from a component to a checked sandbox, compiled on disk where that can be trusted, on an engine of its own or of the program's |
//! | `exchange`, `handshake`, `calls` | the functions of the contract as methods of a guest, first of all [`Guest::exchange`], which carries a connection, and [`Guest::relay`], which carries two |
//! | `outside` | [`Guest::frame_header`], [`Guest::begin_payload`], [`Guest::relay_payload`]: payload that stays outside the guest |
//! | `guest` | [`Guest`]: one store and one instance with its sessions, and what ended it |
//! | `exchanged`, `records` | [`Exchanged`], [`Relayed`]: the results of those calls, read where they are in guest memory |
//! | `options` | a session's [`Config`](crate::protocol::Config) as the options resource of a guest |
//! | `engine`, `limiter`, `call_time`, `places` | wasmtime's settings, the limits of one guest, and how many there are |
//! | `config`, `call_error` | [`SandboxConfig`], [`CallError`] |
//! | `abi` | the component's core module, and how its functions are called: the canonical ABI |
//!
//! Each module uses only those below it.

pub(crate) mod abi;
mod builder;
mod cache;
mod call_error;
mod call_time;
mod calls;
mod config;
mod engine;
mod exchange;
mod exchanged;
pub(crate) mod guest;
mod guests;
mod handshake;
mod limiter;
mod load;
pub(crate) mod options;
pub(crate) mod outside;
mod places;
mod pool;
mod records;

pub use builder::SandboxBuilder;
pub use call_error::CallError;
pub use config::{Cache, SandboxConfig};
pub use exchanged::{Exchanged, Relayed};
pub use guest::{Guest, Session};
pub use guests::{Guests, Seat, SeatGuard};
pub use load::LoadError;
pub use pool::Sandbox;
