//! What real clients send that is untidy, and what is shown of it.

use super::*;

#[test]
fn class_18_a_request_has_one_host_field() {
    for allow_malformed in [true, false] {
        let rule = |headers: &[Header]| examine_with(headers, allow_malformed);
        assert_eq!(rule(&without("Host")), Some(Rule::HostMissing));
        for two in [["a", "a"], ["a", ""], ["", ""], ["a b", "a b"]] {
            let two = upgrade(&two.map(|host| ("Host", host)));
            assert_eq!(rule(&two), Some(Rule::HostDuplicate));
        }
    }
}

const MALFORMED_HOSTS: [&str; 9] = [
    "::1:8080",
    "[fe80::1%25eth0]:80",
    ":80",
    "a b",
    "a, b",
    "user@a",
    "a/b",
    "a:x",
    "a:65536",
];

#[test]
fn a_malformed_host_is_let_pass_and_shown_as_none() {
    for bad in MALFORMED_HOSTS {
        assert_eq!(examine(&upgrade(&[("Host", bad)])), None, "{bad:?}");
        let head = shown(&[("Host", bad)]);
        assert_eq!(
            (&*head.authority, &*head.tolerated),
            ("", &[Rule::HostMalformed][..])
        );
        assert!(head.headers.contains(&Header::new("Host", bad)));
    }
}

#[test]
fn class_18_a_malformed_host_is_refused_if_the_settings_say_so() {
    for bad in MALFORMED_HOSTS {
        let fields = upgrade(&[("Host", bad)]);
        let rule = examine_with(&fields, false);
        assert_eq!(rule, Some(Rule::HostMalformed), "{bad:?}");
        let head = RequestHead::new(request("GET", "/", fields), rule);
        assert_eq!((&*head.authority, &*head.tolerated), ("", &[][..]));
    }
}

/// RFC 9112, section 3.2: it is what a client sends whose target has no authority.
#[test]
fn an_empty_host_breaks_no_rule() {
    for empty in ["", " \t"] {
        let fields = upgrade(&[("Host", empty)]);
        assert_eq!(examine_with(&fields, false), None);
        let head = shown(&[("Host", empty)]);
        assert_eq!((&*head.authority, &*head.tolerated), ("", &[][..]));
    }
}

#[test]
fn a_valid_host_is_the_authority() {
    for (value, authority) in [(" [::1]:80 ", "[::1]:80"), ("a:", "a:"), ("a_b", "a_b")] {
        assert_eq!(examine_with(&upgrade(&[("Host", value)]), false), None);
        assert_eq!(shown(&[("Host", value)]).authority, authority);
    }
}

/// RFC 9112, section 3.2.2: it takes the place of the Host field.
#[test]
fn the_authority_of_an_absolute_target_is_strict_and_a_malformed_host_beside_it_is_tolerated() {
    let fields = || upgrade(&[("Host", "::1:8080")]);
    let head = RequestHead::new(request("GET", "ws://a:1/b", fields()), None);
    assert_eq!((&*head.authority, &*head.target), ("a:1", "/b"));
    assert_eq!(head.tolerated, [Rule::HostMalformed]);
    let bad = request("GET", "ws://::1:8080/b", fields());
    assert_eq!(examine_request(&bad, true), Some(Rule::TargetMalformed));
}

/// The key of the example in RFC 6455, section 4.1, is of this kind.
#[test]
fn a_key_with_bits_left_over_is_answered_as_it_was_sent() {
    let key = "AQIDBAUGBwgJCgsMDQ4PEC==";
    let parsed = UpgradeRequest::parse_headers(
        HandshakeKind::Upgrade,
        &upgrade(&[("Sec-WebSocket-Key", key)]),
        true,
    );
    let (headers, _) = parsed
        .unwrap()
        .accept_headers(&Acceptance::default(), &[])
        .unwrap();
    let accept = header::single(&headers, "Sec-WebSocket-Accept");
    let expected = key::accept(key.as_bytes());
    assert_eq!(accept, Occurrence::Once(expected.as_bytes()));
    assert_ne!(expected, key::accept(b"AQIDBAUGBwgJCgsMDQ4PEA=="));
}

#[test]
fn an_empty_list_of_subprotocols_asks_for_none_and_a_repeated_name_counts_once() {
    for (value, expected) in [
        ("", &[][..]),
        (" , ", &[]),
        ("ocpp1.6, ocpp1.6", &["ocpp1.6"]),
        ("b, a, b", &["b", "a"]),
    ] {
        let field = ("Sec-WebSocket-Protocol", value);
        assert_eq!(examine(&upgrade(&[field])), None, "{value:?}");
        assert_eq!(examine_connect(&[field]), None, "{value:?}");
        let head = shown(&[field]);
        assert_eq!(head.subprotocols, expected, "{value:?}");
        assert_eq!(head.tolerated, [], "{value:?}");
    }
}

#[test]
fn an_offer_of_extensions_that_cannot_be_read_offers_nothing() {
    for bad in [
        "",
        ",",
        "permessage-deflate;",
        "bbf-usp-protocol; eid=\"proto::agent-1\"",
        "foo; a=\"",
        "foo, é",
    ] {
        let field = ("Sec-WebSocket-Extensions", bad);
        assert_eq!(examine(&upgrade(&[field])), None, "{bad:?}");
        assert_eq!(examine_connect(&[field]), None, "{bad:?}");
        let parsed =
            UpgradeRequest::parse_headers(HandshakeKind::Upgrade, &upgrade(&[field]), true)
                .unwrap();
        assert_eq!(parsed.extensions(), [], "{bad:?}");
        let head = shown(&[field]);
        assert_eq!(head.extensions, [], "{bad:?}");
        assert_eq!(head.tolerated, [Rule::ExtensionMalformed], "{bad:?}");
    }
    let lines = [
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Extensions", "foo;"),
    ];
    assert_eq!(shown(&lines).extensions, [], "one of several lines");
    assert_eq!(shown(&lines[..1]).tolerated, []);
}
