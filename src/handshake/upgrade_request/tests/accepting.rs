//! The response that accepts a request.

use super::*;

#[test]
fn a_good_request_is_parsed_and_accepted() {
    let fields = upgrade(&[
        ("Upgrade", "h2c, WebSocket"),
        ("Connection", "keep-alive, upgrade"),
        ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Sec-WebSocket-Extensions", "foo; a=1, bar"),
    ]);
    let parsed = UpgradeRequest::parse(&request("GET", "/chat", fields), true).unwrap();
    let foo = Extension {
        name: "foo".into(),
        parameters: vec![("b".into(), None)],
    };
    let acceptance = Acceptance {
        subprotocol: Some("superchat".into()),
        extensions: vec![foo.clone()],
        headers: headers(&[("Set-Cookie", "a=b")]),
    };
    let (bytes, negotiated) = parsed.accept(&acceptance, &acceptance.extensions).unwrap();
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
    let parsed =
        UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &upgrade(&[]), true).unwrap();
    let (headers, negotiated) = accept_headers(&parsed, &Acceptance::default()).unwrap();
    assert_eq!(headers.len(), 3);
    assert_eq!(negotiated, Negotiated::default());
}

#[test]
fn an_extended_connect_is_parsed_and_accepted() {
    let fields = connect(&[
        (":protocol", "WebSocket"),
        ("sec-websocket-protocol", "chat"),
    ]);
    let parsed =
        UpgradeRequest::parse_headers(HandshakeKind::ExtendedConnect, &fields, true).unwrap();
    let acceptance = Acceptance {
        subprotocol: Some("chat".into()),
        headers: headers(&[("Server", "x")]),
        ..Acceptance::default()
    };
    let (fields, _) = accept_headers(&parsed, &acceptance).unwrap();
    let expected = headers(&[("sec-websocket-protocol", "chat"), ("server", "x")]);
    assert_eq!(fields, expected);
}

#[test]
fn only_what_was_requested_can_be_accepted() {
    let fields = upgrade(&[
        ("Sec-WebSocket-Protocol", "chat"),
        ("Sec-WebSocket-Extensions", "foo, foo; a, bar"),
    ]);
    let parsed = UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &fields, true).unwrap();
    let subprotocol = |name: &str| {
        let acceptance = Acceptance {
            subprotocol: Some(name.into()),
            ..Acceptance::default()
        };
        accept_headers(&parsed, &acceptance).err()
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
        accept_headers(&parsed, &acceptance).err()
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
    let parsed =
        UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &upgrade(&[]), true).unwrap();
    let with = |name: &str, value: &str| {
        let acceptance = Acceptance {
            headers: headers(&[(name, value)]),
            ..Acceptance::default()
        };
        parsed.accept(&acceptance, &acceptance.extensions).err()
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
