//! The filter in a real Envoy.
//!
//! | module | what it is |
//! |---|---|
//! | [`proxy`], [`side`], [`http2`] | an Envoy with the filter in it; a client or a server as bytes; as a stream of HTTP/2 |
//! | [`forwarding`] | bytes that go on as they are, in order, and how fast |
//! | [`rules`] | rules that are broken, and which side gets which code |
//! | [`lost`] | sides that are gone without a close frame |
//! | [`over`] | HTTP/2 on either side, and TLS |

#![cfg(all(target_os = "linux", feature = "processes"))]

mod forwarding;
mod http2;
mod lost;
mod over;
mod proxy;
mod rules;
mod side;
