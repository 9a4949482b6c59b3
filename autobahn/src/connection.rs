//! A connection of either engine.

use std::path::Path;

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use websocket_component::Role;
use websocket_host::protocol::{Config, Deflate};
use websocket_host::stream::http::{HeaderValue, header};
use websocket_host::stream::{
    Message, WebSocketStream, accept_hdr_async_with_config, connect_async_tls_with_config,
};
use websocket_host::tls::MaybeTlsStream;
use websocket_host::{Sandbox, SandboxConfig};

use crate::native;
use crate::tls::Tls;

/// What the server calls itself: reports name it so.
pub(crate) const SERVER: &str = "websocket-component";

/// What connections are made of.
#[derive(Clone)]
pub(crate) enum Engine {
    Native,
    /// With TLS or without.
    Component(Sandbox, Option<Tls>),
}

impl Engine {
    pub(crate) fn native() -> Self {
        Self::Native
    }

    /// The component in the file at `path`, with TLS or without.
    pub(crate) fn component(path: &Path, tls: Option<Tls>) -> Result<Self> {
        let config = SandboxConfig {
            guests: 64,
            ..SandboxConfig::default()
        };
        Ok(Self::Component(Sandbox::load(path, config)?, tls))
    }

    /// Returns what is between this engine and a test suite, if there is anything.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Component(_, tls) => tls.as_ref(),
            Self::Native => None,
        }
    }

    /// A client's connection, open.
    pub(crate) async fn connect(&self, url: &str) -> Result<Connection> {
        Ok(match self {
            Self::Native => Connection::Native(Box::new(native::Connection::connect(url).await?)),
            Self::Component(sandbox, tls) => {
                let connector = tls.as_ref().map(|tls| &tls.connector);
                let config = config(Role::Client);
                let connected = connect_async_tls_with_config(url, sandbox, config, connector);
                Connection::Component(Box::new(connected.await?.0))
            }
        })
    }

    /// A server's connection, open.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Result<Connection> {
        socket.set_nodelay(true)?;
        Ok(match self {
            Self::Native => Connection::Native(Box::new(native::Connection::accept(socket).await?)),
            Self::Component(sandbox, tls) => {
                let transport = match tls {
                    Some(tls) => tls.accept(socket).await?,
                    None => MaybeTlsStream::Plain(socket),
                };
                let accepted = accept_hdr_async_with_config(
                    transport,
                    sandbox,
                    |_, mut response| {
                        let name = HeaderValue::from_static(SERVER);
                        response.headers_mut().insert(header::SERVER, name);
                        Ok(response)
                    },
                    config(Role::Server),
                );
                Connection::Component(Box::new(accepted.await?))
            }
        })
    }
}

/// The settings that sessions have by themselves, with permessage-deflate and without pings: the test suite takes one that
/// it hasn't asked for as an answer to what it sent. Every message is compressed: this port of the test suite ends with an
/// error of its own when one comes back that isn't. A client offers to do without takeover: the fuzzing server asks for
/// that only if it was offered.
pub(crate) fn config(role: Role) -> Config {
    let mut config = Config::default();
    let mut deflate = Deflate::default();
    deflate.min_length = 0;
    deflate.send_context_takeover = role == Role::Server;
    config.deflate = Some(deflate);
    config.timeouts.keepalive = None;
    config
}

/// An open connection.
pub(crate) enum Connection {
    Native(Box<native::Connection>),
    Component(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
}

impl Connection {
    /// The next message, or none at an end in good order. The transport is closed then, and after an error.
    pub(crate) async fn receive(&mut self) -> Result<Option<Message>> {
        match self {
            Self::Native(connection) => connection.receive().await,
            Self::Component(stream) => Ok(stream.next().await.transpose()?),
        }
    }

    /// Sends a message. After an error, [`Connection::receive`] gives what is left, and says why the connection ended.
    pub(crate) async fn send(&mut self, message: Message) -> Result<()> {
        match self {
            Self::Native(connection) => connection.send(&message).await,
            Self::Component(stream) => Ok(stream.send(message).await?),
        }
    }
}
