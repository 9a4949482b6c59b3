//! What the gate forwards of the handshake.

use std::io::Write;
use std::net::TcpStream;

use rstest::rstest;
use websocket_component::Message;
use websocket_component::handshake::{Acceptance, Extension, Request};

use crate::peer::{Got, Peer, Upstream, headers, request, values};
use crate::process::{Gate, INSPECT, TERMINATE};

#[test]
fn fields_and_the_target_of_a_request_reach_the_upstream() {
    let upstream = Upstream::bind();
    let rule = format!("/chat=ws://{}/room", upstream.address);
    let gate = Gate::start(&["--upstream", &rule]);
    let _client = Peer::ask(
        &gate,
        Request {
            subprotocols: vec!["b".into(), "a".into()],
            headers: headers(&[
                ("Authorization", "Bearer t"),
                ("Cookie", "a=b; c=d"),
                ("Origin", "https://example.com"),
                ("User-Agent", "test"),
                ("X-Twice", "1"),
                ("X-Twice", "2"),
                ("X-Forwarded-For", "203.0.113.9"),
                ("X_Forwarded_For", "203.0.113.9"),
                ("X-Real-IP", "203.0.113.9"),
                ("Forwarded", "for=203.0.113.9"),
                ("CF-Connecting-IP", "203.0.113.9"),
                ("Keep-Alive", "timeout=5"),
                ("TE", "trailers"),
                ("Proxy-Authorization", "secret"),
                ("Sec_WebSocket_Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                ("Content_Length", "5"),
            ]),
            ..request(&gate, "/chat/1?key=value&x=%20")
        },
    );
    let (_, asked) = upstream.request();
    assert_eq!(asked.target, "/room/1?key=value&x=%20");
    assert_eq!(asked.authority, upstream.address.to_string());
    assert_eq!(asked.subprotocols, ["b", "a"]);
    assert!(asked.extensions.is_empty());
    let values = |name| values(&asked.headers, name);
    assert_eq!(values("Authorization"), ["Bearer t"]);
    assert_eq!(values("Cookie"), ["a=b; c=d"]);
    assert_eq!(values("Origin"), ["https://example.com"]);
    assert_eq!(values("User-Agent"), ["test"]);
    assert_eq!(values("X-Twice"), ["1", "2"]);
    assert_eq!(values("X-Forwarded-For"), ["127.0.0.1"]);
    assert_eq!(values("X-Forwarded-Proto"), ["http"]);
    assert_eq!(values("X-Forwarded-Host"), [gate.address.to_string()]);
    for gone in [
        "X_Forwarded_For",
        "X-Real-IP",
        "Forwarded",
        "CF-Connecting-IP",
        "Keep-Alive",
        "TE",
        "Proxy-Authorization",
        "Sec_WebSocket_Key",
        "Content_Length",
    ] {
        assert_eq!(values(gone), [""; 0], "{gone}");
    }
}

#[test]
fn the_upstreams_subprotocol_and_fields_reach_the_client() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let subprotocols = vec!["b".into(), "a".into()];
    let mut client = Peer::ask(
        &gate,
        Request {
            subprotocols,
            ..request(&gate, "/")
        },
    );
    let (mut server, _) = upstream.request();
    server.accept(&Acceptance {
        subprotocol: Some("a".into()),
        headers: headers(&[
            ("Set-Cookie", "a=b"),
            ("Set-Cookie", "c=d"),
            ("Server", "s"),
            ("Keep-Alive", "timeout=5"),
        ]),
        ..Acceptance::default()
    });
    let response = client.opened();
    assert_eq!(values(&response.headers, "Set-Cookie"), ["a=b", "c=d"]);
    assert_eq!(values(&response.headers, "Server"), ["s"]);
    assert_eq!(values(&response.headers, "Keep-Alive"), [""; 0]);
    assert_eq!(values(&response.headers, "Sec-WebSocket-Protocol"), ["a"]);
    let negotiated = client.session.negotiated().unwrap();
    assert_eq!(negotiated.subprotocol.as_deref(), Some("a"));
}

