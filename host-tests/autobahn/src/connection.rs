//! Connections with the native engine or the component.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::net::TcpStream;
use websocket_host::stream::http::{HeaderValue, header};
use websocket_host::stream::{
    Config, Deflate, Engine, Role, WebSocketStream, accept_hdr_async_with_config,
    connect_async_tls_with_config,
};
use websocket_host::tls::MaybeTlsStream;
use websocket_host::{Native, Sandbox, SandboxConfig};

use crate::tls::Tls;

/// The server's name in reports.
const SERVER: &str = "websocket-component";

/// An open connection.
pub(crate) type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Opener {
    engine: Arc<dyn Engine>,
    tls: Option<Tls>,
}

impl Opener {
    /// Uses the native engine.
    pub(crate) fn native(tls: Option<Tls>) -> Self {
        let engine = Arc::new(Native);
        Self { engine, tls }
    }

    /// Uses the component in the file at `path`.
    pub(crate) fn component(path: &Path, tls: Option<Tls>) -> Result<Self> {
        let config = SandboxConfig {
            guests: 64,
            ..SandboxConfig::default()
        };
        let engine = Arc::new(Sandbox::load(path, config)?);
        Ok(Self { engine, tls })
    }

    /// Returns the TLS tunnel between the engine and the test suite, if there is one.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Opens a connection as a client.
    pub(crate) async fn connect(&self, url: &str) -> Result<Connection> {
        let connector = self.tls.as_ref().map(|tls| &tls.connector);
        let config = config(Role::Client);
        let connected = connect_async_tls_with_config(url, &self.engine, config, connector);
        Ok(connected.await?.0)
    }

    /// Opens a connection as a server.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Result<Connection> {
        socket.set_nodelay(true)?;
        let transport = match &self.tls {
            Some(tls) => tls.accept(socket).await?,
            None => MaybeTlsStream::Plain(socket),
        };
        let accepted = accept_hdr_async_with_config(
            transport,
            &self.engine,
            |_, mut response| {
                let name = HeaderValue::from_static(SERVER);
                response.headers_mut().insert(header::SERVER, name);
                Ok(response)
            },
            config(Role::Server),
        );
        Ok(accepted.await?)
    }
}

/// Returns the default settings, with permessage-deflate and without pings, which the test suite would take for
/// answers. Every message is compressed, because this port of the test suite fails with an error if an echo isn't. A
/// client offers no context takeover, because the fuzzing server asks for that only if it was offered.
fn config(role: Role) -> Config {
    let mut config = Config::default();
    let mut deflate = Deflate::default();
    deflate.min_length = 0;
    deflate.send_context_takeover = role == Role::Server;
    config.deflate = Some(deflate);
    config.timeouts.keepalive = None;
    config
}
