//! Shared by the tests of TLS: peers with TLS that send raw bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use host_tests::authority::{Authority, Issued};
use tokio::io::copy_bidirectional;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use websocket_host::tls::provider;
use websocket_host::tls::rustls::client::WantsClientCert;
use websocket_host::tls::rustls::pki_types::pem::PemObject;
use websocket_host::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use websocket_host::tls::rustls::server::WebPkiClientVerifier;
use websocket_host::tls::rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, ServerConfig, StreamOwned,
};

use crate::peer::REQUEST;
use crate::process::{Gate, PATIENCE};

/// The settings of a client that trusts an authority, and shows a certificate if it has one.
pub(crate) fn trusting(authority: &Authority, own: Option<&Issued>) -> ClientConfig {
    let config = client_config(authority.roots().unwrap());
    match own {
        None => config.with_no_client_auth(),
        Some(own) => config
            .with_client_auth_cert(chain(&own.certificate), key(&own.key))
            .unwrap(),
    }
}

/// The settings of a client that trusts the certificate in a file.
pub(crate) fn trusting_file(path: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in chain(path) {
        roots.add(root).unwrap();
    }
    client_config(roots).with_no_client_auth()
}

/// The settings of a server that shows a certificate, and may ask for one that an authority has issued.
pub(crate) fn server(own: &Issued, asks: Option<&Authority>) -> Arc<ServerConfig> {
    let Some(authority) = asks else {
        return Arc::new(own.server_config().unwrap());
    };
    let roots = Arc::new(authority.roots().unwrap());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.unwrap());
    let made = config.with_single_cert(chain(&own.certificate), key(&own.key));
    Arc::new(made.unwrap())
}

pub(crate) fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_file_iter(path).unwrap();
    all.map(Result::unwrap).collect()
}

fn client_config(roots: RootCertStore) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

fn key(path: &Path) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(path).unwrap()
}

/// A connection to the gate with TLS.
pub(crate) type Client = StreamOwned<ClientConnection, TcpStream>;

/// A client that asks for a server of this name, before the first byte of its handshake.
pub(crate) fn client(address: SocketAddr, config: ClientConfig, name: &str) -> Client {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    StreamOwned::new(connection, stream)
}

/// A client whose WebSocket is open, at a gate with an echo server.
pub(crate) fn open(gate: &Gate, config: ClientConfig, name: &str) -> Client {
    let mut client = client(gate.address, config, name);
    client.write_all(REQUEST.as_bytes()).unwrap();
    assert!(head(&mut client).starts_with("HTTP/1.1 101 "));
    client
}

/// Reads a head.
pub(crate) fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap()
}

/// A client's message, with a mask of zeros.
pub(crate) fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = header(payload.len());
    frame[1] |= 0x80;
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The header of a binary message that isn't masked.
pub(crate) fn header(length: usize) -> Vec<u8> {
    let mut header = vec![0x82];
    match length {
        0..=125 => header.push(length as u8),
        126..=65_535 => {
            header.push(126);
            header.extend((length as u16).to_be_bytes());
        }
        _ => {
            header.push(127);
            header.extend((length as u64).to_be_bytes());
        }
    }
    header
}

/// Checks that a message is echoed, in whatever fragments.
pub(crate) fn echo(client: &mut (impl Read + Write), payload: &[u8]) {
    client.write_all(&masked(payload)).unwrap();
    assert!(message(client) == payload, "{} bytes", payload.len());
}

/// Reads a message.
fn message(stream: &mut impl Read) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let [first, second] = exactly(stream);
        let length = match second {
            126 => u16::from_be_bytes(exactly(stream)).into(),
            127 => u64::from_be_bytes(exactly(stream)),
            short => short.into(),
        };
        let start = message.len();
        message.resize(start + length as usize, 0);
        stream.read_exact(&mut message[start..]).unwrap();
        if first & 0x80 != 0 {
            return message;
        }
    }
}

fn exactly<const N: usize>(stream: &mut impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// A server that terminates TLS in front of a plain one.
pub(crate) struct Terminator {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Terminator {
    pub(crate) fn before(plain: SocketAddr, config: Arc<ServerConfig>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(config);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut secure = acceptor.accept(stream).await?;
                    let mut plain = tokio::net::TcpStream::connect(plain).await?;
                    copy_bidirectional(&mut secure, &mut plain).await
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}
