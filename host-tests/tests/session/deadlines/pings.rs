//! Keepalive pings, and missing pongs.

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
    whatever_comes_after_a_ping_shows_that_the_peer_lives,
    a_pong_behind_a_large_frame_of_the_peers_may_be_late,
    the_round_trip_counts_from_the_latest_equal_ping,
    a_dead_peer_is_noticed_however_often_the_host_pings,
    a_ping_behind_data_that_goes_out_has_all_its_time,
    output_that_is_taken_behind_a_ping_gives_the_peer_time,
    output_that_the_host_keeps_and_is_taken_gives_the_peer_time,
    messages_to_a_dead_peer_do_not_hide_that_nothing_comes,
    messages_that_are_taken_in_parts_do_not_hide_it_either,
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
        subject.receives([byte]);
        assert_eq!(subject.next_deadline(), Some(30 * SECOND));
    }
    assert_eq!(subject.writes(), []);
}

fn a_ping_without_its_pong<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.sends(Message::Ping(b"1")).unwrap();
        subject.waits(5 * SECOND);
        subject.sends(Message::Ping(b"2")).unwrap();
        fails_in(&mut subject, 15 * SECOND, Rule::PongTimeout);
        let pings = [Frame::ping("1"), Frame::ping("2")];
        assert_eq!(subject.has_failed(Rule::PongTimeout), pings);
    }
}

/// RFC 6455, section 5.5.3, lets a peer answer the latest ping only; others answer without the payload, or don't
/// support pings.
fn whatever_comes_after_a_ping_shows_that_the_peer_lives<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    for role in ROLES {
        for sign in [
            Frame::pong("1"),
            Frame::pong(""),
            Frame::pong("other"),
            Frame::ping("?"),
            Frame::text("x"),
            Frame::binary("x").not_last(),
        ] {
            let mut subject = Subject::<E>::open(role, &config);
            subject.sends(Message::Ping(b"1")).unwrap();
            subject.sends(Message::Ping(b"2")).unwrap();
            subject.waits(19 * SECOND);
            subject.receives_frames(&[sign]);
            assert_eq!(subject.next_deadline(), None);
            // The next one starts a pong timeout again.
            subject.sends(Message::Ping(b"3")).unwrap();
            fails_in(&mut subject, 20 * SECOND, Rule::PongTimeout);
        }
    }
}

/// A pong queued behind the peer's own large frame on a slow link is late, but the frame arrives.
fn a_pong_behind_a_large_frame_of_the_peers_may_be_late<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.keepalive = Some(30 * SECOND);
        timeouts.pong = Some(2 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let bytes = subject.peers(&[Frame::binary([7; 60_000])]);
    subject.sends(Message::Ping(b"?")).unwrap();
    for part in bytes.chunks(1000) {
        subject.receives(part);
        subject.sends(Message::Ping(b"?")).unwrap();
        subject.waits(SECOND);
        assert_eq!(subject.failed_by(), None);
    }
}

/// The payload tells which ping a pong answers: of equal ones the latest, and with it all before.
fn the_round_trip_counts_from_the_latest_equal_ping<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &quiet());
    for _ in 0..2 {
        subject.sends(Message::Ping(b"")).unwrap();
        subject.waits(SECOND);
    }
    subject.receives_frames(&[Frame::pong("")]);
    assert_eq!(subject.engine.round_trip_time(), Some(1_000_000_000));
    subject.waits(SECOND);
    // It answers none.
    subject.receives_frames(&[Frame::pong("")]);
    assert_eq!(subject.engine.round_trip_time(), Some(1_000_000_000));
}

/// More pings than a session remembers don't hide that nothing is received.
fn a_dead_peer_is_noticed_however_often_the_host_pings<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.keepalive = Some(30 * SECOND);
        timeouts.pong = Some(20 * SECOND);
    });
    for millis in [100, 200, 400, 25_000] {
        for payload in [&b"app"[..], b""] {
            let mut subject = Subject::<E>::open(Role::Server, &config);
            let begun = subject.now;
            while subject.failed_by().is_none() {
                assert!(subject.now < begun.after(60 * SECOND), "each {millis} ms");
                let _ = subject.sends(Message::Ping(payload));
                subject.waits(Duration::from_millis(millis));
            }
            assert_eq!(subject.failed_by(), Some(Rule::PongTimeout));
        }
    }
}

