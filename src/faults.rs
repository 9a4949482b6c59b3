//! Rules that the engine can be built without, one at a time: `cargo xtask broken` shows that the tests notice each of
//! them.
//!
//! Only a build with `--cfg websocket_broken` leaves one out, the one that `WEBSOCKET_BROKEN` names in the environment of
//! the compiler. These are no features, because any crate of a program could turn on a feature, and a check off with it.
//! In all other builds nothing here does anything, and the compiler drops it.

/// The rule that is left out.
#[cfg(websocket_broken)]
const LEFT_OUT: &[u8] = env!("WEBSOCKET_BROKEN").as_bytes();
#[cfg(not(websocket_broken))]
const LEFT_OUT: &[u8] = b"";

/// A reserved bit that no extension defines is accepted (RFC 6455, section 5.2).
pub(crate) const RESERVED_BIT: bool = matches!(LEFT_OUT, b"reserved-bit");
/// A frame from the client is accepted without a mask (RFC 6455, section 5.1).
pub(crate) const MASK: bool = matches!(LEFT_OUT, b"mask");
/// Text is not checked to be UTF-8 (RFC 6455, section 8.1).
pub(crate) const UTF8: bool = matches!(LEFT_OUT, b"utf8");
/// Every code is accepted in a close frame (RFC 6455, section 7.4).
pub(crate) const CLOSE_CODE: bool = matches!(LEFT_OUT, b"close-code");

/// A 64-bit length is truncated to 32 bits (RFC 6455, section 5.2).
pub(crate) const fn length(length: u64) -> u64 {
    if matches!(LEFT_OUT, b"length") {
        length & 0xffff_ffff
    } else {
        length
    }
}
