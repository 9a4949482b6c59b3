//! The request of a client.

use super::*;

#[test]
fn a_request_is_the_example_of_rfc_6455_section_1_2() {
    let (bytes, _) = make(&example()).unwrap();
    let expected = format!(
        "GET /chat?a=b HTTP/1.1\r\n\
         Host: example.org:8080\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\n\
         Sec-WebSocket-Extensions: foo; a=1; b, bar; a=1; b\r\n\
         Origin: https://example.org\r\n\r\n"
    );
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn a_request_that_offers_nothing_has_no_fields_for_it() {
    let (bytes, _) = make(&Request::new("[::1]", "/")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("Protocol") && !text.contains("Extensions"));
    assert_eq!(text.lines().count(), 7);
}

#[test]
fn only_the_fields_to_add_are_returned() {
    let own = headers(&[("Host", "example.org"), ("Origin", "https://example.org")]);
    let (added, _) =
        UpgradeRequest::make_headers(HandshakeKind::Upgrade, &[], &[], &own, NONCE).unwrap();
    let names: Vec<&str> = added.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version"
        ]
    );
}

#[test]
fn class_19_an_extended_connect_has_no_key_and_names_in_lower_case() {
    let request = example();
    let own = headers(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        ("origin", "a"),
    ]);
    let (added, _) = UpgradeRequest::make_headers(
        HandshakeKind::ExtendedConnect,
        &request.subprotocols,
        &[extension("foo")],
        &own,
        NONCE,
    )
    .unwrap();
    let expected = headers(&[
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "foo; a=1; b"),
    ]);
    assert_eq!(added, expected);
}

#[test]
fn class_18_a_target_is_a_path_of_visible_ascii() {
    for bad in [
        "",
        "*",
        "chat",
        "http://a/b",
        "/a b",
        "/a\r\nX: y",
        "/a#b",
        "/é",
        "/\0",
        "/a\x7f",
    ] {
        let request = Request {
            target: bad.into(),
            ..example()
        };
        assert_eq!(make(&request).err(), Some(Rule::TargetInvalid), "{bad:?}");
    }
}

#[test]
fn class_18_an_authority_is_a_host_and_port() {
    for bad in ["", "a b", "a\r\nX: y", "user@a", "a/b", "é", ":80", "a:b"] {
        let request = Request {
            authority: bad.into(),
            ..example()
        };
        assert_eq!(
            make(&request).err(),
            Some(Rule::AuthorityInvalid),
            "{bad:?}"
        );
    }
}

#[test]
fn class_18_no_value_of_the_caller_ends_its_line() {
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = example();
        change(&mut request);
        make(&request).err()
    };
    let evil = "a\r\nEvil: b";
    assert_eq!(
        with(&|request| request.headers.push(Header::new("X", evil))),
        Some(Rule::HeaderValueInvalid)
    );
    assert_eq!(
        with(&|request| request.headers.push(Header::new(evil, "X"))),
        Some(Rule::HeaderNameInvalid)
    );
    assert_eq!(
        with(&|request| request.subprotocols.push(evil.into())),
        Some(Rule::SubprotocolInvalid)
    );
    assert_eq!(
        with(&|request| request.extensions.push(extension(evil))),
        Some(Rule::ExtensionInvalid)
    );
}

#[test]
fn the_fields_of_the_handshake_are_reserved() {
    for name in RESERVED {
        let own = [Header::new(name.to_ascii_lowercase(), "a")];
        for form in [HandshakeKind::Upgrade, HandshakeKind::ExtendedConnect] {
            assert_eq!(
                UpgradeRequest::make_headers(form, &[], &[], &own, NONCE).err(),
                Some(Rule::HeaderReserved),
                "{name}"
            );
        }
        let request = Request {
            headers: own.into(),
            ..example()
        };
        assert_eq!(make(&request).err(), Some(Rule::HeaderReserved), "{name}");
    }
    let request = Request {
        headers: headers(&[("HOST", "evil")]),
        ..example()
    };
    assert_eq!(make(&request).err(), Some(Rule::HeaderReserved));
}
