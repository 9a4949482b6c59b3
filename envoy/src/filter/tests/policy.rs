use host_tests::deflate;
use host_tests::wire::{Frame, RSV1};
use websocket_component::Role::{Client, Server};

use super::proxy::{Proxy, SWITCHING, UPGRADE};
use super::{frames, send};

fn open(settings: &str) -> Proxy {
    let mut proxy = Proxy::new(settings);
    proxy.open(1, true);
    proxy
}

#[test]
fn messages_beyond_a_rate_wait_and_none_is_lost() {
    let mut proxy = open(r#"{"client": {"messages_per_second": 10}}"#);
    for _ in 0..30 {
        send(&mut proxy, Client, &[Frame::text("m")]);
    }
    let at_once = frames(&mut proxy, Client).len();
    assert!((10..=12).contains(&at_once), "{at_once}");
    proxy.pass(1000);
    let later = frames(&mut proxy, Client).len();
    assert!(later > at_once, "{later}");
    proxy.pass(5000);
    assert_eq!(frames(&mut proxy, Client).len(), 30);
    assert_eq!(proxy.sent(1, Server), b"");
}

#[test]
fn what_can_not_be_held_back_is_closed() {
    let mut proxy = open(r#"{"client": {"bytes_per_second": 1000}}"#);
    for _ in 0..8 {
        send(&mut proxy, Client, &[Frame::binary([0; 100_000])]);
    }
    assert_eq!(proxy.close(1)["ws_verdict"], "rate");
    assert!(!proxy.of(1).is_reset);
    assert_eq!(
        frames(&mut proxy, Server)[0].payload[..2],
        u16::to_be_bytes(1008)
    );

    let mut proxy = open(r#"{"client": {"messages_per_second": 1, "over_rate": "close"}}"#);
    for _ in 0..4 {
        send(&mut proxy, Client, &[Frame::text("m")]);
    }
    assert_eq!(
        frames(&mut proxy, Server)[0].payload[..2],
        u16::to_be_bytes(1008)
    );
}

#[test]
fn what_has_no_payload_counts_against_a_rate_of_bytes() {
    let mut proxy = open(r#"{"client": {"bytes_per_second": 1000, "over_rate": "close"}}"#);
    for _ in 0..10 {
        send(&mut proxy, Client, &vec![Frame::ping(""); 100]);
    }
    assert_eq!(
        frames(&mut proxy, Server)[0].payload[..2],
        u16::to_be_bytes(1008)
    );
}

#[test]
fn a_denied_message_never_arrives_and_those_before_it_do() {
    let settings = r#"{"content": {"deny": [{"text": "secret"}, {"regex": "[0-9]{16}"}]}}"#;
    for denied in ["a secret thing", "card 4111111111111111"] {
        let mut proxy = open(settings);
        let (first, last) = denied.split_at(5);
        send(
            &mut proxy,
            Client,
            &[
                Frame::text("harmless"),
                Frame::text(first).not_last(),
                Frame::continuation(last),
                Frame::text("late"),
            ],
        );
        let on = frames(&mut proxy, Client);
        assert_eq!(on.len(), 2, "{on:?}");
        assert_eq!(on[0], Frame::text("harmless"));
        assert_eq!(on[1].payload[..2], u16::to_be_bytes(1008));
        assert_eq!(
            frames(&mut proxy, Server)[0].payload[..2],
            u16::to_be_bytes(1008)
        );
        assert_eq!(proxy.close(1)["ws_verdict"], "content");
    }
    // The other side's are not looked at.
    let mut proxy = open(settings);
    send(&mut proxy, Server, &[Frame::text("a secret thing")]);
    assert_eq!(frames(&mut proxy, Server), [Frame::text("a secret thing")]);
}

#[test]
fn only_what_is_allowed_passes_if_something_is() {
    let settings = r#"{"content": {"from": "both", "allow": [{"regex": "^\\{"}], "max_bytes": 100, "longer": "close"}}"#;
    for from in [Client, Server] {
        let mut proxy = open(settings);
        send(
            &mut proxy,
            from,
            &[Frame::text("{\"a\":1}"), Frame::text("plain")],
        );
        assert_eq!(frames(&mut proxy, from)[0], Frame::text("{\"a\":1}"));
        assert_eq!(proxy.close(1)["ws_verdict"], "content");

        let mut proxy = open(settings);
        send(&mut proxy, from, &[Frame::text(vec![b'{'; 101])]);
        assert_eq!(proxy.close(1)["ws_verdict"], "message-too-big");
    }
}

#[test]
fn what_is_held_of_a_message_has_a_limit_whatever_it_is_made_of() {
    for (longer, verdict) in [("pass", "connection-lost"), ("close", "message-too-big")] {
        let settings =
            format!(r#"{{"content": {{"deny": [{{"text": "x"}}], "longer": "{longer}"}}}}"#);
        let mut proxy = Proxy::new(&settings);
        open_compressed(&mut proxy, 1);
        // Stored blocks of no bytes (RFC 1951, section 3.2.4).
        let blocks = [0, 0, 0, 0xff, 0xff].repeat(200);
        let first = Frame::text(blocks.clone()).not_last().reserved(RSV1);
        send(&mut proxy, Client, &[first]);
        let then = Frame::continuation(blocks).not_last();
        for _ in 0..1000 {
            send(&mut proxy, Client, std::slice::from_ref(&then));
            let memory = proxy.outside.metrics["websocket.memory_bytes"];
            assert!(memory < 400_000, "{memory}");
        }
        assert_eq!(proxy.close(1)["ws_verdict"], verdict);
    }
}

#[test]
fn requests_that_wait_for_an_answer_count_and_the_greediest_is_refused() {
    let mut proxy = Proxy::new(r#"{"memory_bytes": 1048576}"#);
    for id in 1..=40 {
        let count = if id == 7 { 15_000 } else { 10_000 };
        let names = (0..count).map(|name| format!("{name:x}"));
        let names = names.collect::<Vec<_>>().join(",");
        let list = [("sec-websocket-protocol", &names[..])];
        proxy.request(id, &[&UPGRADE[..], &list].concat());
        let memory = proxy.outside.metrics["websocket.memory_bytes"];
        assert!(memory <= 1 << 20, "{memory}");
    }
    let refused = Some((503, "memory".to_owned()));
    assert_eq!(proxy.of(7).local, refused);
    let count = (1..=40).filter(|id| proxy.of(*id).local == refused);
    assert!((10..35).contains(&count.count()));
}

/// A compressed payload that inflates to `length` bytes, and is about 1,000 times shorter.
fn zeros(length: usize) -> Vec<u8> {
    deflate::Peer::default().compresses(vec![b'0'; length])
}

fn open_compressed(proxy: &mut Proxy, id: u32) {
    let deflate = [("sec-websocket-extensions", "permessage-deflate")];
    proxy.request(id, &[&UPGRADE[..], &deflate].concat());
    proxy.come(id, Client, b"");
    proxy.response(id, &[&SWITCHING[..], &deflate].concat());
    proxy.come(id, Server, b"");
}

#[test]
fn memory_stays_in_its_budget_however_many_want_more_at_once() {
    let mut proxy = Proxy::new(r#"{"memory_bytes": 4194304}"#);
    let unfinished = Frame::text(zeros(1_000_000)).reserved(RSV1).not_last();
    let bytes = unfinished.by(Client).bytes();
    let mut most = 0;
    for id in 1..=100 {
        open_compressed(&mut proxy, id);
        proxy.come(id, Client, &bytes);
        most = most.max(proxy.outside.metrics["websocket.memory_bytes"]);
    }
    assert!(most <= 4 << 20, "{most}");
    assert!(proxy.outside.metrics["websocket.ended.memory"] > 5);
    proxy.pass(1000);
    for id in 1..=100 {
        let fields = proxy.close(id);
        assert!(["memory", "connection-lost"].contains(&&fields["ws_verdict"][..]));
        assert!(fields.contains_key("ws_bytes_client"));
    }
    assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
}

#[test]
fn a_long_message_that_has_gone_on_takes_no_memory_any_more() {
    let mut proxy = Proxy::new("");
    open_compressed(&mut proxy, 1);
    let message = Frame::text(zeros(1_000_000)).reserved(RSV1);
    send(&mut proxy, Client, std::slice::from_ref(&message));
    assert_eq!(frames(&mut proxy, Client), [message]);
    let memory = proxy.outside.metrics["websocket.memory_bytes"];
    assert!(memory < 100_000, "{memory}");
}

#[test]
fn a_connection_that_broke_a_rule_takes_no_memory_until_it_is_reset() {
    let mut proxy = Proxy::new("");
    open_compressed(&mut proxy, 1);
    let message = Frame::text(zeros(1000)).reserved(RSV1);
    send(&mut proxy, Client, &[message, Frame::new(0x3, "")]);
    let memory = proxy.outside.metrics["websocket.memory_bytes"];
    assert!(memory < 1500, "{memory}");
    proxy.pass(1000);
    let fields = proxy.close(1);
    let expected = [
        ("ws_verdict", "reserved-opcode"),
        ("ws_messages_client", "1"),
        ("ws_close_to_client", "1002"),
        ("ws_close_to_server", "1001"),
    ];
    for (name, value) in expected {
        assert_eq!(fields[name], value, "{name}");
    }
}

#[test]
fn what_is_no_websocket_takes_no_memory_and_is_never_ended() {
    let mut proxy = Proxy::new(r#"{"memory_bytes": 1048576}"#);
    for id in 1..=4000 {
        proxy.request(id, &[(":method", "GET"), (":path", "/")]);
    }
    assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
    proxy.pass(1000);
    assert!((1..=4000).all(|id| !proxy.of(id).is_reset));
}

#[test]
fn the_greediest_connection_ends_if_memory_is_short() {
    let settings = r#"{"memory_bytes": 1048576, "client": {"hold_frame_bytes": 524288}}"#;
    let mut proxy = Proxy::new(settings);
    for id in 1..=4 {
        proxy.open(id, true);
        // A frame that is held until all of it has come.
        let text = Frame::text(vec![b'a'; 500_000]).by(Client).bytes();
        let length = if id == 3 { 480_000 } else { 300_000 };
        proxy.come(id, Client, &text[..length]);
    }
    let verdicts: Vec<_> = (1..=4)
        .map(|id| proxy.close(id)["ws_verdict"].clone())
        .collect();
    let lost = "connection-lost";
    assert_eq!(verdicts, [lost, lost, "memory", lost]);
    assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
}

#[test]
fn memory_for_a_frame_that_was_held_is_freed_when_it_has_gone_on() {
    let mut proxy = open("");
    let idle = proxy.outside.metrics["websocket.memory_bytes"];
    let text = Frame::text(vec![b'a'; 60_000]).by(Client).bytes();
    proxy.come(1, Client, &text[..59_000]);
    let held = proxy.outside.metrics["websocket.memory_bytes"];
    assert!(held >= idle + 59_000, "{held}");
    proxy.come(1, Client, &text[59_000..]);
    let after = proxy.outside.metrics["websocket.memory_bytes"];
    assert!(after <= idle + 2048, "{idle}, and {after} afterwards");
}

#[test]
fn a_denied_message_never_passes_whoever_has_closed() {
    let mut proxy = open(r#"{"content": {"deny": [{"text": "secret"}]}}"#);
    send(&mut proxy, Server, &[Frame::close(1000, "")]);
    send(&mut proxy, Client, &[Frame::text("a secret")]);
    send(
        &mut proxy,
        Client,
        &[Frame::text("fine"), Frame::close(1000, "")],
    );
    proxy.pass(100);
    assert_eq!(proxy.sent(1, Client), b"");
    assert!(proxy.of(1).is_reset);
    assert_eq!(proxy.close(1)["ws_verdict"], "content");

    let mut proxy = open(r#"{"content": {"deny": [{"text": "secret"}]}}"#);
    send(
        &mut proxy,
        Client,
        &[Frame::text("a secret"), Frame::close(1000, "")],
    );
    proxy.pass(100);
    assert!(proxy.of(1).is_reset);
}

#[test]
fn a_connection_that_closes_while_it_is_over_its_rate_ends_and_ticks_do_too() {
    for settings in [
        r#"{"client": {"messages_per_second": 1, "over_rate": "close"}}"#,
        r#"{"client": {"messages_per_second": 1}, "age_seconds": 3}"#,
        r#"{"client": {"messages_per_second": 1}}"#,
    ] {
        let mut proxy = open(settings);
        for _ in 0..4 {
            send(&mut proxy, Client, &[Frame::text("m")]);
        }
        proxy.end(1, Client);
        proxy.pass(30_000);
        proxy.close(1);
        proxy.pass(200);
        assert_eq!(proxy.outside.tick, 0, "{settings}");
    }
}

#[test]
fn a_side_that_is_held_back_is_not_late() {
    let settings =
        r#"{"client": {"bytes_per_second": 1000, "ping_seconds": 5, "pong_seconds": 5}}"#;
    let mut proxy = open(settings);
    send(&mut proxy, Client, &[Frame::binary([0; 20_000])]);
    let mut seen = 0;
    for _ in 0..150 {
        proxy.pass(100);
        let all = frames(&mut proxy, Server);
        for ping in &all[seen..] {
            send(&mut proxy, Client, &[Frame::pong(&ping.payload)]);
        }
        seen = all.len();
    }
    assert!(seen > 0);
    assert_eq!(proxy.close(1)["ws_verdict"], "connection-lost");
}
