//! The gate under attack, as a separate process: good connections that check every message, and hostile connections of
//! every kind.
//!
//! | module | what it is |
//! |---|---|
//! | [`report`] | the report of a run |
//! | [`round`] | one gate from start to end: calm, attack, and after |
//! | [`crowd`] | the attackers, as clients and as upstreams |
//! | [`act`] | what each attack does |
//! | [`good`], [`content`] | connections that check every echo, and what they send |
//! | [`line`](mod@line), [`hearing`] | a raw socket that ignores the protocol, and what the gate sends to it |
//! | [`attack`], [`corpus`], [`tally`] | the kinds of attacks, the fuzzers' corpus, the outcomes |
//! | [`plan`] | the numbers and timeouts of a run |
//!
//! Each module uses those in its own line and below.

#![allow(
    missing_docs,
    reason = "a program's own parts: what is not plain from its name is documented"
)]

pub mod act;
pub mod attack;
pub mod content;
pub mod corpus;
pub mod crowd;
pub mod good;
pub mod hearing;
pub mod line;
pub mod plan;
pub mod report;
pub mod round;
pub mod tally;
