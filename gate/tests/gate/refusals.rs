//! The response to a client whose upstream refuses.

use std::io::Write;

use websocket_component::handshake::{Refusal, ResponseHead};

use crate::peer::{Peer, Upstream, headers, values};
use crate::process::Gate;

#[test]
fn an_upstreams_refusal_is_carried_over() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    for status in [401, 403, 404, 503, 302] {
        let mut client = Peer::connect(&gate);
        let (mut server, _) = upstream.request();
        server.refuse(&Refusal {
            status,
            headers: headers(&[
                ("WWW-Authenticate", "Basic realm=\"r\""),
                ("Set-Cookie", "a=b"),
                ("Location", "/login"),
                ("Content-Type", "text/html"),
                ("Content-Encoding", "br"),
                ("Keep-Alive", "timeout=5"),
            ]),
            body: b"<h1>no</h1>".to_vec(),
        });
        let response = client.refused();
        assert_eq!(response.status, status);
        let values = |name| values(&response.headers, name);
        assert_eq!(values("WWW-Authenticate"), ["Basic realm=\"r\""]);
        assert_eq!(values("Set-Cookie"), ["a=b"]);
        assert_eq!(values("Location"), ["/login"]);
        assert_eq!(values("Content-Type"), ["text/html"]);
        assert_eq!(values("Content-Encoding"), ["br"]);
        assert_eq!(values("Content-Length"), ["11"]);
        assert_eq!(values("Keep-Alive"), [""; 0]);
        assert_eq!(response.body, b"<h1>no</h1>");
    }
    let line = gate.logged(
        1,
        r#"by="upstream" status=401 reason="the upstream refused""#,
    );
    assert!(line.contains("DEBUG"), "{line}");
    let line = gate.logged(1, r#"by="upstream" status=503"#);
    assert!(line.contains("WARN"), "{line}");
}

/// Returns the response to a client whose upstream answers with these bytes and closes.
fn answered_with(gate: &Gate, upstream: &Upstream, answer: &[u8]) -> ResponseHead {
    let mut client = Peer::connect(gate);
    let mut raw = upstream.asked();
    raw.write_all(answer).unwrap();
    drop(raw);
    client.refused()
}

#[test]
fn the_body_of_a_refusal_is_carried_over_without_its_framing() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let start = "HTTP/1.1 403 x\r\nContent-Type: text/html\r\n";
    for (field, body) in [
        ("Content-Length: 5\r\n", "hello"),
        (
            "Transfer-Encoding: chunked\r\nTrailer: X\r\n",
            "2\r\nhe\r\n3;a\r\nllo\r\n0\r\nX: y\r\n\r\n",
        ),
        ("", "hello"),
    ] {
        let answer = format!("{start}{field}\r\n{body}");
        let response = answered_with(&gate, &upstream, answer.as_bytes());
        assert_eq!((response.status, &*response.body), (403, &b"hello"[..]));
        let values = |name| values(&response.headers, name);
        assert_eq!(values("Content-Length"), ["5"], "{field:?}");
        assert_eq!(values("Content-Type"), ["text/html"], "{field:?}");
        assert_eq!(values("Transfer-Encoding"), [""; 0], "{field:?}");
        assert_eq!(values("X"), [""; 0], "{field:?}");
    }
}

#[test]
fn the_body_of_a_refusal_that_is_not_complete_is_replaced() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let long = "x".repeat(65_537);
    let start = "HTTP/1.1 403 x\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n";
    for rest in [
        "Content-Length: 5\r\n\r\nhell",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx",
        "Content-Length: 65537\r\n\r\n",
        &format!("\r\n{long}"),
    ] {
        let answer = format!("{start}{rest}");
        let response = answered_with(&gate, &upstream, answer.as_bytes());
        let about = &rest[..rest.len().min(60)];
        assert_eq!(response.status, 403, "{about}");
        assert_eq!(response.body, b"the upstream refused\n", "{about}");
        let values = |name| values(&response.headers, name);
        let plain = ["text/plain; charset=utf-8"];
        assert_eq!(values("Content-Type"), plain, "{about}");
        assert_eq!(values("Content-Encoding"), [""; 0], "{about}");
    }
}

#[test]
fn a_refusal_whose_body_never_ends_is_a_refusal_all_the_same() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--handshake-timeout", "300ms"]);
    let mut client = Peer::connect(&gate);
    let mut raw = upstream.asked();
    raw.write_all(b"HTTP/1.1 401 x\r\nSet-Cookie: a=b\r\n\r\nhell")
        .unwrap();
    let response = client.refused();
    assert_eq!(response.status, 401);
    assert_eq!(values(&response.headers, "Set-Cookie"), ["a=b"]);
    assert_eq!(response.body, b"the upstream refused\n");
}
