//! Without a sandbox.

use websocket_host::Native;

#[path = "tests.rs"]
mod tests;

pub(crate) type Engine = Native;

pub(crate) fn engine() -> &'static Engine {
    &Native
}
