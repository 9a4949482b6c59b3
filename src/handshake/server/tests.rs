use super::*;

mod untidy;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
    fields
        .iter()
        .map(|&(name, value)| Header::new(name, value))
        .collect()
}

/// The good fields, of which those named like one of `instead` are replaced by all
/// of these.
fn replaced(good: &[(&str, &str)], instead: &[(&str, &str)]) -> Vec<Header> {
    let kept = good
        .iter()
        .filter(|(name, _)| instead.iter().all(|(other, _)| name != other));
    let fields: Vec<(&str, &str)> = kept.chain(instead).copied().collect();
    headers(&fields)
}

fn upgrade(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        ("Host", "example.org"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    replaced(&good, instead)
}

fn without(name: &str) -> Vec<Header> {
    let mut headers = upgrade(&[]);
    headers.retain(|header| header.name != name);
    headers
}

fn connect(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "example.org"),
        ("sec-websocket-version", "13"),
    ];
    replaced(&good, instead)
}

fn request(method: &str, target: &str, headers: Vec<Header>) -> ParsedRequest {
    ParsedRequest {
        version: Version::Http11,
        method: method.into(),
        target: target.into(),
        headers,
    }
}

fn examine(headers: &[Header]) -> Option<Rule> {
    examine_with(headers, true)
}

fn examine_with(headers: &[Header], allow_malformed_host: bool) -> Option<Rule> {
    let by_fields =
        Asked::from_headers(HandshakeKind::Upgrade, headers, allow_malformed_host).err();
    let by_request = examine_request(&request("GET", "/", headers.to_vec()), allow_malformed_host);
    assert_eq!(by_fields, by_request, "both ways find the same");
    by_fields
}

fn examine_request(request: &ParsedRequest, allow_malformed_host: bool) -> Option<Rule> {
    Asked::from_request(request, allow_malformed_host).err()
}

fn examine_connect(instead: &[(&str, &str)]) -> Option<Rule> {
    Asked::from_headers(HandshakeKind::ExtendedConnect, &connect(instead), true).err()
}

/// What a host is shown of an upgrade.
fn shown(instead: &[(&str, &str)]) -> RequestHead {
    RequestHead::new(request("GET", "/", upgrade(instead)), None)
}

#[test]
fn a_good_request_is_examined_and_accepted() {
    let fields = upgrade(&[
        ("Upgrade", "h2c, WebSocket"),
        ("Connection", "keep-alive, upgrade"),
        ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Sec-WebSocket-Extensions", "foo; a=1, bar"),
    ]);
    let asked = Asked::from_request(&request("GET", "/chat", fields), true).unwrap();
    let foo = Extension {
        name: "foo".into(),
        parameters: vec![("b".into(), None)],
    };
    let acceptance = Acceptance {
        subprotocol: Some("superchat".into()),
        extensions: vec![foo.clone()],
        headers: headers(&[("Set-Cookie", "a=b")]),
    };
    let (bytes, negotiated) = asked.response(&acceptance).unwrap();
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\
         Sec-WebSocket-Protocol: superchat\r\n\
         Sec-WebSocket-Extensions: foo; b\r\n\
         Set-Cookie: a=b\r\n\r\n"
    );
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(negotiated.subprotocol.as_deref(), Some("superchat"));
    assert_eq!(negotiated.extensions, [foo]);
}

#[test]
fn an_acceptance_that_chooses_nothing_has_no_fields_for_it() {
    let asked = Asked::from_headers(HandshakeKind::Upgrade, &upgrade(&[]), true).unwrap();
    let (headers, negotiated) = asked.accept(&Acceptance::default()).unwrap();
    assert_eq!(headers.len(), 3);
    assert_eq!(negotiated, Negotiated::default());
}

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
fn an_extended_connect_is_examined_and_accepted() {
    let fields = connect(&[
        (":protocol", "WebSocket"),
        ("sec-websocket-protocol", "chat"),
    ]);
    let asked = Asked::from_headers(HandshakeKind::ExtendedConnect, &fields, true).unwrap();
    let acceptance = Acceptance {
        subprotocol: Some("chat".into()),
        headers: headers(&[("Server", "x")]),
        ..Acceptance::default()
    };
    let (fields, _) = asked.accept(&acceptance).unwrap();
    let expected = headers(&[("sec-websocket-protocol", "chat"), ("server", "x")]);
    assert_eq!(fields, expected);
}

#[test]
fn class_19_each_form_refuses_the_others_request() {
    assert_eq!(
        examine_connect(&[("Sec-WebSocket-Key", KEY)]),
        Some(Rule::KeyForbidden)
    );
    let rule = Asked::from_headers(HandshakeKind::ExtendedConnect, &upgrade(&[]), true).err();
    assert_eq!(rule, Some(Rule::ConnectMalformed));
    let rule = Asked::from_headers(HandshakeKind::Upgrade, &connect(&[]), true).err();
    assert_eq!(rule, Some(Rule::ConnectForbidden));
    let mixed = upgrade(&[(":path", "/")]);
    let rule = Asked::from_headers(HandshakeKind::Upgrade, &mixed, true).err();
    assert_eq!(rule, Some(Rule::ConnectForbidden));
}

#[test]
fn only_what_was_requested_can_be_accepted() {
    let fields = upgrade(&[
        ("Sec-WebSocket-Protocol", "chat"),
        ("Sec-WebSocket-Extensions", "foo, foo; a, bar"),
    ]);
    let asked = Asked::from_headers(HandshakeKind::Upgrade, &fields, true).unwrap();
    let subprotocol = |name: &str| {
        let acceptance = Acceptance {
            subprotocol: Some(name.into()),
            ..Acceptance::default()
        };
        asked.accept(&acceptance).err()
    };
    assert_eq!(subprotocol("chat"), None);
    assert_eq!(subprotocol("Chat"), Some(Rule::SubprotocolNotRequested));
    assert_eq!(subprotocol(""), Some(Rule::SubprotocolNotRequested));
    assert_eq!(
        subprotocol("chat\r\nX: y"),
        Some(Rule::SubprotocolNotRequested)
    );
    let extensions = |names: &[&str]| {
        let named = |name: &&str| Extension {
            name: (*name).into(),
            parameters: vec![],
        };
        let acceptance = Acceptance {
            extensions: names.iter().map(named).collect(),
            ..Acceptance::default()
        };
        asked.accept(&acceptance).err()
    };
    assert_eq!(extensions(&["bar", "foo"]), None);
    assert_eq!(
        extensions(&["foo", "foo"]),
        Some(Rule::ExtensionNotRequested)
    );
    assert_eq!(extensions(&["baz"]), Some(Rule::ExtensionNotRequested));
    assert_eq!(extensions(&["foo\r\n"]), Some(Rule::ExtensionInvalid));
}

#[test]
fn class_18_no_value_of_the_host_ends_its_line_or_overrides_the_handshake() {
    let asked = Asked::from_headers(HandshakeKind::Upgrade, &upgrade(&[]), true).unwrap();
    let with = |name: &str, value: &str| {
        let acceptance = Acceptance {
            headers: headers(&[(name, value)]),
            ..Acceptance::default()
        };
        asked.response(&acceptance).err()
    };
    assert_eq!(with("X", "a\r\nb"), Some(Rule::HeaderValueInvalid));
    assert_eq!(with("X: y\r\n", "a"), Some(Rule::HeaderNameInvalid));
    for name in RESERVED {
        assert_eq!(
            with(&name.to_uppercase(), "0"),
            Some(Rule::HeaderReserved),
            "{name}"
        );
    }
}
