//! `--demo`, and `--page`.

use std::fs;
use std::path::Path;

use websocket_component::Message;
use websocket_component::handshake::Request;

use crate::peer::{Got, Peer, Upstream, pair, request};
use crate::process::Gate;

fn get(gate: &Gate, method: &str, path: &str) -> (String, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
    let response = gate.raw(request.as_bytes());
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_demo_sends_back_what_it_gets() {
    let gate = Gate::start(&["--demo"]);
    let subprotocols = vec!["x".into(), "y".into()];
    let mut client = Peer::ask(
        &gate,
        Request {
            subprotocols,
            ..request(&gate, "/any/path")
        },
    );
    client.opened();
    let negotiated = client.session.negotiated().unwrap();
    assert_eq!(negotiated.subprotocol.as_deref(), Some("x"));
    client.send(Message::Text("hello"));
    assert_eq!(client.receive(), Got::Text("hello".into()));
    let large = vec![7; 3 << 20];
    let mut copy = client.stream.try_clone().unwrap();
    client
        .session
        .send(Message::Binary(&large), None, client.now())
        .unwrap();
    let bytes = client.session.take_output(usize::MAX, client.now());
    std::thread::scope(|scope| {
        scope.spawn(|| std::io::Write::write_all(&mut copy, &bytes).unwrap());
        assert!(client.receive() == Got::Binary(large.clone()));
    });
    client.send(Message::CloseWith(3001, b"bye"));
    assert_eq!(client.receive(), Got::Close(3001, "bye".into()));
    assert_eq!(client.receive(), Got::End);
}

const PAGE: &str = "<!doctype html><title>a page</title>";

/// The page in a file: its path.
fn page() -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page.html");
    fs::write(&path, PAGE).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_page_is_shown_to_browsers() {
    let gate = Gate::start(&["--demo", "--page", &page()]);
    let (head, body) = get(&gate, "GET", "/");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\nContent-Type: text/html; charset=utf-8"),
        "{head}"
    );
    assert!(
        head.contains("\r\nContent-Security-Policy: default-src 'none'"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())),
        "{head}"
    );
    assert_eq!(body, PAGE);

    let (same, nothing) = get(&gate, "HEAD", "/?query");
    assert_eq!((same, nothing.as_str()), (head, ""));
    assert!(
        get(&gate, "GET", "/favicon.ico")
            .0
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(get(&gate, "HEAD", "/x").0.starts_with("HTTP/1.1 404 "));
    let (head, _) = get(&gate, "POST", "/");
    assert!(
        head.starts_with("HTTP/1.1 405 ") && head.contains("\r\nAllow: GET, HEAD\r\n"),
        "{head}"
    );
    assert!(!gate.log().contains("sandbox"), "{}", gate.log());
}

#[test]
fn a_gate_with_a_page_is_as_strict_with_websockets() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--page", &page()]);
    assert!(get(&gate, "GET", "/").0.starts_with("HTTP/1.1 200 "));
    let fields = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    let wrong = gate
        .raw(format!("GET / HTTP/1.1\r\n{fields}\r\nSec-WebSocket-Version: 8\r\n\r\n").as_bytes());
    assert!(wrong.starts_with("HTTP/1.1 426 "), "{wrong}");
    assert!(
        wrong.contains("\r\nSec-WebSocket-Version: 13\r\n"),
        "{wrong}"
    );
    let wrong =
        gate.raw(format!("GET / HTTP/1.1\r\n{fields}\r\nContent-Length: 1\r\n\r\n").as_bytes());
    assert!(wrong.starts_with("HTTP/1.1 400 "), "{wrong}");
    gate.logged(1, "version-unsupported");
    gate.logged(1, "body-not-allowed");
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::Text("through"));
    assert_eq!(server.receive(), Got::Text("through".into()));
}

#[test]
fn without_a_page_a_browser_is_told_that_this_is_for_websockets() {
    let gate = Gate::start(&["--demo"]);
    assert!(get(&gate, "GET", "/").0.starts_with("HTTP/1.1 426 "));
}
