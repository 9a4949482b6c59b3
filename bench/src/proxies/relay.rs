//! A relay as one would write it on tokio-tungstenite: every message is read from one side and sent to the other.

use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async_with_config, client_async_with_config};

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Relay {
    /// Be a relay to this server, until killed.
    #[arg(long, hide = true)]
    relay: Option<SocketAddr>,

    /// How much the relay reads at a time, in bytes.
    #[arg(long, hide = true, requires = "relay")]
    read_buffer: Option<usize>,
}

impl Relay {
    /// If that is what is asked for, says where it listens, and relays until the process is killed.
    pub(crate) fn serve(self) -> Option<Result<()>> {
        let mut config = WebSocketConfig::default();
        if let Some(size) = self.read_buffer {
            config = config.read_buffer_size(size);
        }
        self.relay.map(|server| serve(server, config))
    }
}

fn serve(server: SocketAddr, config: WebSocketConfig) -> Result<()> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", listener.local_addr()?)?;
    out.flush()?;
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                // Clients that go away are no news.
                let _ = relay(socket, server, config).await;
            });
        }
    });
    runtime.block_on(pending())
}

async fn relay(socket: TcpStream, server: SocketAddr, config: WebSocketConfig) -> Result<()> {
    let config = Some(config);
    socket.set_nodelay(true)?;
    let client = accept_async_with_config(socket, config).await?;
    let socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    let url = format!("ws://{server}/");
    let (server, _) = client_async_with_config(url, socket, config).await?;
    let (to_client, from_client) = client.split();
    let (to_server, from_server) = server.split();
    // It flushes when nothing more has come, not after each message.
    tokio::try_join!(
        from_client.forward(to_server),
        from_server.forward(to_client)
    )?;
    Ok(())
}
