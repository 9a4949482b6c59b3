//! The stream over TLS.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rcgen::generate_simple_self_signed;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsStream};
use websocket_host::stream::{
    CloseFrame, Config, Error, Message, Origin, accept_async, connect_async,
    connect_async_tls_with_config,
};
use websocket_host::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use websocket_host::tls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use websocket_host::tls::{Connector, MaybeTlsStream, provider};

use super::engine;

/// Returns a self-signed certificate for this name, a listener that uses it, and its port.
async fn listen(name: &str) -> (CertificateDer<'static>, TlsAcceptor, TcpListener, u16) {
    let made = generate_simple_self_signed([name.to_owned()]).expect("a name");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they fit");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let certificate = made.cert.der().clone();
    (certificate, Arc::new(config).into(), listener, port)
}

fn trusting(certificate: &CertificateDer<'static>) -> Connector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    Connector::trusting(roots, None).expect("roots")
}

async fn accept(acceptor: TlsAcceptor, listener: TcpListener) -> MaybeTlsStream<TcpStream> {
    let (io, _) = listener.accept().await.expect("a client");
    let stream = acceptor.accept(io).await.expect("a TLS handshake");
    TlsStream::from(stream).into()
}

#[tokio::test]
async fn our_client_gets_its_echo_from_their_server() {
    let (certificate, acceptor, listener, port) = listen("localhost").await;
    let server = tokio::spawn(async move {
        let io = accept(acceptor, listener).await;
        let mut socket = tokio_tungstenite::accept_async(io).await.expect("open");
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() || message.is_binary() {
                socket.send(message).await.expect("sent");
            }
        }
    });
    let url = format!("wss://localhost:{port}/");
    let (config, connector) = (Config::default(), trusting(&certificate));
    let connected = connect_async_tls_with_config(url, engine(), config, Some(&connector));
    let (mut client, _) = connected.await.expect("open");
    for size in [0, 125, 16_384, 70_000, 3 << 20] {
        let message = Message::binary(vec![7; size]);
        client.send(message.clone()).await.expect("sent");
        let echo = client.next().await.expect("an echo").expect("a good one");
        assert!(echo == message, "{size}");
    }
    client.close(None).await.expect("closed");
    server.await.expect("no panic");
}

/// The close frames, and TLS's `close_notify` after them.
#[tokio::test]
async fn either_side_closes_in_good_order() {
    for client_closes in [true, false] {
        let (certificate, acceptor, listener, port) = listen("localhost").await;
        let server = async {
            let io = accept(acceptor, listener).await;
            accept_async(io, engine()).await.expect("open")
        };
        let url = format!("wss://localhost:{port}/");
        let (config, connector) = (Config::default(), trusting(&certificate));
        let client = connect_async_tls_with_config(url, engine(), config, Some(&connector));
        let (client, server) = tokio::join!(client, server);
        let (mut client, mut server) = (client.expect("open").0, server);
        let frame = CloseFrame {
            code: 4000,
            reason: String::new(),
        };
        let (closes, answers) = match client_closes {
            true => (&mut client, &mut server),
            false => (&mut server, &mut client),
        };
        let expected = Message::Close(Some(frame.clone()));
        let answering = async {
            let close = answers.next().await.expect("a close").expect("a good one");
            assert_eq!(close, expected);
            assert!(answers.next().await.is_none());
        };
        let (closed, ()) = tokio::join!(closes.close(Some(frame)), answering);
        closed.expect("closed");
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_at_fault() {
    for (name, is_known) in [("localhost", false), ("other.example", true)] {
        let (certificate, acceptor, listener, port) = listen(name).await;
        let (other, ..) = listen(name).await;
        let server = async {
            let (io, _) = listener.accept().await.expect("a client");
            acceptor.accept(io).await.expect_err("the client refuses");
        };
        let connector = trusting(if is_known { &certificate } else { &other });
        let url = format!("wss://localhost:{port}/");
        let config = Config::default();
        let client = connect_async_tls_with_config(url, engine(), config, Some(&connector));
        let (client, ()) = tokio::join!(client, server);
        let error = client.expect_err("refused");
        assert_eq!(error.origin(), Origin::Peer);
        let Error::Tls(why) = &error else {
            panic!("{error:?}");
        };
        let is_about_the_name = matches!(
            **why,
            rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
        );
        assert_eq!(is_about_the_name, is_known, "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_at_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let server = async {
        let (mut io, _) = listener.accept().await.expect("a client");
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut io, answer)
            .await
            .expect("written");
        io
    };
    let (certificate, ..) = listen("localhost").await;
    let url = format!("wss://localhost:{port}/");
    let (config, connector) = (Config::default(), trusting(&certificate));
    let client = connect_async_tls_with_config(url, engine(), config, Some(&connector));
    let (client, _io) = tokio::join!(client, server);
    let error = client.expect_err("no TLS");
    assert!(matches!(error, Error::Tls(_)), "{error:?}");
}

/// If the system has no roots, the error says so.
#[tokio::test]
async fn without_a_connector_the_roots_of_the_system_are_trusted() {
    let (_, acceptor, listener, port) = listen("localhost").await;
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.expect("a client");
        let _ = acceptor.accept(io).await;
    });
    let url = format!("wss://localhost:{port}/");
    let error = connect_async(url, engine()).await.expect_err("unknown");
    match error {
        Error::Tls(why) => assert_eq!(
            *why,
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
        ),
        Error::Io(why) => assert!(why.to_string().contains("root certificates"), "{why}"),
        error => panic!("{error:?}"),
    }
}
