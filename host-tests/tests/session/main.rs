//! Whole sessions, native and as the component in its sandbox, by the same test bodies.
//!
//! | module | what it is about |
//! |---|---|
//! | `actions` | the rules of the pump of `websocket.dll` |
//! | `component` | what only the component can show: imports, memory |
//! | `contract` | `wit/`, the engine and the component say the same |
//! | `control` | pings, pongs and the closing handshake |
//! | `deadlines` | what happens though nothing comes, on virtual time |
//! | `deflate` | permessage-deflate: negotiation, messages, hostile peers |
//! | `determinism` | the same calls give the same bytes; keys and masks |
//! | `ending` | half-close, and how a session has ended |
//! | `handshake` | in bytes and in headers, both sides |
//! | `located` | what a failure says of the case: where in the input, and by how much |
//! | `messages` | fragments, chunks, UTF-8, limits, extension frames |
//! | `misuse` | calls that break a rule of the host's change nothing |
//! | `native_only` | what only users of the Rust crate meet |
//! | `pairs` | random traffic between a client and a server |
//! | `published` | a published version of the contract stays as it is (`wit/published/`) |
//! | `relay` | messages that go from one session to another without the host |
//! | `rules` | frames that break a rule: which, at which byte, and all that follows |
//! | `split_invariance` | however the input is cut and the session driven, the same comes of it |
//!
//! A name that begins with `class_NN` is of that class of hostile inputs.

mod actions;
#[cfg(feature = "component")]
mod component;
mod contract;
mod control;
mod deadlines;
mod deflate;
mod determinism;
mod ending;
mod handshake;
mod left_in_input;
mod located;
mod messages;
mod misuse;
mod native_only;
mod pairs;
#[cfg(not(miri))]
mod published;
mod relay;
mod rules;
mod split_invariance;
