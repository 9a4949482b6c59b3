//! Policies of the operator: rates, content and memory.

use std::time::{Duration, Instant};

use host_tests::deflate;
use host_tests::wire::{Frame, RSV1, bytes_of};
use rstest::rstest;
use serde_json::{Value, json};
use websocket_component::Role::{self, Client, Server};

use crate::proxy::{Opening, Proxy, wait_for};
use crate::side::in_order;

#[rstest]
fn messages_beyond_a_rate_are_held_back_and_none_is_lost(#[values(Client, Server)] from: Role) {
    let rate = json!({ "messages_per_second": 20, "burst_seconds": 0.5 });
    let Some(proxy) = Proxy::with(of(from, rate)) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let (sender, receiver) = in_order(from, &mut client, &mut server);
    let since = Instant::now();
    for number in 0..20 {
        sender.send(&[Frame::text(number.to_string())]);
        assert_eq!(receiver.frame(), Frame::text(number.to_string()));
    }
    // A burst of 10, and 20 a second.
    let took = since.elapsed();
    assert!(took > Duration::from_millis(400), "{took:?}");
    // All of these at once, then none for a second and a half.
    let burst = vec![Frame::text("m"); 30];
    sender.send(&burst);
    for frame in &burst {
        assert_eq!(receiver.frame(), *frame);
    }
    sender.send(&[Frame::text("late")]);
    receiver.is_silent_for(Duration::from_millis(900));
    assert_eq!(receiver.frame(), Frame::text("late"));
    // The other direction has no limit.
    receiver.send(&vec![Frame::text("x"); 100]);
    for _ in 0..100 {
        assert_eq!(sender.frame(), Frame::text("x"));
    }
}

#[test]
fn bytes_beyond_a_rate_are_held_back_and_none_is_lost() {
    let rate = json!({ "bytes_per_second": 100_000, "burst_seconds": 0.1 });
    let Some(proxy) = Proxy::with(of(Client, rate)) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let since = Instant::now();
    let frame = Frame::binary([7; 20_000]);
    for _ in 0..4 {
        client.send(std::slice::from_ref(&frame));
        assert!(server.frame() == frame);
    }
    // A burst of 10,000, and 100,000 a second; a read counts as a whole.
    let took = since.elapsed();
    assert!(took > Duration::from_millis(450), "{took:?}");
}

#[test]
fn who_sends_more_than_a_rate_is_closed_if_that_is_set() {
    let rate = json!({ "messages_per_second": 5, "over_rate": "close" });
    let Some(proxy) = Proxy::with(of(Client, rate)) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let mut sent = 0;
    while sent < 20 && proxy.stat("ended.rate") == 0 {
        client.send(&[Frame::text("m")]);
        sent += 1;
    }
    assert_eq!(client.close_code(), 1008);
    let mut arrived = 0;
    let last = loop {
        let frame = server.frame();
        if frame != Frame::text("m") {
            break frame;
        }
        arrived += 1;
    };
    assert_eq!(last.payload[..2], 1008_u16.to_be_bytes());
    assert!((5..=10).contains(&arrived), "{arrived} of {sent}");
    assert_eq!(proxy.entry(1)["ws_verdict"], "rate");
}

