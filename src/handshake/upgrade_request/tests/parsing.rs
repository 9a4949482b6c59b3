//! Requests that are parsed, and which of them break a rule.

use super::*;

#[test]
fn ordinary_requests_are_told_apart_from_broken_handshakes() {
    let ordinary = || headers(&[("Host", "a"), ("Connection", "keep-alive")]);
    let rule = |method, target, headers| examine_request(&request(method, target, headers), true);
    assert_eq!(rule("GET", "/", ordinary()), Some(Rule::UpgradeMissing));
    assert_eq!(rule("POST", "/", ordinary()), Some(Rule::MethodNotGet));
    assert_eq!(rule("HEAD", "/", ordinary()), Some(Rule::MethodNotGet));
    assert_eq!(rule("get", "/", upgrade(&[])), Some(Rule::MethodNotGet));
    assert_eq!(rule("OPTIONS", "*", ordinary()), Some(Rule::MethodNotGet));
    assert_eq!(
        rule("CONNECT", "a:80", ordinary()),
        Some(Rule::MethodNotGet)
    );
    assert_eq!(rule("POST", "/", headers(&[])), Some(Rule::HostMissing));
}

#[test]
fn http_1_0_is_told_before_anything_else() {
    let old = |method, target, headers| ParsedRequest {
        version: Version::Http10,
        ..request(method, target, headers)
    };
    for request in [
        old("GET", "/", upgrade(&[])),
        old("GET", "/healthz", vec![]),
        old("OPTIONS", "*", vec![]),
        old("HEAD", "/", upgrade(&[("Host", "a"), ("Host", "b")])),
    ] {
        assert_eq!(examine_request(&request, true), Some(Rule::HttpVersion));
        let head = RequestHead::new(request.clone(), Some(Rule::HttpVersion));
        assert_eq!(
            (&head.method, &head.target),
            (&request.method, &request.target)
        );
    }
}

#[test]
fn a_target_is_in_origin_form_or_in_absolute_form_which_takes_the_place_of_the_host_field() {
    for (target, authority, name) in [
        ("/a?b", "example.org", "/a?b"),
        ("http://other:80/a?b", "other:80", "/a?b"),
        ("http://other", "other", "/"),
        ("ws://other/a", "other", "/a"),
        ("wss://other:443/a?b", "other:443", "/a?b"),
    ] {
        let request = request("GET", target, upgrade(&[]));
        assert_eq!(examine_request(&request, true), None, "{target}");
        let head = RequestHead::new(request, None);
        assert_eq!(
            (&*head.authority, &*head.target),
            (authority, name),
            "{target}"
        );
    }
    for bad in ["*", "a:80", "/a#b", "ftp://a/", "ws://u@a/"] {
        let rule = examine_request(&request("GET", bad, upgrade(&[])), true);
        assert_eq!(rule, Some(Rule::TargetMalformed), "{bad}");
    }
}

#[test]
fn a_head_shows_what_can_be_read_of_a_bad_request() {
    let fields = headers(&[
        ("Host", "a"),
        ("host", "b"),
        ("Sec-WebSocket-Protocol", "a b"),
        ("Sec-WebSocket-Extensions", "foo, ;"),
    ]);
    let violation = Some(Rule::MethodNotGet);
    let head = RequestHead::new(request("OPTIONS", "*", fields.clone()), violation);
    let expected = RequestHead {
        method: "OPTIONS".into(),
        target: "*".into(),
        authority: String::new(),
        subprotocols: vec![],
        extensions: vec![],
        headers: fields,
        violation,
        tolerated: vec![Rule::ExtensionMalformed],
    };
    assert_eq!(head, expected);
    let fields = upgrade(&[
        ("Sec-WebSocket-Protocol", "b, a"),
        ("Sec-WebSocket-Extensions", "foo"),
    ]);
    let head = RequestHead::new(request("GET", "/", fields), None);
    assert_eq!(head.subprotocols, ["b", "a"]);
    assert_eq!(head.extensions.len(), 1);
    assert_eq!(head.authority, "example.org");
}

#[test]
fn upgrade_and_connection_name_what_is_asked_for() {
    assert_eq!(examine(&without("Upgrade")), Some(Rule::UpgradeMissing));
    assert_eq!(
        examine(&without("Connection")),
        Some(Rule::ConnectionMissing)
    );
    for bad in [
        "",
        "h2c",
        "websockets",
        "web socket",
        "websocket/13",
        "\"websocket\"",
    ] {
        assert_eq!(
            examine(&upgrade(&[("Upgrade", bad)])),
            Some(Rule::UpgradeMissing),
            "{bad:?}"
        );
    }
    for bad in ["", "close", "upgrades", "\"upgrade\"", "upgrade;q=1"] {
        assert_eq!(
            examine(&upgrade(&[("Connection", bad)])),
            Some(Rule::ConnectionMissing),
            "{bad:?}"
        );
    }
    let lines = upgrade(&[
        ("Upgrade", "h2c"),
        ("upgrade", "WEBSOCKET,"),
        ("Connection", "keep-alive"),
        ("connection", ", uPgRaDe"),
    ]);
    assert_eq!(examine(&lines), None);
}

