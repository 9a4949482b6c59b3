//! Compares axum's WebSockets with ours, by what clients and handlers see: the rows of the table in
//! docs/tokio-tungstenite.md.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ws;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use websocket_host::axum::{WebSocket, WebSocketUpgrade};
use websocket_host::stream::{self, Config};
use websocket_host::{Native, Sandbox};

use crate::support::sandbox;

/// The maximum message of both.
const LONGEST: usize = 1000;
const SUBPROTOCOLS: [&str; 2] = ["v2", "v1"];

/// The last report of a handler.
const LEFT: &str = "left";

/// Reports of a handler about what it receives.
type Told = UnboundedSender<String>;

#[derive(Clone)]
struct Shared(Told);

impl FromRef<Shared> for Sandbox {
    fn from_ref(_: &Shared) -> Self {
        sandbox().clone()
    }
}

impl FromRef<Shared> for Native {
    fn from_ref(_: &Shared) -> Self {
        Native
    }
}

/// Describes a message or an error for the report.
fn in_words(message: Option<stream::Message>) -> String {
    match message {
        Some(stream::Message::Text(text)) => format!("text {text}"),
        Some(stream::Message::Binary(bytes)) => format!("{} bytes", bytes.len()),
        Some(stream::Message::Ping(_)) => "ping".into(),
        Some(stream::Message::Pong(_)) => "pong".into(),
        Some(stream::Message::Close(Some(frame))) => {
            format!("close {} {}", frame.code, frame.reason)
        }
        Some(stream::Message::Close(None)) => "close".into(),
        None => "error".into(),
    }
}

/// Converts axum's message to ours.
fn as_ours(message: &ws::Message) -> stream::Message {
    match message.clone() {
        ws::Message::Text(text) => stream::Message::text(text.as_str()),
        ws::Message::Binary(bytes) => stream::Message::Binary(bytes),
        ws::Message::Ping(bytes) => stream::Message::Ping(bytes),
        ws::Message::Pong(bytes) => stream::Message::Pong(bytes),
        ws::Message::Close(frame) => stream::Message::Close(frame.map(|frame| {
            let reason = frame.reason.as_str().to_owned();
            let code = frame.code;
            stream::CloseFrame { code, reason }
        })),
    }
}

async fn theirs(upgrade: ws::WebSocketUpgrade, State(Shared(told)): State<Shared>) -> Response {
    let upgrade = upgrade.max_message_size(LONGEST).protocols(SUBPROTOCOLS);
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(message) = socket.recv().await {
            let _ = told.send(in_words(message.as_ref().ok().map(as_ours)));
            match message {
                Ok(ws::Message::Text(text)) if text == "drop me" => break,
                Ok(message @ (ws::Message::Text(_) | ws::Message::Binary(_))) => {
                    let _ = socket.send(message).await;
                }
                _ => {}
            }
        }
        let _ = told.send(LEFT.into());
    })
}

async fn ours<E>(upgrade: WebSocketUpgrade<E>, State(Shared(told)): State<Shared>) -> Response
where
    E: stream::Engine,
{
    let config = Config::with(|config| config.limits.message = LONGEST as u64);
    let upgrade = upgrade.config(config).subprotocols(SUBPROTOCOLS);
    upgrade.on_upgrade(|mut socket: WebSocket| async move {
        while let Some(message) = socket.next().await {
            let _ = told.send(in_words(message.as_ref().ok().cloned()));
            match message {
                Ok(stream::Message::Text(text)) if text == "drop me" => break,
                Ok(message) if message.is_data() => _ = socket.send(message).await,
                _ => {}
            }
        }
        let _ = told.send(LEFT.into());
    })
}

/// axum's and ours, in a sandbox and without one.
const ROUTES: [&str; 3] = ["theirs", "ours", "native"];

/// Starts a server with all of them. Returns its address and the reports of the handlers.
async fn serve() -> (SocketAddr, UnboundedReceiver<String>) {
    let (told, tells) = mpsc::unbounded_channel();
    let app = Router::new()
        .route("/theirs", any(theirs))
        .route("/ours", any(ours::<Sandbox>))
        .route("/native", any(ours::<Native>))
        .with_state(Shared(told));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, tells)
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(address: SocketAddr, route: &str) -> Client {
    let url = format!("ws://{address}/{route}");
    connect_async(url).await.expect("it opens").0
}

