//! Connecting to a URL.

use tokio::net::TcpStream;
use websocket_component::Config;

use super::engine::Engine;
use super::error::Error;
use super::handshake::client_async_with_config;
use super::request::{self, IntoRequest, Request, Response};
use super::socket::WebSocketStream;
#[cfg(feature = "rustls")]
use crate::tls::Connector;
use crate::transport::MaybeTlsStream;

/// Connects to a URL with the scheme `ws` or, with the feature `rustls`, `wss`, trusting the roots of the system.
///
/// # Errors
///
/// As for [`client_async`](super::client_async); [`Error::Io`] if the server can't be reached, `Error::Tls` if the TLS
/// handshake fails.
pub async fn connect_async<R>(
    request: R,
    engine: &impl Engine,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    connect_async_with_config(request, engine, Config::default()).await
}

/// Connects to a URL with the scheme `ws` or `wss`, with the given settings.
///
/// # Errors
///
/// As for [`connect_async`].
pub async fn connect_async_with_config<R>(
    request: R,
    engine: &impl Engine,
    config: Config,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    let request = request.into_request()?;
    let io = reach(&request).await?;
    #[cfg(feature = "rustls")]
    let io = secure(io, &request, None).await?;
    #[cfg(not(feature = "rustls"))]
    let io = MaybeTlsStream::Plain(io);
    client_async_with_config(request, io, engine, config).await
}

/// Connects to a URL with the scheme `ws` or `wss`, with the given settings and TLS connector.
///
/// ```no_run
/// # use websocket_host::Sandbox;
/// use websocket_host::stream::{Config, connect_async_tls_with_config};
/// use websocket_host::tls::Connector;
/// use websocket_host::tls::rustls::RootCertStore;
/// use websocket_host::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
///
/// # async fn run(sandbox: &Sandbox) -> Result<(), Box<dyn std::error::Error>> {
/// let mut roots = RootCertStore::empty();
/// roots.add(CertificateDer::from_pem_file("ca.pem")?)?;
/// let connector = Connector::trusting(roots, None)?;
/// let (url, config) = ("wss://localhost:9001/", Config::default());
/// let (socket, _) = connect_async_tls_with_config(url, sandbox, config, Some(&connector)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As for [`connect_async`].
#[cfg(feature = "rustls")]
pub async fn connect_async_tls_with_config<R>(
    request: R,
    engine: &impl Engine,
    config: Config,
    connector: Option<&Connector>,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    let request = request.into_request()?;
    let io = reach(&request).await?;
    let io = secure(io, &request, connector).await?;
    client_async_with_config(request, io, engine, config).await
}

/// Connects to the host and port of the request.
async fn reach(request: &Request) -> Result<TcpStream, Error> {
    let address = request::address(request.uri())?;
    if address.is_secure && cfg!(not(feature = "rustls")) {
        return Err(Error::request("wss needs the feature rustls"));
    }
    let io = TcpStream::connect((address.name(), address.port)).await?;
    io.set_nodelay(true)?;
    Ok(io)
}

/// Makes the TLS handshake, if the scheme is `wss`.
#[cfg(feature = "rustls")]
async fn secure(
    io: TcpStream,
    request: &Request,
    connector: Option<&Connector>,
) -> Result<MaybeTlsStream<TcpStream>, Error> {
    let address = request::address(request.uri())?;
    Ok(match (address.is_secure, connector) {
        (false, _) => MaybeTlsStream::Plain(io),
        (true, Some(connector)) => connector.connect(address.name(), io).await?,
        (true, None) => Connector::system()?.connect(address.name(), io).await?,
    })
}
