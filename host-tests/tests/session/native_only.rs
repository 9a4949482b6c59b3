//! What only users of the Rust crate meet: calls without a time, which the contract doesn't have.

use std::time::Duration;

use host_tests::Frame;
use host_tests::engine::ENTROPY;
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Instant, Message, Rule, Sent, Session, State};

/// A reading of a clock that has run for a long time.
const LATE: Instant = Instant::from_nanos(1 << 60);

fn open() -> Session {
    Session::open_client(Config::default(), &ENTROPY, Negotiated::default()).unwrap()
}

#[test]
fn what_is_sent_before_the_first_reading_of_the_clock_counts_from_there() {
    let mut session = open();
    session.send(Message::Ping(b"?"), None).unwrap();
    session.tick(LATE);
    assert_eq!(session.failure(), None);
    let twenty_seconds = LATE.after(Duration::from_secs(20));
    assert_eq!(session.next_deadline(), Some(twenty_seconds));
    let mut pong = Frame::pong("?").bytes();
    let soon = LATE.after(Duration::from_millis(5));
    assert_eq!(session.input(&mut pong, soon).next(), None);
    assert_eq!(session.round_trip_time(), Some(Duration::from_millis(5)));

    let mut session = open();
    session.send(Message::Close, None).unwrap();
    session.tick(LATE);
    assert_eq!(session.state(), State::Closing);
    session.tick(LATE.after(Duration::from_secs(10)));
    assert_eq!(session.failure(), Some(Rule::CloseTimeout));
}

#[test]
fn reading_the_clock_leaves_what_is_due_to_the_next_call() {
    let mut session = open();
    session.tick(LATE);
    let late = LATE.after(Duration::from_secs(31));
    session.read_clock(late);
    assert_eq!(session.output(), b"", "the keepalive waits");
    session.send(Message::Ping(b"?"), None).unwrap();
    session.take_output(usize::MAX);
    session.tick(late);
    assert_ne!(session.output(), b"", "the keepalive");
    assert_eq!(session.failure(), None);
    let twenty_seconds = late.after(Duration::from_secs(20));
    assert_eq!(session.next_deadline(), Some(twenty_seconds));
}

#[test]
fn sends_without_a_context_are_told_as_often_as_they_are_done() {
    let mut session = open();
    for context in [None, None, Some(1), Some(1), None] {
        session.send(Message::Text("x"), context).unwrap();
    }
    session.take_output(usize::MAX);
    let mut contexts = Vec::new();
    while let Some(Sent { context, complete }) = session.sent() {
        assert!(complete);
        contexts.push(context);
    }
    assert_eq!(contexts, [None, None, Some(1), Some(1), None]);
}

#[test]
fn output_can_be_written_in_place() {
    let mut session = open();
    session.send(Message::Text("hello"), None).unwrap();
    let all = session.output().to_vec();
    session.advance(3);
    // A ping that comes meanwhile is answered behind the frame that was begun.
    let mut ping = Frame::ping("?").bytes();
    assert_eq!(session.input(&mut ping, LATE).next(), None);
    assert_eq!(session.output(), &all[3..]);
    session.advance(usize::MAX);
    assert_eq!(session.output().len(), 7);
    session.advance(7);
    assert_eq!(session.output(), b"");
    assert_eq!(session.buffered_amount(), 0);
}
