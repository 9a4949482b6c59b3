//! Whole sessions, native and as the component in its sandbox, by the same test bodies.
//!
//! | module | what it is about |
//! |---|---|
//! | `actions` | the rules of the action model of `websocket.dll` |
//! | `component` | properties of the component only: imports, memory |
//! | `contract` | `wit/`, the engine and the component agree |
//! | `control` | pings, pongs and the closing handshake |
//! | `deadlines` | timeouts, on virtual time |
//! | `deflate` | permessage-deflate: negotiation, messages, hostile peers |
//! | `determinism` | the same calls give the same bytes; keys and masks |
//! | `ending` | half-close, and how a session has ended |
//! | `handshake` | in bytes and in headers, both sides |
//! | `located` | details of a failure: where in the input, and by how much |
//! | `messages` | fragments, chunks, UTF-8, limits, extension frames |
//! | `misuse` | calls that break a rule of the host change nothing |
//! | `native_only` | API of the Rust crate only |
//! | `pairs` | random traffic between a client and a server |
//! | `published` | a published version of the contract stays as it is (`wit/published/`) |
//! | `relay` | messages that are relayed from one session to another without the host |
//! | `rules` | frames that break a rule: which, at which byte, and all that follows |
//! | `split_invariance` | the results are the same however the input is split and the session driven |
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
