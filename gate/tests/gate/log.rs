//! The log of connections, and its format.

use serde_json::{Value, json};
use websocket_component::Message;
use websocket_component::handshake::{Acceptance, Request};

use crate::peer::{Got, Peer, Upstream, pair, request};
use crate::process::Gate;

/// Waits for this many events with this message, and returns them.
fn events(gate: &Gate, count: usize, message: &str) -> Vec<Value> {
    gate.logged(count, &format!(r#""message":"{message}""#));
    let log = gate.log();
    let events = log.lines().map(|line| serde_json::from_str(line).unwrap());
    events
        .filter(|event: &Value| event["message"] == message)
        .collect()
}

/// Removes what differs from run to run.
fn take(event: &mut Value, name: &str) -> Value {
    let field = event.as_object_mut().unwrap().remove(name);
    field.unwrap_or_else(|| panic!("{name} in {event}"))
}

#[test]
fn a_connection_is_an_event_when_it_opens_and_one_when_it_ends() {
    let upstream = Upstream::bind();
    let url = format!("ws://{}/room", upstream.address);
    let rule = format!("/chat={url}");
    let gate = Gate::start(&["--upstream", &rule, "--log-format", "json"]);
    let mut client = Peer::ask(
        &gate,
        Request {
            subprotocols: vec!["x".into()],
            ..request(&gate, "/chat/1?secret")
        },
    );
    let peer = client.stream.local_addr().unwrap().to_string();
    let (mut server, _) = upstream.request();
    server.accept(&Acceptance {
        subprotocol: Some("x".into()),
        ..Acceptance::default()
    });
    client.opened();
    let mut open = events(&gate, 1, "open").remove(0);
    take(&mut open, "timestamp");
    assert!(take(&mut open, "ms").is_u64());
    let expected = json!({
        "level": "INFO", "message": "open", "conn": 1, "peer": peer,
        "route": "/chat", "path": "/chat/1", "upstream": url, "subprotocol": "x",
    });
    assert_eq!(open, expected);

    client.send(Message::Text("12345"));
    client.send(Message::Text("678"));
    server.send(Message::Binary(&[0; 100]));
    assert_eq!(client.receive(), Got::Binary(vec![0; 100]));
    client.send(Message::CloseWith(4001, b"bye"));
    while server.receive() != Got::End {}
    let mut close = events(&gate, 1, "close").remove(0);
    take(&mut close, "timestamp");
    assert!(take(&mut close, "ms").is_u64());
    let expected = json!({
        "level": "INFO", "message": "close", "conn": 1, "peer": peer,
        "route": "/chat", "path": "/chat/1", "upstream": url, "subprotocol": "x",
        "ended": "closed", "by": "client",
        "client_close_received": 4001, "client_close_sent": 4001,
        "upstream_close_received": 4001, "upstream_close_sent": 4001,
        "client_messages": 2, "client_bytes": 8, "upstream_messages": 1, "upstream_bytes": 100,
    });
    assert_eq!(close, expected);
}

#[test]
fn each_connection_has_a_number_also_where_only_errors_are_logged() {
    let upstream = Upstream::bind();
    let url = format!("ws://{}", upstream.address);
    let gate = Gate::with(
        &crate::process::misbehaving(),
        &["--upstream", &url, "--log", "error", "--log-format", "json"],
    );
    for conn in 1..=2 {
        let (mut client, mut server) = pair(&gate, &upstream);
        client.send(Message::Text("misbehave: trap"));
        assert_eq!(server.receive(), Got::Close(1011, "internal error".into()));
        let close = events(&gate, conn, "close").remove(conn - 1);
        assert_eq!(close["conn"], conn);
        assert_eq!(close["level"], "ERROR");
        assert_eq!(
            (&close["ended"], &close["by"]),
            (&json!("fault"), &json!("client"))
        );
        assert_eq!(close["client_close_sent"], 1011);
    }
    assert_eq!(gate.log().lines().count(), 2);
}

#[test]
fn a_line_has_a_length_however_long_a_path_is() {
    let upstream = Upstream::bind();
    for format in ["text", "json"] {
        let gate = Gate::before(upstream.address, &["--log-format", format]);
        let path = format!("/{}", "x".repeat(6000));
        let _client = Peer::ask(&gate, request(&gate, &path));
        let _server = upstream.open();
        let line = gate.logged(1, "/xxx");
        assert!(line.len() < 700, "{line}");
        assert!(line.contains(&format!("/{}…", "x".repeat(255))), "{line}");
    }
}

#[test]
fn probes_and_what_is_refused_are_for_debugging() {
    let upstream = Upstream::bind();
    let rule = format!("/chat=ws://{}", upstream.address);
    let gate = Gate::start(&["--upstream", &rule]);
    // From a port probe.
    drop(std::net::TcpStream::connect(gate.address).unwrap());
    gate.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    gate.raw(b"nonsense\r\n\r\n");
    Peer::ask(&gate, request(&gate, "/other")).refused();
    gate.logged(4, "DEBUG");
    assert_eq!(gate.log().matches("close").count(), 4);
    assert!(!gate.log().contains("INFO"), "{}", gate.log());
}

#[test]
fn a_gate_that_is_full_says_so_once_and_how_often_at_the_end() {
    let upstream = Upstream::bind();
    let mut gate = Gate::before(upstream.address, &["--max-connections", "1"]);
    let first = pair(&gate, &upstream);
    let started = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(Peer::connect(&gate).refused().status, 503);
    }
    let most = started.elapsed().as_secs() as usize + 1;
    drop(first);
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    // The last line: all others precede it.
    gate.logged(1, "ended connections=1 refused=20");
    let lines = gate.log().matches("WARN full refused=").count();
    assert!((1..=most).contains(&lines), "{lines}: {}", gate.log());
}
