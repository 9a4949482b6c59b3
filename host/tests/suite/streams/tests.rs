//! The tests of the stream, on the engine of the parent module.

use tokio::io::duplex;
use websocket_host::stream::{accept_async, client_async};

use super::{Engine, engine};
use crate::support::{Socket, URL};

#[path = "ending.rs"]
mod ending;
#[path = "handshake.rs"]
mod handshake;
#[path = "interop.rs"]
mod interop;
#[path = "long.rs"]
mod long;
#[path = "messages.rs"]
mod messages;
#[path = "tls.rs"]
mod tls;
#[cfg(feature = "axum")]
#[path = "upgrade.rs"]
mod upgrade;

/// A client and a server on a pipe that holds `buffer` bytes in each direction.
async fn pair(buffer: usize) -> (Socket, Socket) {
    let (near, far) = duplex(buffer);
    let client = client_async(URL, near, engine());
    let server = accept_async(far, engine());
    let (client, server) = tokio::join!(client, server);
    (
        client.expect("the client opens").0,
        server.expect("the server opens"),
    )
}
