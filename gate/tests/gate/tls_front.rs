//! TLS in front of the gate.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use host_tests::authority::Authority;
use rstest::rstest;
use websocket_component::handshake::Acceptance;

use crate::peer::{Got, REQUEST, Upstream, rest, values};
use crate::process::{Gate, INSPECT, PATIENCE, TERMINATE};
use crate::tls::{
    Client, chain, client, echo, head, header, masked, open, trusting, trusting_file,
};

/// Returns the certificate that a client receives.
fn shown(client: &Client) -> &[u8] {
    &client.conn.peer_certificates().unwrap()[0]
}

/// Returns why the gate ends a handshake.
fn refused(mut client: Client) -> String {
    let asked = client.write_all(REQUEST.as_bytes());
    let error = asked
        .and_then(|()| client.read(&mut [0]).map(drop))
        .unwrap_err();
    error.to_string()
}

#[rstest]
fn messages_of_any_size_come_back(#[values(INSPECT, TERMINATE)] mode: &str) {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let arguments = [&["--demo", "--mode", mode][..], &files.arguments()].concat();
    let gate = Gate::start(&arguments);
    let mut client = open(&gate, trusting(&authority, None), "localhost");
    for length in [0, 1, 125, 4096, 16_384, 70_000, 1 << 20] {
        echo(&mut client, &vec![7; length]);
    }
    // Several in one record; the end of TLS follows the close frame.
    let close = b"\x88\x82\0\0\0\0\x03\xe8";
    let all = [&masked(b"one")[..], &masked(b"two"), close].concat();
    client.write_all(&all).unwrap();
    let mut rest = Vec::new();
    client
        .read_to_end(&mut rest)
        .expect("TLS ends in good order");
    assert_eq!(rest, b"\x82\x03one\x82\x03two\x88\x02\x03\xe8");
    let line = gate.logged(1, "close ended");
    assert!(line.contains(r#"ended="closed" by="client""#), "{line}");
}

#[test]
fn each_name_gets_its_certificate_and_all_others_the_first() {
    let authority = Authority::new().unwrap();
    let a = authority.issue("a", &["a.example", "localhost"]).unwrap();
    let b = authority.issue("b", &["b.example", "*.b.example"]).unwrap();
    let arguments = [&["--demo"][..], &a.arguments(), &b.arguments()].concat();
    let gate = Gate::start(&arguments);
    for (name, files) in [
        ("a.example", &a),
        ("b.example", &b),
        ("x.b.example", &b),
        ("X.B.example", &b),
        ("localhost", &a),
    ] {
        let client = open(&gate, trusting(&authority, None), name);
        assert_eq!(shown(&client), &*chain(&files.certificate)[0], "{name}");
    }
    // A wildcard matches one label; an IP address isn't sent as a server name.
    for name in ["x.y.b.example", "127.0.0.1", "c.example"] {
        let client = client(gate.address, trusting(&authority, None), name);
        let why = refused(client);
        assert!(why.contains("not valid for name"), "{name}: {why}");
    }
}

#[test]
fn a_key_can_be_in_the_file_of_its_certificate() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let both = [
        fs::read(&files.key).unwrap(),
        fs::read(&files.certificate).unwrap(),
    ]
    .concat();
    fs::write(&files.certificate, both).unwrap();
    let gate = Gate::start(&["--demo", "--tls-certificate", files.certificate()]);
    echo(
        &mut open(&gate, trusting(&authority, None), "localhost"),
        b"hello",
    );
}

#[rstest]
fn a_certificate_is_replaced_under_a_thousand_open_connections(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values(false, true)] by_signal: bool,
) {
    const CLIENTS: usize = 1000;
    #[cfg(unix)]
    rlimit::increase_nofile_limit(2 * CLIENTS as u64).unwrap();
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let first = chain(&files.certificate);
    let gate = Gate::start(&[&["--demo", "--mode", mode][..], &files.arguments()].concat());
    let config = trusting(&authority, None);
    let open = || open(&gate, config.clone(), "localhost");
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| open()).collect();
    authority.issue("a", &["localhost"]).unwrap();
    if by_signal {
        gate.signal("HUP");
    }
    gate.logged(1, "certificates: reloaded");
    let mut new = open();
    assert_eq!(shown(&new), &*chain(&files.certificate)[0]);
    echo(&mut new, b"with the new one");
    for client in &mut clients {
        assert_eq!(shown(client), &*first[0]);
        echo(client, b"still here");
    }
}

