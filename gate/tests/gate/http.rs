//! Responses to clients whose connection doesn't open.

use std::io::Write;

use websocket_component::handshake::{Refusal, Request};

use crate::peer::{Peer, Upstream, headers, request, values};
use crate::process::{Gate, PATIENCE};

const FIELDS: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \
    AAAAAAAAAAAAAAAAAAAAAA==\r\n";

fn status(response: &str) -> u16 {
    let status = response
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    status
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{response:?}"))
}

#[test]
fn a_request_that_breaks_a_rule_gets_its_status_and_a_line_in_the_log() {
    let gate = Gate::before(Upstream::bind().address, &[]);
    let long = "x".repeat(70_000);
    let bad = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            426,
            "upgrade-missing",
        ),
        (
            format!("POST / HTTP/1.1\r\nHost: a\r\n{FIELDS}\r\n"),
            405,
            "method-not-get",
        ),
        (
            format!("GET / HTTP/1.1\r\n{FIELDS}\r\n"),
            400,
            "host-missing",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n{FIELDS}\r\n"),
            400,
            "host-duplicate",
        ),
        (
            format!("GET / HTTP/1.0\r\nHost: a\r\n{FIELDS}\r\n"),
            505,
            "http-version",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\nHost: a\r\n{FIELDS}\r\n"),
            414,
            "request-line-too-long",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n{FIELDS}\r\n"),
            431,
            "head-too-long",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}{FIELDS}\r\n",
                "X: y\r\n".repeat(252)
            ),
            431,
            "too-many-headers",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}", FIELDS.replace("13", "8")) + "\r\n",
            426,
            "version-unsupported",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n{FIELDS}\r\n"),
            400,
            "body-not-allowed",
        ),
        (
            "\x17\x03\x01\x02\0\x01\0\x01\u{fc}\r\n\r\n".to_owned(),
            400,
            "head-malformed",
        ),
    ];
    for (request, expected, rule) in &bad {
        let response = gate.raw(request.as_bytes());
        assert_eq!(status(&response), *expected, "{request:?}: {response:?}");
        let line = gate.logged(1, rule);
        assert!(line.contains("RFC "), "{line}");
        if *rule == "version-unsupported" {
            assert!(
                response.contains("\r\nSec-WebSocket-Version: 13\r\n"),
                "{response}"
            );
        }
    }
    assert_eq!(gate.log().matches("DEBUG").count(), bad.len());
}

#[test]
fn class_23_a_request_that_doesnt_come_is_408_if_it_has_begun() {
    let gate = Gate::before(Upstream::bind().address, &["--handshake-timeout", "300ms"]);
    assert_eq!(status(&gate.raw(b"GET / HTTP/1.1\r\nHost: a\r\n")), 408);
    assert_eq!(gate.raw(b""), "");
    gate.logged(2, "handshake-timeout");
}

#[test]
fn paths_without_a_route_and_paths_that_lead_elsewhere() {
    let upstream = Upstream::bind();
    let rule = format!("/chat=ws://{}", upstream.address);
    let gate = Gate::start(&["--upstream", &rule]);
    let status = |target| Peer::ask(&gate, request(&gate, target)).refused().status;
    assert_eq!(status("/other"), 404);
    assert_eq!(status("/chatter"), 404);
    for target in [
        "/chat/../x",
        "/chat/%2E%2e/x",
        "/chat/..%2fadmin",
        "/chat/..%252fadmin",
        "/chat/..;/admin",
        "/chat/..%5cadmin",
        "/chat/%c0%ae%c0%ae/admin",
        "/chat/%00",
        "/chat\\x",
        "/%63hat",
        "//chat",
        "/chat;x",
    ] {
        assert_eq!(status(target), 400, "{target}");
    }
    assert!(!upstream.has_been_called());
    let line = gate.logged(1, "/other");
    assert!(line.contains("status=404"), "{line}");
}

#[test]
fn class_24_with_origins_listed_others_are_403() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--origin", "https://good.example"]);
    let from = |origin: &[(&str, &str)]| Request {
        headers: headers(origin),
        ..request(&gate, "/")
    };
    let mut evil = Peer::ask(&gate, from(&[("Origin", "https://evil.example")]));
    assert_eq!(evil.refused().status, 403);
    assert_eq!(Peer::ask(&gate, from(&[])).refused().status, 403);
    let mut good = Peer::ask(&gate, from(&[("Origin", "https://good.example")]));
    let _server = upstream.open();
    good.opened();
}

#[test]
fn paths_that_lead_to_one_place_only_are_passed_on_as_they_came() {
    let upstream = Upstream::bind();
    let rule = format!("/chat=ws://{}/room", upstream.address);
    let gate = Gate::start(&["--upstream", &rule]);
    for rest in ["/a%2Fb", "/caf%C3%A9", "//x", "/x;v=1", "?../%00;x"] {
        let _client = Peer::ask(&gate, request(&gate, &format!("/chat{rest}")));
        assert_eq!(upstream.request().1.target, format!("/room{rest}"));
    }
}

