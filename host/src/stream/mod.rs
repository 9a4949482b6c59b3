//! A WebSocket for tokio.
//!
//! [`accept_async`] makes the handshake as a server, [`connect_async`] and [`client_async`] as a client. Each returns a
//! [`WebSocketStream`], a `Stream` and a `Sink` of [`Message`]s. An [`Engine`] runs the protocol: in a sandbox for each
//! connection, in one that several connections share, or in the program itself.
//!
//! ```no_run
//! use futures_util::{SinkExt, StreamExt};
//! use websocket_host::stream::{Message, connect_async};
//! use websocket_host::{Sandbox, SandboxConfig};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::bundled(SandboxConfig::default())?;
//! let (mut socket, response) = connect_async("ws://localhost:9001/", &sandbox).await?;
//! println!("{}", response.status());
//! socket.send("hello".into()).await?;
//! while let Some(message) = socket.next().await.transpose()? {
//!     match message {
//!         Message::Text(text) => println!("{text}"),
//!         Message::Binary(bytes) => println!("{} bytes", bytes.len()),
//!         Message::Close(frame) => println!("closed: {frame:?}"),
//!         Message::Ping(_) | Message::Pong(_) => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/echo.rs` is a server.
//!
//! | module | what it is |
//! |---|---|
//! | `connect` | connecting to a URL |
//! | `handshake` | handshakes over a transport |
//! | `opening` | a server's handshake in header fields, for connections that an HTTP server upgrades |
//! | `traffic` | the implementations of `Stream` and `Sink` |
//! | `socket` | the connection's state machine: output, an exchange of the session, input |
//! | `outside` | long payloads, which bypass the session |
//! | `conversation`, `batch`, `deliver`, `incoming` | the session, and its queues of received and outgoing messages |
//! | `engine`, `sandboxed`, `contract`, `native` | the engines |
//! | `request`, `message`, `error` | requests, messages, errors |
//! | `wakers` | which tasks to wake |

mod batch;
#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "sandbox")]
mod contract;
mod conversation;
mod deliver;
mod engine;
mod error;
mod handshake;
mod incoming;
mod message;
mod native;
mod opening;
mod outside;
mod request;
#[cfg(feature = "sandbox")]
mod sandboxed;
mod socket;
mod traffic;
mod wakers;

pub use bytes::Bytes;
pub use bytestring::ByteString;
pub use http;

pub use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated,
};
pub use websocket_component::{
    Config, Deflate, Failure, Fault, Limits, PongPolicy, Role, Rule, Timeouts,
};

#[cfg(all(feature = "client", feature = "rustls"))]
pub use self::connect::connect_async_tls_with_config;
#[cfg(feature = "client")]
pub use self::connect::{connect_async, connect_async_with_config};
pub use self::engine::Engine;
pub use self::error::{Error, ErrorResponse, Origin};
pub use self::handshake::{
    accept_async, accept_async_with_config, accept_hdr_async, accept_hdr_async_with_config,
    client_async, client_async_with_config, from_upgraded,
};
pub use self::message::{CloseFrame, Message};
pub use self::native::Native;
pub use self::opening::Opening;
pub use self::request::{IntoRequest, Request, Response};
#[cfg(feature = "hyper")]
pub(crate) use self::request::{all_fields, listed};
pub use self::socket::WebSocketStream;
