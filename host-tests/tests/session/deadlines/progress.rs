//! Output that the transport doesn't accept, and the first deadline of a session.

use std::time::Duration;

use host_tests::engine::{ENTROPY, ROLES, START};
use host_tests::wire::{Frame, RSV1};
use host_tests::{Engine, Subject, on_both_engines};
use websocket_component::handshake::{Negotiated, Request};
use websocket_component::{ActionQueue, Config, Delivery, Message, Role, Rule, State};

use super::{SECOND, config, fails_in, quiet};

on_both_engines![
    output_that_nobody_takes_ends_the_session,
    each_byte_that_is_taken_postpones_the_write_deadline,
    handing_out_to_a_blocked_transport_is_no_progress,
    a_transport_that_takes_some_postpones_the_write_deadline,
    time_before_there_is_output_does_not_count_as_waiting,
    a_new_session_has_its_deadline_before_any_other_call,
    a_piece_that_is_due_keeps_no_deadline_due,
    what_was_too_much_for_one_call_keeps_no_deadline_due,
];

fn output_that_nobody_takes_ends_the_session<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.write = Some(10 * SECOND);
        timeouts.keepalive = Some(SECOND);
    });
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Binary(&[0; 1000])).unwrap();
        subject.exchange_within(&[], 5);
        for _ in 0..9 {
            subject.now = subject.now.after(SECOND);
            subject.engine.get_action(ActionQueue::Receive, subject.now);
            assert_eq!(subject.failed_by(), None);
        }
        subject.now = subject.now.after(SECOND);
        let result = subject.exchange_within(&[], 5);
        assert_eq!((result.output, result.state), (vec![], State::Closed));
        assert_eq!(subject.failed_by(), Some(Rule::WriteTimeout));
        assert_eq!(subject.next_deadline(), None);
        assert_eq!(subject.engine.buffered_amount(), 0);
    }
}

fn each_byte_that_is_taken_postpones_the_write_deadline<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Binary(&[0; 20])).unwrap();
    while subject.exchange_within(&[], 1).more {
        assert_eq!(subject.next_deadline(), Some(10 * SECOND));
        subject.now = subject.now.after(9 * SECOND);
    }
    assert_eq!((subject.failed_by(), subject.next_deadline()), (None, None));
}

/// Whether more waits for the transport or not, and though the session has pings to send.
fn handing_out_to_a_blocked_transport_is_no_progress<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.write = Some(10 * SECOND);
        timeouts.keepalive = Some(3 * SECOND);
    });
    for length in [1, 1000] {
        let mut subject = Subject::<E>::open(Role::Server, &config);
        subject.engine.pause_reading(subject.now);
        subject.queues(Message::Binary(&vec![0; length])).unwrap();
        subject.exchange_within(&[], 5);
        for _ in 0..10 {
            subject.engine.output_blocked(subject.now);
            assert_eq!(subject.failed_by(), None);
            subject.now = subject.now.after(SECOND);
            subject.exchange_within(&[], 1);
        }
        assert_eq!(subject.failed_by(), Some(Rule::WriteTimeout));
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.next_deadline(), None);
    }
}

fn a_transport_that_takes_some_postpones_the_write_deadline<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Text("hello")).unwrap();
    subject.exchange_within(&[], u32::MAX);
    assert_eq!(subject.next_deadline(), None);
    for _ in 0..3 {
        subject.engine.output_blocked(subject.now);
        assert_eq!(subject.next_deadline(), Some(10 * SECOND));
        subject.now = subject.now.after(9 * SECOND);
        subject.engine.output_taken(subject.now);
        assert_eq!(subject.next_deadline(), None);
    }
    subject.engine.output_blocked(subject.now);
    fails_in(&mut subject, 10 * SECOND, Rule::WriteTimeout);
}

fn time_before_there_is_output_does_not_count_as_waiting<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.now = subject.now.after(15 * SECOND);
    subject.queues(Message::Ping(b"?")).unwrap();
    assert_eq!(subject.next_deadline(), Some(10 * SECOND));
    assert_eq!(subject.writes(), [Frame::ping("?")]);
}

fn a_new_session_has_its_deadline_before_any_other_call<E: Engine>() {
    let (config, none) = (Config::default(), Negotiated::default());
    let ten_seconds = Some(START.after(10 * SECOND));
    let mut server = E::server(&config, START).unwrap();
    assert_eq!(server.next_deadline(), ten_seconds);
    let mut client = E::client(&config, &ENTROPY, START).unwrap();
    assert_eq!(client.next_deadline(), ten_seconds);
    client.connect(&Request::new("a", "/"), START).unwrap();
    client.exchange(b"", &[], START, u32::MAX);
    assert_eq!(client.next_deadline(), ten_seconds);
    let mut open = E::open_server(&config, &none, START).unwrap();
    assert_eq!(open.next_deadline(), Some(START.after(30 * SECOND)));
    let mut open = E::open_client(&config, &ENTROPY, &none, START).unwrap();
    assert_eq!(open.next_deadline(), Some(START.after(30 * SECOND)));

    let mut subject = Subject::<E>::new(Role::Server, &config);
    fails_in(&mut subject, 10 * SECOND, Rule::HandshakeTimeout);
}

/// A call that can't deliver the chunk leaves it to the next one that can, and reports that.
fn a_piece_that_is_due_keeps_no_deadline_due<E: Engine>() {
    let mut config = quiet();
    config.delivery = Delivery::Streaming;
    config.timeouts.coalesce = Some(Duration::from_millis(5));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    assert_eq!(
        subject.receives_frames(&[Frame::binary("abc").not_last()]),
        []
    );
    assert_eq!(subject.next_deadline(), Some(Duration::from_millis(5)));
    subject.now = subject.now.after(Duration::from_millis(5));
    subject.engine.get_action(ActionQueue::Send, subject.now);
    assert_eq!(subject.next_deadline(), None);
    assert!(subject.engine.has_more());
    assert_eq!(subject.receives(b"").len(), 1);
    assert!(!subject.engine.has_more());
    assert_eq!(subject.next_deadline(), None);
}

fn what_was_too_much_for_one_call_keeps_no_deadline_due<E: Engine>() {
    let mut config = quiet();
    config.deflate = host_tests::deflate::config().deflate;
    config.limits.inflate_per_call = 1024;
    let negotiated = host_tests::deflate::negotiated("");
    let mut subject = Subject::<E>::open_with(Role::Client, &config, &negotiated);
    let payload = host_tests::deflate::Peer::default().compresses([b'x'; 5000]);
    let frame = Frame::text(payload).reserved(RSV1);
    let bytes = subject.peers(&[frame]);
    let result = subject.engine.exchange(&bytes, &[], subject.now, u32::MAX);
    assert_eq!((result.more, result.next_deadline), (true, None));
    assert!(subject.engine.has_more());
    let mut rest = bytes[result.consumed..].to_vec();
    loop {
        let result = subject.engine.exchange(&rest, &[], subject.now, u32::MAX);
        rest.drain(..result.consumed);
        if !result.more {
            assert_eq!(result.events.len(), 1);
            break;
        }
    }
    assert!(!subject.engine.has_more());
}