#[test]
fn origins_of_files_and_of_subdomains_may_connect_if_listed() {
    let upstream = Upstream::bind();
    let origins = ["--origin", "file://", "--origin", "https://*.good.example"];
    let gate = Gate::before(upstream.address, &origins);
    let ask = |origin: &str| {
        let headers = headers(&[("Origin", origin)]);
        Peer::ask(
            &gate,
            Request {
                headers,
                ..request(&gate, "/")
            },
        )
    };
    for origin in [
        "file://",
        "https://a.good.example",
        "https://a.b.good.example",
    ] {
        let mut client = ask(origin);
        let _server = upstream.open();
        client.opened();
    }
    for origin in ["null", "https://good.example", "https://evilgood.example"] {
        assert_eq!(ask(origin).refused().status, 403, "{origin}");
    }
}

#[test]
fn class_24_by_default_the_origin_is_the_upstreams_to_check() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let headers = headers(&[("Origin", "https://evil.example")]);
    let _client = Peer::ask(
        &gate,
        Request {
            headers,
            ..request(&gate, "/")
        },
    );
    let (_, asked) = upstream.request();
    assert_eq!(values(&asked.headers, "Origin"), ["https://evil.example"]);
}

#[test]
fn an_upstream_that_cant_be_reached_is_502() {
    // The listener is closed.
    let address = Upstream::bind().address;
    let gate = Gate::before(address, &[]);
    let response =
        gate.raw(format!("GET /x?secret HTTP/1.1\r\nHost: a\r\n{FIELDS}\r\n").as_bytes());
    assert_eq!(status(&response), 502);
    assert!(
        response.ends_with("\r\n\r\nthe upstream can't be reached\n"),
        "{response}"
    );
    assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
    let line = gate.logged(1, "status=502");
    assert!(line.contains("refused (os error"), "{line}");
    let place = format!(r#"route="/" path="/x" upstream="ws://{address}""#);
    assert!(line.contains(&place) && line.contains("WARN"), "{line}");
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn an_upstream_that_says_nothing_is_504() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--handshake-timeout", "300ms"]);
    let mut client = Peer::connect(&gate);
    let _silent = upstream.accept();
    assert_eq!(client.refused().status, 504);
}

/// The client has waited longer than the close timeout.
#[test]
fn a_refusal_is_said_however_late_it_is() {
    let upstream = Upstream::bind();
    let timeouts = ["--handshake-timeout", "1500ms", "--close-timeout", "1ms"];
    let gate = Gate::before(upstream.address, &timeouts);
    let mut client = Peer::connect(&gate);
    let _silent = upstream.accept();
    assert_eq!(client.refused().status, 504);
}

#[test]
fn class_18_an_upstream_whose_answer_is_no_handshake_is_502() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let answers: [(&[u8], &str); 6] = [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "handshake-refused",
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "head-malformed"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "upgrade-missing",
        ),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
            "accept-wrong",
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\nX: ", "gave no answer"),
        (b"", "gave no answer"),
    ];
    for (number, (answer, words)) in answers.into_iter().enumerate() {
        let mut client = Peer::connect(&gate);
        let mut raw = upstream.asked();
        raw.write_all(answer).unwrap();
        drop(raw);
        assert_eq!(client.refused().status, 502, "{words}");
        let line = gate.logged(number + 1, "status=502");
        assert!(line.contains(words), "{line}");
    }
}

#[test]
fn a_refusal_carries_what_the_upstream_would_accept() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    for (status, upgrade) in [(426, &["websocket"][..]), (400, &[])] {
        let mut client = Peer::connect(&gate);
        let (mut server, _) = upstream.request();
        server.refuse(&Refusal {
            status,
            headers: headers(&[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13, 8")]),
            body: Vec::new(),
        });
        let response = client.refused();
        assert_eq!(response.status, status);
        assert_eq!(values(&response.headers, "Upgrade"), upgrade);
        assert_eq!(
            values(&response.headers, "Sec-WebSocket-Version"),
            ["13, 8"]
        );
    }
}

#[test]
fn class_25_a_redirect_is_the_clients_to_follow() {
    let (upstream, elsewhere) = (Upstream::bind(), Upstream::bind());
    let gate = Gate::before(upstream.address, &[]);
    let with_credentials = Request {
        headers: headers(&[("Authorization", "Bearer secret")]),
        ..request(&gate, "/")
    };
    let mut client = Peer::ask(&gate, with_credentials);
    let location = format!("ws://{}/", elsewhere.address);
    let (mut server, _) = upstream.request();
    server.refuse(&Refusal {
        status: 307,
        headers: headers(&[("Location", &location)]),
        body: Vec::new(),
    });
    let response = client.refused();
    assert_eq!(response.status, 307);
    assert_eq!(values(&response.headers, "Location"), [location]);
    // The gate logs when it is done with the connection.
    gate.logged(1, "status=307");
    assert!(!elsewhere.has_been_called());
}

#[test]
fn one_connection_too_many_is_503_until_there_is_room() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--max-connections", "1"]);
    let mut first = Peer::connect(&gate);
    let server = upstream.open();
    first.opened();
    assert_eq!(Peer::connect(&gate).refused().status, 503);
    assert_eq!(status(&gate.raw(b"")), 503);
    drop((first, server));
    gate.logged(1, r#"ended="lost""#);
    let end = std::time::Instant::now() + PATIENCE;
    // The slot is free once the sockets are closed.
    while status(&gate.raw(b"GET / HTTP/1.1\r\n\r\n")) == 503 {
        assert!(std::time::Instant::now() < end);
    }
}
