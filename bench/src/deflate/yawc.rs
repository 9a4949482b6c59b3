//! A connection of an echo server on yawc.

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use host_tests::deflate::NAME;
use host_tests::heads;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use yawc::frame::{Frame, OpCode};
use yawc::{CompressionLevel, Options, Role, WebSocket};

/// Sends back what comes, until the end.
pub(crate) async fn echo(mut socket: TcpStream) -> Result<()> {
    socket.set_nodelay(true)?;
    // The handshake isn't measured: yawc has its own on top of hyper.
    let mut head = Vec::new();
    while heads::end(&head).is_none() {
        head.push(socket.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    let key = heads::field(&head, "Sec-WebSocket-Key").context("no key")?;
    let accept = heads::accept_for(key);
    let fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", &accept),
        ("Sec-WebSocket-Extensions", NAME),
    ];
    let response = heads::head("HTTP/1.1 101 Switching Protocols", &fields);
    socket.write_all(&response).await?;

    let options = Options::default()
        .with_compression_level(CompressionLevel::new(6))
        .with_utf8();
    let mut websocket =
        WebSocket::from_stream_with_extensions(socket, Role::Server, Some(NAME), options)?;
    while let Some(frame) = websocket.next().await {
        match frame.opcode() {
            OpCode::Text => websocket.send(Frame::text(frame.into_payload())).await?,
            OpCode::Binary => websocket.send(Frame::binary(frame.into_payload())).await?,
            _ => {}
        }
    }
    Ok(())
}
