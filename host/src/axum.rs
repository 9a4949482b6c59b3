//! An extractor for axum.
//!
//! ```
//! use axum_core::response::Response;
//! use futures_util::{SinkExt, StreamExt};
//! use websocket_host::Sandbox;
//! use websocket_host::axum::{WebSocket, WebSocketUpgrade};
//!
//! /// A handler: the sandbox comes from the router's state, `Router::with_state(sandbox)`, or from one that it is a part
//! /// of (`FromRef`). Routed with `any`, since over HTTP/2 the request is a CONNECT.
//! async fn handler(upgrade: WebSocketUpgrade<Sandbox>) -> Response {
//!     upgrade.subprotocols(["chat"]).on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.next().await {
//!         if message.is_data() && socket.send(message).await.is_err() {
//!             break;
//!         }
//!     }
//! }
//! ```

use std::convert::Infallible;
use std::future::Future;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::stream::{Config, Engine, Error};
use crate::upgrade::{Upgrade, UpgradeError};

pub use crate::upgrade::WebSocket;

/// An extractor for WebSocket upgrades, with the [`Engine`] from the router's state.
///
/// It makes the whole handshake, with subprotocols and permessage-deflate, over HTTP/1.1 and HTTP/2. A request that
/// asks for no WebSocket, or breaks a rule, is refused by [`on_upgrade`](Self::on_upgrade).
#[derive(Debug)]
#[must_use = "`on_upgrade` makes the response"]
pub struct WebSocketUpgrade<E> {
    upgrade: Upgrade,
    engine: E,
}

impl<E, S> FromRequestParts<S> for WebSocketUpgrade<E>
where
    S: Send + Sync,
    E: Engine + FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            upgrade: Upgrade::from_parts(parts.clone()),
            engine: E::from_ref(state),
        })
    }
}

impl<E: Engine> WebSocketUpgrade<E> {
    /// Sets the settings of the session: limits, timeouts, permessage-deflate.
    pub fn config(self, config: Config) -> Self {
        let upgrade = self.upgrade.config(config);
        Self { upgrade, ..self }
    }

    /// Accepts with the first of these subprotocols that the client offers, or with none.
    pub fn subprotocols<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let upgrade = self.upgrade.subprotocols(names);
        Self { upgrade, ..self }
    }

    /// Returns the subprotocols that the client offers, in order of preference.
    pub fn offered(&self) -> impl Iterator<Item = &str> {
        self.upgrade.offered()
    }

    /// Returns the selected subprotocol.
    #[must_use]
    pub fn selected(&self) -> Option<&str> {
        self.upgrade.selected()
    }

    /// Returns the response, and spawns a task that calls `handle` with the WebSocket. If the connection is lost before
    /// that, `handle` is not called; [`on_upgrade_or`](Self::on_upgrade_or) reports it.
    #[must_use]
    pub fn on_upgrade<F, Fut>(self, handle: F) -> Response
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_upgrade_or(handle, |_| {})
    }

    /// As [`on_upgrade`](Self::on_upgrade), and calls `failed` if the upgrade fails after the response.
    #[must_use]
    pub fn on_upgrade_or<F, Fut>(
        self,
        handle: F,
        failed: impl FnOnce(Error) + Send + 'static,
    ) -> Response
    where
        F: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        match self.upgrade.accept(&self.engine) {
            Ok((response, upgrading)) => {
                tokio::spawn(async move {
                    match upgrading.await {
                        Ok(socket) => handle(socket).await,
                        Err(error) => failed(error),
                    }
                });
                response.map(|()| Body::empty())
            }
            Err(error) => error.into_response(),
        }
    }
}

impl IntoResponse for UpgradeError {
    fn into_response(self) -> Response {
        self.response().map(Body::from)
    }
}
