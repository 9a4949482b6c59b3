//! A server that sends every message back: `cargo run --release -p websocket-host --example echo`.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use websocket_host::stream::accept_async;
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let component = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/component/websocket.wasm"
    );
    let sandbox = Sandbox::load(component, SandboxConfig::default())?;
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
                Ok::<_, websocket_host::stream::Error>(())
            };
            match echo.await {
                Ok(()) => println!("{peer}: closed"),
                Err(error) => println!("{peer}: {error} (at fault: {:?})", error.origin()),
            }
        });
    }
}
