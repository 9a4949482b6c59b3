//! The gate under attack, as a process of its own: good connections that count every message, and beside them hostile
//! ones of every kind.
//!
//! | module | what it is |
//! |---|---|
//! | [`report`] | how a run is told |
//! | [`round`] | one gate from start to end: calm, attack, and after |
//! | [`crowd`] | the attackers, as clients and as upstreams |
//! | [`act`] | what each attack does |
//! | [`good`], [`content`] | connections that check every echo, and what they send |
//! | [`line`](mod@line), [`hearing`] | a socket without manners, and what the gate says to it |
//! | [`attack`], [`corpus`], [`tally`] | the kinds of attacks, the bytes of the fuzzers, what came of them |
//! | [`plan`] | how much of everything |
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
