use websocket_component::Role;

use super::proxy::{Proxy, SWITCHING, UPGRADE};
use crate::host::Action;

fn with<'a>(
    fields: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut fields = without(fields, name);
    fields.push((name, value));
    fields
}

fn without<'a>(fields: &[(&'a str, &'a str)], name: &str) -> Vec<(&'a str, &'a str)> {
    fields
        .iter()
        .copied()
        .filter(|(other, _)| *other != name)
        .collect()
}

fn value(fields: &[(String, String)], name: &str) -> Option<String> {
    let field = fields.iter().find(|(other, _)| other == name);
    field.map(|(_, value)| value.clone())
}

#[test]
fn what_is_no_websocket_passes_unseen() {
    let mut proxy = Proxy::new("");
    let request = without(&UPGRADE, "upgrade");
    assert_eq!(proxy.request(1, &request), Action::Continue);
    proxy.come(1, Role::Client, b"anything");
    assert_eq!(proxy.response(1, &[(":status", "200")]), Action::Continue);
    proxy.come(1, Role::Server, b"at all");
    assert_eq!(proxy.sent(1, Role::Client), b"anything");
    assert_eq!(proxy.sent(1, Role::Server), b"at all");
    assert_eq!(proxy.close(1).len(), 0);
    assert_eq!(proxy.outside.metrics["websocket.connections"], 0);
}

#[test]
fn a_request_that_breaks_a_rule_is_refused_with_its_status() {
    for (request, status, rule) in [
        (
            with(&UPGRADE, "sec-websocket-version", "8"),
            426,
            "version-unsupported",
        ),
        (with(&UPGRADE, ":method", "POST"), 405, "method-not-get"),
        (
            with(&UPGRADE, "sec-websocket-key", "short"),
            400,
            "key-malformed",
        ),
    ] {
        let mut proxy = Proxy::new("");
        assert_eq!(proxy.request(1, &request), Action::Pause);
        assert_eq!(proxy.of(1).local, Some((status, rule.to_owned())));
        assert_eq!(proxy.close(1)["ws_verdict"], rule);
        assert_eq!(
            proxy.outside.metrics[&format!("websocket.refused.{rule}")],
            1
        );
    }
}

#[test]
fn only_allowed_origins_are_let_in() {
    let settings = r#"{"origins": ["https://example.com", "https://*.example.org"]}"#;
    for (origin, is_allowed) in [
        ("https://example.com", true),
        ("HTTPS://Example.com", true),
        ("https://a.b.example.org", true),
        ("https://example.org", false),
        ("http://example.com", false),
        ("https://example.com.evil.net", false),
        ("https://evil.net/.example.org", false),
        ("null", false),
    ] {
        let mut proxy = Proxy::new(settings);
        let action = proxy.request(1, &with(&UPGRADE, "origin", origin));
        let expected = if is_allowed {
            Action::Continue
        } else {
            Action::Pause
        };
        assert_eq!(action, expected, "{origin}");
    }
    let mut proxy = Proxy::new(settings);
    assert_eq!(proxy.request(1, &UPGRADE), Action::Pause);
    assert_eq!(proxy.of(1).local, Some((403, "origin".into())));
}

