//! The handshake: what is accepted, what is removed from it, and settings that are refused.

use host_tests::envoy::Envoy;
use host_tests::gate::filter;
use host_tests::heads::{field, head, request_without};
use host_tests::wire::Frame;
use rstest::rstest;
use serde_json::json;

use crate::proxy::{Opening, Proxy, Version, response};

fn asks<'a>(request: &'a [(&'a str, &'a str)]) -> Opening<'a> {
    Opening {
        request,
        ..Opening::default()
    }
}

#[test]
fn only_allowed_origins_are_let_in() {
    let settings = json!({ "origins": ["https://example.com", "https://*.example.org"] });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    for origin in ["https://example.com", "https://a.example.org"] {
        proxy.open_with(asks(&[("Origin", origin)]));
    }
    let foreign = [("Origin", "https://example.com.evil.net")];
    for request in [&foreign[..], &[]] {
        let answer = proxy.answer_to(&asks(request).request());
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
    let stats = proxy.stats();
    assert_eq!(
        (
            stats["connections"],
            stats["refused"],
            stats["refused.origin"]
        ),
        (4, 2, 2)
    );
    let entries = proxy.envoy.access_log(2).expect("entries");
    for entry in entries.iter().filter(|entry| entry["code"] == 403) {
        assert_eq!(entry["ws_verdict"], "origin");
    }
}

#[test]
fn a_request_of_http1_without_a_key_is_refused() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let answer = proxy.answer_to(&request_without("Sec-WebSocket-Key"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(proxy.entry(1)["ws_verdict"], "key-missing");
}

#[test]
fn subprotocols_that_are_not_allowed_are_not_offered() {
    let settings = json!({ "subprotocols": ["chat", "mqtt"] });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let offer = [("Sec-WebSocket-Protocol", "soap, mqtt, chat")];
    let mut client = proxy.dial();
    client.write(&asks(&offer).request());
    let mut server = proxy.accept();
    let request = server.head();
    assert_eq!(
        field(&request, "sec-websocket-protocol"),
        Some("mqtt, chat")
    );
    server.write(&response(&request, &[("Sec-WebSocket-Protocol", "chat")]));
    let answer = client.head();
    assert_eq!(field(&answer, "sec-websocket-protocol"), Some("chat"));

    let offer = [("Sec-WebSocket-Protocol", "soap")];
    let answer = proxy.answer_to(&asks(&offer).request());
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(proxy.stat("refused.subprotocol"), 1);
}

#[test]
fn compression_is_taken_out_of_the_request_if_that_is_set() {
    let Some(proxy) = Proxy::with(json!({ "deflate": "strip" })) else {
        return;
    };
    let offer = [("Sec-WebSocket-Extensions", "permessage-deflate")];
    let mut client = proxy.dial();
    client.write(&asks(&offer).request());
    let mut server = proxy.accept();
    let request = server.head();
    assert_eq!(field(&request, "sec-websocket-extensions"), None);
    server.write(&response(&request, &[]));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
}

#[test]
fn an_extension_that_nobody_knows_is_refused_or_left_alone() {
    let extension = [("Sec-WebSocket-Extensions", "x-unknown")];
    let opening = Opening {
        request: &extension,
        response: &extension,
        ..Opening::default()
    };
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let mut client = proxy.dial();
    client.write(&opening.request());
    let mut server = proxy.accept();
    let request = server.head();
    server.write(&response(&request, &extension));
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(proxy.stat("refused.extension-unknown"), 1);

    let Some(proxy) = Proxy::with(json!({ "unknown_extensions": "opaque" })) else {
        return;
    };
    let (mut client, mut server) = proxy.open_with(opening);
    let frame = Frame::text([0xff]).reserved(host_tests::wire::RSV2);
    client.send(std::slice::from_ref(&frame));
    assert_eq!(server.frame(), frame);
}

#[test]
fn a_wrong_accept_is_a_bad_gateway() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let mut client = proxy.dial();
    let key = ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
    let request = head("GET /chat HTTP/1.1", &with_key(key));
    client.write(&request);
    let mut server = proxy.accept();
    server.head();
    server.write(&response("", &[]));
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(proxy.stat("refused.accept-wrong"), 1);
    assert_eq!(proxy.entry(1)["ws_verdict"], "accept-wrong");
}

fn with_key<'a>(key: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    let replaced = |field: (&'a str, &'a str)| if field.0 == key.0 { key } else { field };
    host_tests::heads::REQUEST
        .into_iter()
        .map(replaced)
        .collect()
}

