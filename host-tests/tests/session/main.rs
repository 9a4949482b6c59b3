//! Whole sessions, native and as the component in its sandbox, by the same test bodies.
//!
//! | module | what it is about |
//! |---|---|
//! | `rules` | frames that break a rule: which, at which byte, and all that follows |
//! | `split_invariance` | however the input is cut and the session driven, the same comes of it |

mod actions;
mod control;
mod deadlines;
mod handshake;
mod messages;
mod rules;
mod split_invariance;
