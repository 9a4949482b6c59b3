//! Requests that hyper and axum have read.

use std::convert::Infallible;

use axum::Router;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use websocket_host::axum::{WebSocket, WebSocketUpgrade};
use websocket_host::stream::http::{self, Response, StatusCode};
use websocket_host::stream::{Bytes, Config, Deflate, Message, client_async_with_config};
use websocket_host::upgrade::Upgrade;

use super::{Engine, engine};

/// A message and its echo (RFC 6455, section 5.7).
const MASKED_HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const HELLO: &[u8] = b"\x81\x05Hello";

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_data() && socket.send(message).await.is_err() {
            break;
        }
    }
}

fn deflating() -> Config {
    let mut config = Config::default();
    config.deflate = Some(Deflate::default());
    config
}

/// Starts a hyper server for HTTP/1.1 and HTTP/2 on one connection. Returns the other end.
async fn hyper_server(upgrade: fn(Upgrade) -> Upgrade, engine: Engine) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let service = service_fn(move |request: http::Request<Incoming>| {
            let accepted = upgrade(Upgrade::new(request)).accept(&engine);
            async move {
                Ok::<_, Infallible>(match accepted {
                    Ok((response, upgrading)) => {
                        tokio::spawn(async move { echo(upgrading.await.expect("it opens")).await });
                        response.map(|()| String::new())
                    }
                    Err(error) => error.response(),
                })
            }
        });
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http2().enable_connect_protocol();
        let io = TokioIo::new(socket);
        // Clients may disconnect at any time.
        let _ = server.serve_connection_with_upgrades(io, service).await;
    });
    TcpStream::connect(address).await.expect("a connection")
}

/// Sends a request in bytes that closes the connection. Returns the head and the body of the response.
async fn answer(upgrade: fn(Upgrade) -> Upgrade, engine: &Engine, request: &str) -> String {
    let mut socket = hyper_server(upgrade, engine.clone()).await;
    socket
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut response = String::new();
    socket.read_to_string(&mut response).await.expect("text");
    response
}

fn request(method: &str, fields: &str) -> String {
    format!("{method} /chat HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

#[tokio::test]
async fn a_request_over_http_1_becomes_a_websocket_with_deflate() {
    let socket = hyper_server(|upgrade| upgrade.config(deflating()), engine().clone()).await;
    let url = "ws://localhost/chat";
    let made = client_async_with_config(url, socket, engine(), deflating()).await;
    let (mut client, response) = made.expect("it is accepted");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(client.negotiated().extensions[0].name, "permessage-deflate");
    for text in ["hello", &"long ".repeat(10_000)] {
        client.send(text.to_owned().into()).await.expect("sent");
        let echo = client.next().await.expect("an echo").expect("a good one");
        assert_eq!(echo, Message::text(text));
    }
    client.close(None).await.expect("it closes");
}

#[tokio::test]
async fn an_extended_connect_over_http_2_becomes_a_websocket() {
    let socket = hyper_server(|upgrade| upgrade.subprotocols(["chat"]), engine().clone()).await;
    let (mut client, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
    tokio::spawn(connection);
    // Its settings arrive with the first answer at the latest.
    while !client.is_extended_connect_protocol_enabled() {
        client = client.ready().await.expect("it lives");
        tokio::task::yield_now().await;
    }
    let request = http::Request::connect("http://localhost/chat")
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "superchat, chat")
        .body(())
        .expect("a request");
    let (response, mut sends) = client.send_request(request, false).expect("it goes out");
    let (head, mut receives) = response.await.expect("an answer").into_parts();
    if head.status != StatusCode::OK {
        panic!("{}: {:?}", head.status, receives.data().await);
    }
    assert_eq!(head.headers["sec-websocket-protocol"], "chat");
    sends
        .send_data(Bytes::from_static(MASKED_HELLO), false)
        .expect("sent");
    let echo = receives.data().await.expect("an echo").expect("data");
    assert_eq!(echo, HELLO);
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_with_its_status() {
    const RIGHT: &str = "Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let plain = "Connection: close\r\n";
    let old = &RIGHT.replace("Version: 13", "Version: 8");
    let short = &RIGHT.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=");
    for (method, fields, status) in [
        ("GET", old, "426 Upgrade Required"),
        ("GET", short, "400 Bad Request"),
        ("POST", &RIGHT.to_owned(), "405 Method Not Allowed"),
    ] {
        let fields = format!("{fields}Content-Length: 0\r\n");
        let response = answer(|upgrade| upgrade, engine(), &request(method, &fields)).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
        let is_old = status.starts_with("426");
        assert_eq!(
            response.contains("sec-websocket-version: 13"),
            is_old,
            "{response}"
        );
        let allows = response.contains("allow: GET");
        assert_eq!(allows, method == "POST", "{response}");
    }
    let response = answer(|upgrade| upgrade, engine(), &request("GET", plain)).await;
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    // The program's own mistakes are not reported to the client.
    let unoffered = |upgrade: Upgrade| upgrade.subprotocol("chat");
    let response = answer(unoffered, engine(), &request("GET", RIGHT)).await;
    assert!(response.starts_with("HTTP/1.1 500"), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}

/// A handler as in a program with axum.
async fn handler(upgrade: WebSocketUpgrade<Engine>) -> Response<axum::body::Body> {
    let offered = upgrade.offered().count();
    let upgrade = upgrade.config(deflating()).subprotocols(["v2", "v1"]);
    assert_eq!(upgrade.selected().is_some(), offered > 0);
    upgrade.on_upgrade(echo)
}

async fn axum_server() -> String {
    let app = Router::new()
        .route("/chat", any(handler))
        .with_state(engine().clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("ws://{address}/chat")
}

#[tokio::test]
async fn axum_extracts_a_websocket_for_a_client_of_another_library() {
    let url = axum_server().await;
    let (mut client, response) = tokio_tungstenite::connect_async(&url).await.expect("open");
    assert_eq!(response.headers().get("sec-websocket-protocol"), None);
    let hello = tokio_tungstenite::tungstenite::Message::text("hello");
    client.send(hello.clone()).await.expect("sent");
    let echo = client.next().await.expect("an echo").expect("a good one");
    assert_eq!(echo, hello);
}

#[tokio::test]
async fn axum_chooses_the_first_of_its_subprotocols_that_is_offered() {
    let url = axum_server().await;
    let request = http::Request::builder()
        .uri(&url)
        .header("Sec-WebSocket-Protocol", "v1, v2")
        .body(())
        .expect("a request");
    let made = websocket_host::stream::connect_async(request, engine()).await;
    let (client, response) = made.expect("it is accepted");
    assert_eq!(response.headers()["sec-websocket-protocol"], "v2");
    assert_eq!(client.negotiated().subprotocol.as_deref(), Some("v2"));
}

#[tokio::test]
async fn axum_refuses_what_asks_for_no_websocket() {
    let url = axum_server().await;
    let address = url.trim_start_matches("ws://").trim_end_matches("/chat");
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let plain = request("GET", "Connection: close\r\n");
    socket.write_all(plain.as_bytes()).await.expect("it reads");
    let mut response = String::new();
    socket.read_to_string(&mut response).await.expect("text");
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
}
