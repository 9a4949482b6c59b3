//! The filter in a real Envoy.
//!
//! | module | what it is |
//! |---|---|
//! | [`proxy`], [`side`], [`http2`] | an Envoy with the filter in it; a client or a server as bytes; as a stream of HTTP/2 |
//! | [`forwarding`] | bytes that are forwarded unchanged, in order, and how fast |
//! | [`rules`] | rules that are broken, and which side gets which code |
//! | [`lost`] | sides that disconnect without a close frame |
//! | [`compressed`] | permessage-deflate |
//! | [`handshake`] | what is accepted, and settings that are refused |
//! | [`policy`] | rates, content and memory |
//! | [`time`] | silence, age, pings, and what takes too long |
//! | [`numbers`] | metrics, the access log and the log; many connections, several workers |
//! | [`outside`] | npm's `ws`, Python's `websockets` and Chromium |
//! | [`over`] | HTTP/2 on either side, and TLS |
//! | [`trap`] | a filter that fails all the same |
//! | [`configurations`] | the files in `envoy/config` |

#![cfg(all(target_os = "linux", feature = "processes"))]

mod compressed;
mod configurations;
mod forwarding;
mod handshake;
mod http2;
mod lost;
mod numbers;
mod outside;
mod over;
mod policy;
mod proxy;
mod rules;
mod side;
mod time;
mod trap;
