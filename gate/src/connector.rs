//! Connecting to upstreams.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;

use crate::net::channel::Channel;
use crate::net::client::Addresses;
use crate::net::proxy_protocol::{self, Version};
use crate::net::socket::Socket;
use crate::net::tls::Back;
use crate::route::{Place, Upstream};

/// The maximum number of concurrent name lookups. A lookup blocks a thread until the resolver answers, even if the
/// client has left, so clients could otherwise pile them up.
const MAX_LOOKUPS: usize = 64;

/// Connects to upstreams.
#[derive(Debug)]
pub(crate) struct Connector {
    lookups: Arc<Semaphore>,
    /// For upstreams with TLS. `None` if no upstream uses TLS.
    back: Option<Back>,
    /// The PROXY protocol header for upstreams, if any.
    proxy_header: Option<Version>,
}

impl Connector {
    pub(crate) fn new(back: Option<Back>, proxy_header: Option<Version>) -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            back,
            proxy_header,
        }
    }

    /// Returns the TLS configuration, to reload it.
    pub(crate) fn back(&self) -> Option<&Back> {
        self.back.as_ref()
    }

    /// Connects to an upstream on behalf of a client.
    ///
    /// # Errors
    ///
    /// The upstream can't be reached, or the TLS handshake fails.
    pub(crate) async fn connect(
        &self,
        upstream: &Upstream,
        addresses: Addresses,
    ) -> io::Result<Channel> {
        let mut socket = self.reach(&upstream.place).await?;
        if let Some(version) = self.proxy_header {
            let Addresses { client, server } = addresses;
            let header = proxy_protocol::header(version, client, server)?;
            socket.write_all(&header).await?;
        }
        match (&upstream.place, &self.back) {
            (Place::Host { name, .. }, Some(back)) if upstream.is_secure => {
                Ok(back.connect(name, socket).await?.into())
            }
            _ => Ok(socket.into()),
        }
    }

    /// Connects to the first address of a host that answers.
    async fn reach(&self, place: &Place) -> io::Result<Socket> {
        match place {
            Place::Host { name, port } => {
                let stream = match name.parse::<IpAddr>() {
                    Ok(address) => TcpStream::connect((address, *port)).await,
                    Err(_) => TcpStream::connect(self.lookup(name, *port).await?.as_slice()).await,
                };
                Ok(stream?.into())
            }
            #[cfg(unix)]
            Place::Unix(path) => Ok(tokio::net::UnixStream::connect(path).await?.into()),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let host = host.to_owned();
        // In a separate task: the permit is released when the lookup ends, not when this future is dropped.
        let lookup = tokio::spawn(async move {
            let addresses = lookup_host((host, port)).await.map(Iterator::collect);
            drop(permit);
            addresses
        });
        lookup.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn names_and_addresses_are_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connector = Connector::new(None, None);
        for host in ["127.0.0.1", "localhost"] {
            let name = host.to_owned();
            let place = Place::Host { name, port };
            connector.reach(&place).await.unwrap();
        }
        assert_eq!(connector.lookups.available_permits(), MAX_LOOKUPS);
    }
}
