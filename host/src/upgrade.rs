//! WebSocket upgrades for hyper: over HTTP/1.1, and over HTTP/2 by an extended CONNECT (RFC 8441).
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use http::{Request, Response};
//! use websocket_host::Sandbox;
//! use websocket_host::upgrade::Upgrade;
//!
//! /// A hyper service that sends every message back.
//! async fn echo<B>(request: Request<B>, sandbox: Sandbox) -> Response<String> {
//!     let (response, websocket) = match Upgrade::new(request).accept(&sandbox) {
//!         Ok(accepted) => accepted,
//!         Err(error) => return error.response(),
//!     };
//!     tokio::spawn(async move {
//!         let mut socket = websocket.await?;
//!         while let Some(message) = socket.next().await.transpose()? {
//!             if message.is_data() {
//!                 socket.send(message).await?;
//!             }
//!         }
//!         Ok::<_, websocket_host::stream::Error>(())
//!     });
//!     response.map(|()| String::new())
//! }
//! ```

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{fmt, io};

use http::header::{ALLOW, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use websocket_component::handshake::{Acceptance, HandshakeKind, Header};

use crate::error::SandboxError;
use crate::stream::{
    Config, Engine, Error, Opening, Response, WebSocketStream, all_fields, listed,
};

/// The protocol that `Upgrade` or the extended CONNECT names (RFC 8441, section 5).
const WEBSOCKET: &str = "websocket";

/// A WebSocket over an upgraded hyper connection or HTTP/2 stream.
pub type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// A request that may ask for a WebSocket.
///
/// The engine checks it when it is [accepted](Self::accept).
#[derive(Debug)]
pub struct Upgrade {
    parts: Parts,
    config: Config,
    acceptance: Acceptance,
}

impl Upgrade {
    /// Takes an HTTP/1.1 or HTTP/2 request. The body is ignored.
    pub fn new<B>(request: Request<B>) -> Self {
        Self::from_parts(request.into_parts().0)
    }

    /// Takes the head of a request.
    #[must_use]
    pub fn from_parts(parts: Parts) -> Self {
        Self {
            parts,
            config: Config::default(),
            acceptance: Acceptance::default(),
        }
    }

    /// Sets the settings of the session: limits, timeouts, permessage-deflate.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Returns the subprotocols that the client offers, in order of preference (RFC 6455, section 11.3.4).
    pub fn offered(&self) -> impl Iterator<Item = &str> {
        let values = self.parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        let lists = values.into_iter().filter_map(|value| listed(value).ok());
        lists.flatten()
    }

    /// Accepts with this subprotocol, which the client must have offered.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.acceptance.subprotocol = Some(name.into());
        self
    }

    /// Accepts with the first of these subprotocols that the client offers, or with none.
    #[must_use]
    pub fn subprotocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = names.into_iter();
        let name = names.find(|name| self.offered().any(|offered| offered == *name));
        self.acceptance.subprotocol = name.map(Into::into);
        self
    }

    /// Returns the selected subprotocol.
    #[must_use]
    pub fn selected(&self) -> Option<&str> {
        self.acceptance.subprotocol.as_deref()
    }

    /// Checks the request, and accepts it. Returns the response to send, and a future that resolves to the WebSocket
    /// after that.
    ///
    /// # Errors
    ///
    /// [`UpgradeError::response`] refuses the request.
    ///
    /// - [`UpgradeError::Method`]: it is neither a GET of HTTP/1.1 nor an extended CONNECT of HTTP/2.
    /// - [`UpgradeError::Handshake`]: it breaks a rule of the handshake, or the answer does; or there is no guest.
    /// - [`UpgradeError::NotUpgradable`]: it doesn't come from a hyper server that supports upgrades.
    pub fn accept(mut self, engine: &impl Engine) -> Result<(Response, Upgrading), UpgradeError> {
        let kind = self.kind()?;
        let fields = self.fields(kind);
        let answered = Opening::answer(engine, self.config, kind, fields, self.acceptance);
        let (opening, fields) = answered.map_err(UpgradeError::Handshake)?;
        let on_upgrade = self.parts.extensions.remove::<OnUpgrade>();
        let on_upgrade = on_upgrade.ok_or(UpgradeError::NotUpgradable)?;
        let mut response = Response::new(());
        *response.headers_mut() = fields;
        *response.status_mut() = match kind {
            HandshakeKind::Upgrade => StatusCode::SWITCHING_PROTOCOLS,
            HandshakeKind::ExtendedConnect => StatusCode::OK,
        };
        let opening = Some(Box::new(opening));
        Ok((
            response,
            Upgrading {
                on_upgrade,
                opening,
            },
        ))
    }

    /// Returns the header fields of the request, with the pseudo-header fields of HTTP/2, which hyper keeps elsewhere.
    fn fields(&self, kind: HandshakeKind) -> Vec<Header> {
        let Parts { uri, headers, .. } = &self.parts;
        let mut fields = all_fields(headers);
        if let HandshakeKind::ExtendedConnect = kind {
            let known = [
                (":method", Some("CONNECT")),
                (":protocol", Some(WEBSOCKET)),
                (":scheme", uri.scheme_str()),
                (":authority", uri.authority().map(Authority::as_str)),
                (":path", uri.path_and_query().map(PathAndQuery::as_str)),
            ];
            fields.extend(
                known
                    .into_iter()
                    .filter_map(|(name, value)| Some(Header::new(name, value?))),
            );
        }
        fields
    }

    fn kind(&self) -> Result<HandshakeKind, UpgradeError> {
        let Parts {
            method, extensions, ..
        } = &self.parts;
        let protocol = extensions.get::<Protocol>().map(Protocol::as_str);
        match (method, protocol) {
            (&Method::GET, None) => Ok(HandshakeKind::Upgrade),
            (&Method::CONNECT, Some(WEBSOCKET)) => Ok(HandshakeKind::ExtendedConnect),
            _ => Err(UpgradeError::Method),
        }
    }
}

