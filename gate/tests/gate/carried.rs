//! What goes through the gate in the handshake.

use websocket_component::handshake::{Acceptance, Request};

use crate::peer::{Peer, Upstream, headers, request, values};
use crate::process::Gate;

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
                ("Keep-Alive", "timeout=5"),
                ("TE", "trailers"),
                ("Proxy-Authorization", "secret"),
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
    for hop in ["Keep-Alive", "TE", "Proxy-Authorization"] {
        assert_eq!(values(hop), [""; 0], "{hop}");
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
fn what_is_trusted_and_kept_is_if_that_was_said() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--trust-forwarded", "--keep-host"]);
    let _client = Peer::ask(
        &gate,
        Request {
            headers: headers(&[
                ("X-Forwarded-For", "203.0.113.9"),
                ("X-Forwarded-Proto", "https"),
            ]),
            ..Request::new("public.example", "/")
        },
    );
    let (_, asked) = upstream.request();
    assert_eq!(asked.authority, "public.example");
    assert_eq!(
        values(&asked.headers, "X-Forwarded-For"),
        ["203.0.113.9, 127.0.0.1"]
    );
    assert_eq!(values(&asked.headers, "X-Forwarded-Proto"), ["https"]);
    assert_eq!(
        values(&asked.headers, "X-Forwarded-Host"),
        ["public.example"]
    );
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
