//! Untidy but harmless handshakes, as real peers make them, are accepted.

use std::io::{Read, Write};
use std::net::TcpStream;

use websocket_component::Message;
use websocket_component::handshake::{Acceptance, RequestHead};

use crate::peer::{Got, Peer, Upstream, values};
use crate::process::{Gate, PATIENCE};

const KEY: &str = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";

/// The head of a request with these fields added to the usual ones, or replacing them.
fn head(line: &str, fields: &[&str]) -> String {
    let usual = [
        "Host: a.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        KEY,
    ];
    let name = |field: &str| field.split(':').next().map(str::to_owned);
    let kept = usual
        .iter()
        .filter(|usual| fields.iter().all(|field| name(field) != name(usual)));
    let fields: Vec<_> = kept.chain(fields).copied().collect();
    format!("{line}\r\n{}\r\n\r\n", fields.join("\r\n"))
}

/// Sends a head. Returns the request that the upstream gets, and the client's response once the upstream has accepted.
fn through(gate: &Gate, upstream: &Upstream, head: &str) -> (RequestHead, String) {
    let mut client = TcpStream::connect(gate.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(head.as_bytes()).unwrap();
    let (mut server, asked) = upstream.request();
    server.accept(&Acceptance {
        subprotocol: asked.subprotocols.first().cloned(),
        ..Acceptance::default()
    });
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        answer.extend_from_slice(&byte);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{head}: {answer}");
    (asked, answer)
}

#[test]
fn untidy_requests_reach_the_upstream_tidily() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    for field in [
        "Sec-WebSocket-Extensions:",
        "Sec-WebSocket-Extensions: permessage-deflate;",
        "Sec-WebSocket-Extensions: bbf-usp-protocol; eid=\"proto::agent-1\"",
        "Sec-WebSocket-Protocol:",
        "Host:",
        "Host: ::1:8080",
        "Host: [fe80::1%25eth0]:80",
    ] {
        let (asked, _) = through(&gate, &upstream, &head("GET / HTTP/1.1", &[field]));
        assert_eq!(
            (asked.violation, &*asked.tolerated),
            (None, &[][..]),
            "{field}"
        );
        assert_eq!(asked.authority, upstream.address.to_string(), "{field}");
        assert_eq!(values(&asked.headers, "Sec-WebSocket-Protocol"), [""; 0]);
        let host = values(&asked.headers, "X-Forwarded-Host");
        assert_eq!(host.is_empty(), field.starts_with("Host"), "{field}");
    }
    let repeated = "Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0, ocpp1.6";
    let (asked, answer) = through(&gate, &upstream, &head("GET / HTTP/1.1", &[repeated]));
    assert_eq!(asked.subprotocols, ["ocpp1.6", "ocpp2.0"]);
    assert!(answer.contains("\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"));
}

/// As in the example of RFC 6455, section 4.1.
#[test]
fn a_key_with_bits_left_over_is_answered_as_it_was_sent() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let field = "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==";
    let (_, answer) = through(&gate, &upstream, &head("GET / HTTP/1.1", &[field]));
    assert!(
        answer.contains("\r\nSec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\n"),
        "{answer}"
    );
}

#[test]
fn a_target_in_absolute_form_may_have_the_scheme_ws() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--keep-host"]);
    for scheme in ["ws", "wss", "http", "https"] {
        let line = format!("GET {scheme}://b.example/chat?a HTTP/1.1");
        let (asked, _) = through(&gate, &upstream, &head(&line, &[]));
        assert_eq!(
            (&*asked.target, &*asked.authority),
            ("/chat?a", "b.example")
        );
    }
}

#[test]
fn a_host_that_cannot_be_kept_is_the_upstreams_own() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--keep-host"]);
    for (field, kept) in [
        ("Host: b.example:81", Some("b.example:81")),
        ("Host:", None),
        ("Host: ::1:8080", None),
    ] {
        let (asked, _) = through(&gate, &upstream, &head("GET / HTTP/1.1", &[field]));
        let own = upstream.address.to_string();
        assert_eq!(asked.authority, kept.unwrap_or(&own), "{field}");
    }
}

#[test]
fn heads_of_a_whole_browser_session_go_through() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let cookie = format!("Cookie: {}", "c".repeat(20_000));
    let more: Vec<_> = (0..200).map(|index| format!("X-{index}: y")).collect();
    let fields: Vec<_> = more.iter().map(String::as_str).chain([&*cookie]).collect();
    let line = format!("GET /chat?{} HTTP/1.1", "q".repeat(20_000));
    let (asked, _) = through(&gate, &upstream, &head(&line, &fields));
    assert_eq!(asked.target.len(), "/chat?".len() + 20_000);
    assert_eq!(values(&asked.headers, "Cookie")[0].len(), 20_000);
}

/// An upstream that answers with this first line and these fields beside the usual ones, and sends a message.
fn answers(gate: &Gate, upstream: &Upstream, line: &str, fields: &str) -> (Peer, Peer) {
    let client = Peer::connect(gate);
    let (mut server, _) = upstream.request();
    server
        .session
        .accept(&Acceptance::default(), server.now())
        .unwrap();
    let head = String::from_utf8(server.session.take_output(usize::MAX, server.now())).unwrap();
    let (_, usual) = head.split_once("\r\n").unwrap();
    server.write(format!("{line}\r\n{fields}{usual}").as_bytes());
    server.send(Message::Text("hello"));
    (client, server)
}

/// RFC 9112, section 6.3, rule 1.
#[test]
fn a_101_of_an_upstream_ends_at_its_head_whatever_body_it_announces() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    for field in ["Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n"] {
        let (mut client, _server) = answers(&gate, &upstream, "HTTP/1.1 101 x", field);
        let response = client.opened();
        assert_eq!(values(&response.headers, "Transfer-Encoding"), [""; 0]);
        assert_eq!(values(&response.headers, "Content-Length"), [""; 0]);
        assert_eq!(client.receive(), Got::Text("hello".into()));
    }
}

#[test]
fn an_upstream_that_speaks_http_1_0_is_let_in_by_an_option() {
    let upstream = Upstream::bind();
    let line = "HTTP/1.0 101 x";
    let strict = Gate::before(upstream.address, &[]);
    let (mut client, _server) = answers(&strict, &upstream, line, "");
    assert_eq!(client.refused().status, 502);
    strict.logged(1, "http-version");
    let lenient = Gate::before(upstream.address, &["--allow-http10-upstream"]);
    let (mut client, _server) = answers(&lenient, &upstream, line, "");
    client.opened();
    assert_eq!(client.receive(), Got::Text("hello".into()));
}