/// The pong timeout starts when the last byte of the ping was handed out.
fn a_ping_behind_data_that_goes_out_has_all_its_time<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.keepalive = Some(30 * SECOND);
        timeouts.pong = Some(20 * SECOND);
        timeouts.write = Some(10 * SECOND);
    });
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Binary(&[0; 100_000])).unwrap();
        while subject.engine.buffered_amount() > 0 {
            subject.exchange_within(&[], 1000);
            assert_eq!(subject.failed_by(), None);
            subject.now = subject.now.after(SECOND);
        }
        // The last bytes are those of one ping, a second ago.
        assert_eq!(subject.next_deadline(), Some(19 * SECOND));
        let written = subject.writes();
        assert_eq!(written.len(), 2);
        assert_eq!(written[1].first, Frame::ping("").first);
        fails_in(&mut subject, 19 * SECOND, Rule::PongTimeout);
    }
}

/// The ping was written between two messages, and the peer reads slowly: the ping waits in buffers.
fn output_that_is_taken_behind_a_ping_gives_the_peer_time<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.pong = Some(20 * SECOND);
        timeouts.write = Some(10 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.sends(Message::Ping(b"?")).unwrap();
    subject.queues(Message::Binary(&[0; 60_000])).unwrap();
    while subject.engine.buffered_amount() > 0 {
        subject.exchange_within(&[], 1000);
        assert_eq!(subject.failed_by(), None);
        subject.now = subject.now.after(SECOND);
    }
    fails_in(&mut subject, 19 * SECOND, Rule::PongTimeout);
}

/// The same with a host that takes the output at once and buffers what the transport doesn't accept.
fn output_that_the_host_keeps_and_is_taken_gives_the_peer_time<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.sends(Message::Ping(b"?")).unwrap();
    subject.sends(Message::Binary(&[0; 60_000])).unwrap();
    for _ in 0..60 {
        subject.waits(SECOND);
        subject.engine.output_taken(subject.now);
        assert_eq!(subject.failed_by(), None);
    }
    fails_in(&mut subject, 20 * SECOND, Rule::PongTimeout);
}

/// Messages that are accepted at once say nothing about the peer: the system's buffers accept them.
fn messages_to_a_dead_peer_do_not_hide_that_nothing_comes<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.keepalive = Some(30 * SECOND);
        timeouts.pong = Some(20 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for _ in 0..49 {
        subject.sends(Message::Text("are you there?")).unwrap();
        subject.waits(SECOND);
        assert_eq!(subject.failed_by(), None);
    }
    subject.waits(SECOND);
    assert_eq!(subject.failed_by(), Some(Rule::PongTimeout));
}

/// Output that waits no longer than a write takes says no more than output that is accepted at once.
fn messages_that_are_taken_in_parts_do_not_hide_it_either<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.keepalive = Some(30 * SECOND);
        timeouts.pong = Some(20 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for _ in 0..50 {
        subject.queues(Message::Binary(&[0; 3000])).unwrap();
        while subject.engine.buffered_amount() > 0 {
            subject.exchange_within(&[], 1000);
        }
        assert_eq!(subject.failed_by(), None);
        subject.waits(SECOND);
    }
    assert_eq!(subject.failed_by(), Some(Rule::PongTimeout));
}

fn a_pong_that_came_late_in_the_hosts_time_counts<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.sends(Message::Ping(b"1")).unwrap();
    subject.now = subject.now.after(25 * SECOND);
    subject.receives_frames(&[Frame::pong("1")]);
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
        // The host passes the time, and takes no output.
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
    client.report_control_frames = true;
    let mut pair = Pair::<E>::open(&client, &quiet());
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.states(), (State::Open, State::Open));
    let events = pair.client.events();
    // The next interval begins after the 40 ms that a pong takes.
    assert_eq!(events.len(), 119);
    for event in events {
        assert!(matches!(event, Event::Pong(_, Some(40_000_000))));
    }
    assert_eq!(pair.client.engine.round_trip_time(), Some(40_000_000));
}

fn a_pair_whose_cable_is_cut_notices_on_both_sides<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_sends(Message::Text("hello")).unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.server.events(), [Event::text("hello")]);
    pair.client.wire.is_cut = true;
    pair.server.wire.is_cut = true;
    // A keepalive after 30 s, its pong within 20.
    pair.run_for(48 * SECOND);
    assert_eq!(pair.states(), (State::Open, State::Open));
    pair.run_for(3 * SECOND);
    assert_eq!(pair.states(), (State::Draining, State::Draining));
    pair.run_for(10 * SECOND);
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    for failure in [pair.client.engine.failure(), pair.server.engine.failure()] {
        let rule = failure.map(|failure| failure.rule);
        assert_eq!(rule, Some(Rule::PongTimeout));
    }
}
