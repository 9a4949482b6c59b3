//! A client's address and TLS handshake.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::channel::Channel;
use super::proxy_protocol;
use super::socket::Socket;
use super::tls::{Front, why_refused};
use crate::address::Peer;

/// The address of a client and the one that it connected to, from the PROXY protocol if that is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
}

/// Returns the addresses of a connection: from a header of the PROXY protocol if `expects_header`, its time limit, is
/// set. Bytes after the header will be read from the socket again.
///
/// # Errors
///
/// The header is missing, malformed or late.
pub(crate) async fn find_out(
    socket: &mut Socket,
    peer: Peer,
    expects_header: Option<Duration>,
) -> Result<Addresses, String> {
    let failed = |error: io::Error| format!("no PROXY header: {error}");
    let server = socket.local_address().map_err(failed)?;
    let own = Addresses {
        client: peer,
        server,
    };
    let Some(within) = expects_header else {
        return Ok(own);
    };
    let reading = timeout(within, proxy_protocol::read(socket));
    let read = reading
        .await
        .map_err(|_| failed(io::ErrorKind::TimedOut.into()))?;
    let read = read.map_err(failed)?;
    socket.unread(read.behind);
    Ok(read.addresses.map_or(own, |(client, server)| Addresses {
        client: client.into(),
        server: server.into(),
    }))
}

/// Makes the TLS handshake with a client, if its listener uses TLS.
///
/// # Errors
///
/// The handshake fails, the client has no trusted certificate, or it is late.
pub(crate) async fn secure(
    socket: Socket,
    front: Option<&Front>,
    within: Duration,
) -> Result<Channel, String> {
    let Some(front) = front else {
        return Ok(socket.into());
    };
    let accepting = timeout(within, front.accept(socket));
    let accepted = accepting.await.map_err(|_| io::ErrorKind::TimedOut.into());
    let accepted = accepted.and_then(|accepted| accepted);
    Ok(accepted.map_err(|error| why_refused(&error))?.into())
}