#[test]
fn a_trusted_proxy_is_believed_and_the_host_kept_if_that_was_said() {
    let upstream = Upstream::bind();
    let arguments = [
        "--trusted-proxy",
        "10.0.0.0/8",
        "--trusted-proxy",
        "127.0.0.1",
        "--keep-host",
    ];
    let gate = Gate::before(upstream.address, &arguments);
    let mut request = Request::new("public.example", "/");
    request.headers = headers(&[
        ("X-Forwarded-For", "10.9.9.9, unknown, 203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "a, b"),
        ("X-Real-IP", "203.0.113.9"),
        ("X_Real_IP", "10.9.9.9"),
        ("Forwarded", "for=203.0.113.9"),
        ("CF-Connecting-IP", "203.0.113.9"),
    ]);
    let _client = Peer::ask(&gate, request);
    let (_, asked) = upstream.request();
    assert_eq!(asked.authority, "public.example");
    let values = |name| values(&asked.headers, name);
    assert_eq!(values("X-Forwarded-For"), ["203.0.113.9, 127.0.0.1"]);
    assert_eq!(values("X-Forwarded-Proto"), ["https"]);
    assert_eq!(values("X-Forwarded-Host"), ["public.example"]);
    assert_eq!(values("X-Real-IP"), ["203.0.113.9"]);
    assert_eq!(values("X_Real_IP"), [""; 0]);
    assert_eq!(values("Forwarded"), ["for=203.0.113.9, for=127.0.0.1"]);
    assert_eq!(values("CF-Connecting-IP"), ["203.0.113.9"]);
}

/// The client's session writes the Connection field itself, so this request is raw.
#[test]
fn a_connection_field_cannot_take_away_what_tells_of_the_client() {
    let upstream = Upstream::bind();
    for (trusted, chain) in [
        ("127.0.0.0/8", "203.0.113.9, 127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1"),
    ] {
        let gate = Gate::before(upstream.address, &["--trusted-proxy", trusted]);
        let mut client = TcpStream::connect(gate.address).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, X-Forwarded-For, X-Mine\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Forwarded-For: 203.0.113.9\r\n\
            X-Mine: 1\r\n\r\n";
        client.write_all(request.as_bytes()).unwrap();
        let (_, asked) = upstream.request();
        assert_eq!(values(&asked.headers, "X-Forwarded-For"), [chain]);
        assert_eq!(values(&asked.headers, "X-Mine"), [""; 0]);
    }
}

#[test]
fn heads_are_as_long_and_have_as_many_fields_as_was_said() {
    let upstream = Upstream::bind();
    let limits = ["--max-head", "20KiB", "--max-headers", "40"];
    for (arguments, length, count) in [(&[][..], 60_000, 200), (&limits, 18_000, 30)] {
        let gate = Gate::before(upstream.address, arguments);
        let cookie = "x".repeat(length);
        for fields in [
            vec![("Cookie", cookie.as_str())],
            vec![("X-Many", "1"); count],
        ] {
            let mut client = Peer::ask(
                &gate,
                Request {
                    headers: headers(&fields),
                    ..request(&gate, "/")
                },
            );
            let (mut server, asked) = upstream.request();
            let (name, value) = fields[0];
            assert_eq!(values(&asked.headers, name), vec![value; fields.len()]);
            server.accept(&Acceptance {
                headers: headers(&fields),
                ..Acceptance::default()
            });
            assert_eq!(
                values(&client.opened().headers, name),
                vec![value; fields.len()]
            );
        }
    }
    let gate = Gate::before(upstream.address, &limits);
    let cookie = "x".repeat(20_480);
    for fields in [vec![("Cookie", cookie.as_str())], vec![("X-Many", "1"); 41]] {
        let headers = headers(&fields);
        let mut client = Peer::ask(
            &gate,
            Request {
                headers,
                ..request(&gate, "/")
            },
        );
        assert_eq!(client.refused().status, 431);
    }
}

#[test]
fn several_upstreams_take_turns_and_prefixes_choose_among_them() {
    let (first, second, chat) = (Upstream::bind(), Upstream::bind(), Upstream::bind());
    let rules = [
        format!("ws://{}", first.address),
        format!("ws://{}", second.address),
        format!("/chat=ws://{}", chat.address),
    ];
    let gate = Gate::start(&[
        "--upstream",
        &rules[0],
        "--upstream",
        &rules[1],
        "--upstream",
        &rules[2],
    ]);
    for upstream in [&first, &second, &first, &second] {
        let _client = Peer::connect(&gate);
        upstream.request();
    }
    let _client = Peer::ask(&gate, request(&gate, "/chat"));
    assert_eq!(chat.request().1.target, "/");
}

#[rstest]
fn class_30_offers_of_extensions_end_at_a_gate_that_terminates_or_strips_them(
    #[values(&["--mode", "terminate"], &["--deflate", "strip"])] arguments: &[&str],
) {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, arguments);
    let deflate = Extension {
        name: "permessage-deflate".into(),
        parameters: vec![("client_max_window_bits".into(), None)],
    };
    let mut client = Peer::ask(
        &gate,
        Request {
            extensions: vec![deflate],
            ..request(&gate, "/")
        },
    );
    let (mut server, asked) = upstream.request();
    assert_eq!(asked.extensions, []);
    server.accept(&Acceptance::default());
    let response = client.opened();
    assert_eq!(
        values(&response.headers, "Sec-WebSocket-Extensions"),
        [""; 0]
    );
    // A frame that looks like a compressed message arrives as it was sent.
    let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    client.send(Message::Binary(&payload));
    assert_eq!(server.receive(), Got::Binary(payload.to_vec()));
    server.send(Message::Binary(&payload));
    assert_eq!(client.receive(), Got::Binary(payload.to_vec()));
}

#[rstest]
fn class_30_an_upstream_that_chooses_an_extension_unasked_is_502(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let mut client = Peer::connect(&gate);
    let (mut server, _) = upstream.request();
    server.accept_with("Sec-WebSocket-Extensions: permessage-deflate");
    assert_eq!(client.refused().status, 502);
    gate.logged(1, "extension-not-offered");
}
