//! Small spaces of inputs, gone through to the last one.
//!
//! | module | space | held against |
//! |---|---|---|
//! | `masks` | every length up to 300 at every alignment, key phase and cut | the loop of RFC 6455, section 5.3 |
//! | `utf8` | sequences of up to four bytes at every cut | `core::str::from_utf8` |
//!
//! Headers and close codes depend on the session's role and state: they are gone
//! through in `stream/frames/exhaustive` and `session/close/codes`.

mod masks;
pub(super) mod utf8;