#[test]
fn what_cannot_be_used_at_a_reload_changes_nothing_and_is_said() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let good = chain(&files.certificate);
    let good_key = fs::read(&files.key).unwrap();
    let arguments = [&["--demo"][..], &files.arguments()].concat();
    let gate = Gate::start(&arguments);
    let said = |count, why: &str| {
        let line = gate.logged(count, "can't be reloaded, the old ones stay in use");
        assert!(line.contains(why) && line.contains("ERROR"), "{line}");
        let client = open(&gate, trusting(&authority, None), "localhost");
        assert_eq!(shown(&client), &*good[0]);
    };
    // The certificate of another key.
    authority.issue("a", &["localhost"]).unwrap();
    fs::write(&files.key, &good_key).unwrap();
    said(1, "a.crt: with its key: ");
    authority.issue_expired("a", &["localhost"]).unwrap();
    said(2, "a.crt: the certificate is valid from");
    fs::remove_file(&files.certificate).unwrap();
    said(3, "a.crt: ");
    fs::write(&files.certificate, "no certificate").unwrap();
    said(4, "a.crt: there is no certificate in it");
    // It continues once it can.
    authority.issue("a", &["localhost"]).unwrap();
    gate.logged(1, "certificates: reloaded");
    echo(
        &mut open(&gate, trusting(&authority, None), "localhost"),
        b"hello",
    );
}

#[test]
fn what_cannot_be_used_at_the_start_is_an_error_that_names_the_file() {
    let authority = Authority::new().unwrap();
    let good = authority.issue("good", &["localhost"]).unwrap();
    let other = authority.issue("other", &["localhost"]).unwrap();
    let expired = authority.issue_expired("expired", &["localhost"]).unwrap();
    let missing = authority.path().replace("ca.pem", "missing.pem");
    for (certificate, key, why) in [
        (good.certificate(), other.key(), "good.crt: with its key: "),
        (
            expired.certificate(),
            expired.key(),
            "expired.crt: the certificate is valid from",
        ),
        (&missing, good.key(), "missing.pem: "),
        (
            good.key(),
            good.key(),
            "good.key: there is no certificate in it",
        ),
        (
            good.certificate(),
            good.certificate(),
            "good.crt: there is no private key in it",
        ),
    ] {
        let arguments = ["--demo", "--tls-certificate", certificate, "--tls-key", key];
        let error = Gate::refused(&arguments);
        assert!(error.contains(why), "{why:?} in {error}");
    }
}

#[test]
fn a_client_without_a_certificate_that_is_trusted_is_refused() {
    let authority = Authority::new().unwrap();
    let strangers = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let upstream = Upstream::bind();
    let issuers = authority.path();
    let arguments = [&["--tls-client-ca", &issuers][..], &files.arguments()].concat();
    let gate = Gate::before(upstream.address, &arguments);
    let own = authority.issue("client", &["me"]).unwrap();
    let stranger = strangers.issue("client", &["me"]).unwrap();
    let expired = authority.issue_expired("late", &["me"]).unwrap();
    for (number, shown) in [None, Some(&stranger), Some(&expired)]
        .into_iter()
        .enumerate()
    {
        refused(client(
            gate.address,
            trusting(&authority, shown),
            "localhost",
        ));
        gate.logged(
            number + 1,
            r#"ended="refused" by="client" reason="no TLS handshake: "#,
        );
    }
    assert!(!upstream.has_been_called());
    // A valid one is forwarded to the upstream (RFC 9440).
    let mut client = client(gate.address, trusting(&authority, Some(&own)), "localhost");
    let with_another = REQUEST.replace("Host: a\r\n", "Host: a\r\nClient-Cert: :AAAA:\r\n");
    client.write_all(with_another.as_bytes()).unwrap();
    let (_, request) = upstream.request();
    let told = values(&request.headers, "Client-Cert");
    assert!(told.len() == 1 && told[0].starts_with(":MII"), "{told:?}");
    assert_eq!(values(&request.headers, "X-Forwarded-Proto"), ["https"]);
}

#[test]
fn http_1_1_is_all_that_is_spoken() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let gate = Gate::start(&[&["--demo"][..], &files.arguments()].concat());
    for (offered, agreed) in [
        (&["http/1.1"][..], true),
        (&["h2", "http/1.1"], true),
        (&["h2"], false),
    ] {
        let mut config = trusting(&authority, None);
        config.alpn_protocols = offered
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let mut client = client(gate.address, config, "localhost");
        let asked = client.write_all(REQUEST.as_bytes());
        let answered = asked.and_then(|()| client.read(&mut [0]));
        assert_eq!(answered.is_ok(), agreed, "{offered:?}: {answered:?}");
        if agreed {
            assert_eq!(client.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        }
    }
}

#[test]
fn plain_http_where_tls_is_expected_is_closed_and_logged() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let gate = Gate::start(&[&["--demo"][..], &files.arguments()].concat());
    let mut plain = TcpStream::connect(gate.address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(REQUEST.as_bytes()).unwrap();
    assert!(!rest(&mut plain).starts_with(b"HTTP"));
    gate.logged(1, "plain HTTP on a listener with TLS");
}

