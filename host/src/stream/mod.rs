//! A WebSocket for tokio.
//!
//! [`accept_async`] makes a server's WebSocket of a transport, [`connect_async`] and [`client_async`] a client's. Each is
//! a [`WebSocketStream`], a `Stream` and a `Sink` of [`Message`]s, in a sandbox of its own.
//!
//! | module | what it is |
//! |---|---|
//! | `handshake` | from a transport to an open WebSocket |
//! | `traffic` | the `Stream` and the `Sink` |
//! | `socket` | one step after the other: output, a turn of the session, input |
//! | `ending` | the end in good order |
//! | `conversation` | the session, and the messages that wait on either side of it |
//! | `request`, `message`, `error` | what callers see |
//! | `output`, `scratch`, `alarm`, `wakers` | bytes that wait, the buffer that all share, the timer, the tasks |

mod alarm;
mod conversation;
mod ending;
mod error;
mod handshake;
mod message;
mod output;
mod request;
mod scratch;
mod socket;
mod traffic;
mod wakers;

pub use bytes::Bytes;
pub use bytestring::ByteString;
pub use http;

pub use self::error::{Blame, Error};
pub use self::handshake::{
    accept_async, accept_async_with_config, accept_hdr_async, accept_hdr_async_with_config,
    client_async, client_async_with_config, connect_async, connect_async_with_config,
    from_upgraded,
};
pub use self::message::Message;
pub use self::request::{ErrorResponse, IntoRequest, Request, Response};
pub use self::socket::WebSocketStream;
pub use crate::protocol::CloseFrame;
