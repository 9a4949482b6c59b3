//! `--health`.

use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, request};
use crate::process::Gate;

const OK: &str = "HTTP/1.1 200 OK\r\n";

fn get(gate: &Gate, line: &str) -> String {
    gate.raw(format!("{line}\r\nHost: a\r\n\r\n").as_bytes())
}

#[test]
fn a_health_check_is_200_and_not_logged() {
    let gate = Gate::before(Upstream::bind().address, &["--health", "/healthz"]);
    for target in ["/healthz", "/healthz?verbose"] {
        let response = get(&gate, &format!("GET {target} HTTP/1.1"));
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(OK), "{head}");
        assert!(head.contains("\r\nCache-Control: no-store\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Length: 3\r\n"), "{head}");
        assert_eq!(body, "ok\n");
        let response = get(&gate, &format!("HEAD {target} HTTP/1.1"));
        assert_eq!(response, format!("{head}\r\n\r\n"));
    }
    // A request that is logged follows them.
    get(&gate, "GET /last HTTP/1.1");
    gate.logged(1, "/last");
    assert!(!gate.log().contains("healthz"), "{}", gate.log());
}

#[test]
fn other_plain_requests_get_what_they_get_without_a_health_check() {
    let upstream = Upstream::bind();
    let without = Gate::before(upstream.address, &[]);
    let with = Gate::before(upstream.address, &["--health", "/healthz"]);
    for line in [
        "GET / HTTP/1.1",
        "HEAD / HTTP/1.1",
        "POST / HTTP/1.1",
        "GET /healthz/ HTTP/1.1",
        "GET /health HTTP/1.1",
        "GET /healthz/x HTTP/1.1",
    ] {
        let response = get(&with, line);
        assert!(response.starts_with("HTTP/1.1 4"), "{line}: {response}");
        assert_eq!(response, get(&without, line), "{line}");
    }
    let response = get(&with, "POST /healthz HTTP/1.1");
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    assert!(response.contains("\r\nAllow: GET, HEAD\r\n"), "{response}");
    let log = with.log();
    assert!(!log.contains("INFO") && !log.contains("status=5"), "{log}");
}

#[test]
fn a_health_check_in_http_1_0_is_200_also_without_a_host() {
    let gate = Gate::before(Upstream::bind().address, &["--health", "/healthz"]);
    let response = gate.raw(b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(response.starts_with(OK), "{response}");
    assert!(response.ends_with("\r\n\r\nok\n"), "{response}");
    let response = gate.raw(b"HEAD /healthz HTTP/1.0\r\n\r\n");
    assert!(response.starts_with(OK), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
    for other in ["GET / HTTP/1.0", "OPTIONS * HTTP/1.0"] {
        let response = get(&gate, other);
        assert!(response.starts_with("HTTP/1.1 505 "), "{other}: {response}");
    }
}

#[test]
fn a_websocket_at_the_health_path_goes_where_its_route_leads() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--health", "/healthz"]);
    let mut client = Peer::ask(&gate, request(&gate, "/healthz"));
    let mut server = upstream.open();
    client.opened();
    server.send(Message::Text("through"));
    assert_eq!(client.receive(), Got::Text("through".into()));
}
