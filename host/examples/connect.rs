//! Sends a line to a server, and prints what it answers:
//! `cargo run --release -p websocket-host --example connect -- wss://example.com/ hello [CA.pem]`.
//!
//! With a third argument it trusts the authorities in that file, otherwise those of the system.

use futures_util::{SinkExt, StreamExt};
use websocket_host::stream::{Config, Message, connect_async_tls_with_config};
use websocket_host::tls::Connector;
use websocket_host::tls::rustls::RootCertStore;
use websocket_host::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(line)) = (arguments.next(), arguments.next()) else {
        return Err("usage: connect URL LINE [CA.pem]".into());
    };
    let connector = arguments.next().map(trusting).transpose()?;
    let sandbox = Sandbox::bundled(SandboxConfig::default())?;
    let config = Config::default();
    let opening = connect_async_tls_with_config(url, &sandbox, config, connector.as_ref());
    let (mut socket, _) = opening.await?;
    socket.send(line.into()).await?;
    while let Some(message) = socket.next().await.transpose()? {
        if let Message::Text(text) = message {
            println!("{text}");
            break;
        }
    }
    socket.close(None).await?;
    Ok(())
}

/// Trusts the authorities in a file, and no others.
fn trusting(file: String) -> Result<Connector, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    Ok(Connector::trusting(roots, None)?)
}
