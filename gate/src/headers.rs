//! Which header fields go through the gate: the table is in this crate's README.

use std::net::IpAddr;

use websocket_host::protocol::{Header, RequestHead};

/// Fields that belong to one connection (RFC 9110, section 7.6.1), to the handshake (RFC 6455, section 11.3), or that
/// give a body to a head without one.
const OWN: [&str; 18] = [
    "Connection",
    "Content-Length",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
];

/// Fields that tell of a body that isn't carried over (RFC 9110, section 8).
const OF_A_BODY: [&str; 11] = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Digest",
    "ETag",
    "Last-Modified",
];

const FORWARDED: [&str; 4] = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
];

/// The fields of a request that the upstream gets.
pub(crate) fn of_request(request: &RequestHead, peer: IpAddr, trusted: bool) -> Vec<Header> {
    let mut headers = end_to_end(&request.headers, &[]);
    let mut via = Vec::new();
    if trusted {
        for value in values(&headers, "X-Forwarded-For") {
            via.extend_from_slice(value);
            via.extend_from_slice(b", ");
        }
        headers.retain(|header| !header.name.eq_ignore_ascii_case("X-Forwarded-For"));
    } else {
        headers.retain(|header| !is_one_of(&header.name, &FORWARDED));
    }
    via.extend_from_slice(peer.to_canonical().to_string().as_bytes());
    headers.push(header("X-Forwarded-For", via));
    if values(&headers, "X-Forwarded-Proto").next().is_none() {
        headers.push(header("X-Forwarded-Proto", "http"));
    }
    if values(&headers, "X-Forwarded-Host").next().is_none() {
        headers.push(header("X-Forwarded-Host", request.authority.as_str()));
    }
    headers
}

/// The fields of a response that accepts, for the client.
pub(crate) fn of_acceptance(headers: &[Header]) -> Vec<Header> {
    end_to_end(headers, &[])
}

/// The fields of a response that refuses, for the client, which gets another body.
pub(crate) fn of_refusal(headers: &[Header]) -> Vec<Header> {
    end_to_end(headers, &OF_A_BODY)
}

pub(crate) fn header(name: &str, value: impl Into<Vec<u8>>) -> Header {
    Header {
        name: name.to_owned(),
        value: value.into(),
    }
}

fn end_to_end(headers: &[Header], dropped: &[&str]) -> Vec<Header> {
    let named: Vec<&[u8]> = values(headers, "Connection")
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    let carried = |header: &&Header| {
        let name = header.name.as_bytes();
        !is_one_of(&header.name, &OWN)
            && !is_one_of(&header.name, dropped)
            && !named.iter().any(|named| named.eq_ignore_ascii_case(name))
    };
    headers.iter().filter(carried).cloned().collect()
}

fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_slice())
}

fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.iter().any(|other| other.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn request(fields: &[(&str, &str)]) -> RequestHead {
        RequestHead {
            method: "GET".into(),
            target: "/".into(),
            authority: "gate.example".into(),
            subprotocols: Vec::new(),
            extensions: Vec::new(),
            headers: list(fields),
            violation: None,
        }
    }

    fn list(fields: &[(&str, &str)]) -> Vec<Header> {
        fields
            .iter()
            .map(|(name, value)| header(name, *value))
            .collect()
    }

    fn text(headers: &[Header]) -> Vec<String> {
        let line = |header: &Header| {
            format!(
                "{}: {}",
                header.name,
                String::from_utf8_lossy(&header.value)
            )
        };
        headers.iter().map(line).collect()
    }

    const ADDED: [&str; 3] = [
        "X-Forwarded-For: 192.0.2.7",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: gate.example",
    ];

    #[test]
    fn end_to_end_fields_of_a_request_are_carried() {
        let fields = [
            ("authorization", "Basic x"),
            ("Cookie", "a=b"),
            ("Origin", "https://a"),
            ("X-Mine", ""),
        ];
        let carried = of_request(&request(&fields), PEER, false);
        assert_eq!(carried[..4], list(&fields));
        assert_eq!(text(&carried[4..]), ADDED);
    }

    #[test]
    fn fields_of_the_hop_and_of_the_handshake_are_not() {
        let fields = [
            ("host", "a"),
            ("Connection", "Upgrade, X-Hop ,"),
            ("connection", "y-hop"),
            ("x-hop", "1"),
            ("Y-Hop", "1"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "k"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authorization", "secret"),
            ("Transfer-Encoding", "chunked"),
        ];
        assert_eq!(text(&of_request(&request(&fields), PEER, false)), ADDED);
    }

    #[test]
    fn forwarded_fields_are_written_anew() {
        let fields = [
            ("X-Forwarded-For", "10.0.0.1"),
            ("x-forwarded-host", "evil"),
            ("X-Forwarded-Proto", "https"),
            ("Forwarded", "for=10.0.0.1"),
        ];
        assert_eq!(text(&of_request(&request(&fields), PEER, false)), ADDED);
    }

    #[test]
    fn forwarded_fields_of_a_trusted_proxy_are_extended() {
        let fields = [
            ("X-Forwarded-For", "10.0.0.1"),
            ("X-Forwarded-For", "10.0.0.2"),
            ("X-Forwarded-Proto", "https"),
        ];
        assert_eq!(
            text(&of_request(&request(&fields), PEER, true)),
            [
                "X-Forwarded-Proto: https",
                "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.7",
                "X-Forwarded-Host: gate.example"
            ]
        );
    }

    #[test]
    fn a_refusal_leaves_the_fields_of_its_body_behind() {
        let fields = list(&[
            ("WWW-Authenticate", "Basic"),
            ("Content-Type", "text/html"),
            ("content-encoding", "gzip"),
            ("Set-Cookie", "a"),
            ("Content-Length", "7"),
        ]);
        assert_eq!(
            text(&of_refusal(&fields)),
            ["WWW-Authenticate: Basic", "Set-Cookie: a"]
        );
        assert_eq!(of_acceptance(&fields).len(), 4);
    }
}
