//! Faults that the features `broken-…` put into the engine, one rule left out
//! each: `cargo xtask broken` shows that the tests notice every one of them.
//!
//! Without these features nothing here does anything, and the compiler drops it.

/// A reserved bit that no extension defines is accepted (RFC 6455, section 5.2).
pub(crate) const RESERVED_BIT: bool = cfg!(feature = "broken-reserved-bit");
/// A frame of a client's is accepted without a mask (RFC 6455, section 5.1).
pub(crate) const MASK: bool = cfg!(feature = "broken-mask");
/// Text is not checked to be UTF-8 (RFC 6455, section 8.1).
pub(crate) const UTF8: bool = cfg!(feature = "broken-utf8");
/// Every code is accepted in a close frame (RFC 6455, section 7.4).
pub(crate) const CLOSE_CODE: bool = cfg!(feature = "broken-close-code");

/// A 64-bit length is truncated to 32 bits (RFC 6455, section 5.2).
pub(crate) const fn length(length: u64) -> u64 {
    if cfg!(feature = "broken-length") {
        length & 0xffff_ffff
    } else {
        length
    }
}