#[test]
fn subprotocols_that_are_not_allowed_are_not_offered() {
    let mut proxy = Proxy::new(r#"{"subprotocols": ["chat", "mqtt"]}"#);
    let offer = |value| with(&UPGRADE, "sec-websocket-protocol", value);
    proxy.request(1, &offer("soap, mqtt , chat"));
    let request = &proxy.of(1).request;
    assert_eq!(
        value(request, "sec-websocket-protocol").as_deref(),
        Some("mqtt, chat")
    );
    assert_eq!(proxy.request(2, &offer("soap")), Action::Pause);
    assert_eq!(proxy.of(2).local, Some((403, "subprotocol".into())));
    assert_eq!(proxy.request(3, &UPGRADE), Action::Continue);
    // The server may only agree to what has come to it.
    let response = with(&SWITCHING, "sec-websocket-protocol", "soap");
    assert_eq!(proxy.response(1, &response), Action::Pause);
    assert_eq!(
        proxy.of(1).local.as_ref().map(|(status, _)| *status),
        Some(502)
    );
}

#[test]
fn compression_is_taken_out_of_the_request_if_it_is_not_wanted() {
    let mut proxy = Proxy::new(r#"{"deflate": "strip"}"#);
    proxy.request(
        1,
        &with(&UPGRADE, "sec-websocket-extensions", "permessage-deflate"),
    );
    assert_eq!(
        value(&proxy.of(1).request, "sec-websocket-extensions"),
        None
    );
    let response = with(&SWITCHING, "sec-websocket-extensions", "permessage-deflate");
    assert_eq!(proxy.response(1, &response), Action::Pause);
}

#[test]
fn a_response_with_another_accept_is_a_bad_gateway() {
    let mut proxy = Proxy::new("");
    proxy.request(1, &UPGRADE);
    let response = with(
        &SWITCHING,
        "sec-websocket-accept",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    assert_eq!(proxy.response(1, &response), Action::Pause);
    assert_eq!(
        proxy.of(1).local.as_ref().map(|(status, _)| *status),
        Some(502)
    );
}

#[test]
fn a_server_that_does_not_answer_in_time_is_a_gateway_timeout() {
    let mut proxy = Proxy::new(r#"{"handshake_seconds": 5}"#);
    proxy.request(1, &UPGRADE);
    proxy.come(1, Role::Client, b"");
    proxy.pass(4900);
    assert_eq!(proxy.of(1).local, None);
    proxy.pass(300);
    assert_eq!(
        proxy.of(1).local,
        Some((504, "handshake-timeout".to_owned()))
    );
    assert_eq!(proxy.close(1)["ws_verdict"], "handshake-timeout");
    assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
}

#[test]
fn a_refusal_of_the_servers_passes_as_it_is() {
    let mut proxy = Proxy::new("");
    proxy.request(1, &UPGRADE);
    proxy.come(1, Role::Client, b"");
    assert_eq!(proxy.response(1, &[(":status", "404")]), Action::Continue);
    proxy.come(1, Role::Server, b"not here");
    assert_eq!(proxy.sent(1, Role::Server), b"not here");
    assert_eq!(proxy.close(1)["ws_verdict"], "handshake-refused");
}

#[test]
fn a_request_of_http2_gets_a_key_and_its_answer_is_checked() {
    let request = without(&UPGRADE, "sec-websocket-key");
    let mut proxy = Proxy::new("");
    assert_eq!(proxy.request(1, &request), Action::Continue);
    let key = value(&proxy.of(1).request, "sec-websocket-key").expect("a key");
    let accept = websocket_component::handshake::accept_value(key.as_bytes()).expect("valid");
    let response = with(&SWITCHING, "sec-websocket-accept", &accept);
    assert_eq!(proxy.response(1, &response), Action::Continue);
    assert_eq!(value(&proxy.of(1).response, "sec-websocket-accept"), None);

    // Another key for another connection, and no way around the check.
    proxy.request(2, &request);
    assert_ne!(
        value(&proxy.of(2).request, "sec-websocket-key").as_ref(),
        Some(&key)
    );
    assert_eq!(proxy.response(2, &response), Action::Pause);

    let mut proxy = Proxy::new(r#"{"http2_repair": false}"#);
    assert_eq!(proxy.request(1, &request), Action::Continue);
    assert_eq!(value(&proxy.of(1).request, "sec-websocket-key"), None);
    let response = without(&SWITCHING, "sec-websocket-accept");
    assert_eq!(proxy.response(1, &response), Action::Continue);
    proxy.come(1, Role::Server, b"");
    proxy.come(1, Role::Server, b"\x83\0");
    assert_eq!(proxy.close(1)["ws_verdict"], "reserved-opcode");
}

#[test]
fn a_request_of_http1_without_a_key_is_refused() {
    for settings in ["", r#"{"http2_repair": false}"#] {
        let mut proxy = Proxy::new(settings);
        let protocol = b"HTTP/1.1".to_vec();
        proxy
            .outside
            .properties
            .insert("request\0protocol", protocol);
        let action = proxy.request(1, &without(&UPGRADE, "sec-websocket-key"));
        assert_eq!(action, Action::Pause);
        assert_eq!(proxy.of(1).local, Some((400, "key-missing".to_owned())));
    }
}

#[test]
fn bytes_in_front_of_the_response_wait_for_it() {
    let mut proxy = Proxy::new("");
    proxy.request(1, &UPGRADE);
    proxy.come(1, Role::Client, b"\x81\x81\0\0\0\0a");
    proxy.come(1, Role::Client, b"\x81\x81\0\0\0\0b");
    assert_eq!(proxy.sent(1, Role::Client), b"");
    proxy.response(1, &SWITCHING);
    proxy.pass(5);
    assert_eq!(
        proxy.sent(1, Role::Client),
        b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b"
    );
}
