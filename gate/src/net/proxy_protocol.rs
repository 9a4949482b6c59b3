//! The PROXY protocol, versions 1 and 2: a header with the client's address, which a load balancer sends first.

use std::io;
use std::net::{IpAddr, SocketAddr};

use clap::ValueEnum;
use ppp::{HeaderResult, PartialResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::address::Peer;

/// The maximum length of a header: addresses and optional fields, such as the names of a TLS connection.
const LONGEST: usize = 4096;

/// The maximum length of a line of version 1.
const LONGEST_LINE: usize = 107;

/// Which of the two is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    V1,
    V2,
}

/// The content of a header, and the bytes after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// The client's address and the one that it connected to. `None` for a connection from the balancer itself.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
    pub(crate) behind: Vec<u8>,
}

/// Reads the header at the start of a connection.
///
/// # Errors
///
/// There is none, it is malformed or too long, or the connection has ended.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Read> {
    let mut bytes = Vec::with_capacity(256);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(read) = parse(&bytes)? {
            return Ok(read);
        }
        if bytes.len() > LONGEST {
            return Err(invalid(format!("it is longer than {LONGEST} bytes")));
        }
    }
}

/// Parses a header. `None` if it is incomplete.
fn parse(bytes: &[u8]) -> io::Result<Option<Read>> {
    let begins = |prefix: &[u8]| prefix.starts_with(bytes) || bytes.starts_with(prefix);
    let is_text = begins(b"PROXY");
    if is_text && !bytes.windows(2).any(|end| end == b"\r\n") {
        // An incomplete line may look malformed.
        return match bytes.len() < LONGEST_LINE {
            true => Ok(None),
            false => Err(invalid(format!(
                "its line is longer than {LONGEST_LINE} bytes"
            ))),
        };
    }
    let result = HeaderResult::parse(bytes);
    if result.is_incomplete() && !is_text {
        return Ok(None);
    }
    let (length, addresses) = match result {
        HeaderResult::V1(Ok(header)) => (header.header.len(), of_v1(&header.addresses)),
        HeaderResult::V2(Ok(header)) => {
            let addresses = match header.command {
                v2::Command::Proxy => of_v2(&header.addresses),
                v2::Command::Local => None,
            };
            (header.len(), addresses)
        }
        HeaderResult::V1(Err(error)) => return Err(invalid(error)),
        HeaderResult::V2(Err(error)) => return Err(invalid(error)),
    };
    Ok(Some(Read {
        addresses,
        behind: bytes.get(length..).unwrap_or_default().to_vec(),
    }))
}

fn of_v1(addresses: &v1::Addresses) -> Option<(SocketAddr, SocketAddr)> {
    match addresses {
        v1::Addresses::Tcp4(both) => Some(of_ipv4(both)),
        v1::Addresses::Tcp6(both) => Some(of_ipv6(both)),
        v1::Addresses::Unknown => None,
    }
}

fn of_v2(addresses: &v2::Addresses) -> Option<(SocketAddr, SocketAddr)> {
    match addresses {
        v2::Addresses::IPv4(both) => Some(of_ipv4(both)),
        v2::Addresses::IPv6(both) => Some(of_ipv6(both)),
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
    }
}

fn of_ipv4(both: &v1::IPv4) -> (SocketAddr, SocketAddr) {
    (
        (both.source_address, both.source_port).into(),
        (both.destination_address, both.destination_port).into(),
    )
}

fn of_ipv6(both: &v1::IPv6) -> (SocketAddr, SocketAddr) {
    (
        (both.source_address, both.source_port).into(),
        (both.destination_address, both.destination_port).into(),
    )
}

fn invalid(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// Returns the header for an upstream, with the client's address and the one that it connected to.
///
/// # Errors
///
/// The header can't be made, which doesn't happen for any address.
pub(crate) fn header(version: Version, client: Peer, server: Peer) -> io::Result<Vec<u8>> {
    let both = match (client, server) {
        (Peer::Ip(client), Peer::Ip(server)) => Some(of_one_family(client, server)),
        // A client at a Unix socket has no address.
        _ => None,
    };
    let command = v2::Version::Two | v2::Command::Proxy;
    match (version, both) {
        (Version::V1, Some(both)) => Ok(v1::Addresses::from(both).to_string().into()),
        (Version::V1, None) => Ok(v1::Addresses::Unknown.to_string().into()),
        (Version::V2, Some(both)) => {
            v2::Builder::with_addresses(command, v2::Protocol::Stream, both).build()
        }
        (Version::V2, None) => {
            let unknown = v2::Addresses::Unspecified;
            v2::Builder::with_addresses(command, v2::Protocol::Unspecified, unknown).build()
        }
    }
}

/// Converts addresses of different families to IPv6 (RFC 4291, section 2.5.5.2).
fn of_one_family(client: SocketAddr, server: SocketAddr) -> (SocketAddr, SocketAddr) {
    let mapped = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    match client.is_ipv4() == server.is_ipv4() {
        true => (client, server),
        false => (mapped(client), mapped(server)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        for version in [Version::V1, Version::V2] {
            for [client, server] in [
                ["192.0.2.7:5555", "198.51.100.1:443"],
                ["[2001:db8::7]:5555", "[2001:db8::1]:443"],
                ["192.0.2.7:5555", "[2001:db8::1]:443"],
            ] {
                let both = (address(client), address(server));
                let header = header(version, both.0.into(), both.1.into()).unwrap();
                let bytes = [&header[..], b"GET / HTTP/1.1"].concat();
                for length in 0..header.len() {
                    assert_eq!(
                        parse(&bytes[..length]).unwrap(),
                        None,
                        "{length} of {header:?}"
                    );
                }
                let read = parse(&bytes).unwrap().unwrap();
                let addresses = Some(of_one_family(both.0, both.1));
                let behind = b"GET / HTTP/1.1".to_vec();
                assert_eq!(read, Read { addresses, behind });
            }
        }
    }

    #[test]
    fn of_a_client_at_a_unix_socket_nothing_is_told() {
        let server = Peer::Ip(address("198.51.100.1:443"));
        for version in [Version::V1, Version::V2] {
            for (client, server) in [(Peer::Unix, Peer::Unix), (Peer::Unix, server)] {
                let header = header(version, client, server).unwrap();
                let read = parse(&header).unwrap().unwrap();
                assert_eq!((read.addresses, read.behind.len()), (None, 0), "{header:?}");
            }
        }
    }

    #[test]
    fn connections_of_the_balancer_itself_have_no_addresses() {
        for header in [
            &b"PROXY UNKNOWN\r\n"[..],
            b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
            b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0",
        ] {
            let read = parse(header).unwrap().unwrap();
            assert_eq!((read.addresses, read.behind.len()), (None, 0), "{header:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_an_error_as_soon_as_that_shows() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443 \r\n",
            b"PROXY TCP4 192.0.2.7\r\n",
            &[&b"PROXY TCP4 "[..], &[b'1'; 96]].concat(),
            b"PROXY TCP4 2001:db8::7 2001:db8::1 5555 443\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
            b"\x16\x03\x01\x02\0\x01",
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
