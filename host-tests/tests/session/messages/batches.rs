//! The batched call, and its limits.

use host_tests::wire::{self, Frame};
use host_tests::{Engine, Event, Subject, on_both_engines};
use websocket_component::{Config, Message, Outgoing, Role, Rule, State};

on_both_engines![
    a_batch_is_queued_up_to_the_record_that_is_refused,
    sends_are_told_when_their_last_byte_was_handed_out,
    sends_that_are_cancelled_are_told,
    a_turn_stops_at_its_capacity_and_says_that_there_is_more,
    class_16_a_turn_without_capacity_still_gets_on,
    a_turn_that_is_full_when_the_session_closes_has_no_more,
];

fn a_batch_is_queued_up_to_the_record_that_is_refused<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let result = subject.exchange(&[
        Message::Text("1").into(),
        Message::Binary(b"2").into(),
        Message::Utf8(b"\xff").into(),
        Message::Text("3").into(),
    ]);
    assert_eq!(result.accepted, 2);
    let refused = result.refused.map(|failure| failure.rule);
    assert_eq!(refused, Some(Rule::TextNotUtf8));
    assert_eq!((result.failure, result.state), (None, State::Open));
    let expected = [Frame::text("1"), Frame::binary("2")];
    assert_eq!(subject.writes(), expected);
}

fn sends_are_told_when_their_last_byte_was_handed_out<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let mut batch = [1, 2, 3].map(|context| Outgoing {
        message: Message::Text("four"),
        compress: true,
        context: Some(context),
    });
    batch[1].context = None;
    let result = subject.exchange_within(&batch, 6);
    assert_eq!(result.events, [Event::Sent(1)]);
    assert!(result.more);
    assert_eq!(subject.exchange_within(&[], 11).events, []);
    let result = subject.exchange_within(&[], 1);
    assert_eq!(result.events, [Event::Sent(3)]);
    assert!(!result.more);
}

fn sends_that_are_cancelled_are_told<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let batch = [1, 2].map(|context| Outgoing {
        message: Message::Text("four"),
        compress: true,
        context: Some(context),
    });
    assert_eq!(subject.exchange_within(&batch, 7).events, [Event::Sent(1)]);
    subject.engine.end_of_input(subject.now);
    let result = subject.exchange_within(&[], 100);
    assert_eq!(result.events, [Event::Cancelled(2)]);
    assert_eq!((result.state, result.output), (State::Closed, vec![]));
}

fn a_turn_stops_at_its_capacity_and_says_that_there_is_more<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let messages = [Frame::text("four"), Frame::text("more"), Frame::text("")];
    let bytes = subject.peers(&messages);
    let result = subject.engine.exchange(&bytes, &[], subject.now, 3);
    assert_eq!(result.events, [Event::text("four")]);
    assert!(result.more);
    let rest = &bytes[result.consumed..];
    let result = subject.engine.exchange(rest, &[], subject.now, 100);
    assert_eq!(result.events, [Event::text("more"), Event::text("")]);
    assert_eq!(result.consumed, rest.len());
    assert!(!result.more);
    subject.queues(Message::Text("hello")).unwrap();
    let result = subject.exchange_within(&[], 3);
    assert_eq!((result.output.len(), result.more), (3, true));
    let result = subject.exchange_within(&[], 4);
    assert_eq!((result.output.len(), result.more), (4, false));
}

/// Class 16: every call consumes, emits, or asks for more input.
fn class_16_a_turn_without_capacity_still_gets_on<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = subject.peers(&[Frame::text("four"), Frame::ping("?")]);
    let mut rest = &bytes[..];
    let mut output = Vec::new();
    let mut events = Vec::new();
    loop {
        let result = subject.engine.exchange(rest, &[], subject.now, 0);
        let got_on = result.consumed > 0 || !result.output.is_empty();
        rest = &rest[result.consumed..];
        output.extend(result.output);
        events.extend(result.events);
        if !result.more {
            break;
        }
        assert!(got_on, "a call without effect asks for another");
    }
    assert_eq!(events, [Event::text("four")]);
    assert_eq!(wire::read_frames(&output), [Frame::pong("?")]);
}

fn a_turn_that_is_full_when_the_session_closes_has_no_more<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = subject.peers(&[Frame::close(1000, "the reason fills the result")]);
    let result = subject.engine.exchange(&bytes, &[], subject.now, 10);
    assert_eq!(wire::read_frames(&result.output), [Frame::close(1000, "")]);
    assert_eq!((result.state, result.more), (State::Closed, false));
}
