//! The clock itself.

use std::time::Duration;

use host_tests::engine::{ENTROPY, ROLES, START};
use host_tests::wire::Frame;
use host_tests::{Engine, Subject, on_both_engines};
use websocket_component::{Config, Instant, Message, Role, Rule, State};

use super::{SECOND, config, quiet};

on_both_engines![
    a_deadline_is_in_the_future_after_each_call,
    no_deadline_is_missed_when_time_jumps,
    class_16_the_last_reading_of_the_clock_hangs_nothing,
    time_that_runs_backwards_stands_still,
    without_timeouts_there_is_no_deadline,
];

fn all_deadlines() -> Config {
    config(|timeouts| {
        timeouts.handshake = Some(10 * SECOND);
        timeouts.idle = Some(100 * SECOND);
        timeouts.message = Some(50 * SECOND);
        timeouts.keepalive = Some(7 * SECOND);
        timeouts.pong = Some(13 * SECOND);
        timeouts.close = Some(3 * SECOND);
    })
}

fn a_deadline_is_in_the_future_after_each_call<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        let ping = subject.peers(&[Frame::pong("x"), Frame::text("y").not_last()]);
        for step in 0..500_u64 {
            subject.now = subject.now.after(Duration::from_millis(step * 37 % 9000));
            subject.receives([ping[step as usize % ping.len()]]);
            let at = subject.engine.next_deadline();
            assert!(at.is_none_or(|at| at > subject.now), "at step {step}");
        }
        assert_eq!(subject.state(), State::Closed);
    }
}

/// A host that misses all deadlines gets the same results as one that calls at each of them, only later.
fn no_deadline_is_missed_when_time_jumps<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        subject.waits(1000 * SECOND);
        assert_eq!(subject.state(), State::Draining);
        assert_eq!(subject.failed_by(), Some(Rule::IdleTimeout));
        let mut subject = Subject::<E>::new(role, &all_deadlines());
        subject.waits(1000 * SECOND);
        assert_eq!(subject.failed_by(), Some(Rule::HandshakeTimeout));
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        subject.sends(Message::Close).unwrap();
        subject.waits(1000 * SECOND);
        assert_eq!(subject.failed_by(), Some(Rule::CloseTimeout));
    }
}

/// A deadline that would come after the clock's last reading never comes (class 16: no call hangs).
fn class_16_the_last_reading_of_the_clock_hangs_nothing<E: Engine>() {
    let end = Instant::from_nanos(u64::MAX);
    let mut config = all_deadlines();
    config.timeouts.idle = None;
    config.timeouts.pong = None;
    let mut engine = E::open_server(&config, &Default::default(), end).unwrap();
    engine.exchange(b"", &[], end, 1);
    let result = engine.exchange(b"", &[], end, 1);
    assert_eq!((result.output, result.failure), (vec![], None));
    assert_eq!(result.next_deadline, None);
    let mut config = quiet();
    config.timeouts.idle = Some(Duration::MAX);
    config.timeouts.keepalive = Some(Duration::MAX);
    let mut engine = E::open_server(&config, &Default::default(), end).unwrap();
    let result = engine.exchange(b"", &[], end, 1);
    assert_eq!((result.output, result.failure), (vec![], None));
}

fn time_that_runs_backwards_stands_still<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let first = subject.engine.next_deadline();
    subject.now = Instant::from_nanos(1);
    subject.receives_frames(&[Frame::text("x")]);
    assert_eq!(subject.engine.next_deadline(), first);
}

fn without_timeouts_there_is_no_deadline<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &quiet());
        subject.sends(Message::Ping(b"")).unwrap();
        subject.receives_frames(&[Frame::text("x").not_last()]);
        assert_eq!(subject.next_deadline(), None);
        subject.waits(Duration::from_secs(1 << 30));
        assert_eq!(subject.state(), State::Open);
        subject.sends(Message::Close).unwrap();
        assert_eq!(subject.next_deadline(), None);
        let mut engine = match role {
            Role::Client => E::client(&quiet(), &ENTROPY, START).unwrap(),
            Role::Server => E::server(&quiet(), START).unwrap(),
        };
        engine.exchange(b"", &[], subject.now, 1);
        assert_eq!(engine.next_deadline(), None);
    }
}
