//! A WebSocket for tokio.
//!
//! [`accept_async`] makes a server's WebSocket of a transport, [`connect_async`] and [`client_async`] a client's. Each is
//! a [`WebSocketStream`], a `Stream` and a `Sink` of [`Message`]s, in a sandbox of its own.
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
//! A server's side is `examples/echo.rs`.
//!
//! | module | what it is |
//! |---|---|
//! | `handshake` | from a transport to an open WebSocket |
//! | `opening` | from a request in header fields to one, on a transport that something else gives away |
//! | `traffic` | the `Stream` and the `Sink` |
//! | `socket` | the connection's state machine: output, an exchange of the session, input |
//! | `conversation`, `batch` | the session, and the queues of messages on either side of it |
//! | `request`, `message`, `error` | what callers see |
//! | `wakers` | the tasks |

mod batch;
mod conversation;
mod error;
mod handshake;
mod incoming;
mod message;
#[cfg(feature = "hyper")]
mod opening;
mod request;
mod socket;
mod traffic;
mod wakers;

pub use bytes::Bytes;
pub use bytestring::ByteString;
pub use http;

pub use self::error::{Error, Origin};
pub use self::handshake::{
    accept_async, accept_async_with_config, accept_hdr_async, accept_hdr_async_with_config,
    client_async, client_async_with_config, connect_async, connect_async_tls_with_config,
    connect_async_with_config, from_upgraded,
};
pub use self::message::Message;
pub use self::request::{ErrorResponse, IntoRequest, Request, Response};
pub use self::socket::WebSocketStream;
#[cfg(feature = "hyper")]
pub(crate) use self::{
    opening::Opening,
    request::{all_fields, listed},
};
pub use crate::protocol::CloseFrame;
