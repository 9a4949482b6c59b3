//! Broken rules: each side gets a close frame with its code at once, after everything that was valid.

use host_tests::wire::{BINARY, Frame, LengthForm, PING, RSV1, TEXT};
use rstest::rstest;
use serde_json::json;
use websocket_component::Role::{self, Client, Server};

use crate::proxy::{Proxy, Version};
use crate::side::Side;

/// Limits that short messages exceed.
fn limits() -> serde_json::Value {
    json!({ "max_message_bytes": 1000, "max_frame_bytes": 600, "max_fragments": 3 })
}

/// Bytes of a side that break a rule: its name, and the code for it.
fn violations(from: Role) -> Vec<(&'static str, u16, Vec<u8>)> {
    let by = |frame: Frame| frame.by(from).bytes();
    let all = |frames: &[Frame]| frames.iter().cloned().flat_map(by).collect();
    let fragment = |length| Frame::binary(vec![7; length]).not_last();
    let (mask, other) = match from {
        Client => ("frame-not-masked", Server),
        Server => ("frame-masked", Client),
    };
    vec![
        ("reserved-opcode", 1002, by(Frame::new(0x3, "x"))),
        (mask, 1002, Frame::text("x").by(other).bytes()),
        ("reserved-bits", 1002, by(Frame::text("x").reserved(RSV1))),
        ("control-fragmented", 1002, by(Frame::ping("x").not_last())),
        ("control-too-long", 1002, by(Frame::new(PING, [0; 126]))),
        (
            "unexpected-continuation",
            1002,
            by(Frame::continuation("x")),
        ),
        (
            "message-interleaved",
            1002,
            all(&[fragment(1), Frame::text("x")]),
        ),
        (
            "length-not-minimal",
            1002,
            Frame::new(BINARY, "x")
                .by(from)
                .bytes_with(LengthForm::Sixteen, 1),
        ),
        ("close-code-reserved", 1002, by(Frame::close(1006, ""))),
        ("invalid-utf8", 1007, by(Frame::new(TEXT, b"caf\xe9 x"))),
        // The header is enough.
        (
            "frame-too-big",
            1009,
            Frame::binary("").by(from).header(601),
        ),
        (
            "message-too-big",
            1009,
            all(&[fragment(600), Frame::continuation([7; 401])]),
        ),
        (
            "too-many-fragments",
            1008,
            all(&[
                fragment(1),
                Frame::continuation("x").not_last(),
                Frame::continuation("x").not_last(),
                Frame::continuation("x"),
            ]),
        ),
    ]
}

/// Asserts that the next frames are the valid ones, parts of the invalid one, and a close frame with this code.
#[track_caller]
fn ends_with(side: &mut Side, good: &Frame, code: u16, what: &str) {
    assert_eq!(side.frame(), *good, "{what}");
    let last = loop {
        let frame = side.frame();
        if frame.first == 0x88 {
            break frame;
        }
        // Fragments of the message that broke the rule later.
        assert_eq!(frame.first & 0x80, 0, "{what}: {frame:02x?}");
    };
    assert_eq!(last.payload[..2], code.to_be_bytes(), "{what}");
}

#[rstest]
fn who_breaks_a_rule_and_the_other_side_both_get_a_code_behind_what_was_good(
    #[values(Client, Server)] from: Role,
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let settings = json!({ "client": limits(), "server": limits() });
    let Some(proxy) = Proxy::start(version, |builder| builder.configuration(settings)) else {
        return;
    };
    let good = Frame::text("good");
    for (rule, code, bytes) in violations(from) {
        let (mut client, mut server) = proxy.open();
        let (breaker, other, other_code) = match from {
            Client => (&mut client, &mut server, 1001),
            Server => (&mut server, &mut client, 1014),
        };
        // In one read. Bytes after them are ignored.
        let late = Frame::text("late").by(from).bytes();
        breaker.write(&[good.clone().by(from).bytes(), bytes, late].concat());
        assert_eq!(breaker.close_code(), code, "{rule}");
        ends_with(other, &good, other_code, rule);
        assert_eq!(proxy.stat(&format!("rule.{rule}")), 1, "{rule}");
    }
    let count = violations(from).len();
    proxy.wait_for_stat("open", 0);
    let verdicts = proxy.envoy.access_log(count).expect("entries");
    let mut verdicts: Vec<_> = verdicts
        .iter()
        .map(|entry| entry["ws_verdict"].clone())
        .collect();
    let mut rules: Vec<_> = violations(from)
        .iter()
        .map(|(rule, ..)| json!(rule))
        .collect();
    verdicts.sort_by_key(ToString::to_string);
    rules.sort_by_key(ToString::to_string);
    assert_eq!(verdicts, rules);
}

#[test]
fn both_sides_get_the_same_code_if_that_is_set() {
    let Some(proxy) = Proxy::with(json!({ "other_code": "same" })) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = proxy.open();
        let breaker = match from {
            Client => &mut client,
            Server => &mut server,
        };
        breaker.send(&[Frame::new(TEXT, b"\xff")]);
        assert_eq!((client.close_code(), server.close_code()), (1007, 1007));
    }
}

#[rstest]
fn both_connections_end_soon_behind_the_close_frames(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    server.send(&[Frame::text("good"), Frame::new(0xb, "")]);
    assert_eq!(client.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1014, 1002));
    // Neither answers.
    assert_eq!((client.rest(), server.rest()), (vec![], vec![]));
    let entry = proxy.entry(1);
    assert_eq!(entry["ws_verdict"], "reserved-opcode");
    proxy.wait_for_stat("open", 0);
    assert_eq!(proxy.stat("memory_bytes"), 0);
    let log = proxy.envoy.wait_for_log("server: reserved-opcode");
    assert!(log.expect("the log names the rule").contains("at byte 6"));
}

#[test]
fn a_fragment_that_stays_open_does_not_hide_a_rule_that_is_broken_in_the_other_direction() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::text("half a ").not_last()]);
    assert_eq!(server.frame(), Frame::text("half a ").not_last());
    server.send(&[Frame::new(0x3, "")]);
    assert_eq!((client.close_code(), server.close_code()), (1014, 1002));
}

#[test]
fn text_is_not_checked_if_that_is_set() {
    let settings = json!({ "client": { "check_utf8": false } });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::new(TEXT, b"\xff")]);
    assert_eq!(server.frame(), Frame::new(TEXT, b"\xff"));
    server.send(&[Frame::new(TEXT, b"\xff")]);
    assert_eq!((client.close_code(), server.close_code()), (1014, 1007));
}
