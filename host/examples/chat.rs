//! A chat with axum. Open the page that it prints in two windows:
//! `cargo run --release -p websocket-host --features axum --example chat`.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{Html, Response};
use axum::routing::{any, get};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Sender};
use websocket_host::axum::{WebSocket, WebSocketUpgrade};
use websocket_host::stream::{ByteString, Message};
use websocket_host::{Sandbox, SandboxConfig};

/// What the handlers share.
#[derive(Clone)]
struct Chat {
    sandbox: Sandbox,
    said: Sender<ByteString>,
}

/// Where the extractor gets the sandbox from.
impl FromRef<Chat> for Sandbox {
    fn from_ref(chat: &Chat) -> Self {
        chat.sandbox.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let chat = Chat {
        sandbox: Sandbox::bundled(SandboxConfig::default())?,
        said: broadcast::channel(100).0,
    };
    let app = Router::new()
        .route("/", get(Html(include_str!("chat.html"))))
        .route("/chat", any(enter))
        .with_state(chat);
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn enter(upgrade: WebSocketUpgrade<Sandbox>, State(chat): State<Chat>) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, chat.said))
}

/// Broadcasts the messages of one client, and sends it those of the others.
async fn talk(socket: WebSocket, said: Sender<ByteString>) {
    let mut hears = said.subscribe();
    let (mut to, mut from) = socket.split();
    loop {
        tokio::select! {
            message = from.next() => match message {
                // This can't fail: this client itself subscribes.
                Some(Ok(Message::Text(text))) => _ = said.send(text),
                Some(Ok(_)) => {}
                // The connection has ended, cleanly or not.
                Some(Err(_)) | None => break,
            },
            Ok(text) = hears.recv() => if to.send(Message::Text(text)).await.is_err() {
                break;
            },
        }
    }
}
