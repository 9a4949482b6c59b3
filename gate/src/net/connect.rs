//! Connecting to upstreams.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;

/// The most names that are looked up at a time. A lookup holds a thread until the resolver answers, also when nobody
/// waits for it any more, so clients that come and go could otherwise pile them up.
const MAX_LOOKUPS: usize = 64;

/// Connects to upstreams.
#[derive(Debug)]
pub(crate) struct Connector {
    lookups: Arc<Semaphore>,
}

impl Connector {
    pub(crate) fn new() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }
    }

    /// Connects to the first address of a host that answers.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        match host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect((address, port)).await,
            Err(_) => TcpStream::connect(self.lookup(host, port).await?.as_slice()).await,
        }
    }

    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let host = host.to_owned();
        // A task of its own: the permit is given back when the lookup ends, not when this future is dropped.
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
        let connector = Connector::new();
        for host in ["127.0.0.1", "localhost"] {
            connector.connect(host, port).await.unwrap();
        }
        assert_eq!(connector.lookups.available_permits(), MAX_LOOKUPS);
    }
}
