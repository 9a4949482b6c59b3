//! Who has connected.

use std::io;

use tokio::time::timeout;

use super::address::Peer;
use super::channel::Channel;
use super::proxy_protocol;
use super::socket::Socket;
use super::tls::why_refused;
use crate::gate::Gate;

/// Who a client is, and which address it connected to: as a balancer says, if one passes it on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
}

/// Reads who has connected from `peer`, if clients come through a balancer. What it has sent behind is read of the socket
/// again.
///
/// # Errors
///
/// The header that says so is missing, malformed or late.
pub(crate) async fn find_out(
    gate: &Gate,
    socket: &mut Socket,
    peer: Peer,
) -> Result<Addresses, String> {
    let failed = |error: io::Error| format!("no PROXY header: {error}");
    let server = socket.local_address().map_err(failed)?;
    let own = Addresses {
        client: peer,
        server,
    };
    if !gate.expects_proxy_header {
        return Ok(own);
    }
    let reading = timeout(gate.handshake_timeout, proxy_protocol::read(socket));
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

/// Makes the TLS handshake with a client, if its listener asks for one.
///
/// # Errors
///
/// The client has broken a rule of TLS, has no certificate that is trusted, or is late.
pub(crate) async fn secure(
    gate: &Gate,
    socket: Socket,
    is_secure: bool,
) -> Result<Channel, String> {
    let Some(front) = gate.front.as_ref().filter(|_| is_secure) else {
        return Ok(socket.into());
    };
    let accepting = timeout(gate.handshake_timeout, front.accept(socket));
    let accepted = accepting.await.map_err(|_| io::ErrorKind::TimedOut.into());
    let accepted = accepted.and_then(|accepted| accepted);
    Ok(accepted.map_err(|error| why_refused(&error))?.into())
}
