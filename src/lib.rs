#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(feature = "c-allocator"), forbid(unsafe_code))]
#![cfg_attr(feature = "c-allocator", deny(unsafe_code))]
//! A sans-I/O WebSocket engine: RFC 6455, client and server, with
//! permessage-deflate (RFC 7692) and WebSocket over HTTP/2 and HTTP/3 (RFC 8441, RFC 9220).
//!
//! It implements the protocol of one connection. It makes and checks handshakes, turns
//! messages into frame bytes and back, answers pings, closes, and keeps deadlines. It has no
//! sockets, no clock, no randomness, no threads and no TLS: the program around it, its *host*,
//! passes bytes, times and entropy in, and writes what comes out. So it runs on any kind of
//! input and output, blocking or async, and the same calls always give the same bytes.
//!
//! The same engine is compiled to a WebAssembly component, whose contract is in `wit/`.
//!
//! # First steps
//!
//! A client and a server, without a network between:
//!
//! ```
//! use websocket_component::handshake::{Acceptance, Request};
//! use websocket_component::{Config, Event, Instant, Message, Rule, Session};
//!
//! # fn main() -> Result<(), Rule> {
//! let now = Instant::from_nanos(0); // a reading of the host's monotonic clock
//! let entropy = [7; 32]; // unpredictable bytes of the system in a real host
//! let mut client = Session::client(Config::default(), &entropy, now)?;
//! let mut server = Session::server(Config::default(), now)?;
//!
//! // The output of one session is the input of the other.
//! client.connect(&Request::new("example.com", "/chat"), now)?;
//! let mut bytes = client.take_output(usize::MAX, now);
//! assert_eq!(server.input(&mut bytes, now).next(), Some(Event::Request));
//! server.accept(&Acceptance::default(), now)?;
//!
//! server.send(Message::Text("Hello"), None, now)?;
//! let mut bytes = server.take_output(usize::MAX, now);
//! let mut events = client.input(&mut bytes, now);
//! assert_eq!(events.next(), Some(Event::Opened));
//! assert_eq!(events.next(), Some(Event::Text { payload: b"Hello", last: true }));
//! assert_eq!(events.next(), None);
//! # Ok(())
//! # }
//! ```
//!
//! `docs/hosts.md` is the guide for hosts: the loop, backpressure, closing, time, large
//! payloads, failures and memory. `examples/` has an echo server, a client and a relay on
//! blocking sockets.
//!
//! # Which call for what
//!
//! | to … | call |
//! |---|---|
//! | make a session | [`Session::client`], [`Session::server`], with a [`Config`] |
//! | make one that is open already | [`Session::open_client`], [`Session::open_server`] |
//! | **make the handshake in bytes** | |
//! | ask, as a client | [`connect`](Session::connect); then [`Event::Opened`], or a failure with [`response`](Session::response) |
//! | answer, as a server | [`Event::Request`] with [`request`](Session::request); [`accept`](Session::accept) or [`refuse`](Session::refuse) |
//! | **make the handshake in header fields** | |
//! | ask | [`begin_client_handshake`](Session::begin_client_handshake), [`end_client_handshake`](Session::end_client_handshake) |
//! | answer | [`begin_server_handshake`](Session::begin_server_handshake), [`end_server_handshake`](Session::end_server_handshake) |
//! | see what was negotiated | [`negotiated`](Session::negotiated) |
//! | **move bytes** | |
//! | pass what was read | [`input`](Session::input), which returns [`Events`]; [`end_of_input`](Session::end_of_input) |
//! | get the output | [`output`](Session::output) or [`output_slices`](Session::output_slices), then [`advance`](Session::advance); or [`take_output`](Session::take_output) |
//! | do all of it in one call | [`exchange`](Session::exchange) |
//! | read a long payload without passing it | [`begin_payload`](Session::begin_payload), [`payload_read`](Session::payload_read) |
//! | pass messages on to another session | [`relay`](Session::relay) |
//! | **send** | |
//! | queue a message, ping, pong or close | [`send`](Session::send) with a [`Message`], [`send_uncompressed`](Session::send_uncompressed) |
//! | the same, without a copy | [`send_owned`](Session::send_owned), [`frame_header`](Session::frame_header) |
//! | know what was handed out | [`sent`](Session::sent), [`buffered_amount`](Session::buffered_amount) |
//! | **keep time** | |
//! | find out when to call again | [`next_deadline`](Session::next_deadline), [`has_more`](Session::has_more) |
//! | handle timeouts | [`input`](Session::input) with the unconsumed input, or [`handle_timeout`](Session::handle_timeout) |
//! | report that reading is paused | [`pause_reading`](Session::pause_reading), [`resume_reading`](Session::resume_reading) |
//! | report that the transport is blocked | [`output_blocked`](Session::output_blocked), [`output_taken`](Session::output_taken) |
//! | get the round-trip time | [`round_trip_time`](Session::round_trip_time) |
//! | **end** | |
//! | close | [`send`](Session::send) with [`Message::CloseWith`] or [`Message::Close`] |
//! | close without a closing handshake | [`abort`](Session::abort) |
//! | get the state, and how it ended | [`state`](Session::state), [`outcome`](Session::outcome), [`failure`](Session::failure) |
//! | **be driven by actions, as with `websocket.dll`** | [`receive`](Session::receive), [`get_action`](Session::get_action), [`complete_action`](Session::complete_action) |
//!
//! # Failures
//!
//! Each way to break the protocol is a [`Rule`], and [`Rule::fault`] says who broke it. A
//! mistake of the host changes nothing: the call returns the rule. A mistake of the peer, or
//! the end of the transport, ends the session, and [`Session::failure`] returns the rule,
//! where in the input it was broken, and which limit was exceeded by what. Every limit
//! ([`Limits`]) and timeout ([`Timeouts`]) has a default, and says which rule is broken beyond
//! it. Nothing that a peer sends makes the engine panic.
//!
//! # Features
//!
//! * `std` (default): masks and UTF-8 use the SIMD instructions of the processor, detected at
//!   run time. Without it they use those of the build target. The engine needs only `alloc` in
//!   any case.
//! * `deflate` (default): permessage-deflate. Without it the API is the same, and
//!   [`Config::deflate`] is refused with [`Rule::DeflateUnavailable`].
//! * `c-allocator`: `malloc`, `calloc` and `free` for `deflate` in a WebAssembly module that has no C
//!   library. No effect on other targets.
//! * `component`: the exports of the WebAssembly component. Only its build has a use for it.

extern crate alloc;

#[cfg(all(target_arch = "wasm32", feature = "c-allocator"))]
#[allow(unsafe_code, reason = "memory is passed by pointers")]
mod c_allocator;
#[cfg(feature = "component")]
#[allow(unsafe_code, reason = "the canonical ABI passes pointers")]
mod component;
mod deflate;
mod error;
mod failure;
mod faults;
mod frame;
pub mod handshake;
mod http;
pub mod inspector;
mod limits;
#[cfg(websocket_misbehave)]
mod misbehave;
mod session;
mod stream;

pub use deflate::Deflate;
pub use error::{Fault, Rule, RuleGroup};
pub use failure::Failure;
pub use limits::{Limits, Timeouts};
pub use session::{
    Action, ActionId, ActionQueue, Completion, Config, Delivery, Event, EventKind, EventRecord,
    Events, Exchanged, FrameHeader, IncomingPayload, Initiator, Instant, Message, NotSent, Outcome,
    Outgoing, OwnedMessage, PongPolicy, Received, Relayed, Role, Sent, Session, State,
};

/// Has the code of the guide compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/hosts.md")]
struct HostsGuide;
