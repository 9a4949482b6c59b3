//! The gate as a process, among real peers.
//!
//! | module | what it is |
//! |---|---|
//! | [`outside`] | npm's `ws` and Python's `websockets` |
//! | [`browser`] | Chromium, with the gate's own page |
//! | [`idle`] | how much memory a connection takes that says nothing |
//! | [`trap`] | guests that misbehave, among others that don't |
//! | [`gate`], [`process`], [`tools`] | the programs |
//! | [`native`] | a peer in the test itself, on the native engine |

#![cfg(feature = "component")]

mod browser;
mod gate;
mod idle;
mod native;
mod outside;
mod process;
mod tools;
mod trap;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each of these tests takes the machine for itself.
fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
