//! A hyper server that echoes every message:
//! `cargo run --release -p websocket-host --features hyper --example hyper`.

use std::convert::Infallible;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use websocket_host::stream::Error;
use websocket_host::stream::http::{Request, Response};
use websocket_host::upgrade::{Upgrade, Upgrading};
use websocket_host::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let sandbox = Sandbox::bundled(SandboxConfig::default())?;
    let listener = TcpListener::bind(address).await?;
    println!("ws://{}/", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept().await?;
        let sandbox = sandbox.clone();
        let answer = move |request: Request<Incoming>| {
            let answer = answer(request, &sandbox);
            async { Ok::<_, Infallible>(answer) }
        };
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service_fn(answer))
                .with_upgrades();
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Upgrades every request to a WebSocket, or answers with the reason why not.
fn answer(request: Request<Incoming>, sandbox: &Sandbox) -> Response<String> {
    match Upgrade::new(request).accept(sandbox) {
        Ok((response, websocket)) => {
            tokio::spawn(async {
                if let Err(error) = echo(websocket).await {
                    eprintln!("{error} (at fault: {:?})", error.origin());
                }
            });
            response.map(|()| String::new())
        }
        Err(error) => error.response(),
    }
}

async fn echo(websocket: Upgrading) -> Result<(), Error> {
    let mut socket = websocket.await?;
    while let Some(message) = socket.next().await.transpose()? {
        if message.is_data() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