#[test]
fn tls_where_plain_http_is_expected_is_closed_and_logged() {
    let authority = Authority::new().unwrap();
    let gate = Gate::start(&["--demo"]);
    refused(client(
        gate.address,
        trusting(&authority, None),
        "localhost",
    ));
    let line = gate.logged(1, "TLS on a listener without it");
    assert!(line.contains("INFO"), "{line}");
}

#[test]
fn a_listener_without_tls_can_be_beside_those_with() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let plain = [
        "--demo",
        "--listen-plain",
        "127.0.0.1:0",
        "--health",
        "/healthz",
    ];
    let mut gate = Gate::start(&[&plain[..], &files.arguments()].concat());
    echo(
        &mut open(&gate, trusting(&authority, None), "localhost"),
        b"hello",
    );
    let mut stream = TcpStream::connect(gate.listening()[1]).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 200 "));
}

#[rstest]
fn a_handshake_that_stalls_has_its_deadline(#[values(0, 1, 100)] sent: usize) {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let limits = ["--demo", "--handshake-timeout", "300ms"];
    let gate = Gate::start(&[&limits[..], &files.arguments()].concat());
    let mut client = client(gate.address, trusting(&authority, None), "localhost");
    let mut hello = Vec::new();
    client.conn.write_tls(&mut hello).unwrap();
    client.sock.write_all(&hello[..sent]).unwrap();
    assert_eq!(rest(&mut client.sock), b"");
    let line = gate.logged(
        1,
        r#"ended="refused" by="client" reason="no TLS handshake: "#,
    );
    assert!(line.contains("timed out"), "{line}");
}

#[test]
fn the_proxy_protocol_comes_before_tls() {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let upstream = Upstream::bind();
    let arguments = [&["--proxy-protocol"][..], &files.arguments()].concat();
    let gate = Gate::before(upstream.address, &arguments);
    // In one write with the first bytes of the handshake, and without.
    for together in [true, false] {
        let mut client = client(gate.address, trusting(&authority, None), "localhost");
        let mut first = b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n".to_vec();
        if together {
            client.conn.write_tls(&mut first).unwrap();
        }
        client.sock.write_all(&first).unwrap();
        client
            .write_all(&[REQUEST.as_bytes(), &masked(b"early")].concat())
            .unwrap();
        let (mut server, request) = upstream.request();
        assert_eq!(values(&request.headers, "X-Forwarded-For"), ["192.0.2.7"]);
        server.accept(&Acceptance::default());
        assert_eq!(server.receive(), Got::Binary(b"early".to_vec()));
        assert!(head(&mut client).starts_with("HTTP/1.1 101 "));
    }
}

/// Encrypted data for a client that doesn't read is buffered, and blocks the sender; none of it is lost.
#[rstest]
fn a_client_that_reads_late_gets_everything(#[values(INSPECT, TERMINATE)] mode: &str) {
    let authority = Authority::new().unwrap();
    let files = authority.issue("a", &["localhost"]).unwrap();
    let arguments = [&["--demo", "--mode", mode][..], &files.arguments()].concat();
    let gate = Gate::start(&arguments);
    let mut client = open(&gate, trusting(&authority, None), "localhost");
    const LENGTH: usize = 100_000;
    const MESSAGES: usize = 500;
    let all = masked(&[9; LENGTH]).repeat(MESSAGES);
    client.sock.set_nonblocking(true).unwrap();
    let (mut sent, mut got, mut has_stalled) = (0, Vec::new(), false);
    let length = MESSAGES * (header(LENGTH).len() + LENGTH);
    let end = Instant::now() + PATIENCE;
    while got.len() < length {
        assert!(Instant::now() < end, "{} of {length} came", got.len());
        let mut progress = false;
        let piece = &all[sent..all.len().min(sent + 50_000)];
        if !piece.is_empty()
            && let Ok(count) = client.write(piece)
        {
            sent += count;
            progress = true;
        }
        // It reads only when it can't write.
        if !progress {
            if !has_stalled && sent < all.len() {
                sleep(Duration::from_millis(500));
                has_stalled = true;
            }
            let mut buffer = [0; 65_536];
            match client.read(&mut buffer) {
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }
    assert!(has_stalled, "nothing held the client back");
    assert!(got == [header(LENGTH), vec![9; LENGTH]].concat().repeat(MESSAGES));
}

#[test]
fn the_demo_has_a_certificate_that_its_own_file_makes_trusted() {
    let mut gate = Gate::start(&["--demo", "--tls"]);
    let said = gate.says("NODE_EXTRA_CA_CERTS=");
    let (_, path) = said.split_once("NODE_EXTRA_CA_CERTS=").unwrap();
    let path = Path::new(path.split(' ').next().unwrap());
    for name in ["localhost", "127.0.0.1"] {
        echo(&mut open(&gate, trusting_file(path), name), b"hello");
    }
    gate.terminate();
    assert!(gate.wait().success());
    assert!(!path.exists());
}
