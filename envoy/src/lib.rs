#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(target_arch = "wasm32", deny(unsafe_code))]
//! A WebSocket filter for Envoy and other proxy-wasm hosts.
//!
//! The proxy passes on what two sides send, and the filter has the engine's
//! [`Inspector`](websocket_component::inspector::Inspector) look at it: [`Filter`] is what the proxy calls, and [`Host`]
//! what it is asked for. The rest is the ABI, in `abi/`, which only a WebAssembly module has.

extern crate alloc;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the ABI passes pointers")]
mod abi;
mod config;
mod expression;
mod filter;
mod filters;
mod host;
mod pairs;
mod settings;

pub use config::ConfigError;
pub use expression::Expression;
pub use filter::Filter;
pub use filters::Filters;
pub use host::{Action, Carrier, Head, Host, Level, Metric};
pub use settings::{Content, Origin, Pattern, Rate, Settings};
