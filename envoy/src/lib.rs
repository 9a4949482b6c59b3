#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(target_arch = "wasm32", deny(unsafe_code))]
//! A WebSocket filter for Envoy and other proxy-wasm hosts.
//!
//! The proxy passes what two sides send, and the filter checks it with the engine's
//! [`Inspector`](websocket_component::inspector::Inspector). The proxy calls [`Filter`], which calls [`Host`]. The rest
//! is the ABI, in `abi/`, which is compiled only for WebAssembly. `README.md` is the documentation for operators.

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
