//! WebSockets over HTTP/2 (RFC 8441), with axum, hyper and rustls. Open the page that it prints:
//! `cargo run --release -p websocket-host --features axum --example http2 -- CERTIFICATE.pem KEY.pem [ADDRESS]`.
//!
//! This makes a certificate to try it with, which you have to accept in the browser:
//! `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout key.pem
//! -out certificate.pem`.
//!
//! A browser opens a WebSocket on the HTTP/2 connection of the page, if the server allows it.

use std::sync::Arc;

use axum::Router;
use axum::http::Version;
use axum::response::{Html, Response};
use axum::routing::{any, get};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use websocket_host::axum::{WebSocket, WebSocketUpgrade};
use websocket_host::tls::provider;
use websocket_host::tls::rustls::ServerConfig;
use websocket_host::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: http2 CERTIFICATE.pem KEY.pem [ADDRESS]".into());
    };
    let address = arguments.next();
    let address = address.unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let tls = acceptor(&certificate, &key)?;
    let app = Router::new()
        .route("/", get(Html(include_str!("http2.html"))))
        .route("/echo", any(enter))
        .with_state(Sandbox::bundled(SandboxConfig::default())?);
    let listener = TcpListener::bind(address).await?;
    println!("https://{}/", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept().await?;
        let (tls, service) = (tls.clone(), TowerToHyperService::new(app.clone()));
        tokio::spawn(async move {
            let socket = match tls.accept(socket).await {
                Ok(socket) => TokioIo::new(socket),
                Err(error) => return eprintln!("{peer}: {error}"),
            };
            let mut server = auto::Builder::new(TokioExecutor::new());
            // Without it a browser opens an HTTP/1.1 connection for its WebSocket.
            server.http2().enable_connect_protocol();
            let served = server.serve_connection_with_upgrades(socket, service);
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// TLS with HTTP/2 and HTTP/1.1.
fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, Box<dyn std::error::Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

async fn enter(version: Version, upgrade: WebSocketUpgrade<Sandbox>) -> Response {
    upgrade.on_upgrade(move |socket| echo(socket, version))
}

/// Sends the HTTP version, then echoes every message.
async fn echo(mut socket: WebSocket, version: Version) {
    if socket.send(format!("{version:?}").into()).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        if message.is_data() && socket.send(message).await.is_err() {
            break;
        }
    }
}
