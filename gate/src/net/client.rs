//! Who has connected.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::proxy_protocol;

/// A client that has connected.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) addresses: Addresses,
    /// What was read of it already.
    pub(crate) early: Vec<u8>,
}

/// Who a client is, and which address it connected to: as a balancer says, if one passes it on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Client {
    /// Finds out who has connected from `peer`.
    ///
    /// # Errors
    ///
    /// The header that says so is missing, malformed or late.
    pub(crate) async fn find_out(
        gate: &Gate,
        mut stream: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Self> {
        let mut addresses = Addresses {
            client: peer,
            server: stream.local_addr()?,
        };
        let mut early = Vec::new();
        if gate.expects_proxy_header {
            let reading = proxy_protocol::read(&mut stream);
            let read = timeout(gate.handshake_timeout, reading).await??;
            if let Some((client, server)) = read.addresses {
                addresses = Addresses { client, server };
            }
            early = read.behind;
        }
        Ok(Self {
            stream,
            addresses,
            early,
        })
    }
}
