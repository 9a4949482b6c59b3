//! The echo server, for a fuzzing client.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::connection::Opener;
use crate::echo::echo;

const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// Prints the address, and serves until the process is killed.
pub(crate) async fn run(opener: Opener, address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address}"))?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", listener.local_addr()?)?;
    out.flush()?;
    let listener = match opener.tls() {
        Some(tls) => tls.put_on(listener).await?,
        None => listener,
    };
    serve(opener, listener).await
}

async fn serve(opener: Opener, listener: TcpListener) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let opener = opener.clone();
        tokio::spawn(async move {
            // The test suite judges how connections end.
            let _ = connection(&opener, socket).await;
        });
    }
}

async fn connection(opener: &Opener, socket: TcpStream) -> Result<()> {
    echo(timeout(HANDSHAKE_TIME, opener.accept(socket)).await??).await
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::path::{Path, PathBuf};

    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use websocket_host::stream::Message;

    use super::serve;
    use crate::connection::Opener;

    fn engines() -> [Opener; 2] {
        let built =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/websocket.wasm");
        let path = env::var_os("WEBSOCKET_COMPONENT").map_or(built, PathBuf::from);
        let component = Opener::component(&path, None);
        [
            Opener::native(None),
            component.expect("there is a component: run `cargo xtask component`"),
        ]
    }

    #[tokio::test]
    async fn what_is_sent_comes_back_whichever_engine_is_on_which_side() {
        for server in engines() {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("ws://{}/", listener.local_addr().expect("an address"));
            let server = tokio::spawn(serve(server, listener));
            for client in engines() {
                let mut client = client.connect(&url).await.expect("it opens");
                for message in [
                    Message::text(""),
                    Message::text("zażółć"),
                    Message::binary(vec![0, 0xff]),
                    Message::text("x".repeat(1 << 20)),
                ] {
                    client.send(message.clone()).await.expect("sent");
                    let echo = client.next().await.transpose().expect("no error");
                    assert!(echo == Some(message), "another message comes back");
                }
                client.send(Message::Close(None)).await.expect("sent");
                while let Some(message) = client.next().await.transpose().expect("a good end") {
                    assert_eq!(message, Message::Close(None));
                }
            }
            server.abort();
        }
    }
}
