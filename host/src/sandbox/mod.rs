//! The component in wasmtime.
//!
//! | module | what it is |
//! |---|---|
//! | `guests` | [`Guests`]: a guest for each connection, or for several |
//! | `pool` | [`Sandbox`]: the loaded component and its pool of guests |
//! | `builder`, `load`, `cache` | loads and checks the component, on the sandbox's or the program's engine, and caches its compiled form |
//! | `exchange`, `handshake`, `calls` | the functions of the contract as methods of a guest, above all [`Guest::exchange`] for one connection and [`Guest::relay`] between two |
//! | `outside` | [`Guest::frame_header`], [`Guest::begin_payload`], [`Guest::relay_payload`]: payload that bypasses the guest |
//! | `guest` | [`Guest`]: one store and one instance, with its sessions |
//! | `exchanged`, `records` | [`Exchanged`], [`Relayed`]: the results of those calls, read where they are in guest memory |
//! | `options` | a session's [`Config`](crate::protocol::Config) as the options resource of a guest |
//! | `engine`, `limiter`, `call_time`, `places` | wasmtime's settings, the limits of one guest, and the number of guests |
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
