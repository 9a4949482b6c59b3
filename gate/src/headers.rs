//! Which header fields are passed on. The table is in this crate's README.

use websocket_host::protocol::{Header, RequestHead, StatusCode};

use crate::fields::{are_same, header, is_one_of, values};
use crate::forwarded::{self, Source};

/// Fields that belong to one connection (RFC 9110, section 7.6.1) or to the handshake (RFC 6455, section 11.3), or that
/// announce a body. `Proxy` isn't one of these, but programs that get fields as environment variables take it for their
/// proxy's address (CVE-2016-5385).
const OF_ONE_HOP: [&str; 15] = [
    "Connection",
    "Content-Length",
    "Expect",
    "HTTP2-Settings",
    "Host",
    "Keep-Alive",
    "Proxy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Sec-WebSocket-",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// Fields that describe a body (RFC 9110, section 8), and are passed on only with it.
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

/// Returns the fields of a request that are passed on to the upstream. Fields about the client are passed on if the
/// peer is `trusted`.
pub(crate) fn of_request(request: &RequestHead, source: &Source<'_>, trusted: bool) -> Vec<Header> {
    let mut headers = end_to_end(&request.headers);
    headers.retain(|header| !forwarded::is_about_the_client(&header.name));
    headers.extend(forwarded::about_the_client(request, source, trusted));
    headers
}

/// Returns the fields of an accepting response that are passed on to the client.
pub(crate) fn of_acceptance(headers: &[Header]) -> Vec<Header> {
    end_to_end(headers)
}

/// Returns the fields of a refusing response that are passed on to the client, with or without its body.
///
/// They include the supported versions and, after a 426, the protocols to upgrade to (RFC 6455, section 4.4; RFC 9110,
/// section 15.5.22).
pub(crate) fn of_refusal(status: StatusCode, headers: &[Header], with_body: bool) -> Vec<Header> {
    let mut carried = end_to_end(headers);
    carried.retain(|header| with_body || !is_one_of(&header.name, &OF_A_BODY));
    let names: &[&str] = match status {
        426 => &["Sec-WebSocket-Version", "Upgrade"],
        _ => &["Sec-WebSocket-Version"],
    };
    for name in names {
        carried.extend(values(headers, name).map(|value| header(name, value)));
    }
    carried
}

/// Returns the end-to-end fields.
fn end_to_end(headers: &[Header]) -> Vec<Header> {
    let named: Vec<&str> = values(headers, "Connection")
        .flat_map(|value| value.split(|&byte| byte == b','))
        .filter_map(|name| str::from_utf8(name.trim_ascii()).ok())
        .collect();
    let carried = |header: &&Header| {
        !is_one_of(&header.name, &OF_ONE_HOP)
            && !named.iter().any(|name| are_same(name, &header.name))
    };
    headers.iter().filter(carried).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const PEER: &Source<'_> = &Source {
        peer: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        is_secure: false,
        certificate: None,
    };

    fn request(fields: &[(&str, &str)]) -> RequestHead {
        RequestHead {
            method: "GET".into(),
            target: "/".into(),
            authority: "gate.example".into(),
            subprotocols: Vec::new(),
            extensions: Vec::new(),
            headers: list(fields),
            violation: None,
            tolerated: Vec::new(),
        }
    }

    fn list(fields: &[(&str, &str)]) -> Vec<Header> {
        let fields = fields.iter();
        fields.map(|(name, value)| header(name, *value)).collect()
    }

    const ADDED: [(&str, &str); 3] = [
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "gate.example"),
    ];

    #[test]
    fn end_to_end_fields_of_a_request_are_carried() {
        let fields = [
            ("authorization", "Basic x"),
            ("Cookie", "a=b"),
            ("Origin", "https://a"),
            ("X-Mine", ""),
            ("X_Mine", "2"),
        ];
        let carried = of_request(&request(&fields), PEER, false);
        assert_eq!(carried, list(&[&fields[..], &ADDED].concat()));
    }

    #[test]
    fn fields_of_the_hop_and_of_the_handshake_are_not() {
        let fields = [
            ("host", "a"),
            ("Connection", "Upgrade, X-Hop ,"),
            ("connection", "y-hop"),
            ("x-hop", "1"),
            ("Y_Hop", "1"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "k"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authorization", "secret"),
            ("Transfer-Encoding", "chunked"),
            ("Proxy", "http://evil.example"),
        ];
        for trusted in [false, true] {
            assert_eq!(of_request(&request(&fields), PEER, trusted), list(&ADDED));
        }
    }

    #[test]
    fn other_spellings_of_fields_of_the_hop_are_not_carried_either_way() {
        let fields = list(&[
            ("Sec_WebSocket_Key", "k"),
            ("sec.websocket.protocol", "p"),
            ("Content_Length", "7"),
            ("TRANSFER_ENCODING", "chunked"),
            ("Keep_Alive", "timeout=5"),
            ("Proxy_Authorization", "secret"),
        ]);
        let request = RequestHead {
            headers: fields.clone(),
            ..request(&[])
        };
        assert_eq!(of_request(&request, PEER, false), list(&ADDED));
        assert_eq!(of_acceptance(&fields), []);
        assert_eq!(of_refusal(400, &fields, false), []);
    }

    #[test]
    fn a_connection_field_takes_nothing_away_that_the_gate_writes() {
        let fields = [
            ("Connection", "Upgrade, X-Forwarded-For, Forwarded"),
            ("X-Forwarded-For", "10.0.0.1"),
        ];
        assert_eq!(of_request(&request(&fields), PEER, false), list(&ADDED));
        let carried = of_request(&request(&fields), PEER, true);
        assert_eq!(carried[0], header("X-Forwarded-For", "10.0.0.1, 192.0.2.7"));
    }

    #[test]
    fn a_refusal_leaves_the_fields_of_its_body_behind_if_it_leaves_the_body() {
        let fields = list(&[
            ("WWW-Authenticate", "Basic"),
            ("Content-Type", "text/html"),
            ("content-encoding", "gzip"),
            ("Set-Cookie", "a"),
            ("Content-Length", "7"),
        ]);
        let carried = list(&[("WWW-Authenticate", "Basic"), ("Set-Cookie", "a")]);
        assert_eq!(of_refusal(401, &fields, false), carried);
        let carried = list(&[
            ("WWW-Authenticate", "Basic"),
            ("Content-Type", "text/html"),
            ("content-encoding", "gzip"),
            ("Set-Cookie", "a"),
        ]);
        assert_eq!(of_refusal(401, &fields, true), carried);
        assert_eq!(of_acceptance(&fields).len(), 4);
    }

    #[test]
    fn a_refusal_tells_which_version_and_which_protocol_to_try() {
        let fields = list(&[
            ("Connection", "upgrade, Sec-WebSocket-Version"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("sec-websocket-version", "8"),
            ("Sec-WebSocket-Accept", "a"),
        ]);
        let versions = [
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Version", "8"),
        ];
        assert_eq!(of_refusal(400, &fields, false), list(&versions));
        let upgrade = [&versions[..], &[("Upgrade", "websocket")]].concat();
        assert_eq!(of_refusal(426, &fields, false), list(&upgrade));
        assert_eq!(of_acceptance(&fields), []);
    }
}
