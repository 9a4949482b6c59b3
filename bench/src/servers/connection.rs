//! A connection of one of this program's own servers.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use host_tests::deflate::NAME;
use host_tests::heads;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use websocket_host::protocol::Config;
use websocket_host::stream::{self, Engine};
use websocket_host::transport::MaybeTlsStream;
use websocket_host::{Guests, Native};
use yawc::frame::OpCode;
use yawc::{CompressionLevel, Role};

type Transport = MaybeTlsStream<TcpStream>;

/// What is done with messages, and by which library.
#[derive(Clone)]
pub(super) enum Kind {
    Component(Guests, Config),
    Native(Config),
    Tungstenite,
    /// Always with permessage-deflate.
    Yawc,
    /// Relays them to this server, and its messages to the client.
    Relay(SocketAddr, WebSocketConfig),
}

impl Kind {
    pub(super) async fn serve(
        self,
        socket: TcpStream,
        acceptor: Option<TlsAcceptor>,
    ) -> Result<()> {
        // Small messages are sent at once.
        socket.set_nodelay(true)?;
        let transport = match acceptor {
            None => MaybeTlsStream::Plain(socket),
            Some(acceptor) => TlsStream::from(acceptor.accept(socket).await?).into(),
        };
        // Boxed, so that a connection takes only the memory that its own library needs.
        match self {
            Self::Component(guests, config) => Box::pin(own(transport, &guests, config)).await,
            Self::Native(config) => Box::pin(own(transport, &Native, config)).await,
            Self::Tungstenite => Box::pin(tungstenite(transport)).await,
            Self::Yawc => Box::pin(yawc(transport)).await,
            Self::Relay(server, config) => Box::pin(relay(transport, server, config)).await,
        }
    }
}

async fn own(transport: Transport, engine: &impl Engine, config: Config) -> Result<()> {
    let mut stream = stream::accept_async_with_config(transport, engine, config).await?;
    while let Some(message) = stream.next().await.transpose()? {
        if message.is_data() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

async fn tungstenite(transport: Transport) -> Result<()> {
    let mut stream = tokio_tungstenite::accept_async(transport).await?;
    while let Some(message) = stream.next().await.transpose()? {
        if message.is_text() || message.is_binary() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

/// A relay as one would write it: every message is read from one side and sent to the other.
async fn relay(transport: Transport, server: SocketAddr, config: WebSocketConfig) -> Result<()> {
    let config = Some(config);
    let client = tokio_tungstenite::accept_async_with_config(transport, config).await?;
    let socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    let url = format!("ws://{server}/");
    let server = tokio_tungstenite::client_async_with_config(url, socket, config);
    let (to_client, from_client) = client.split();
    let (to_server, from_server) = server.await?.0.split();
    // It flushes when nothing more has arrived, not after each message.
    tokio::try_join!(
        from_client.forward(to_server),
        from_server.forward(to_client)
    )?;
    Ok(())
}

async fn yawc(mut transport: Transport) -> Result<()> {
    // The handshake isn't measured: yawc has its own on top of hyper.
    let mut head = Vec::new();
    while heads::end(&head).is_none() {
        head.push(transport.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    let key = heads::field(&head, "Sec-WebSocket-Key").context("no key")?;
    let response = heads::response_with(key, &[("Sec-WebSocket-Extensions", NAME)]);
    transport.write_all(&response).await?;

    let options = yawc::Options::default()
        .with_compression_level(CompressionLevel::new(6))
        .with_utf8();
    let extensions = Some(NAME);
    let mut websocket =
        yawc::WebSocket::from_stream_with_extensions(transport, Role::Server, extensions, options)?;
    while let Some(frame) = websocket.next().await {
        if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
            let echo = (frame.opcode(), frame.into_payload());
            websocket.send(echo.into()).await?;
        }
    }
    Ok(())
}