/// A future that resolves to the WebSocket once the response is being sent.
#[must_use = "it is the WebSocket"]
pub struct Upgrading {
    on_upgrade: OnUpgrade,
    opening: Option<Box<Opening>>,
}

impl Future for Upgrading {
    type Output = Result<WebSocket, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx));
        let lost = |error: Box<dyn StdError + Send + Sync>| Error::from(io::Error::other(error));
        let upgraded = upgraded.map_err(|error| lost(error.into()))?;
        let opening = self.opening.take();
        let opening = opening.ok_or_else(|| lost("it was there already".into()))?;
        // `upgraded` includes what was read after the request.
        Poll::Ready(opening.open(TokioIo::new(upgraded), Vec::new()))
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}

/// Why an upgrade failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It is neither a GET of HTTP/1.1 nor an extended CONNECT of HTTP/2 for a WebSocket.
    Method,
    /// A rule of the handshake is broken, or there is no guest.
    Handshake(Error),
    /// The connection can't be upgraded: the request isn't from hyper, or the upgrade was taken before.
    NotUpgradable,
}

impl UpgradeError {
    /// Returns the status to refuse the request with: 400, 405, 426 or another 4xx if the client is at fault, 503 if
    /// all guests are in use, otherwise 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let server = StatusCode::INTERNAL_SERVER_ERROR;
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotUpgradable => server,
            Self::Handshake(Error::Sandbox(SandboxError::PoolExhausted)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Handshake(Error::Failure(failure)) => {
                let status = failure.rule.status().map(StatusCode::from_u16);
                status.and_then(Result::ok).unwrap_or(server)
            }
            Self::Handshake(_) => server,
        }
    }

    /// Returns the response that refuses the request. Its body gives the reason in English, except for server errors.
    #[must_use]
    pub fn response(&self) -> http::Response<String> {
        let status = self.status();
        let body = match status.is_client_error() {
            true => format!("{self}\n"),
            false => String::new(),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            // The supported versions (RFC 6455, section 4.4).
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
            }
            _ => {}
        }
        response
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => {
                f.write_str("a WebSocket handshake is a GET, or an extended CONNECT over HTTP/2")
            }
            Self::Handshake(error) => error.fmt(f),
            Self::NotUpgradable => f.write_str("the connection can't be upgraded"),
        }
    }
}

impl StdError for UpgradeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Handshake(error) => Some(error),
            _ => None,
        }
    }
}
