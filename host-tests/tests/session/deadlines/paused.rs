//! Time in which the host doesn't read doesn't count against the peer.

use host_tests::engine::{ROLES, START};
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::{Config, Message, Role, Rule, State};

use super::{SECOND, config, fails_in};

on_both_engines![
    a_peer_that_is_not_read_is_neither_idle_nor_silent_nor_slow,
    what_was_left_of_a_messages_time_is_left_after_the_pause,
    a_handshake_and_a_close_have_their_time_after_the_pause,
    output_that_nobody_takes_ends_the_session_that_is_not_read,
    pausing_twice_is_pausing_once,
    short_pauses_give_a_dead_peer_no_more_time_to_live,
];

fn a_peer_that_is_not_read_is_neither_idle_nor_silent_nor_slow<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.idle = Some(40 * SECOND);
    config.timeouts.message = Some(35 * SECOND);
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.receives_frames(&[Frame::binary("abc").not_last()]);
        subject.engine.pause_reading(subject.now);
        for _ in 0..60 {
            subject.waits(10 * SECOND);
            assert_eq!(subject.failed_by(), None);
        }
        let pings = subject.writes();
        assert!(pings.len() >= 20, "keepalive pings are sent");
        subject.engine.resume_reading(subject.now);
        // It sent long ago what is read only now.
        subject.waits(SECOND);
        let rest = [Frame::pong(&pings[0].payload), Frame::continuation("def")];
        assert_eq!(subject.receives_frames(&rest).len(), 1);
        assert_eq!(subject.failed_by(), None);
        // From here on its silence counts again.
        while subject.failed_by().is_none() {
            let next = subject.next_deadline().expect("a deadline");
            subject.waits(next);
        }
        assert_eq!(subject.failed_by(), Some(Rule::IdleTimeout));
    }
}

fn what_was_left_of_a_messages_time_is_left_after_the_pause<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.receives_frames(&[Frame::binary("abc").not_last()]);
    subject.waits(15 * SECOND);
    subject.engine.pause_reading(subject.now);
    assert_eq!(subject.next_deadline(), None);
    subject.waits(100 * SECOND);
    subject.engine.resume_reading(subject.now);
    fails_in(&mut subject, 5 * SECOND, Rule::MessageTimeout);
}

fn a_handshake_and_a_close_have_their_time_after_the_pause<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.handshake = Some(10 * SECOND);
        timeouts.close = Some(10 * SECOND);
    });
    let mut subject = Subject::<E>::new(Role::Server, &config);
    subject.waits(4 * SECOND);
    subject.engine.pause_reading(subject.now);
    subject.waits(60 * SECOND);
    subject.engine.resume_reading(subject.now);
    assert_eq!(subject.next_deadline(), Some(6 * SECOND));
    assert_eq!(subject.receives(heads::request()), [Event::Request]);

    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.sends(Message::Close).unwrap();
    subject.waits(4 * SECOND);
    subject.engine.pause_reading(subject.now);
    subject.waits(60 * SECOND);
    assert_eq!(subject.state(), State::Closing);
    subject.engine.resume_reading(subject.now);
    fails_in(&mut subject, 6 * SECOND, Rule::CloseTimeout);
}

fn output_that_nobody_takes_ends_the_session_that_is_not_read<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Text("hello")).unwrap();
    subject.engine.pause_reading(subject.now);
    assert_eq!(subject.next_deadline(), Some(10 * SECOND));
    subject.now = subject.now.after(10 * SECOND);
    assert_eq!(subject.exchange_within(&[], 1).state, State::Closed);
    assert_eq!(subject.failed_by(), Some(Rule::WriteTimeout));
}

fn pausing_twice_is_pausing_once<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(10 * SECOND));
    let mut engine = E::open(Role::Server, &config, &Default::default()).unwrap();
    engine.resume_reading(START);
    engine.pause_reading(START.after(5 * SECOND));
    engine.pause_reading(START.after(50 * SECOND));
    assert_eq!(engine.next_deadline(), None);
    let resumed = START.after(60 * SECOND);
    engine.resume_reading(resumed);
    engine.resume_reading(resumed.after(SECOND));
    assert_eq!(engine.next_deadline(), Some(resumed.after(5 * SECOND)));
}

/// A host that pauses again and again still finds out that the peer is gone.
fn short_pauses_give_a_dead_peer_no_more_time_to_live<E: Engine>() {
    for rule in [Rule::IdleTimeout, Rule::PongTimeout] {
        let config = config(|timeouts| match rule {
            Rule::IdleTimeout => timeouts.idle = Some(10 * SECOND),
            _ => {
                timeouts.keepalive = Some(SECOND);
                timeouts.pong = Some(9 * SECOND);
            }
        });
        let mut subject = Subject::<E>::open(Role::Server, &config);
        let mut read = 0;
        while subject.failed_by().is_none() {
            assert!(read < 12, "{rule:?} hasn't come");
            subject.engine.pause_reading(subject.now);
            subject.waits(3 * SECOND);
            subject.engine.resume_reading(subject.now);
            subject.waits(SECOND);
            read += 1;
        }
        assert_eq!(subject.failed_by(), Some(rule));
        assert!(read >= 9, "{rule:?} came after {read} seconds of reading");
    }
}
