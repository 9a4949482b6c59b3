//! An echo server with up to 100 connections in a guest: `cargo run --release -p websocket-host --example shared`.
//!
//! They take less memory than with a guest for each. A failed guest (a trap, too much memory or time) ends all of
//! its connections, with 1011, and no others.

use std::num::NonZero;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use websocket_host::stream::{Error, accept_async};
use websocket_host::{Guests, Sandbox, SandboxConfig};

/// How many connections share a guest.
const EACH: NonZero<u32> = NonZero::new(100).unwrap();

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let guests = Guests::new(Sandbox::bundled(SandboxConfig::default())?, EACH);
    let listener = TcpListener::bind(address).await?;
    println!("ws://{}/", listener.local_addr()?);
    loop {
        let (io, peer) = listener.accept().await?;
        let guests = guests.clone();
        tokio::spawn(async move {
            if let Err(error) = echo(io, guests).await {
                println!("{peer}: {error} (at fault: {:?})", error.origin());
            }
        });
    }
}

async fn echo(io: TcpStream, guests: Guests) -> Result<(), Error> {
    let mut socket = accept_async(io, &guests).await?;
    while let Some(message) = socket.next().await.transpose()? {
        if message.is_data() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
