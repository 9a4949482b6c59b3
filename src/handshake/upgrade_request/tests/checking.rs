//! Responses, and which of them open a WebSocket.

use super::*;

fn made(form: HandshakeKind) -> UpgradeRequest {
    let request = example();
    UpgradeRequest::make_headers(form, &request.subprotocols, &request.extensions, &[], NONCE)
        .unwrap()
        .1
}

/// The fields of a good response to an upgrade.
fn response(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
    ];
    replaced(&good, instead)
}

fn check(instead: &[(&str, &str)]) -> Result<Negotiated, Rule> {
    made(HandshakeKind::Upgrade).check(101, &response(instead))
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
    let made = made(HandshakeKind::Upgrade);
    for status in (0..=1000).filter(|&status| status != 101) {
        assert_eq!(
            made.check(status, &response(&[])),
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
    let made = made(HandshakeKind::Upgrade);
    assert_eq!(made.check(101, &fields[1..]), Err(Rule::UpgradeMissing));
    assert_eq!(made.check(101, &[]), Err(Rule::UpgradeMissing));
    assert_eq!(
        made.check(101, &[fields[0].clone(), fields[2].clone()]),
        Err(Rule::ConnectionMissing)
    );
    assert_eq!(made.check(101, &fields[..2]), Err(Rule::AcceptMissing));
}

#[test]
fn an_accept_must_match_the_key_and_appear_once() {
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
    let connect = made(HandshakeKind::ExtendedConnect);
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
        made(HandshakeKind::Upgrade).check(200, &[]),
        Err(Rule::HandshakeRefused)
    );
    assert_eq!(
        made(HandshakeKind::Upgrade).check(101, &[]),
        Err(Rule::UpgradeMissing)
    );
}

#[test]
fn an_extended_connect_negotiates_too() {
    let connect = made(HandshakeKind::ExtendedConnect);
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
                made(HandshakeKind::Upgrade).check(101, &fields),
                Err(rule),
                "{name}"
            );
        }
        let mut fields = response(&[]);
        fields.push(Header::new("Server", [byte]));
        assert!(made(HandshakeKind::Upgrade).check(101, &fields).is_ok());
    }
}

const ACCEPT_FIELD: &str = "Sec-WebSocket-Accept";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// As whoever looks on from between does.
#[test]
fn a_parsed_upgrade_checks_the_response_to_it() {
    let fields = upgrade(&[(PROTOCOL, "chat, superchat"), (EXTENSIONS, "foo; a, bar")]);
    let in_bytes = UpgradeRequest::parse(&request("GET", "/", fields.clone()), true).unwrap();
    let in_headers = UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &fields, true).unwrap();
    for parsed in [in_bytes, in_headers] {
        let check = |status, instead: &[_]| parsed.check(status, &response(instead));
        assert_eq!(check(101, &[]), Ok(Negotiated::default()));
        let chosen = check(101, &[(PROTOCOL, "superchat"), (EXTENSIONS, "bar")]).unwrap();
        assert_eq!(chosen.subprotocol.as_deref(), Some("superchat"));
        assert_eq!(chosen.extensions[0].name, "bar");
        for (status, name, value, rule) in [
            (403, "Server", "x", Rule::HandshakeRefused),
            (200, "Server", "x", Rule::HandshakeRefused),
            (101, "Upgrade", "h2c", Rule::UpgradeMissing),
            (101, ACCEPT_FIELD, KEY, Rule::AcceptWrong),
            (101, PROTOCOL, "other", Rule::SubprotocolNotOffered),
            (101, PROTOCOL, "chat, superchat", Rule::SubprotocolDuplicate),
            (101, PROTOCOL, "", Rule::SubprotocolMalformed),
            (101, EXTENSIONS, "baz", Rule::ExtensionNotOffered),
            (101, EXTENSIONS, "bar, bar", Rule::ExtensionNotOffered),
        ] {
            assert_eq!(
                check(status, &[(name, value)]),
                Err(rule),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn a_parsed_extended_connect_checks_the_response_to_it() {
    let fields = connect(&[(PROTOCOL, "chat"), (EXTENSIONS, "foo")]);
    let parsed =
        UpgradeRequest::parse_headers(HandshakeKind::ExtendedConnect, &fields, true).unwrap();
    let check = |status, fields: &[_]| parsed.check(status, &headers(fields));
    assert_eq!(check(200, &[]), Ok(Negotiated::default()));
    let chosen = check(204, &[(PROTOCOL, "chat"), (EXTENSIONS, "foo")]).unwrap();
    assert_eq!(chosen.subprotocol.as_deref(), Some("chat"));
    assert_eq!(chosen.extensions[0].name, "foo");
    for (status, name, value, rule) in [
        (403, "Server", "x", Rule::HandshakeRefused),
        (101, "Server", "x", Rule::HandshakeRefused),
        (200, ACCEPT_FIELD, ACCEPT, Rule::AcceptForbidden),
        (200, PROTOCOL, "other", Rule::SubprotocolNotOffered),
        (200, EXTENSIONS, "bar", Rule::ExtensionNotOffered),
    ] {
        assert_eq!(
            check(status, &[(name, value)]),
            Err(rule),
            "{name}: {value}"
        );
    }
}

/// What a request doesn't offer, or not in a way that can be read, no response can choose.
#[test]
fn a_parsed_request_without_offers_lets_a_response_choose_nothing() {
    for offer in [
        upgrade(&[]),
        upgrade(&[(PROTOCOL, ""), (EXTENSIONS, "foo;")]),
    ] {
        let parsed = UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &offer, true).unwrap();
        let check = |field| parsed.check(101, &response(&[field]));
        assert_eq!(check((PROTOCOL, "chat")), Err(Rule::SubprotocolNotOffered));
        assert_eq!(check((EXTENSIONS, "foo")), Err(Rule::ExtensionNotOffered));
        assert_eq!(parsed.check(101, &response(&[])), Ok(Negotiated::default()));
    }
}
