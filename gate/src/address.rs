//! Addresses to listen at and to connect to, and those of peers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The prefix of a Unix socket's address.
const UNIX: &str = "unix:";

/// An address to listen at: `127.0.0.1:8080`, or `unix:/run/wsgate.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Ip(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return socket_path(path).map(Self::Unix);
        }
        text.parse().map(Self::Ip).map_err(|_| {
            if let Ok(ip) = text.parse::<IpAddr>() {
                return format!("the port is missing, as in {}", SocketAddr::new(ip, 8080));
            }
            let port = text.rsplit(':').next().and_then(|port| port.parse().ok());
            let port: u16 = port.unwrap_or(8080);
            format!(
                "it is an IP address and a port, such as 127.0.0.1:{port} or [::1]:{port}, or unix:PATH"
            )
        })
    }
}

/// Parses the path of a Unix socket.
///
/// # Errors
///
/// This system has no Unix sockets, or the text is no path.
pub(crate) fn socket_path(path: &str) -> Result<PathBuf, String> {
    match path.is_empty() {
        _ if cfg!(not(unix)) => Err("this system has no Unix sockets here".into()),
        true => Err("a Unix socket has a path, such as unix:/run/wsgate.sock".into()),
        false => Ok(path.into()),
    }
}

/// The remote or local address of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ip(SocketAddr),
    /// A Unix socket: some program on this machine.
    Unix,
}

impl Peer {
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}
