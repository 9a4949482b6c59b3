//! In a guest for each connection.

use websocket_host::Sandbox;

use crate::support::sandbox;

#[path = "tests.rs"]
mod tests;

pub(crate) type Engine = Sandbox;

/// The sandbox that all tests share.
pub(crate) fn engine() -> &'static Engine {
    sandbox()
}
