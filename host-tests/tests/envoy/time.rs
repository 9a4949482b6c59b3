//! Timeouts: silence, age, messages and closing handshakes that take too long, pings.

use std::thread;
use std::time::{Duration, Instant};

use host_tests::wire::Frame;
use rstest::rstest;
use serde_json::{Value, json};
use websocket_component::Role::{self, Client, Server};

use crate::proxy::{Proxy, Version};
use crate::side::in_order;

#[rstest]
fn connections_end_at_their_age_with_the_code_that_is_set(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let settings = json!({ "age_seconds": 0.8, "age_code": 1012 });
    let Some(proxy) = Proxy::start(version, |builder| builder.configuration(settings)) else {
        return;
    };
    let since = Instant::now();
    let (mut client, mut server) = proxy.open();
    while since.elapsed() < Duration::from_millis(600) {
        client.send(&[Frame::text("I live")]);
        assert_eq!(server.frame(), Frame::text("I live"));
        thread::sleep(Duration::from_millis(50));
    }
    // Between frames, from a timer.
    assert_eq!((client.close_code(), server.close_code()), (1012, 1012));
    let age = since.elapsed();
    assert!(age >= Duration::from_millis(800), "{age:?}");
    // Both answer.
    client.send(&[Frame::close(1012, "")]);
    server.send(&[Frame::close(1012, "")]);
    drop(server);
    assert_eq!(client.rest(), b"");
    assert_eq!(
        proxy
            .stats()
            .keys()
            .filter(|name| name.starts_with("rule."))
            .count(),
        0
    );
}

#[test]
fn ages_are_spread_by_the_jitter() {
    let settings = json!({ "age_seconds": 1.6, "age_jitter_seconds": 1.5 });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let ages: Vec<_> = thread::scope(|scope| {
        let connections: Vec<_> = (0..8)
            .map(|_| {
                let (mut client, server) = proxy.open();
                let since = Instant::now();
                scope.spawn(move || {
                    assert_eq!(client.close_code(), 1001);
                    drop(server);
                    since.elapsed()
                })
            })
            .collect();
        let ages = connections.into_iter().map(|connection| connection.join());
        ages.map(|age| age.expect("it ends")).collect()
    });
    let (shortest, longest) = (ages.iter().min(), ages.iter().max());
    let spread = *longest.expect("ages") - *shortest.expect("ages");
    assert!(spread > Duration::from_millis(200), "{ages:?}");
    assert!(
        *longest.expect("ages") < Duration::from_millis(2500),
        "{ages:?}"
    );
}

#[rstest]
fn a_side_that_sends_nothing_for_too_long_is_closed(#[values(Client, Server)] from: Role) {
    let Some(proxy) = Proxy::with(of(from, json!({ "idle_seconds": 0.4 }))) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let (silent, other) = in_order(from, &mut client, &mut server);
    for _ in 0..8 {
        silent.send(&[Frame::pong("")]);
        assert_eq!(other.frame(), Frame::pong(""));
        other.send(&[Frame::text("what the other sends doesn't count")]);
        silent.frame();
        thread::sleep(Duration::from_millis(100));
    }
    let other_code = if from == Client { 1001 } else { 1014 };
    assert_eq!(silent.close_code(), 1001);
    assert_eq!(other.close_code(), other_code);
    assert_eq!(proxy.stat("rule.idle-timeout"), 1);
}

#[test]
fn a_side_that_sends_no_message_for_too_long_is_closed_whatever_else_it_sends() {
    let settings = of(Client, json!({ "message_idle_seconds": 0.4 }));
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let since = Instant::now();
    while proxy.stat("rule.idle-timeout") == 0 {
        assert!(since.elapsed() < Duration::from_secs(10));
        client.send(&[Frame::ping("here")]);
        thread::sleep(Duration::from_millis(50));
    }
    assert!(since.elapsed() > Duration::from_millis(400));
    assert_eq!(client.close_code(), 1001);
    while server.frame() == Frame::ping("here") {}
}

#[test]
fn a_message_that_takes_too_long_is_closed() {
    let settings = of(Client, json!({ "message_seconds": 0.3 }));
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::text("half").not_last(), Frame::ping("more follows")]);
    assert_eq!(server.frame(), Frame::text("half").not_last());
    assert_eq!(server.frame(), Frame::ping("more follows"));
    assert_eq!((client.close_code(), server.close_code()), (1008, 1001));
    assert_eq!(proxy.entry(1)["ws_verdict"], "message-timeout");
}

#[rstest]
fn pings_go_to_a_side_and_their_pongs_stop_at_the_filter(
    #[values(Client, Server)] to: Role,
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let settings = of(to, json!({ "ping_seconds": 0.2, "pong_seconds": 0.5 }));
    let Some(proxy) = Proxy::start(version, |builder| builder.configuration(settings)) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let (asked, other) = in_order(to, &mut client, &mut server);
    for number in 1..=4 {
        let ping = asked.frame();
        assert_eq!(ping.first, 0x89);
        // An unsolicited pong passes.
        let own = Frame::pong(format!("own {number}"));
        asked.send(&[own.clone(), Frame::pong(ping.payload)]);
        assert_eq!(other.frame(), own);
    }
    proxy.wait_for_stat(&format!("{}.round_trip_ms", name(to)), 4);
    // Now it answers none.
    let mut last = asked.frame();
    while last.first == 0x89 {
        last = asked.frame();
    }
    assert_eq!(last.payload[..2], 1011_u16.to_be_bytes());
    assert_eq!(other.close_code(), if to == Client { 1001 } else { 1014 });
    assert_eq!(proxy.entry(1)["ws_verdict"], "pong-timeout");
}

#[test]
fn a_closing_handshake_that_takes_too_long_is_cut_off() {
    let Some(proxy) = Proxy::with(json!({ "close_seconds": 0.3 })) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = proxy.open();
        let (closer, other) = in_order(from, &mut client, &mut server);
        let since = Instant::now();
        closer.send(&[Frame::close(4000, "bye")]);
        assert_eq!(other.frame(), Frame::close(4000, "bye"));
        // No side answers.
        assert_eq!(closer.close_code(), 4000);
        assert_eq!((client.rest(), server.rest()), (vec![], vec![]));
        let took = since.elapsed();
        assert!((300..8000).contains(&took.as_millis()), "{took:?}");
    }
    proxy.wait_for_stat("open", 0);
    assert_eq!(proxy.stat("rule.close-timeout"), 2);
}

/// Settings of one direction.
fn of(from: Role, settings: Value) -> Value {
    json!({ name(from): settings })
}

fn name(side: Role) -> &'static str {
    match side {
        Client => "client",
        Server => "server",
    }
}
