//! What holds for every input.
//!
//! A property is a function of bytes that panics if it doesn't hold. The targets in `fuzz/` look for such bytes; the
//! tests of this crate replay what they have kept.
//!
//! | module | what holds |
//! |---|---|
//! | [`session`] | one session and a peer that says anything: events, output, memory, whatever the cuts |
//! | [`operations`] | two sessions and their hosts, whatever calls these make: memory, deadlines, sends, messages |
//! | [`inspector`] | an inspector between two sides: the same whatever the cuts and turns, and as two sessions hear it |
//! | [`differential`] | the engine and two other libraries hear the same, or the difference is explained |
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

/// A property with the name of the fuzz target that looks for what breaks it.
pub struct Property {
    pub name: &'static str,
    pub holds: fn(&[u8]),
}

/// Those that this build has.
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