#[test]
fn pings_and_empty_frames_count_against_a_rate_of_bytes() {
    let rate = json!({ "bytes_per_second": 1000, "over_rate": "close" });
    for frame in [Frame::ping(""), Frame::text("").not_last()] {
        let Some(proxy) = Proxy::with(of(Client, rate.clone())) else {
            return;
        };
        let (mut client, _server) = proxy.open();
        // 30,000 bytes: a third of them in the first read at least.
        let mut flood = vec![Frame::continuation("").not_last(); 5000];
        if frame.first == Frame::ping("").first {
            flood = vec![frame.clone(); 5000];
        } else {
            flood[0] = frame;
        }
        for part in bytes_of(&flood, Client).chunks(3000) {
            client.write(part);
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(client.close_code(), 1008);
        assert_eq!(proxy.stat("ended.rate"), 1);
    }
}

#[rstest]
fn a_denied_message_never_arrives_and_those_before_it_do(#[values(Client, Server)] from: Role) {
    let content = json!({
        "from": if from == Client { "client" } else { "server" },
        "deny": [{ "text": "secret" }, { "regex": "[0-9]{16}" }],
    });
    let Some(proxy) = Proxy::with(json!({ "content": content })) else {
        return;
    };
    for denied in ["a secret thing", "card 4111111111111111"] {
        let (mut client, mut server) = proxy.open();
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let (first, last) = denied.split_at(5);
        // In the other direction everything passes.
        receiver.send(&[Frame::text(denied)]);
        assert_eq!(sender.frame(), Frame::text(denied));
        sender.send(&[
            Frame::text("harmless"),
            Frame::text(first).not_last(),
            Frame::continuation(last),
            Frame::text("late"),
        ]);
        assert_eq!(receiver.frame(), Frame::text("harmless"));
        assert_eq!((client.close_code(), server.close_code()), (1008, 1008));
    }
    for entry in proxy.envoy.access_log(2).expect("entries") {
        assert_eq!(entry["ws_verdict"], "content");
    }
    assert_eq!(proxy.stat("ended.content"), 2);
}

#[test]
fn only_what_is_allowed_passes_and_nothing_that_is_too_long_to_look_at() {
    let content = json!({
        "from": "both",
        "allow": [{ "regex": "^\\{" }],
        "max_bytes": 100,
        "longer": "close",
    });
    let Some(proxy) = Proxy::with(json!({ "content": content })) else {
        return;
    };
    for from in [Client, Server] {
        // A message that is too long breaks a limit, and the other side gets the code for a lost peer.
        let gone = if from == Client { 1001 } else { 1014 };
        for (last, code, told) in [
            ("plain".to_owned(), 1008, 1008),
            ("{".repeat(101), 1009, gone),
        ] {
            let (mut client, mut server) = proxy.open();
            let (sender, receiver) = in_order(from, &mut client, &mut server);
            sender.send(&[Frame::text("{\"a\":1}")]);
            assert_eq!(receiver.frame(), Frame::text("{\"a\":1}"));
            sender.send(&[Frame::text(&last)]);
            assert_eq!((sender.close_code(), receiver.close_code()), (code, told));
        }
    }
}

#[test]
fn messages_that_are_too_long_to_look_at_pass_by_default() {
    let content = json!({ "deny": [{ "text": "secret" }], "max_bytes": 100 });
    let Some(proxy) = Proxy::with(json!({ "content": content })) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let long = Frame::text("secret".repeat(20));
    client.send(std::slice::from_ref(&long));
    assert_eq!(server.frame(), long);
}

#[test]
fn the_greediest_connection_ends_if_memory_is_short() {
    let settings = json!({
        "memory_bytes": 1 << 20,
        "client": { "hold_frame_bytes": 512 << 10 },
        "server": { "hold_frame_bytes": 512 << 10 },
    });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let text = Frame::text(vec![b'a'; 400_000]);
    let mut connections: Vec<_> = (0..4).map(|_| proxy.open()).collect();
    // Frames that are held until they are complete.
    let bytes = text.clone().by(Client).bytes();
    let (modest, rest) = bytes.split_at(60_000);
    for (client, _) in &mut connections[..3] {
        client.write(modest);
    }
    wait_for("what the others hold", || {
        (proxy.stat("memory_bytes") > 180_000).then_some(())
    });
    let (client, server) = &mut connections[3];
    let long = Frame::text(vec![b'a'; 500_000]);
    client.write(&long.clone().by(Client).bytes()[..490_000]);
    server.write(&long.bytes()[..490_000]);
    assert_eq!((client.close_code(), server.close_code()), (1013, 1013));
    for (client, server) in &mut connections[..3] {
        client.write(rest);
        assert!(server.frame() == text);
    }
    assert_eq!(proxy.stat("ended.memory"), 1);
    drop(connections);
    proxy.wait_for_stat("open", 0);
    assert_eq!(proxy.stat("memory_bytes"), 0);
}

#[test]
fn many_that_want_memory_at_once_are_closed_and_the_others_go_on() {
    let Some(proxy) = Proxy::with(json!({ "memory_bytes": 4 << 20 })) else {
        return;
    };
    let field = [("Sec-WebSocket-Extensions", "permessage-deflate")];
    let opening = Opening {
        request: &field,
        response: &field,
        ..Opening::default()
    };
    let payload = deflate::Peer::default().compresses(vec![b'0'; 1_000_000]);
    let unfinished = Frame::text(payload).reserved(RSV1).not_last();
    let mut greedy = Vec::new();
    for _ in 0..150 {
        let (mut client, server) = proxy.open_with(opening);
        client.send(std::slice::from_ref(&unfinished));
        greedy.push((client, server));
    }
    wait_for("closes", || (proxy.stat("ended.memory") > 20).then_some(()));
    wait_for("memory in its budget", || {
        (proxy.stat("memory_bytes") <= 4 << 20).then_some(())
    });
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::text("m")]);
    assert_eq!(server.frame(), Frame::text("m"));
}

#[test]
fn requests_that_wait_for_an_answer_are_refused_if_memory_is_short() {
    let Some(proxy) = Proxy::with(json!({ "memory_bytes": 1 << 20 })) else {
        return;
    };
    let names = (0..10_000).map(|name| format!("{name:x}"));
    let names = names.collect::<Vec<_>>().join(",");
    let opening = Opening {
        request: &[("Sec-WebSocket-Protocol", &names)],
        ..Opening::default()
    };
    let waiting: Vec<_> = (0..60)
        .map(|_| {
            let mut client = proxy.dial();
            client.write(&opening.request());
            client
        })
        .collect();
    wait_for("refusals", || {
        (proxy.stat("refused.memory") >= 30).then_some(())
    });
    // A request counts before another one is refused for it.
    wait_for("memory in its budget", || {
        (proxy.stat("memory_bytes") <= 1 << 20).then_some(())
    });
    let entry = proxy.entry(1);
    assert_eq!(
        (&entry["code"], &entry["ws_verdict"]),
        (&json!(503), &json!("memory"))
    );
    drop(waiting);
    while proxy.accepted_within(Duration::from_millis(200)).is_some() {}
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::text("m")]);
    assert_eq!(server.frame(), Frame::text("m"));
}

/// Settings of one direction.
fn of(from: Role, settings: Value) -> Value {
    match from {
        Client => json!({ "client": settings }),
        Server => json!({ "server": settings }),
    }
}