#[test]
fn class_18_the_version_is_13_once() {
    assert_eq!(
        examine(&without("Sec-WebSocket-Version")),
        Some(Rule::VersionMissing)
    );
    for bad in [
        "", "8", "12", "14", "013", "13, 8", "13,13", "\"13\"", "+13", "1 3", "255", "256",
    ] {
        assert_eq!(
            examine(&upgrade(&[("Sec-WebSocket-Version", bad)])),
            Some(Rule::VersionUnsupported),
            "{bad:?}"
        );
    }
    let two = upgrade(&[
        ("Sec-WebSocket-Version", "13"),
        ("sec-websocket-version", "13"),
    ]);
    assert_eq!(examine(&two), Some(Rule::VersionUnsupported));
}

#[test]
fn the_key_is_sixteen_bytes_once() {
    assert_eq!(
        examine(&without("Sec-WebSocket-Key")),
        Some(Rule::KeyMissing)
    );
    let two = upgrade(&[("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Key", KEY)]);
    assert_eq!(examine(&two), Some(Rule::KeyDuplicate));
    for bad in [
        "",
        "AAAA",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "\"dGhlIHNhbXBsZSBub25jZQ==\"",
    ] {
        assert_eq!(
            examine(&upgrade(&[("Sec-WebSocket-Key", bad)])),
            Some(Rule::KeyMalformed),
            "{bad:?}"
        );
    }
}

#[test]
fn class_18_a_request_with_a_body_is_refused() {
    for field in [
        ("Content-Length", "5"),
        ("Content-Length", "00"),
        ("Content-Length", "0, 5"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", ""),
    ] {
        assert_eq!(
            examine(&upgrade(&[field])),
            Some(Rule::BodyNotAllowed),
            "{field:?}"
        );
        assert_eq!(
            examine_connect(&[field]),
            Some(Rule::BodyNotAllowed),
            "{field:?}"
        );
    }
    assert_eq!(examine(&upgrade(&[("Content-Length", "0")])), None);
    let two = upgrade(&[("Content-Length", "0"), ("Content-Length", "5")]);
    assert_eq!(examine(&two), Some(Rule::BodyNotAllowed));
}

#[test]
fn subprotocols_that_are_no_tokens_are_refused() {
    for bad in ["a b", "a;b", "a, \"b\"", "a, é"] {
        let field = ("Sec-WebSocket-Protocol", bad);
        let rule = Some(Rule::SubprotocolMalformed);
        assert_eq!(examine(&upgrade(&[field])), rule, "{bad:?}");
        assert_eq!(examine_connect(&[field]), rule, "{bad:?}");
    }
}

#[test]
fn class_04_high_bytes_in_any_field_of_a_request_are_refused_or_not_shown_as_read() {
    for byte in 0x80..=0xFF {
        for (name, rule) in [
            ("Upgrade", Rule::UpgradeMissing),
            ("Connection", Rule::ConnectionMissing),
            ("Content-Length", Rule::BodyNotAllowed),
            ("Sec-WebSocket-Version", Rule::VersionUnsupported),
            ("Sec-WebSocket-Key", Rule::KeyMalformed),
            ("Sec-WebSocket-Protocol", Rule::SubprotocolMalformed),
        ] {
            let mut fields = without(name);
            fields.push(Header::new(name, [byte]));
            assert_eq!(examine(&fields), Some(rule), "{name}");
            let head = RequestHead::new(request("GET", "/", fields), Some(rule));
            assert_eq!(head.violation, Some(rule));
        }
        for (name, rule) in [
            ("Host", Rule::HostMalformed),
            ("Sec-WebSocket-Extensions", Rule::ExtensionMalformed),
        ] {
            let mut fields = without(name);
            fields.push(Header::new(name, [byte]));
            assert_eq!(examine(&fields), None, "{name}");
            let head = RequestHead::new(request("GET", "/", fields), None);
            assert_eq!(head.tolerated, [rule]);
            assert_eq!(
                (head.authority.contains('\u{fffd}'), head.extensions),
                (false, vec![])
            );
        }
        let mut fields = upgrade(&[]);
        fields.push(Header::new("Origin", [byte]));
        assert_eq!(examine(&fields), None);
    }
}

#[test]
fn class_19_each_form_refuses_the_others_request() {
    assert_eq!(
        examine_connect(&[("Sec-WebSocket-Key", KEY)]),
        Some(Rule::KeyForbidden)
    );
    let rule =
        UpgradeRequest::parse_headers(HandshakeKind::ExtendedConnect, &upgrade(&[]), true).err();
    assert_eq!(rule, Some(Rule::ConnectMalformed));
    let rule = UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &connect(&[]), true).err();
    assert_eq!(rule, Some(Rule::ConnectForbidden));
    let mixed = upgrade(&[(":path", "/")]);
    let rule = UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &mixed, true).err();
    assert_eq!(rule, Some(Rule::ConnectForbidden));
}
