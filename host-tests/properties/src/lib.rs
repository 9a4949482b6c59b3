//! Properties that hold for every input.
//!
//! A property is a function that panics for bytes for which it doesn't hold. The targets in `fuzz/` search for such
//! bytes; the tests of this crate replay their corpus.
//!
//! | module | what holds |
//! |---|---|
//! | [`session`] | one session and a peer that sends anything, split anywhere: events, output, memory |
//! | [`operations`] | two sessions and hosts that make any calls: memory, deadlines, sends, messages |
//! | [`inspector`] | an inspector between two sides: the result doesn't depend on how input is split or interleaved, and is the same as that of two sessions |
//! | [`differential`] | the engine and two other libraries receive the same, or the difference is explained |
//! | `component` | the engine in its sandbox answers every call as the native engine does |

#![allow(
    missing_docs,
    reason = "as in the harness: items that mirror the contract or the RFC are named as there"
)]

mod case;
#[cfg(feature = "component")]
pub mod component;
pub mod differential;
pub mod inspector;
mod memory;
mod opening;
pub mod operations;
mod outcome;
mod said;
pub mod session;
mod watch;
mod written;

/// A property, with the name of its fuzz target.
pub struct Property {
    pub name: &'static str,
    pub holds: fn(&[u8]),
}

/// All properties of this build.
pub const ALL: &[Property] = &[
    Property {
        name: "server",
        holds: session::server,
    },
    Property {
        name: "client",
        holds: session::client,
    },
    Property {
        name: "operations",
        holds: operations::holds,
    },
    Property {
        name: "inspector",
        holds: inspector::holds,
    },
    Property {
        name: "differential",
        holds: differential::holds,
    },
    #[cfg(feature = "component")]
    Property {
        name: "component",
        holds: component::holds,
    },
];
