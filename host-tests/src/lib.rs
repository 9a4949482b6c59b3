//! A harness for whole sessions: the same test drives the native engine and the component in its sandbox.
//!
//! | module | what it is |
//! |---|---|
//! | [`engine`] | [`Engine`]: one session on either engine, in types that own their bytes |
//! | [`native`] | [`Native`]: the engine as a Rust crate |
//! | `sandboxed` | `Sandboxed`: the component, through websocket-host |
//! | [`wire`] | frames written and read byte by byte, independent of the engine |
//! | [`deflate`] | payloads compressed and inflated, likewise |
//! | [`heads`] | heads of handshakes, likewise |
//! | [`inspected`] | a proxy around an inspector, without sockets |
//! | [`subject`] | [`Subject`]: a session under test whose peer is the test, which sends raw bytes |
//! | [`pump`] | a session driven by actions, as programs for `websocket.dll` do |
//! | [`pair`] | [`Pair`]: a client and a server on a simulated network and virtual time |
//! | `envoy` | a real Envoy with a filter in it |
//! | `gate`, `process`, `usage` | the gate and other programs as processes, and their resource usage |
//! | `setting`, [`table`], [`quantile`] | the machine and the versions of a long run, and its report |
//! | `authority` | certificates in files |
//! | `tools` | independent peers: Node, Python, and the browser |
//! | `peer` | a client or a server on the native engine and a real socket |
//!
//! A test is a function that is generic over the [`Engine`], and [`on_both_engines!`] makes two tests of it.

#![allow(
    missing_docs,
    reason = "the items of a harness that mirror the contract or the RFC are named as there"
)]

#[cfg(feature = "processes")]
pub mod authority;
pub mod deflate;
pub mod engine;
#[cfg(feature = "processes")]
pub mod envoy;
#[cfg(feature = "processes")]
pub mod gate;
pub mod heads;
pub mod inspected;
pub mod native;
pub mod pair;
#[cfg(feature = "processes")]
pub mod peer;
#[cfg(feature = "processes")]
pub mod process;
pub mod pump;
pub mod quantile;
#[cfg(feature = "component")]
pub mod sandboxed;
#[cfg(feature = "processes")]
pub mod setting;
pub mod subject;
pub mod table;
#[cfg(feature = "processes")]
pub mod tools;
#[cfg(feature = "processes")]
pub mod usage;
pub mod wire;

pub use engine::{ActionIs, Engine, Event, ExchangeResult, Failure, ROLES, Relay, RelayResult};
pub use native::Native;
pub use pair::Pair;
pub use pump::Pump;
#[cfg(feature = "component")]
pub use sandboxed::{Sandboxed, SandboxedInspector};
pub use subject::Subject;
pub use wire::Frame;

/// The code in README and in the chapters of the book compiles, and runs where it can.
#[cfg(all(doctest, feature = "component"))]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/axum-hyper.md")]
#[doc = include_str!("../../docs/native.md")]
#[doc = include_str!("../../docs/wasmtime.md")]
pub struct Book;

/// Makes each function `name`, which is generic over the [`Engine`], into the tests `native::name` and
/// `component::name`.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name::<$crate::Native>(); })*
        }
        #[cfg(feature = "component")]
        mod component {
            $(#[test] fn $name() { super::$name::<$crate::Sandboxed>(); })*
        }
    };
}
