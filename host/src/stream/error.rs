//! Errors of a connection, and who is at fault.

use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use http::StatusCode;

use websocket_component::{Failure, Fault, Rule};

use crate::error::SandboxError;

/// A response that refuses a request.
pub type ErrorResponse = http::Response<Bytes>;

/// Why a connection failed or ended, or why a message was not sent. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The TLS handshake failed, or the server's certificate isn't trusted.
    #[cfg(feature = "rustls")]
    Tls(Arc<crate::tls::rustls::Error>),
    /// A rule was broken; [`origin`](Self::origin) says by whom.
    Failure(Failure),
    /// The server refused the handshake. The response has as much of its body as was received, up to
    /// [`Limits::refusal_body`](crate::stream::Limits::refusal_body).
    Http(Arc<ErrorResponse>),
    /// The callback of `accept_hdr_async` refused the request, with this status.
    Refused(StatusCode),
    /// There was no guest, or it has ended; the peer then gets a close frame with 1011 if one can still be sent.
    Sandbox(SandboxError),
    /// The request is invalid, for this reason.
    Request(String),
    /// The message was not sent: it is longer than [`Limits::queued_output`](crate::stream::Limits::queued_output).
    TooLong {
        /// That limit, in bytes.
        limit: u64,
    },
    /// Nothing can be sent any more: a close frame was sent or received, or the connection has ended.
    Closed,
}

/// Who is at fault for an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The other side of the connection.
    Peer,
    /// The caller of this crate.
    Host,
    /// The transport.
    Transport,
    /// The component in the sandbox.
    Guest,
}

impl Error {
    /// Returns who is at fault.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Io(_) => Origin::Transport,
            Self::Failure(failure) => match failure.rule.fault() {
                Fault::Peer => Origin::Peer,
                Fault::Transport => Origin::Transport,
                _ => Origin::Host,
            },
            Self::Http(_) => Origin::Peer,
            #[cfg(feature = "rustls")]
            Self::Tls(_) => Origin::Peer,
            Self::Refused(_) | Self::Request(_) | Self::TooLong { .. } | Self::Closed => {
                Origin::Host
            }
            Self::Sandbox(_) => Origin::Guest,
        }
    }

    /// Returns the close code for this error (RFC 6455, section 7.4.1): that of the rule, or 1006, which is never sent,
    /// if the connection was lost.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        const ABNORMAL: u16 = 1006;
        match self {
            Self::Failure(failure) => failure.rule.close_code().unwrap_or(ABNORMAL),
            _ => ABNORMAL,
        }
    }

    pub(super) fn request(why: impl fmt::Display) -> Self {
        Self::Request(why.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            #[cfg(feature = "rustls")]
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Failure(failure) => {
                write!(
                    f,
                    "{} ({})",
                    failure.rule.description(),
                    failure.rule.section()
                )
            }
            Self::Http(response) => write!(
                f,
                "the server refused the handshake with {}",
                response.status()
            ),
            Self::Refused(status) => write!(f, "the request was refused with {status}"),
            Self::Sandbox(error) => error.fmt(f),
            Self::Request(why) => write!(f, "not a WebSocket handshake: {why}"),
            Self::TooLong { limit } => {
                write!(
                    f,
                    "the message is longer than the {limit} bytes that can be queued"
                )
            }
            Self::Closed => f.write_str("the connection is closed for sending"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            #[cfg(feature = "rustls")]
            Self::Tls(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "rustls")]
        let error = match error.downcast() {
            Ok(error) => return Self::Tls(Arc::new(error)),
            Err(error) => error,
        };
        Self::Io(Arc::new(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Rule> for Error {
    fn from(rule: Rule) -> Self {
        Failure::from(rule).into()
    }
}

impl From<SandboxError> for Error {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}
