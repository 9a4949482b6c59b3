//! Timeouts of the peer: the handshake, any input at all, a message.

use host_tests::engine::ROLES;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Message, Role, Rule, State};

use super::{SECOND, config, fails_in};

on_both_engines![
    class_23_a_handshake_that_trickles_ends_in_408,
    class_23_a_connection_without_a_request_ends_without_a_response,
    a_client_whose_request_is_not_answered_gives_up,
    a_client_whose_request_is_not_taken_gives_up,
    the_hosts_own_time_is_not_the_peers,
    who_waits_to_be_accepted_is_not_idle,
    a_silent_peer_is_idle,
    any_byte_postpones_the_idle_deadline,
    class_23_a_header_that_trickles,
    class_23_a_fragment_that_never_ends,
    class_23_a_message_of_fragments_that_never_ends,
    a_message_that_ends_in_time_is_forgotten,
    control_frames_cut_at_the_same_place_again_and_again_are_no_message,
];

fn class_23_a_handshake_that_trickles_ends_in_408<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    for said in [1, 20, heads::request().len() - 1] {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        subject.receives(&heads::request()[..said]);
        subject.waits(4 * SECOND);
        fails_in(&mut subject, 6 * SECOND, Rule::HandshakeTimeout);
        let head = subject.writes_text();
        assert!(
            head.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{head}"
        );
        assert_eq!(heads::field(&head, "Connection"), Some("close"));
        assert_eq!(subject.state(), State::Draining);
    }
}

fn class_23_a_connection_without_a_request_ends_without_a_response<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Server, &config);
    subject.receives(b"");
    fails_in(&mut subject, 10 * SECOND, Rule::HandshakeTimeout);
    assert_eq!(subject.writes_bytes(), b"");
    assert_eq!(subject.state(), State::Closed);
}

fn a_client_whose_request_is_not_answered_gives_up<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Client, &config);
    let request = Request::new("example.org", "/");
    subject.engine.connect(&request, subject.now).unwrap();
    subject.writes_bytes();
    subject.receives("HTTP/1.1 101 Switching");
    fails_in(&mut subject, 10 * SECOND, Rule::HandshakeTimeout);
    assert_eq!(subject.writes_bytes(), b"");
    assert_eq!(subject.state(), State::Closed);
}

fn a_client_whose_request_is_not_taken_gives_up<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Client, &config);
    let request = Request::new("example.org", "/");
    subject.engine.connect(&request, subject.now).unwrap();
    subject.exchange_within(&[], 5);
    subject.now = subject.now.after(10 * SECOND);
    let result = subject.exchange_within(&[], 5);
    assert_eq!(result.output, b"");
    assert_eq!(result.state, State::Closed);
    assert_eq!(subject.failed_by(), Some(Rule::HandshakeTimeout));
}

fn the_hosts_own_time_is_not_the_peers<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Server, &config);
    assert_eq!(subject.receives(heads::request()), [Event::Request]);
    assert_eq!(subject.next_deadline(), None);
    subject.waits(100 * SECOND);
    subject
        .engine
        .accept(&Default::default(), subject.now)
        .unwrap();
    assert_eq!(subject.state(), State::Open);
}

fn who_waits_to_be_accepted_is_not_idle<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Server, &config);
    assert_eq!(subject.receives(heads::request()), [Event::Request]);
    subject.now = subject.now.after(60 * SECOND);
    subject
        .engine
        .accept(&Acceptance::default(), subject.now)
        .unwrap();
    assert_eq!(subject.exchange(&[]).state, State::Open);
    fails_in(&mut subject, 10 * SECOND, Rule::IdleTimeout);
}

fn a_silent_peer_is_idle<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(60 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        fails_in(&mut subject, 60 * SECOND, Rule::IdleTimeout);
        assert_eq!(subject.has_failed(Rule::IdleTimeout), []);
    }
}

fn any_byte_postpones_the_idle_deadline<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(60 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for byte in Frame::text("x").by(Role::Client).bytes() {
        subject.waits(59 * SECOND);
        subject.receives([byte]);
        assert_eq!(subject.next_deadline(), Some(60 * SECOND));
    }
    // Sending doesn't show that the peer is alive.
    subject.waits(30 * SECOND);
    subject.sends(Message::Text("hello")).unwrap();
    fails_in(&mut subject, 30 * SECOND, Rule::IdleTimeout);
}

/// Sends bytes one at a time with a second between them, and checks that the message deadline comes 20 seconds
/// after the first.
#[track_caller]
fn trickles<E: Engine>(role: Role, bytes: &[u8]) {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(role, &config);
    assert_eq!(subject.next_deadline(), None);
    for (seconds, byte) in (0..20).zip(bytes.iter().cycle()) {
        subject.receives([*byte]);
        let left = (20 - seconds) * SECOND;
        assert_eq!(subject.next_deadline(), Some(left));
        subject.waits(SECOND);
    }
    assert_eq!(subject.has_failed(Rule::MessageTimeout), []);
}

fn class_23_a_header_that_trickles<E: Engine>() {
    for role in ROLES {
        let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
        let mut subject = Subject::<E>::open(role, &config);
        let header = Frame::binary("").header(1 << 20);
        subject.receives(subject.peers(&[Frame::text("x")]));
        subject.receives(&header[..1]);
        fails_in(&mut subject, 20 * SECOND, Rule::MessageTimeout);
        assert_eq!(subject.has_failed(Rule::MessageTimeout), []);
    }
}

fn class_23_a_fragment_that_never_ends<E: Engine>() {
    let bytes = Frame::binary([0; 100]).masked([0; 4]).bytes();
    trickles::<E>(Role::Server, &bytes);
    trickles::<E>(Role::Client, &Frame::binary([0; 100]).bytes());
}

fn class_23_a_message_of_fragments_that_never_ends<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Client, &config);
    subject.receives_frames(&[Frame::text("x").not_last()]);
    for _ in 0..19 {
        subject.waits(SECOND);
        let more = Frame::continuation("x").not_last();
        subject.receives_frames(&[more, Frame::ping("?")]);
    }
    subject.writes();
    fails_in(&mut subject, SECOND, Rule::MessageTimeout);
}

fn a_message_that_ends_in_time_is_forgotten<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let bytes = subject.peers(&[Frame::text("1"), Frame::text("2")]);
        let (head, tail) = bytes.split_at(bytes.len() - 1);
        for _ in 0..4 {
            // Each input ends one message and begins another.
            assert_eq!(subject.receives(head), [Event::text("1")]);
            subject.waits(19 * SECOND);
            assert_eq!(subject.receives(tail), [Event::text("2")]);
            assert_eq!(subject.next_deadline(), None);
        }
        subject.receives(head);
        for _ in 0..4 {
            subject.waits(19 * SECOND);
            let events = subject.receives([tail, head].concat());
            assert_eq!(events, [Event::text("2"), Event::text("1")]);
            assert_eq!(subject.next_deadline(), Some(20 * SECOND));
        }
    }
}

/// Each input ends a ping and begins another: there is always an unfinished frame, but never for long.
fn control_frames_cut_at_the_same_place_again_and_again_are_no_message<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let ping = subject.peers(&[Frame::ping("?")]);
        let (head, tail) = ping.split_at(1);
        subject.receives(head);
        for _ in 0..10 {
            subject.waits(15 * SECOND);
            subject.receives([tail, head].concat());
            assert_eq!(subject.failed_by(), None);
        }
    }
}
