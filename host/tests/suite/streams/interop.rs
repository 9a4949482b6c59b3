//! Interoperability with tokio-tungstenite, over TCP.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;
use tungstenite::protocol::frame::coding::CloseCode;
use websocket_host::stream::{CloseFrame, Message, accept_async, connect_async};

use super::engine;

const SIZES: [usize; 6] = [0, 1, 125, 65_536, 300_000, 16 << 20];

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    (listener, format!("ws://{address}/"))
}

#[tokio::test]
async fn our_server_echoes_to_their_client() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.expect("a client");
        let mut socket = accept_async(io, engine()).await.expect("open");
        let mut last = None;
        while let Some(message) = socket.next().await {
            match message.expect("a good one") {
                Message::Close(frame) => last = frame,
                message => socket.send(message).await.expect("sent"),
            }
        }
        last
    });
    let (mut client, _) = tokio_tungstenite::connect_async(url).await.expect("open");
    for size in SIZES {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let message = tungstenite::Message::binary(bytes);
        client.send(message.clone()).await.expect("sent");
        assert!(
            client.next().await.expect("an echo").expect("a good one") == message,
            "{size}"
        );
        let message = tungstenite::Message::text("ä".repeat(size / 2));
        client.send(message.clone()).await.expect("sent");
        assert!(
            client.next().await.expect("an echo").expect("a good one") == message,
            "{size}"
        );
    }
    let frame = tungstenite::protocol::CloseFrame {
        code: CloseCode::Away,
        reason: "bye".into(),
    };
    client.close(Some(frame)).await.expect("closed");
    while client.next().await.is_some() {}
    drop(client);
    let reason = "bye".to_owned();
    assert_eq!(
        server.await.expect("no panic"),
        Some(CloseFrame { code: 1001, reason })
    );
}

#[tokio::test]
async fn our_client_gets_its_echo_from_their_server() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let (io, _): (TcpStream, _) = listener.accept().await.expect("a client");
        let mut socket = tokio_tungstenite::accept_async(io).await.expect("open");
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() || message.is_binary() {
                socket.send(message).await.expect("sent");
            }
        }
    });
    let (mut client, _) = connect_async(url, engine()).await.expect("open");
    for size in SIZES {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let message = Message::binary(bytes);
        client.send(message.clone()).await.expect("sent");
        assert!(
            client.next().await.expect("an echo").expect("a good one") == message,
            "{size}"
        );
    }
    client.close(None).await.expect("closed");
    server.await.expect("no panic");
}
