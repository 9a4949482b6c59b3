//! A relay: a server that forwards messages between its clients and another server:
//! `cargo run --release -p websocket-host --example forward -- ws://127.0.0.1:9001/ 127.0.0.1:9002`.

use futures_util::{StreamExt, future};
use tokio::net::{TcpListener, TcpStream};
use websocket_host::stream::{Config, Error, accept_async_with_config, connect_async_with_config};
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: forward URL ADDRESS".into());
    };
    let sandbox = Sandbox::bundled(SandboxConfig::default())?;
    let listener = TcpListener::bind(address).await?;
    println!("ws://{}/", listener.local_addr()?);
    loop {
        let (client, peer) = listener.accept().await?;
        let (server, sandbox) = (server.clone(), sandbox.clone());
        tokio::spawn(async move {
            if let Err(error) = relay(client, &server, &sandbox).await {
                println!("{peer}: {error} (at fault: {:?})", error.origin());
            }
        });
    }
}

async fn relay(client: TcpStream, server: &str, sandbox: &Sandbox) -> Result<(), Error> {
    // A client is accepted only once its server is connected, and the other side answers each close frame.
    let mut config = Config::default();
    config.reply_to_close = false;
    let (server, _) = connect_async_with_config(server, sandbox, config).await?;
    let client = accept_async_with_config(client, sandbox, config).await?;
    let (to_client, from_client) = client.split();
    let (to_server, from_server) = server.split();
    let up = from_client.forward(to_server);
    let down = from_server.forward(to_client);
    future::try_join(up, down).await?;
    Ok(())
}
