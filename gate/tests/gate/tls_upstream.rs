//! TLS to upstreams.

use std::fs;

use host_tests::authority::Authority;
use rstest::rstest;
use websocket_component::Message;
use websocket_component::handshake::Acceptance;

use crate::peer::{Got, Peer, Upstream};
use crate::process::{Gate, INSPECT, TERMINATE};
use crate::tls::{Terminator, server};

/// A gate in front of a server with TLS, by this name.
fn before(server: &Terminator, name: &str, arguments: &[&str]) -> Gate {
    let url = format!("wss://{name}:{}/room", server.address.port());
    Gate::start(&[&["--upstream", &url], arguments].concat())
}

#[rstest]
fn messages_go_to_an_upstream_that_is_trusted(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values("localhost", "127.0.0.1")] name: &str,
) {
    let authority = Authority::new().unwrap();
    let files = authority
        .issue("upstream", &["localhost", "127.0.0.1"])
        .unwrap();
    let upstream = Upstream::bind();
    let server = Terminator::before(upstream.address, server(&files, None));
    let arguments = ["--mode", mode, "--upstream-ca", &authority.path()];
    let gate = before(&server, name, &arguments);
    let mut client = Peer::connect(&gate);
    let (mut server_peer, request) = upstream.request();
    assert_eq!(request.target, "/room/");
    assert_eq!(
        request.authority,
        format!("{name}:{}", server.address.port())
    );
    server_peer.accept(&Acceptance::default());
    client.opened();
    for length in [0, 1, 125, 4096, 16_384, 70_000, 1 << 20] {
        let payload = vec![7; length];
        client.send(Message::Binary(&payload));
        assert!(
            server_peer.receive() == Got::Binary(payload.clone()),
            "{length}"
        );
        server_peer.send(Message::Binary(&payload));
        assert!(client.receive() == Got::Binary(payload), "{length}");
    }
    client.send(Message::CloseWith(4000, b"bye"));
    assert_eq!(server_peer.receive(), Got::Close(4000, "bye".into()));
    assert_eq!(server_peer.receive(), Got::End);
    assert!(matches!(client.receive(), Got::Close(4000, _)));
    assert_eq!(client.receive(), Got::End);
    let line = gate.logged(1, "close ended");
    assert!(
        line.contains(&format!("upstream=\"wss://{name}:")),
        "{line}"
    );
}

/// Each is answered with 502, and the log says why.
#[test]
fn an_upstream_that_is_not_trusted_is_refused() {
    let authority = Authority::new().unwrap();
    let strangers = Authority::new().unwrap();
    let issuers = authority.path();
    for (files, why) in [
        (
            authority.issue("other", &["other.example"]).unwrap(),
            "not valid for name",
        ),
        (
            authority.issue_expired("expired", &["localhost"]).unwrap(),
            "certificate expired",
        ),
        (
            strangers.issue("stranger", &["localhost"]).unwrap(),
            "UnknownIssuer",
        ),
    ] {
        let upstream = Upstream::bind();
        let server = Terminator::before(upstream.address, server(&files, None));
        let gate = before(&server, "localhost", &["--upstream-ca", &issuers]);
        let response = Peer::connect(&gate).refused();
        assert_eq!(response.status, 502);
        let line = gate.logged(1, r#"ended="refused" by="upstream" status=502"#);
        assert!(
            line.contains("the upstream can't be reached: ") && line.contains(why),
            "{line}"
        );
        assert!(!upstream.has_been_called());
    }
    // One that has no TLS at all.
    let upstream = Upstream::bind();
    let url = format!("wss://{}", upstream.address);
    let gate = Gate::start(&["--upstream", &url, "--upstream-ca", &issuers]);
    let mut client = Peer::connect(&gate);
    let mut stream = upstream.accept();
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    assert_eq!(client.refused().status, 502);
}

#[test]
fn an_upstream_whose_handshake_stalls_is_504() {
    let authority = Authority::new().unwrap();
    let upstream = Upstream::bind();
    let url = format!("wss://{}", upstream.address);
    let issuers = authority.path();
    let arguments = ["--upstream-ca", &issuers, "--connect-timeout", "300ms"];
    let gate = Gate::start(&[&["--upstream", &url][..], &arguments].concat());
    let mut client = Peer::connect(&gate);
    let _stream = upstream.accept();
    assert_eq!(client.refused().status, 504);
}

#[test]
fn an_upstream_that_asks_for_a_certificate_gets_it() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("upstream", &["localhost"]).unwrap();
    let own = authority.issue("gate", &["gate"]).unwrap();
    let issuers = authority.path();
    let upstream = Upstream::bind();
    let server = Terminator::before(upstream.address, server(&files, Some(&authority)));
    let arguments = ["--upstream-ca", &issuers];
    let without = before(&server, "localhost", &arguments);
    // With TLS 1.3 a client notices when it reads.
    assert_eq!(Peer::connect(&without).refused().status, 502);
    let both = [
        "--upstream-certificate",
        own.certificate(),
        "--upstream-key",
        own.key(),
    ];
    let gate = before(&server, "localhost", &[&arguments[..], &both].concat());
    let mut client = Peer::connect(&gate);
    upstream.open();
    client.opened();
}

#[test]
fn roots_for_upstreams_are_read_again() {
    let authority = Authority::new().unwrap();
    let next = Authority::new().unwrap();
    let files = next.issue("upstream", &["localhost"]).unwrap();
    let upstream = Upstream::bind();
    let server = Terminator::before(upstream.address, server(&files, None));
    let gate = before(&server, "localhost", &["--upstream-ca", &authority.path()]);
    assert_eq!(Peer::connect(&gate).refused().status, 502);
    fs::copy(next.path(), authority.path()).unwrap();
    gate.logged(1, "roots and certificate for upstreams: reloaded");
    let mut client = Peer::connect(&gate);
    upstream.open();
    client.opened();
}

#[test]
fn roots_that_cannot_be_read_are_an_error_that_names_the_file() {
    let authority = Authority::new().unwrap();
    let other = authority.issue("other", &["localhost"]).unwrap();
    let ca = authority.path();
    for (arguments, why) in [
        (&["--upstream-ca", "/nowhere.pem"][..], "/nowhere.pem: "),
        (
            &["--upstream-ca", other.key()],
            "other.key: there is no certificate in it",
        ),
        (
            &["--upstream-ca", &ca, "--upstream-certificate", &ca],
            "ca.pem: there is no private key in it",
        ),
    ] {
        let error = Gate::refused(&[&["--upstream", "wss://localhost"], arguments].concat());
        assert!(error.contains(why), "{error}");
    }
}
