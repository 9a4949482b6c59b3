//! In guests that several connections share.

use std::num::NonZero;
use std::sync::LazyLock;

use websocket_host::Guests;

use crate::support::sandbox;

#[path = "tests.rs"]
mod tests;

pub(crate) type Engine = Guests;

/// Guests for up to ten connections each, which all tests share.
pub(crate) fn engine() -> &'static Engine {
    static GUESTS: LazyLock<Guests> = LazyLock::new(|| {
        let ten = NonZero::new(10).expect("ten");
        Guests::new(sandbox().clone(), ten)
    });
    &GUESTS
}
