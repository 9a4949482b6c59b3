use super::*;

const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn extension(name: &str) -> Extension {
    Extension {
        name: name.into(),
        parameters: vec![("a".into(), Some("1".into())), ("b".into(), None)],
    }
}

fn request() -> Request {
    Request {
        subprotocols: vec!["chat".into(), "superchat".into()],
        extensions: vec![extension("foo"), extension("bar")],
        headers: vec![Header::new("Origin", "https://example.org")],
        ..Request::new("example.org:8080", "/chat?a=b")
    }
}

fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
    fields
        .iter()
        .map(|&(name, value)| Header::new(name, value))
        .collect()
}

fn offer(form: HandshakeKind) -> Offer {
    let request = request();
    Offer::headers(form, &request.subprotocols, &request.extensions, &[], NONCE)
        .unwrap()
        .1
}

/// The fields of a good response to an upgrade, of which those named like one of
/// `instead` are replaced by all of these.
fn response(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
    ];
    let kept = good
        .iter()
        .filter(|(name, _)| instead.iter().all(|(other, _)| name != other));
    let fields: Vec<(&str, &str)> = kept.chain(instead).copied().collect();
    headers(&fields)
}

fn check(instead: &[(&str, &str)]) -> Result<Negotiated, Rule> {
    offer(HandshakeKind::Upgrade).check(101, &response(instead))
}

#[test]
fn a_request_is_the_example_of_rfc_6455_section_1_2() {
    let (bytes, _) = Offer::http1(&request(), NONCE).unwrap();
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
    let (bytes, _) = Offer::http1(&Request::new("[::1]", "/"), NONCE).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("Protocol") && !text.contains("Extensions"));
    assert_eq!(text.lines().count(), 7);
}

#[test]
fn only_the_fields_to_add_are_returned() {
    let own = headers(&[("Host", "example.org"), ("Origin", "https://example.org")]);
    let (added, _) = Offer::headers(HandshakeKind::Upgrade, &[], &[], &own, NONCE).unwrap();
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
    let request = request();
    let own = headers(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        ("origin", "a"),
    ]);
    let (added, _) = Offer::headers(
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
            ..request()
        };
        assert_eq!(
            Offer::http1(&request, NONCE).err(),
            Some(Rule::TargetInvalid),
            "{bad:?}"
        );
    }
}

#[test]
fn class_18_an_authority_is_a_host_and_port() {
    for bad in ["", "a b", "a\r\nX: y", "user@a", "a/b", "é", ":80", "a:b"] {
        let request = Request {
            authority: bad.into(),
            ..request()
        };
        assert_eq!(
            Offer::http1(&request, NONCE).err(),
            Some(Rule::AuthorityInvalid),
            "{bad:?}"
        );
    }
}

#[test]
fn class_18_no_value_of_the_caller_ends_its_line() {
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        Offer::http1(&request, NONCE).err()
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
                Offer::headers(form, &[], &[], &own, NONCE).err(),
                Some(Rule::HeaderReserved),
                "{name}"
            );
        }
        let request = Request {
            headers: own.into(),
            ..request()
        };
        assert_eq!(
            Offer::http1(&request, NONCE).err(),
            Some(Rule::HeaderReserved),
            "{name}"
        );
    }
    let request = Request {
        headers: headers(&[("HOST", "evil")]),
        ..request()
    };
    assert_eq!(
        Offer::http1(&request, NONCE).err(),
        Some(Rule::HeaderReserved)
    );
}

#[test]
fn a_good_response_opens() {
    assert_eq!(check(&[]), Ok(Negotiated::default()));
    let chosen = check(&[
        ("UPGRADE", "WebSocket"),
        ("Upgrade", ""),
        ("Connection", "keep-alive, UPGRADE"),
        ("Sec-WebSocket-Protocol", "superchat"),
        ("Sec-WebSocket-Extensions", "bar; x=\"y\", foo"),
    ]);
    let bar = Extension {
        name: "bar".into(),
        parameters: vec![("x".into(), Some("y".into()))],
    };
    let foo = Extension {
        name: "foo".into(),
        parameters: vec![],
    };
    assert_eq!(
        chosen,
        Ok(Negotiated {
            subprotocol: Some("superchat".into()),
            extensions: vec![bar, foo],
        })
    );
}

#[test]
fn class_18_no_status_but_101_opens_an_upgrade() {
    let offer = offer(HandshakeKind::Upgrade);
    for status in (0..=1000).filter(|&status| status != 101) {
        assert_eq!(
            offer.check(status, &response(&[])),
            Err(Rule::HandshakeRefused),
            "{status}"
        );
    }
}

