//! Keepalive pings, and pongs that don't come.

use std::time::Duration;

use host_tests::engine::ROLES;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Pair, Subject, on_both_engines};
use websocket_component::{ActionQueue, Config, Instant, Message, Role, Rule, State};

use super::{NANO, SECOND, config, fails_in, quiet};

on_both_engines![
    a_keepalive_ping_is_sent_at_its_interval,
    any_byte_postpones_the_keepalive,
    a_ping_without_its_pong,
    a_pong_that_came_late_in_the_hosts_time_counts,
    keepalive_pings_do_not_pile_up_when_nothing_can_be_written,
    a_pair_stays_open_by_keepalives,
    a_pair_whose_cable_is_cut_notices_on_both_sides,
];

fn a_keepalive_ping_is_sent_at_its_interval<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let mut payloads = Vec::new();
        for _ in 0..3 {
            assert_eq!(subject.next_deadline(), Some(30 * SECOND));
            subject.waits(30 * SECOND - NANO);
            assert_eq!(subject.writes(), []);
            subject.waits(NANO);
            let mut written = subject.writes();
            let ping = written.pop().expect("a ping");
            assert_eq!(ping, Frame::ping(&ping.payload));
            assert_eq!(written, []);
            payloads.push(ping.payload);
        }
        payloads.dedup();
        assert_eq!(payloads.len(), 3, "each has a payload of its own");
    }
}

fn any_byte_postpones_the_keepalive<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for byte in Frame::text("x").by(Role::Client).bytes() {
        subject.waits(29 * SECOND);
        subject.hears([byte]);
        assert_eq!(subject.next_deadline(), Some(30 * SECOND));
    }
    assert_eq!(subject.writes(), []);
}

fn a_ping_without_its_pong<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.says(Message::Ping(b"1")).unwrap();
        subject.waits(5 * SECOND);
        subject.says(Message::Ping(b"2")).unwrap();
        assert_eq!(subject.next_deadline(), Some(15 * SECOND));
        subject.hears_frames(&[Frame::pong("1"), Frame::pong("other")]);
        // Only the second is left.
        fails_in(&mut subject, 20 * SECOND, Rule::PongTimeout);
        let pings = [Frame::ping("1"), Frame::ping("2")];
        assert_eq!(subject.has_failed(Rule::PongTimeout), pings);
    }
}

fn a_pong_that_came_late_in_the_hosts_time_counts<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.says(Message::Ping(b"1")).unwrap();
    subject.now = subject.now.after(25 * SECOND);
    subject.hears_frames(&[Frame::pong("1")]);
    assert_eq!(subject.failed_by(), None);
    assert_eq!(subject.next_deadline(), None);
    let round_trip = subject.engine.round_trip_time();
    assert_eq!(round_trip, Some(25_000_000_000));
}

fn keepalive_pings_do_not_pile_up_when_nothing_can_be_written<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(SECOND));
    let mut engine = E::open(Role::Server, &config, &Default::default()).unwrap();
    let mut now = Instant::from_nanos(0);
    engine.send(Message::Text("first"), None, now).unwrap();
    for _ in 0..1000 {
        now = now.after(SECOND);
        // The host tells the time, and takes nothing.
        engine.get_action(ActionQueue::Receive, now);
    }
    assert!(engine.buffered_amount() < 100);
}

fn a_pair_stays_open_by_keepalives<E: Engine>() {
    let mut client = config(|timeouts| {
        timeouts.idle = Some(60 * SECOND);
        timeouts.pong = Some(SECOND);
        timeouts.keepalive = Some(30 * SECOND);
    });
    client.show_control = true;
    let mut pair = Pair::<E>::open(&client, &quiet());
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.states(), (State::Open, State::Open));
    let events = pair.client.events();
    // The interval, and the 40 ms that a pong takes, after which the next begins.
    assert_eq!(events.len(), 119);
    for event in events {
        assert!(matches!(event, Event::Pong(_, Some(40_000_000))));
    }
    assert_eq!(pair.client.engine.round_trip_time(), Some(40_000_000));
}

fn a_pair_whose_cable_is_cut_notices_on_both_sides<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_says(Message::Text("hello")).unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.server.events(), [Event::text("hello")]);
    pair.client.wire.is_cut = true;
    pair.server.wire.is_cut = true;
    // A keepalive after 30 s, its pong within 20.
    pair.run_for(48 * SECOND);
    assert_eq!(pair.states(), (State::Open, State::Open));
    pair.run_for(3 * SECOND);
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    for failure in [pair.client.engine.failure(), pair.server.engine.failure()] {
        let rule = failure.map(|failure| failure.rule);
        assert_eq!(rule, Some(Rule::PongTimeout));
    }
}
