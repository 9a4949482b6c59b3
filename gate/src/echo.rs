//! The upstream of the demo: a WebSocket echo server.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::debug;
use websocket_host::Sandbox;
use websocket_host::protocol::Config;
use websocket_host::stream::http::header::SEC_WEBSOCKET_PROTOCOL;
use websocket_host::stream::{
    Error, ErrorResponse, Message, Request, Response, accept_hdr_async_with_config,
};

/// Serves until the future is dropped. Messages have at most `longest` bytes.
pub(crate) async fn serve(sandbox: Sandbox, listener: TcpListener, longest: u64) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Probably too many open files; wait until some are closed.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            if let Err(error) = echo(&sandbox, stream, longest).await {
                debug!("echo server: {peer}: {error}");
            }
        });
    }
}

async fn echo(sandbox: &Sandbox, stream: TcpStream, longest: u64) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut config = Config::default();
    // The gate sends keepalive pings already.
    config.timeouts.keepalive = None;
    // Close frames are echoed like messages, with their reason.
    config.reply_to_close = false;
    config.limits.message = longest;
    config.limits.frame = longest;
    config.limits.queued_output = longest.saturating_mul(2);
    let mut socket =
        accept_hdr_async_with_config(stream, sandbox, first_subprotocol, config).await?;
    while let Some(message) = socket.next().await.transpose()? {
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Accepts the client's preferred subprotocol.
fn first_subprotocol(
    request: &Request,
    mut response: Response,
) -> Result<Response, Box<ErrorResponse>> {
    let offered = request.headers().get(SEC_WEBSOCKET_PROTOCOL);
    let first = offered.and_then(|offered| offered.to_str().ok()?.split(',').next());
    if let Some(Ok(first)) = first.map(|first| first.trim().parse()) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, first);
    }
    Ok(response)
}
