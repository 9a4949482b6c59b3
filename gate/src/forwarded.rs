//! Header fields by which proxies tell upstreams about the client and its original request.
//!
//! Upstreams trust these fields, so they are passed on only if a trusted proxy sent them. Even such a proxy may have
//! passed on what a client wrote, so fields with a known syntax are checked.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use url::Url;
use websocket_host::protocol::{Header, RequestHead};

use crate::fields::{header, is_one_of, is_plain, values};

/// The fields that the gate checks, extends or writes.
const CHECKED: [&str; 5] = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
];

/// The fields about the client that common proxies, load balancers and content delivery networks send to upstreams.
/// This crate's README lists them, too.
const ABOUT_THE_CLIENT: [&str; 50] = [
    // Its address.
    "Ali-CDN-Real-IP",
    "CDN-Src-IP",
    "CF-Connecting-",
    "CF-IPCountry",
    "CF-Pseudo-IPv4",
    "CF-Visitor",
    "Client-IP",
    "CloudFront-",
    "DO-Connecting-IP",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    "Fly-Forwarded-",
    "Forwarded",
    "Forwarded-For",
    "Proxy-Client-IP",
    "True-Client-IP",
    "WL-Proxy-",
    "X-AppEngine-",
    "X-Azure-ClientIP",
    "X-Azure-SocketIP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Envoy-",
    "X-Forward-For",
    "X-Forwarded",
    "X-Forwarded-",
    "X-NF-Client-Connection-IP",
    "X-Originating-IP",
    "X-ProxyUser-IP",
    "X-Real-IP",
    "X-Vercel-Forwarded-For",
    "X-Vercel-IP-",
    // Its user and its certificate, where a proxy checks them.
    "CF-Access-Authenticated-User-Email",
    "Client-Cert",
    "Client-Cert-Chain",
    "Remote-",
    "Tailscale-User-",
    "X-Amzn-MTLS-",
    "X-Amzn-OIDC-",
    "X-ARR-",
    "X-Auth-Request-",
    "X-Goog-Authenticated-User-",
    "X-MS-Client-",
    "X-Remote-",
    "X-SSL-",
    // The scheme, host and path that it asked for.
    "Front-End-HTTPS",
    "X-Original-",
    "X-Rewrite-URL",
    "X-Scheme",
    "X-URL-Scheme",
];

/// What the gate itself knows about the source of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// `None` for a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// The connection uses TLS.
    pub(crate) is_secure: bool,
    /// The client's certificate, in DER, if it was asked for one.
    pub(crate) certificate: Option<&'a [u8]>,
}

/// Whether an upstream may treat a field of this name as a proxy's information about the client.
pub(crate) fn is_about_the_client(name: &str) -> bool {
    is_one_of(name, &ABOUT_THE_CLIENT)
}

/// Returns the fields about the client for the upstream: those of a trusted proxy, with that proxy's address added, or
/// else what the gate knows itself.
pub(crate) fn about_the_client(
    request: &RequestHead,
    source: &Source<'_>,
    trusted: bool,
) -> Vec<Header> {
    // A proxy writes and replaces names in standard spelling; another spelling comes from its client.
    let is_believed =
        |header: &&Header| trusted && is_plain(&header.name) && is_about_the_client(&header.name);
    let believed = request.headers.iter().filter(is_believed).cloned();
    let (checked, mut carried): (Vec<_>, Vec<_>) =
        believed.partition(|header| is_one_of(&header.name, &CHECKED));

    let mut fields = Vec::new();
    let path = forwarded_for(&checked, source.peer);
    if !path.is_empty() {
        fields.push(header("X-Forwarded-For", path));
    }
    let scheme = only(&checked, "X-Forwarded-Proto").filter(|value| is_scheme(value));
    let own_scheme = if source.is_secure { "https" } else { "http" };
    fields.push(header("X-Forwarded-Proto", scheme.unwrap_or(own_scheme)));
    let host = only(&checked, "X-Forwarded-Host").filter(|value| is_authority(value));
    let host = host.unwrap_or(&request.authority);
    if !host.is_empty() {
        fields.push(header("X-Forwarded-Host", host));
    }
    if let Some(address) = only(&checked, "X-Real-IP")
        && address.parse::<IpAddr>().is_ok()
    {
        fields.push(header("X-Real-IP", address));
    }
    if values(&checked, "Forwarded").next().is_some() {
        fields.push(header("Forwarded", forwarded(&checked, source.peer)));
    }
    if let Some(certificate) = source.certificate {
        carried.retain(|header| !is_one_of(&header.name, &["Client-Cert", "Client-Cert-Chain"]));
        // RFC 9440, section 2.2: a byte sequence of structured fields.
        let encoded = BASE64_STANDARD.encode(certificate);
        fields.push(header("Client-Cert", format!(":{encoded}:")));
    }
    fields.extend(carried);
    fields
}

