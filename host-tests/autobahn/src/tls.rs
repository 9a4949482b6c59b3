//! A TLS tunnel in this program between the engine's stream and the test suite, which has no TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use host_tests::authority::Authority;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsStream};
use websocket_host::tls::{Connector, MaybeTlsStream};

/// The address of the tunnel's ends, which is also the name in its certificate.
const HOST: &str = "127.0.0.1";

/// Both ends of a tunnel: a certificate, and a client that trusts it.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    pub(crate) connector: Connector,
}

impl Tls {
    pub(crate) fn new() -> Result<Self> {
        let authority = Authority::new()?;
        let config = authority.issue("tunnel", &[HOST])?.server_config()?;
        Ok(Self {
            acceptor: Arc::new(config).into(),
            connector: Connector::trusting(authority.roots()?, None)?,
        })
    }

    /// Makes the handshake with a client.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Result<MaybeTlsStream<TcpStream>> {
        Ok(TlsStream::from(self.acceptor.accept(socket).await?).into())
    }

    /// Forwards from a listener without TLS to a new one with TLS, which is returned.
    pub(crate) async fn put_on(&self, plain: TcpListener) -> Result<TcpListener> {
        let secure = TcpListener::bind((HOST, 0)).await?;
        let (address, tls) = (secure.local_addr()?, self.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = plain.accept().await {
                let connector = tls.connector.clone();
                tokio::spawn(async move {
                    let to = TcpStream::connect(address).await?;
                    at_once([&socket, &to])?;
                    let mut secure = connector.connect(HOST, to).await?;
                    copy_bidirectional(&mut socket, &mut secure).await
                });
            }
        });
        Ok(secure)
    }

    /// Forwards from a new listener with TLS, whose address is returned, to a server without.
    pub(crate) async fn take_off(&self, server: String) -> Result<SocketAddr> {
        let listener = TcpListener::bind((HOST, 0)).await?;
        let (address, tls) = (listener.local_addr()?, self.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, server) = (tls.clone(), server.clone());
                tokio::spawn(async move {
                    let mut plain = TcpStream::connect(server).await?;
                    at_once([&socket, &plain])?;
                    let mut secure = tls.accept(socket).await?;
                    copy_bidirectional(&mut secure, &mut plain).await?;
                    anyhow::Ok(())
                });
            }
        });
        Ok(address)
    }
}

/// Sets `TCP_NODELAY`.
fn at_once(sockets: [&TcpStream; 2]) -> io::Result<()> {
    sockets
        .iter()
        .try_for_each(|socket| socket.set_nodelay(true))
}

/// Returns the host and port of a `ws://` URL without a path.
pub(crate) fn authority_of(url: &str) -> Result<String> {
    let authority = url.strip_prefix("ws://").context("no ws:// URL")?;
    Ok(authority.trim_end_matches('/').to_owned())
}
