//! A server that sends every message back, as in README: `cargo run --release -p websocket-host --example echo`.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use websocket_host::stream::{Error, accept_async};
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::bundled(SandboxConfig::default())?;
    let listener = TcpListener::bind("127.0.0.1:9001").await?;
    println!("ws://{}", listener.local_addr()?);
    loop {
        let (io, peer) = listener.accept().await?;
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            let echo = async {
                let mut socket = accept_async(io, &sandbox).await?;
                while let Some(message) = socket.next().await.transpose()? {
                    if message.is_data() {
                        socket.send(message).await?;
                    }
                }
                Ok::<_, Error>(())
            };
            match echo.await {
                Ok(()) => println!("{peer}: closed"),
                Err(error) => println!("{peer}: {error} (at fault: {:?})", error.origin()),
            }
        });
    }
}
