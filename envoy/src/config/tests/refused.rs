//! Settings that are refused, and the line that says why.

use super::*;

#[test]
fn what_is_not_json_is_refused() {
    refuses(&[
        (
            r#"{"client":}"#,
            "not JSON: expected value at line 1 column 11",
        ),
        (
            "{\n\"client\":{",
            "not JSON: EOF while parsing an object at line 2 column 10",
        ),
        ("{} x", "not JSON: trailing characters at line 1 column 4"),
        (
            "{a: 1}",
            "not JSON: key must be a string at line 1 column 2",
        ),
        (
            r#"{"age_seconds":1e999}"#,
            "not JSON: number out of range at line 1 column 20",
        ),
        (
            &"[".repeat(1000),
            "not JSON: recursion limit exceeded at line 1 column 128",
        ),
    ]);
    for bytes in [&b"\"\xff\""[..], b"\0", b"\xef\xbb\xbf{}"] {
        let error = Settings::parse(bytes).unwrap_err().to_string();
        assert!(
            error.starts_with("not JSON: ") && error.contains(" at line 1 column "),
            "{error}"
        );
    }
}

#[test]
fn only_an_object_has_settings() {
    refuses(&[
        ("null", "settings: must be an object, and is null"),
        ("[{}]", "settings: must be an object, and is an array"),
        (
            r#"{"client":true}"#,
            "client: must be an object, and is true",
        ),
        (
            r#"{"server":[]}"#,
            "server: must be an object, and is an array",
        ),
        (r#"{"content":0}"#, "content: must be an object, and is 0"),
    ]);
}

#[test]
fn unknown_settings_are_refused_at_every_level() {
    refuses(&[
        (r#"{"zzz":1}"#, "zzz: no such setting"),
        (r#"{"":1}"#, "settings: no such setting"),
        (
            r#"{"Server":{}}"#,
            "Server: no such setting; did you mean server?",
        ),
        (r#"{"memory":5}"#, "memory: no such setting"),
        (
            r#"{"client":{"max_mesage_bytes":1}}"#,
            "client.max_mesage_bytes: no such setting; did you mean max_message_bytes?",
        ),
        (
            r#"{"client":{"max_message_size":1}}"#,
            "client.max_message_size: no such setting; did you mean max_message_bytes?",
        ),
        (
            r#"{"server":{"age_seconds":1}}"#,
            "server.age_seconds: no such setting; did you mean idle_seconds?",
        ),
        (
            r#"{"content":{"alow":[],"deny":[]}}"#,
            "content.alow: no such setting; did you mean allow?",
        ),
        (r#"{"a\nb\u0000":1}"#, "a\u{fffd}b\u{fffd}: no such setting"),
    ]);
    let (long, start) = ("x".repeat(100_000), "x".repeat(60));
    refuses(&[(
        &format!(r#"{{"{long}":1}}"#),
        &format!("{start}...: no such setting"),
    )]);
}

#[test]
fn an_unknown_setting_is_told_before_what_is_missing_without_it() {
    refuses(&[(
        r#"{"client":{"mesages_per_second":5,"burst_seconds":2}}"#,
        "client.mesages_per_second: no such setting; did you mean messages_per_second?",
    )]);
}

#[test]
fn a_setting_may_appear_once() {
    refuses(&[
        (
            r#"{"age_code":1000,"age_code":1001}"#,
            "age_code: appears twice",
        ),
        (
            r#"{"client":{"inflate":true,"infl\u0061te":false}}"#,
            "client.inflate: appears twice",
        ),
        (
            r#"{"content":{"deny":[{"text":"a","text":"a"}]}}"#,
            "content.deny[0].text: appears twice",
        ),
    ]);
}

#[test]
fn whole_numbers_are_in_their_range() {
    let big = "must be a whole number from 1 to 18446744073709551615, and is";
    for key in ["client.max_message_bytes", "server.max_frame_bytes"] {
        let (side, name) = key.split_once('.').unwrap();
        for (value, shown) in [
            ("0", "0"),
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("-0.06", "-0.06"),
            ("1e-12", "almost 0"),
            ("18446744073709551616", "out of range"),
            ("null", "null"),
            ("true", "true"),
            ("false", "false"),
            (r#""big""#, r#""big""#),
            ("[1]", "an array"),
            ("{}", "an object"),
        ] {
            let json = format!(r#"{{"{side}":{{"{name}":{value}}}}}"#);
            refuses(&[(&json, &format!("{key}: {big} {shown}"))]);
        }
    }
    refuses(&[
        (
            r#"{"client":{"max_fragments":4294967296}}"#,
            "client.max_fragments: must be a whole number from 1 to 4294967295, and is 4294967296",
        ),
        (
            r#"{"client":{"hold_frame_bytes":524289}}"#,
            "client.hold_frame_bytes: must be a whole number from 0 to 524288, and is 524289",
        ),
        (
            r#"{"memory_bytes":1048575}"#,
            "memory_bytes: must be a whole number from 1048576 to 18446744073709551615, and is 1048575",
        ),
        (
            r#"{"content":{"max_bytes":0}}"#,
            "content.max_bytes: must be a whole number from 1 to 524288, and is 0",
        ),
    ]);
}

#[test]
fn times_are_in_their_range() {
    let range = "must be 0 (none) or seconds from 0.000000001 to 315360000, and is";
    for key in [
        "handshake_seconds",
        "age_seconds",
        "age_jitter_seconds",
        "close_seconds",
        "client.idle_seconds",
        "client.message_idle_seconds",
        "server.message_seconds",
        "server.pong_seconds",
    ] {
        for (value, shown) in [
            ("-1", "-1"),
            ("1e-10", "almost 0"),
            ("315360000.5", "315360000.5"),
            ("315360001", "315360001"),
            ("1e300", "out of range"),
            (r#""1s""#, r#""1s""#),
            ("null", "null"),
        ] {
            let json = match key.split_once('.') {
                Some((side, name)) => format!(r#"{{"{side}":{{"{name}":{value}}}}}"#),
                None => format!(r#"{{"{key}":{value}}}"#),
            };
            refuses(&[(&json, &format!("{key}: {range} {shown}"))]);
        }
    }
    refuses(&[
        (
            r#"{"client":{"ping_seconds":0.000999999}}"#,
            "client.ping_seconds: must be 0 (none) or seconds from 0.001 to 315360000, and is 0.000999999",
        ),
        (
            r#"{"client":{"bytes_per_second":1,"burst_seconds":0}}"#,
            "client.burst_seconds: must be seconds from 0.000000001 to 315360000, and is 0",
        ),
    ]);
}

#[test]
fn content_can_not_be_looked_at_in_what_an_unknown_extension_makes() {
    refuses(&[(
        r#"{"unknown_extensions":"opaque","content":{"deny":[{"text":"a"}]}}"#,
        "unknown_extensions: must be \"reject\", because content looks inside",
    )]);
}

#[test]
fn jitter_is_a_part_of_the_age() {
    let line = "age_jitter_seconds: needs age_seconds, and must not be longer";
    refuses(&[
        (r#"{"age_jitter_seconds":1}"#, line),
        (r#"{"age_seconds":0,"age_jitter_seconds":1}"#, line),
        (
            r#"{"age_seconds":60,"age_jitter_seconds":60.000000001}"#,
            line,
        ),
    ]);
}

#[test]
fn rates_are_in_their_range() {
    let range = "must be a number from 0.000001 to 1000000000000000, and is";
    for key in ["messages_per_second", "bytes_per_second"] {
        for (value, shown) in [
            ("0", "0"),
            ("-1", "-1"),
            ("1e-7", "0.0000001"),
            ("1000000000000001", "1000000000000001"),
            (r#""1""#, r#""1""#),
            ("null", "null"),
        ] {
            let json = format!(r#"{{"client":{{"{key}":{value}}}}}"#);
            refuses(&[(&json, &format!("client.{key}: {range} {shown}"))]);
        }
    }
}

#[test]
fn what_belongs_to_a_rate_needs_one() {
    refuses(&[
        (
            r#"{"client":{"burst_seconds":1}}"#,
            "client.burst_seconds: needs messages_per_second or bytes_per_second",
        ),
        (
            r#"{"server":{"over_rate":"hold"}}"#,
            "server.over_rate: needs messages_per_second or bytes_per_second",
        ),
    ]);
}

#[test]
fn a_code_is_one_that_a_close_frame_may_have() {
    for code in 0..=u16::MAX {
        let is_allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        for key in ["age_code", "upstream_gone_code"] {
            let parsed = Settings::parse(format!(r#"{{"{key}":{code}}}"#).as_bytes());
            assert_eq!(parsed.is_ok(), is_allowed, "{key} {code}");
        }
    }
    refuses(&[
        (
            r#"{"age_code":1005}"#,
            "age_code: must be a close code that may be sent (1000 to 1003, 1007 to 1014, 3000 to 4999), and is 1005",
        ),
        (
            r#"{"upstream_gone_code":66536}"#,
            "upstream_gone_code: must be a close code that may be sent (1000 to 1003, 1007 to 1014, 3000 to 4999), \
             and is 66536",
        ),
    ]);
}

#[test]
fn words_and_flags_are_the_known_ones() {
    refuses(&[
        (
            r#"{"other_code":"both"}"#,
            r#"other_code: must be "gateway" or "same", and is "both""#,
        ),
        (
            r#"{"unknown_extensions":"pass"}"#,
            r#"unknown_extensions: must be "reject" or "opaque", and is "pass""#,
        ),
        (
            r#"{"deflate":true}"#,
            r#"deflate: must be "pass" or "strip", and is true"#,
        ),
        (
            r#"{"client":{"messages_per_second":1,"over_rate":"drop"}}"#,
            r#"client.over_rate: must be "hold" or "close", and is "drop""#,
        ),
        (
            r#"{"content":{"from":"Client"}}"#,
            r#"content.from: must be "client" or "server" or "both", and is "Client""#,
        ),
        (
            r#"{"content":{"longer":null}}"#,
            r#"content.longer: must be "pass" or "close", and is null"#,
        ),
        (
            r#"{"http2_repair":"yes"}"#,
            r#"http2_repair: must be true or false, and is "yes""#,
        ),
        (
            r#"{"client":{"check_utf8":1}}"#,
            "client.check_utf8: must be true or false, and is 1",
        ),
        (
            r#"{"server":{"inflate":null}}"#,
            "server.inflate: must be true or false, and is null",
        ),
        (
            r#"{"origins":"https://a"}"#,
            r#"origins: must be an array, and is "https://a""#,
        ),
        (
            r#"{"subprotocols":null}"#,
            "subprotocols: must be an array, and is null",
        ),
    ]);
}

#[test]
fn nothing_that_is_null_is_accepted() {
    for key in [
        "client",
        "server",
        "content",
        "origins",
        "subprotocols",
        "handshake_seconds",
        "age_seconds",
        "age_jitter_seconds",
        "age_code",
        "close_seconds",
        "other_code",
        "unknown_extensions",
        "deflate",
        "http2_repair",
        "upstream_gone_code",
        "memory_bytes",
    ] {
        let error = Settings::parse(format!(r#"{{"{key}":null}}"#).as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{key}: must be ")),
            "{error}"
        );
        assert!(error.to_string().ends_with(", and is null"), "{error}");
    }
}

#[test]
fn an_error_shows_a_long_value_in_one_short_line() {
    let (long, start) = ("\\n\u{e9}".repeat(50), "\u{fffd}\u{e9}".repeat(30));
    refuses(&[(
        &format!(r#"{{"deflate":"{long}"}}"#),
        &format!(r#"deflate: must be "pass" or "strip", and is "{start}...""#),
    )]);
}
