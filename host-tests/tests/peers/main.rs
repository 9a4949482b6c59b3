//! The gate as a process, among real peers.
//!
//! | module | what it is |
//! |---|---|
//! | [`outside`] | npm's `ws` and Python's `websockets` |
//! | [`secure`] | these, Java's HttpClient and Chromium, over TLS |
//! | [`deflate`] | permessage-deflate with all of these, and without the gate |
//! | [`browser`] | Chromium, with the gate's own page |
//! | [`idle`] | the memory of idle connections |
//! | [`trap`] | guests that misbehave, among others that don't |
//! | [`counted`] | a transport that counts |

#![cfg(all(feature = "component", feature = "processes"))]

mod browser;
mod counted;
mod deflate;
mod idle;
mod outside;
mod secure;
mod trap;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each of these tests needs the whole machine.
fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
