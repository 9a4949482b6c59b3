//! The filter in a real Envoy.
//!
//! | module | what it is |
//! |---|---|
//! | [`proxy`], [`side`] | an Envoy with the filter in it; a client or a server as bytes |
//! | [`forwarding`] | bytes that go on as they are, in order, and how fast |
//! | [`rules`] | rules that are broken, and which side gets which code |
//! | [`lost`] | sides that are gone without a close frame |

#![cfg(all(target_os = "linux", feature = "processes"))]

mod forwarding;
mod lost;
mod proxy;
mod rules;
mod side;