#[test]
fn a_response_must_upgrade_to_websocket_and_nothing_else() {
    for upgrade in [
        "",
        "h2c",
        "websocket2",
        "websocket/13",
        "websocket, h2c",
        "h2c, websocket",
    ] {
        assert_eq!(
            check(&[("Upgrade", upgrade)]),
            Err(Rule::UpgradeMissing),
            "{upgrade:?}"
        );
    }
    let two = [("Upgrade", "websocket"), ("Upgrade", "h2c")];
    assert_eq!(check(&two), Err(Rule::UpgradeMissing));
    for connection in ["", "close", "upgraded", "\"upgrade\"", "up grade"] {
        assert_eq!(
            check(&[("Connection", connection)]),
            Err(Rule::ConnectionMissing),
            "{connection:?}"
        );
    }
    let fields = response(&[]);
    let offer = offer(HandshakeKind::Upgrade);
    assert_eq!(offer.check(101, &fields[1..]), Err(Rule::UpgradeMissing));
    assert_eq!(offer.check(101, &[]), Err(Rule::UpgradeMissing));
    assert_eq!(
        offer.check(101, &[fields[0].clone(), fields[2].clone()]),
        Err(Rule::ConnectionMissing)
    );
    assert_eq!(offer.check(101, &fields[..2]), Err(Rule::AcceptMissing));
}

#[test]
fn an_accept_must_match_the_key_and_stand_once() {
    for wrong in [
        "",
        KEY,
        &ACCEPT.to_lowercase(),
        &ACCEPT[1..],
        "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
    ] {
        assert_eq!(
            check(&[("Sec-WebSocket-Accept", wrong)]),
            Err(Rule::AcceptWrong),
            "{wrong:?}"
        );
    }
    let two = [
        ("Sec-WebSocket-Accept", ACCEPT),
        ("Sec-WebSocket-Accept", ACCEPT),
    ];
    assert_eq!(check(&two), Err(Rule::AcceptDuplicate));
    let padded = [("Sec-WebSocket-Accept", &*format!(" {ACCEPT}\t"))];
    assert!(check(&padded).is_ok());
}

/// RFC 9112, section 6.3, rule 1.
#[test]
fn a_101_ends_at_its_head_whatever_body_it_announces() {
    for field in [
        ("Content-Length", "0"),
        ("Content-Length", "5"),
        ("Content-Length", ""),
        ("Content-Length", "5, 6"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "identity"),
    ] {
        assert!(check(&[field]).is_ok(), "{field:?}");
    }
    let both = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")];
    assert!(check(&both).is_ok());
}

#[test]
fn only_what_was_offered_can_be_chosen() {
    let protocol = |value| check(&[("Sec-WebSocket-Protocol", value)]);
    assert_eq!(protocol("other"), Err(Rule::SubprotocolNotOffered));
    assert_eq!(protocol("chat, superchat"), Err(Rule::SubprotocolDuplicate));
    assert_eq!(protocol(""), Err(Rule::SubprotocolMalformed));
    let extension = |value| check(&[("Sec-WebSocket-Extensions", value)]);
    assert_eq!(
        extension("permessage-deflate"),
        Err(Rule::ExtensionNotOffered)
    );
    assert_eq!(extension("foo, foo"), Err(Rule::ExtensionNotOffered));
    assert_eq!(extension("foo;"), Err(Rule::ExtensionMalformed));
    assert_eq!(extension(""), Err(Rule::ExtensionMalformed));
}

#[test]
fn class_19_each_form_refuses_the_others_response() {
    let connect = offer(HandshakeKind::ExtendedConnect);
    for status in 0..=1000 {
        let expected = if (200..300).contains(&status) {
            Ok(Negotiated::default())
        } else {
            Err(Rule::HandshakeRefused)
        };
        assert_eq!(connect.check(status, &[]), expected, "{status}");
    }
    assert_eq!(
        connect.check(200, &response(&[])),
        Err(Rule::AcceptForbidden)
    );
    assert_eq!(
        connect.check(101, &response(&[])),
        Err(Rule::HandshakeRefused)
    );
    assert_eq!(
        offer(HandshakeKind::Upgrade).check(200, &[]),
        Err(Rule::HandshakeRefused)
    );
    assert_eq!(
        offer(HandshakeKind::Upgrade).check(101, &[]),
        Err(Rule::UpgradeMissing)
    );
}

#[test]
fn an_extended_connect_negotiates_too() {
    let connect = offer(HandshakeKind::ExtendedConnect);
    let fields = headers(&[
        ("sec-websocket-protocol", "chat"),
        ("sec-websocket-extensions", "foo"),
    ]);
    let negotiated = connect.check(200, &fields).unwrap();
    assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
    assert_eq!(negotiated.extensions.len(), 1);
    let fields = headers(&[("sec-websocket-protocol", "other")]);
    assert_eq!(
        connect.check(200, &fields),
        Err(Rule::SubprotocolNotOffered)
    );
}

#[test]
fn class_04_high_bytes_in_any_field_of_a_response_are_refused() {
    for byte in 0x80..=0xFF {
        for (name, rule) in [
            ("Upgrade", Rule::UpgradeMissing),
            ("Connection", Rule::ConnectionMissing),
            ("Sec-WebSocket-Accept", Rule::AcceptWrong),
            ("Sec-WebSocket-Protocol", Rule::SubprotocolMalformed),
            ("Sec-WebSocket-Extensions", Rule::ExtensionMalformed),
        ] {
            let mut fields = response(&[]);
            fields.retain(|header| header.name != name);
            fields.push(Header::new(name, [byte]));
            assert_eq!(
                offer(HandshakeKind::Upgrade).check(101, &fields),
                Err(rule),
                "{name}"
            );
        }
        let mut fields = response(&[]);
        fields.push(Header::new("Server", [byte]));
        assert!(offer(HandshakeKind::Upgrade).check(101, &fields).is_ok());
    }
}
