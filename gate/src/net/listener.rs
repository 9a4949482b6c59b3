//! Listeners at TCP ports and Unix sockets.

use std::io;
#[cfg(unix)]
use std::{fs, os::unix::fs::FileTypeExt, path::Path};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::socket::Socket;
use crate::address::{Address, Peer};

/// A listener. Dropping it removes the file of a Unix socket.
#[derive(Debug)]
pub(crate) struct Listener {
    accepts: Accepts,
    address: Address,
    /// Whether it uses TLS.
    pub(crate) is_secure: bool,
}

#[derive(Debug)]
enum Accepts {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    ///
    /// The system's error, with the address.
    pub(crate) async fn bind(address: &Address, is_secure: bool) -> Result<Self, String> {
        let failed = |error| format!("can't listen on {address}: {error}");
        let (accepts, address) = bind(address).await.map_err(failed)?;
        Ok(Self {
            accepts,
            address,
            is_secure,
        })
    }

    /// Returns the address, with the port that the system has chosen.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for the next client.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.accepts {
            Accepts::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((stream.into(), peer.into()))
            }
            #[cfg(unix)]
            Accepts::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((stream.into(), Peer::Unix))
            }
        }
    }
}

async fn bind(address: &Address) -> io::Result<(Accepts, Address)> {
    match address {
        Address::Ip(address) => {
            let listener = TcpListener::bind(address).await?;
            let address = Address::Ip(listener.local_addr()?);
            Ok((Accepts::Tcp(listener), address))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            remove_stale(path);
            let listener = UnixListener::bind(path)?;
            Ok((Accepts::Unix(listener), address.clone()))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Removes a stale socket at which no program listens any more.
#[cfg(unix)]
fn remove_stale(path: &Path) {
    use std::os::unix::net::UnixStream;

    let is_socket = fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let is_refused = || {
        UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    if is_socket && is_refused() {
        // If that fails, so does listening, with an error.
        let _ = fs::remove_file(path);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Address::Unix(path) = &self.address {
            // It may have been removed already.
            let _ = fs::remove_file(path);
        }
    }
}
