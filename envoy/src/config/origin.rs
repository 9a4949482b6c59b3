//! The origins that a browser may send (RFC 6454, section 6.2).

use crate::settings::Origin;

/// Parses `scheme://host` or `scheme://host:port`. The host may begin with `*.`, and the scheme's default port is
/// omitted, as browsers do.
pub(super) fn parse(text: &str) -> Option<Origin> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        // Pages can't have these schemes.
        "ws" | "wss" => return None,
        _ => "",
    };
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme) {
        return None;
    }

    // The colons of an IPv6 address are in brackets.
    let behind_address = rest.rfind(']').unwrap_or(0);
    let (host, port) = match rest.rfind(':').filter(|at| *at >= behind_address) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    if !port.is_empty() && !is_port(port.strip_prefix(':')?) {
        return None;
    }
    let port = if port == default_port { "" } else { port };

    match host.strip_prefix('*') {
        Some(domain) => is_name(domain.strip_prefix('.')?).then(|| Origin::Below {
            scheme: [scheme, "://"].concat(),
            domain: [domain, port].concat(),
        }),
        None => (is_name(host) || is_address(host))
            .then(|| Origin::Exact([scheme, "://", host, port].concat())),
    }
}

/// Whether this is a port as browsers write it.
fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
        && digits.parse::<u16>().is_ok()
}

/// Whether this is the name of a host, or an IPv4 address.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let mut labels = host.split('.');
    labels.all(|label| !label.is_empty() && label.bytes().all(is_allowed))
}

/// Whether this is an IPv6 address in brackets.
fn is_address(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_allowed = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    address.is_some_and(|address| address.contains(':') && address.bytes().all(is_allowed))
}
