//! Rules that the engine can be built without, one at a time: `cargo xtask broken` shows that the tests notice each of
//! them.
//!
//! Only a build with `--cfg websocket_broken` leaves one out: natively the one that `WEBSOCKET_BROKEN` names in the
//! environment of the tests, in a component, which has no environment, the one that it names in that of the compiler.
//! These are no features, because any crate of a program could turn on a feature, and a check off with it. In all other
//! builds nothing here does anything, and the compiler drops it.

#[cfg(all(websocket_broken, not(target_arch = "wasm32")))]
extern crate std;

/// Whether this rule is left out.
#[cfg(not(websocket_broken))]
const fn is_left_out(_: &str) -> bool {
    false
}

#[cfg(all(websocket_broken, target_arch = "wasm32"))]
fn is_left_out(rule: &str) -> bool {
    rule == env!("WEBSOCKET_BROKEN")
}

#[cfg(all(websocket_broken, not(target_arch = "wasm32")))]
fn is_left_out(rule: &str) -> bool {
    static LEFT_OUT: std::sync::OnceLock<std::string::String> = std::sync::OnceLock::new();
    let left_out = LEFT_OUT.get_or_init(|| std::env::var("WEBSOCKET_BROKEN").unwrap_or_default());
    rule == left_out
}

/// A reserved bit that no extension defines is accepted (RFC 6455, section 5.2).
pub(crate) fn reserved_bit() -> bool {
    is_left_out("reserved-bit")
}

/// A frame from the client is accepted without a mask (RFC 6455, section 5.1).
pub(crate) fn mask() -> bool {
    is_left_out("mask")
}

/// Text is not checked to be UTF-8 (RFC 6455, section 8.1).
pub(crate) fn utf8() -> bool {
    is_left_out("utf8")
}

/// Every code is accepted in a close frame (RFC 6455, section 7.4).
pub(crate) fn close_code() -> bool {
    is_left_out("close-code")
}

/// A 64-bit length is truncated to 32 bits (RFC 6455, section 5.2).
pub(crate) fn length(length: u64) -> u64 {
    match is_left_out("length") {
        true => length & 0xffff_ffff,
        false => length,
    }
}
