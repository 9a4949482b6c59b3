#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(feature = "component"), forbid(unsafe_code))]
//! A sans-I/O WebSocket engine.

extern crate alloc;

mod error;
pub mod handshake;
mod http;
mod limits;

pub use error::{Party, Rule, RuleGroup};
pub use limits::{Limits, Timeouts};
