//! What settings are read as.

use super::*;

#[test]
fn nothing_and_an_empty_object_mean_the_defaults() {
    let defaults = Settings {
        options: unset(),
        ..Settings::default()
    };
    let defaults = format!("{defaults:?}");
    for json in ["", " \r\n\t", "{}", r#"{"client":{},"server":{}}"#] {
        assert_eq!(format!("{:?}", parse(json)), defaults, "{json:?}");
    }
}

#[test]
fn each_side_has_limits_deadlines_and_checks() {
    type Change = fn(&mut Direction);
    let cases: &[(&str, Change)] = &[
        (r#""max_message_bytes":1"#, |d| d.limits.message = 1),
        (r#""max_message_bytes":18446744073709551615"#, |d| {
            d.limits.message = u64::MAX
        }),
        (r#""max_frame_bytes":70000"#, |d| d.limits.frame = 70_000),
        (r#""max_fragments":4294967295"#, |d| {
            d.limits.fragments = u32::MAX
        }),
        (r#""idle_seconds":60"#, |d| d.idle = secs(60)),
        (r#""message_idle_seconds":61"#, |d| {
            d.message_idle = secs(61)
        }),
        (r#""message_seconds":62"#, |d| d.message = secs(62)),
        (r#""ping_seconds":30"#, |d| d.keepalive = secs(30)),
        (r#""pong_seconds":5"#, |d| d.pong = secs(5)),
        (r#""hold_frame_bytes":0"#, |d| d.hold_frame = 0),
        (r#""hold_frame_bytes":524288"#, |d| d.hold_frame = 524_288),
        (r#""check_utf8":false"#, |d| d.view.verify_utf8 = false),
        (r#""inflate":false"#, |d| d.view.inflate = false),
    ];
    for (setting, change) in cases {
        sets(&format!(r#"{{"client":{{{setting}}}}}"#), |options| {
            change(&mut options.client)
        });
        sets(&format!(r#"{{"server":{{{setting}}}}}"#), |options| {
            change(&mut options.server)
        });
    }
}

#[test]
fn the_connection_has_deadlines_and_codes() {
    sets(r#"{"handshake_seconds":3}"#, |o| {
        o.timeouts.handshake = secs(3)
    });
    sets(r#"{"age_seconds":3600}"#, |o| o.timeouts.age = secs(3600));
    sets(r#"{"age_code":1012}"#, |o| o.timeouts.age_code = 1012);
    sets(r#"{"close_seconds":1}"#, |o| o.timeouts.close = secs(1));
    sets(r#"{"other_code":"same"}"#, |o| {
        o.other_code = OtherCode::Same
    });
    sets(r#"{"unknown_extensions":"opaque"}"#, |o| {
        o.unknown_extensions = UnknownExtensions::Opaque;
    });
    sets(r#"{"deflate":"strip"}"#, |o| o.strip_extensions = true);

    let defaults = r#"{"other_code":"gateway","unknown_extensions":"reject","deflate":"pass"}"#;
    assert_eq!(parse(defaults).options, unset());
}

#[test]
fn the_filter_has_settings_of_its_own() {
    assert!(!parse(r#"{"http2_repair":false}"#).repair);
    assert_eq!(parse(r#"{"upstream_gone_code":1001}"#).upstream_gone, 1001);
    assert_eq!(parse(r#"{"memory_bytes":1048576}"#).memory, 1 << 20);
    let aged = parse(r#"{"age_seconds":60,"age_jitter_seconds":60}"#);
    assert_eq!(Some(aged.age_jitter), aged.options.timeouts.age);
    assert_eq!(
        parse(r#"{"age_jitter_seconds":0}"#).age_jitter,
        Duration::ZERO
    );
}

#[test]
fn zero_turns_a_deadline_off() {
    for side in ["client", "server"] {
        let json = r#"{"SIDE":{"idle_seconds":0,"message_idle_seconds":0,"message_seconds":0,"ping_seconds":0,
            "pong_seconds":0.0}}"#;
        let options = parse(&json.replace("SIDE", side)).options;
        let is_client = side == "client";
        let side = if is_client {
            options.client
        } else {
            options.server
        };
        assert_eq!(
            (side.idle, side.message_idle, side.message),
            (None, None, None)
        );
        assert_eq!((side.keepalive, side.pong), (None, None));
    }
    let json = r#"{"handshake_seconds":0,"age_seconds":-0,"close_seconds":0e9}"#;
    let timeouts = parse(json).options.timeouts;
    assert_eq!(
        (timeouts.handshake, timeouts.age, timeouts.close),
        (None, None, None)
    );
}

#[test]
fn times_are_exact_to_the_nanosecond() {
    for (seconds, nanos) in [
        ("0.1", 100_000_000),
        ("0.000000001", 1),
        ("1.000000001", 1_000_000_001),
        ("86400.123456789", 86_400_123_456_789),
        ("2.5e-3", 2_500_000),
        ("315360000", 315_360_000_000_000_000),
    ] {
        let options = parse(&format!(r#"{{"close_seconds":{seconds}}}"#)).options;
        assert_eq!(
            options.timeouts.close,
            Some(Duration::from_nanos(nanos)),
            "{seconds}"
        );
    }
    let options = parse(r#"{"client":{"ping_seconds":0.001}}"#).options;
    assert_eq!(options.client.keepalive, Some(Timeouts::MIN_KEEPALIVE));
}

// Envoy writes the numbers of a protobuf Struct as floats.
#[test]
fn a_whole_number_may_be_written_as_a_float() {
    for number in ["1e+15", "1000000000000000.0", "1000000000000000"] {
        let options = parse(&format!(r#"{{"client":{{"max_frame_bytes":{number}}}}}"#)).options;
        assert_eq!(
            options.client.limits.frame, 1_000_000_000_000_000,
            "{number}"
        );
    }
    assert_eq!(
        parse(r#"{"age_code":1012.0}"#).options.timeouts.age_code,
        1012
    );
}

#[test]
fn a_rate_is_of_messages_or_bytes_or_both() {
    let rate = Rate {
        messages: Some(10.0),
        bytes: None,
        burst: Duration::from_secs(1),
        close: false,
    };
    let settings = parse(r#"{"client":{"messages_per_second":10}}"#);
    assert_eq!(
        (settings.client_rate, settings.server_rate),
        (Some(rate), None)
    );

    let rate = Rate {
        messages: Some(0.5),
        bytes: Some(1e6),
        burst: Duration::from_millis(2500),
        close: true,
    };
    let json = r#"{"server":{"messages_per_second":0.5,"bytes_per_second":1e6,"burst_seconds":2.5,"over_rate":"close"}}"#;
    let settings = parse(json);
    assert_eq!(
        (settings.client_rate, settings.server_rate),
        (None, Some(rate))
    );

    let json = r#"{"client":{"bytes_per_second":1,"over_rate":"hold"}}"#;
    assert!(parse(json).client_rate.is_some_and(|rate| !rate.close));
}

#[test]
fn origins_are_as_browsers_write_them() {
    let exact = |origin: &str| Origin::Exact(origin.to_owned());
    let below = |scheme: &str, domain: &str| Origin::Below {
        scheme: scheme.to_owned(),
        domain: domain.to_owned(),
    };
    let cases = [
        ("https://example.com", exact("https://example.com")),
        ("HTTPS://Example.COM:443", exact("https://example.com")),
        ("http://localhost:8080", exact("http://localhost:8080")),
        ("http://localhost:80", exact("http://localhost")),
        ("http://localhost:443", exact("http://localhost:443")),
        ("https://127.0.0.1:65535", exact("https://127.0.0.1:65535")),
        ("http://[::1]", exact("http://[::1]")),
        ("http://[::FFFF:1]:81", exact("http://[::ffff:1]:81")),
        (
            "chrome-extension://abc_d",
            exact("chrome-extension://abc_d"),
        ),
        ("https://*.example.com", below("https://", ".example.com")),
        (
            "https://*.Example.com:443",
            below("https://", ".example.com"),
        ),
        (
            "http://*.example.com:8080",
            below("http://", ".example.com:8080"),
        ),
    ];
    for (text, origin) in cases {
        let settings = parse(&format!(r#"{{"origins":["{text}"]}}"#));
        assert_eq!(settings.origins, Some([origin].into()), "{text}");
    }
    assert_eq!(parse(r#"{"origins":[]}"#).origins, Some(Vec::new()));
}

#[test]
fn what_no_browser_sends_is_no_origin() {
    for text in [
        "",
        "*",
        "null",
        "example.com",
        "https:/example.com",
        "https://",
        "https://example.com/",
        "https://example.com/a",
        "https://example.com?a",
        "https://user@example.com",
        "https://example.com:",
        "https://example.com:0",
        "https://example.com:0443",
        "https://example.com:+443",
        "https://example.com:65536",
        "https://example.com:*",
        "https://example..com",
        "https://.example.com",
        "https://*",
        "https://*.",
        "https://*example.com",
        "https://a.*.example.com",
        "https://*.[::1]",
        "https://[::1",
        "https://[::1]x",
        "https://[]:1",
        "https://::1",
        "https://b\u{fc}cher.example",
        "wss://example.com",
        "ws://example.com",
        "1http://example.com",
        "://example.com",
        " https://example.com",
    ] {
        let line = format!(
            "origins[1]: must be an origin without a path, such as https://example.com or https://*.example.com, and \
             is \"{text}\""
        );
        refuses(&[(&format!(r#"{{"origins":["http://a","{text}"]}}"#), &line)]);
    }
}

#[test]
fn subprotocols_are_tokens() {
    let settings = parse(r#"{"subprotocols":["mqtt","v12.stomp","!#$%&'*+-.^_`|~09aZ"]}"#);
    let tokens = ["mqtt", "v12.stomp", "!#$%&'*+-.^_`|~09aZ"];
    assert_eq!(
        settings.subprotocols,
        Some(tokens.map(str::to_owned).into())
    );
    assert_eq!(
        parse(r#"{"subprotocols":[]}"#).subprotocols,
        Some(Vec::new())
    );
    refuses(&[
        (
            r#"{"subprotocols":["mqtt",""]}"#,
            r#"subprotocols[1]: must be a token of HTTP, and is """#,
        ),
        (
            r#"{"subprotocols":["a,b"]}"#,
            r#"subprotocols[0]: must be a token of HTTP, and is "a,b""#,
        ),
        (
            r#"{"subprotocols":["caf\u00e9"]}"#,
            "subprotocols[0]: must be a token of HTTP, and is \"caf\u{e9}\"",
        ),
    ]);
}

#[test]
fn content_is_looked_at_in_messages_that_are_held() {
    let settings =
        parse(r#"{"content":{"deny":[{"text":"DROP TABLE"},{"regex":"(?i)pass.?word"}]}}"#);
    let content = settings.content.unwrap();
    assert_eq!((content.client, content.server), (true, false));
    assert_eq!(content.up_to, 65_536);
    let [Pattern::Text(text), Pattern::Regex(regex)] = &content.deny[..] else {
        panic!("{:?}", content.deny);
    };
    assert_eq!(text, "DROP TABLE");
    assert!(regex.is_match(b"a PassWord"));
    assert!(content.allow.is_empty());

    let mut expected = unset();
    expected.client.hold_messages = true;
    expected.client.view.payload = Payload::Messages { up_to: 65_536 };
    assert_eq!(settings.options, expected);
}

#[test]
fn content_may_be_that_of_either_side_or_both() {
    for (from, client, server) in [
        ("client", true, false),
        ("server", false, true),
        ("both", true, true),
    ] {
        let json = r#"{"content":{"from":"SIDE","max_bytes":524288,"longer":"close","allow":[{"text":"a"}]}}"#;
        let settings = parse(&json.replace("SIDE", from));
        let content = settings.content.unwrap();
        assert_eq!((content.client, content.server), (client, server), "{from}");
        assert_eq!(content.up_to, 524_288);
        assert_eq!((content.deny.len(), content.allow.len()), (0, 1));
        for (side, is_seen) in [
            (settings.options.client, client),
            (settings.options.server, server),
        ] {
            let payload = match is_seen {
                true => Payload::Messages { up_to: 524_288 },
                false => Payload::Nothing,
            };
            assert_eq!(
                (side.hold_messages, side.view.payload),
                (is_seen, payload),
                "{from}"
            );
        }
    }
    let longest = |longer: &str| {
        let json = r#"{"content":{"max_bytes":100,"longer":"LONGER","allow":[{"text":"a"}]}}"#;
        parse(&json.replace("LONGER", longer))
            .options
            .client
            .limits
            .message
    };
    assert_eq!((longest("close"), longest("pass")), (100, 16 << 20));
}

#[test]
fn a_pattern_is_a_text_or_a_regular_expression() {
    let either = "content.deny[1]: must have either text or regex";
    refuses(&[
        (r#"{"content":{"deny":[{"text":"a"},{}]}}"#, either),
        (
            r#"{"content":{"deny":[{"text":"a"},{"text":"a","regex":"b"}]}}"#,
            either,
        ),
        (
            r#"{"content":{"deny":[{"text":""}]}}"#,
            r#"content.deny[0].text: must be a string that is not empty, and is """#,
        ),
        (
            r#"{"content":{"allow":[{"regex":7}]}}"#,
            "content.allow[0].regex: must be a string that is not empty, and is 7",
        ),
        (
            r#"{"content":{"deny":[{"text":"a"},{"text":"b"},{"regex":"("}]}}"#,
            "content.deny[2].regex: can't be used (found open group without closing ')'): (",
        ),
        (
            r#"{"content":{"allow":[{"regex":"(a{1000}){1000}"}]}}"#,
            "content.allow[0].regex: can't be used (compiled regex exceeded size limit): (a{1000}){1000}",
        ),
        (
            r#"{"content":{"deny":[{"reg":"a"}]}}"#,
            "content.deny[0].reg: no such setting; did you mean regex?",
        ),
        (
            r#"{"content":{"deny":["a"]}}"#,
            r#"content.deny[0]: must be an object, and is "a""#,
        ),
        (
            r#"{"content":{"deny":{"text":"a"}}}"#,
            "content.deny: must be an array, and is an object",
        ),
    ]);
}

#[test]
fn content_without_a_pattern_is_refused() {
    let line = "content: must have a pattern in deny or allow";
    refuses(&[
        (r#"{"content":{}}"#, line),
        (r#"{"content":{"deny":[],"allow":[]}}"#, line),
    ]);
}

#[test]
fn content_cannot_be_looked_at_if_nothing_is_inflated() {
    refuses(&[
        (
            r#"{"client":{"inflate":false},"content":{"deny":[{"text":"a"}]}}"#,
            "client.inflate: must be true, because content looks inside",
        ),
        (
            r#"{"server":{"inflate":false},"content":{"from":"both","deny":[{"text":"a"}]}}"#,
            "server.inflate: must be true, because content looks inside",
        ),
    ]);
    parse(r#"{"server":{"inflate":false},"content":{"deny":[{"text":"a"}]}}"#);
}