#[test]
fn a_request_that_breaks_a_rule_is_refused_with_its_status() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let key = ("Sec-WebSocket-Key", "short");
    let answer = proxy.answer_to(&head("GET /chat HTTP/1.1", &with_key(key)));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(proxy.stat("refused.key-malformed"), 1);
}

#[rstest]
fn a_refusal_of_the_servers_and_what_is_no_websocket_pass_as_they_are(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let plain = head("GET /page HTTP/1.1", &[("Host", "example.org")]);
    let requests = [
        (
            Opening::default().request(),
            "404 Not Found",
            "handshake-refused",
        ),
        (plain, "200 OK", ""),
    ];
    for (number, (request, status, verdict)) in requests.into_iter().enumerate() {
        let mut client = proxy.dial();
        client.write(&request);
        let mut server = proxy.accept();
        server.head();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n\x03\x03abc");
        server.write(answer.as_bytes());
        assert!(client.head().starts_with(&format!("HTTP/1.1 {status}")));
        assert_eq!(client.bytes(5), b"\x03\x03abc");
        let entry = proxy.entry(number + 1);
        assert_eq!(entry["ws_verdict"].as_str().unwrap_or_default(), verdict);
    }
    assert_eq!(proxy.stat("connections"), 1);
}

#[test]
fn a_route_that_has_the_filter_turned_off_passes_everything() {
    let Some(proxy) = Proxy::with(json!({ "origins": [] })) else {
        return;
    };
    let unchecked = Opening {
        path: "/unchecked/chat",
        ..Opening::default()
    };
    let (mut client, mut server) = proxy.open_with(unchecked);
    let broken = [Frame::new(0x3, "x"), Frame::new(0x1, [0xff])];
    client.send(&broken);
    assert_eq!([server.frame(), server.frame()], broken);
    server.send(&broken);
    assert_eq!([client.frame(), client.frame()], broken);
    drop((client, server));
    assert_eq!(proxy.entry(1)["ws_verdict"], json!(null));
    assert_eq!(proxy.stat("connections"), 0);
    let answer = proxy.answer_to(&Opening::default().request());
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_not_waited_for() {
    let Some(proxy) = Proxy::with(json!({ "handshake_seconds": 0.3 })) else {
        return;
    };
    let mut client = proxy.dial();
    client.write(&Opening::default().request());
    let mut server = proxy.accept();
    server.head();
    assert_eq!(server.rest(), b"");
    let answer = String::from_utf8(client.rest()).expect("text");
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert_eq!(proxy.entry(1)["ws_verdict"], "handshake-timeout");
    proxy.wait_for_stat("memory_bytes", 0);
}

#[test]
fn settings_that_are_wrong_keep_envoy_from_starting_and_its_log_names_the_key() {
    let Some(program) = Version::Latest.program() else {
        return;
    };
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    for (settings, line) in [
        (r#"{"clinet": {}}"#, "clinet"),
        (
            r#"{"client": {"max_message_bytes": 0}}"#,
            "client.max_message_bytes",
        ),
        (r#"{"age_jitter_seconds": 5}"#, "age_jitter_seconds"),
        (
            r#"{"content": {"deny": [{"regex": "("}]}}"#,
            "content.deny[0].regex",
        ),
        ("{", "not JSON"),
    ] {
        let builder = Envoy::builder(nobody)
            .filter(filter())
            .configuration(settings);
        let started = builder.program(&program).start();
        let error = started.expect_err(settings).to_string();
        assert!(error.contains(line), "{settings}: {error}");
    }
}