/// Whether a peer is one of the proxies.
pub(crate) fn is_trusted(proxies: &[Proxy], peer: Option<IpAddr>) -> bool {
    let peer = peer.map(|peer| peer.to_canonical());
    proxies.iter().any(|proxy| match (proxy, peer) {
        (Proxy::Network(network), Some(peer)) => network.contains(&peer),
        (Proxy::Unix, None) => true,
        _ => false,
    })
}

/// An argument: trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Network(IpNet),
    /// Any peer at a Unix socket.
    Unix,
}

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unix" => Ok(Self::Unix),
            network => self::network(network).map(Self::Network),
        }
    }
}

/// Parses an address, or a network such as `10.0.0.0/8`.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    match text.parse().or_else(|_| address()) {
        // It would never match, since such peers are compared by their IPv4 address.
        Ok(IpNet::V6(network)) if network.addr().to_ipv4_mapped().is_some() => {
            Err("an IPv4 address is written without ::ffff:".into())
        }
        Ok(network) => Ok(network),
        Err(_) => {
            Err("it is an address or a network, such as 10.0.0.0/8 or fd00::/8, or unix".into())
        }
    }
}

/// Returns the value of the only field of this name.
fn only<'a>(headers: &'a [Header], name: &'a str) -> Option<&'a str> {
    let mut values = values(headers, name);
    let value = values.next().filter(|_| values.next().is_none())?;
    str::from_utf8(value).ok()
}

/// Returns `X-Forwarded-For` with the peer added. Proxies append on the right, so everything left of an element that
/// isn't an address is dropped.
fn forwarded_for(headers: &[Header], peer: Option<IpAddr>) -> String {
    let addresses: Vec<&[u8]> = values(headers, "X-Forwarded-For")
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .collect();
    let addresses = addresses
        .iter()
        .rev()
        .map(|element| str::from_utf8(element));
    let addresses = addresses.map_while(|element| element.ok().filter(|text| is_node(text)));
    let mut path: Vec<String> = addresses.map(str::to_owned).collect();
    path.reverse();
    path.extend(peer.map(|peer| peer.to_canonical().to_string()));
    path.join(", ")
}

/// Returns the value of a Forwarded field (RFC 7239) with the peer added. A malformed field and everything left of it
/// are dropped.
fn forwarded(headers: &[Header], peer: Option<IpAddr>) -> Vec<u8> {
    let fields: Vec<&[u8]> = values(headers, "Forwarded").collect();
    let readable = fields
        .iter()
        .rev()
        .take_while(|value| is_forwarded(value).is_some());
    let mut path: Vec<Vec<u8>> = readable.map(|value| value.to_vec()).collect();
    path.reverse();
    path.push(match peer.map(|peer| peer.to_canonical()) {
        Some(IpAddr::V4(address)) => format!("for={address}").into(),
        Some(IpAddr::V6(address)) => format!("for=\"[{address}]\"").into(),
        None => b"for=unknown".to_vec(),
    });
    path.join(&b", "[..])
}

/// Checks that a value is a list of elements of pairs: `token "=" ( token / quoted-string )` (RFC 7239, section 4).
fn is_forwarded(mut rest: &[u8]) -> Option<()> {
    loop {
        rest = rest.trim_ascii_start();
        if let after_name @ [b'=', ..] = after_token(rest)
            && after_name.len() < rest.len()
        {
            rest = after_value(after_name.strip_prefix(b"=")?)?;
        }
        rest = match rest.trim_ascii_start() {
            [] => return Some(()),
            [b',' | b';', rest @ ..] => rest,
            _ => return None,
        };
    }
}

fn after_value(text: &[u8]) -> Option<&[u8]> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        return Some(after_token(text)).filter(|rest| rest.len() < text.len());
    };
    loop {
        rest = match rest {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _, rest @ ..] | [_, rest @ ..] => rest,
            [] => return None,
        };
    }
}

fn after_token(text: &[u8]) -> &[u8] {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(|byte| is_token(byte)).count();
    text.get(length..).unwrap_or_default()
}

/// Whether a text is an address, with or without a port, as in X-Forwarded-For.
fn is_node(text: &str) -> bool {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    text.parse::<IpAddr>().is_ok()
        || text.parse::<SocketAddr>().is_ok()
        || bracketed.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_scheme(text: &str) -> bool {
    ["http", "https", "ws", "wss"]
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(text))
}

/// Whether a text is a host, with or without a port.
fn is_authority(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    text.bytes().all(allowed) && Url::parse(&format!("http://{text}/")).is_ok()
}

#[cfg(test)]
mod tests;