/// Sends a message. Returns what the client sees, and what the handler reports, to the end.
async fn seen(route: &str, sent: Message) -> (Vec<String>, Vec<String>) {
    let (address, mut tells) = serve().await;
    let mut client = connect(address, route).await;
    client.send(sent).await.expect("sent");
    let mut saw = Vec::new();
    while let Some(message) = client.next().await {
        saw.push(match message {
            Ok(Message::Close(Some(frame))) => {
                format!("close {} {}", u16::from(frame.code), frame.reason)
            }
            Ok(Message::Close(None)) => "close".into(),
            Ok(Message::Pong(bytes)) => format!("pong {}", bytes.len()),
            Ok(message) => format!("{} bytes", message.len()),
            Err(tungstenite::Error::Protocol(_) | tungstenite::Error::Io(_)) => "lost".into(),
            Err(error) => panic!("{error}"),
        });
        if saw
            .last()
            .is_some_and(|last| last.ends_with(" bytes") || last.starts_with("pong"))
        {
            client.close(None).await.expect("it closes");
        }
    }
    // Gives the server time to close last.
    drop(client);
    let mut told = Vec::new();
    while let Some(tell) = tells.recv().await {
        if tell == LEFT {
            break;
        }
        told.push(tell);
    }
    (saw, told)
}

/// Sends a request in bytes. Returns the response, up to its body.
async fn answer(route: &str, fields: &str) -> String {
    let (address, _tells) = serve().await;
    let mut socket = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET /{route} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(socket.read_u8().await.expect("a head"));
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test]
async fn the_same_subprotocol_is_chosen() {
    for route in ROUTES {
        for (offered, chosen) in [("v1, v2", Some("v2")), ("v1", Some("v1")), ("v3", None)] {
            let (address, _tells) = serve().await;
            let url = format!("ws://{address}/{route}");
            let mut request = url.into_client_request().expect("a request");
            let offered = offered.parse().expect("a value");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", offered);
            let (head, opened) = match connect_async(request).await {
                Ok((_client, response)) => (response, true),
                // tungstenite requires one of the subprotocols that it offers.
                Err(tungstenite::Error::Protocol(_)) => continue,
                Err(error) => panic!("{error}"),
            };
            assert!(opened);
            let field = head.headers().get("sec-websocket-protocol");
            let field = field.map(|field| field.to_str().expect("text"));
            assert_eq!(field, chosen, "{route}");
        }
    }
}

#[tokio::test]
async fn messages_come_back_the_same() {
    for route in ROUTES {
        for (message, told) in [
            (Message::text("hello"), "text hello"),
            (Message::binary(vec![7; LONGEST]), "1000 bytes"),
            (Message::text(""), "text "),
        ] {
            let length = format!("{} bytes", message.len());
            let (saw, tells) = seen(route, message).await;
            assert_eq!((&saw[0], &*tells[0]), (&length, told), "{route}");
        }
    }
}

#[tokio::test]
async fn a_ping_is_answered_the_same_and_only_axum_s_handler_sees_it() {
    for route in ROUTES {
        let (saw, tells) = seen(route, Message::Ping(vec![7; 3].into())).await;
        assert_eq!(saw[0], "pong 3", "{route}");
        let sees = tells.contains(&"ping".to_owned());
        assert_eq!(sees, route == "theirs", "{tells:?}");
    }
}

#[tokio::test]
async fn a_close_frame_is_told_the_same_and_ours_is_answered_without_the_reason() {
    for route in ROUTES {
        let frame = CloseFrame {
            code: 4001.into(),
            reason: "bye".into(),
        };
        let (saw, tells) = seen(route, Message::Close(Some(frame))).await;
        let answer = match route {
            "theirs" => "close 4001 bye",
            _ => "close 4001 ",
        };
        assert_eq!(saw, [answer], "{route}");
        assert_eq!(tells, ["close 4001 bye"], "{route}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_an_error_of_both_and_ours_tells_the_client() {
    for route in ROUTES {
        let (saw, tells) = seen(route, Message::binary(vec![7; LONGEST + 1])).await;
        assert_eq!(tells[0], "error", "{route}");
        match route {
            "theirs" => assert_eq!(saw, ["lost"]),
            _ => assert!(saw[0].starts_with("close 1009"), "{saw:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_that_is_dropped_is_lost_to_the_client_of_both() {
    for route in ROUTES {
        let (saw, tells) = seen(route, Message::text("drop me")).await;
        assert_eq!(saw, ["lost"], "{route}");
        assert_eq!(tells, ["text drop me"], "{route}");
    }
}

#[tokio::test]
async fn requests_that_ask_for_no_websocket_are_refused_each_in_its_way() {
    const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (fields, axums, own) in [
        (String::new(), "400", "426"),
        (
            format!("{UPGRADE}{KEY}Sec-WebSocket-Version: 8\r\n"),
            "400",
            "426",
        ),
        (
            format!("{UPGRADE}Sec-WebSocket-Version: 13\r\n"),
            "400",
            "400",
        ),
        (
            format!("{UPGRADE}{KEY}Sec-WebSocket-Version: 13\r\n"),
            "101",
            "101",
        ),
    ] {
        for route in ROUTES {
            let status = if route == "theirs" { axums } else { own };
            let answer = answer(route, &fields).await;
            assert!(
                answer.starts_with(&format!("http/1.1 {status}")),
                "{route}: {answer}"
            );
        }
    }
}
