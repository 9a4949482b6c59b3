//! A message and a broken rule in one input: the host can answer the message as if they had arrived separately.

use host_tests::{Engine, Event, Frame, ROLES, Subject, on_both_engines, wire};
use websocket_component::{Config, Delivery, Message, PongPolicy, Role, Rule, State};

on_both_engines![
    a_message_before_a_broken_rule_can_be_answered,
    each_message_before_a_broken_rule_can_be_answered,
    a_ping_that_the_host_answers_can_be_answered_too,
    without_an_answer_the_session_fails_in_the_next_call,
    nothing_is_heard_between_a_broken_rule_and_its_failure,
    a_rule_that_is_broken_behind_no_message_fails_at_once,
    a_rule_that_is_broken_behind_events_that_need_no_answer_fails_at_once,
    the_end_of_input_does_not_hide_a_broken_rule,
    an_abort_comes_before_a_failure_that_is_held,
    class_26_an_echo_before_a_broken_rule_goes_out_however_it_is_cut_and_taken,
];

const BROKEN: Rule = Rule::ReservedBits;

/// A message, and a frame with a reserved bit.
fn message_and_broken_rule<E: Engine>(subject: &Subject<E>) -> Vec<u8> {
    subject.peers(&[Frame::text("hello"), broken()])
}

fn broken() -> Frame {
    Frame::text("broken").reserved(0x40)
}

fn a_message_before_a_broken_rule_can_be_answered<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let bytes = message_and_broken_rule(&subject);
        let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
        assert_eq!(result.events, [Event::text("hello")]);
        assert_eq!((result.consumed, result.failure), (bytes.len(), None));
        assert_eq!((result.state, result.more), (State::Open, true));
        assert_eq!(result.next_deadline, Some(subject.now), "due at once");

        subject.sends(Message::Text("hello to you")).unwrap();
        assert_eq!(subject.has_failed(BROKEN), [Frame::text("hello to you")]);
    }
}

fn each_message_before_a_broken_rule_can_be_answered<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = subject.peers(&[
        Frame::text("1"),
        Frame::ping("?"),
        Frame::binary("2"),
        broken(),
    ]);
    let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    assert_eq!(result.events, [Event::text("1"), Event::binary("2")]);
    assert_eq!(wire::read_frames(&result.output), [Frame::pong("?")]);
    subject.exchange(&[Message::Text("one").into(), Message::Text("two").into()]);
    let answers = [Frame::text("one"), Frame::text("two")];
    assert_eq!(subject.has_failed(BROKEN), answers);
}

fn a_ping_that_the_host_answers_can_be_answered_too<E: Engine>() {
    let mut config = Config::default();
    config.pongs = PongPolicy::Manual;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let bytes = subject.peers(&[Frame::ping("?"), broken()]);
    let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    assert_eq!(
        (result.events, result.failure),
        (vec![Event::Ping(b"?".into())], None)
    );
    subject.sends(Message::Pong(b"?")).unwrap();
    assert_eq!(subject.has_failed(BROKEN), [Frame::pong("?")]);
}

fn without_an_answer_the_session_fails_in_the_next_call<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = message_and_broken_rule(&subject);
    subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    let result = subject.exchange(&[]);
    assert_eq!(result.failure.map(|failure| failure.rule), Some(BROKEN));
    assert_eq!(subject.has_failed(BROKEN), []);
}

fn nothing_is_heard_between_a_broken_rule_and_its_failure<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = message_and_broken_rule(&subject);
    subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    let more = subject.peers(&[Frame::text("more"), Frame::ping("more")]);
    assert_eq!(subject.receives(more), []);
    assert_eq!(subject.has_failed(BROKEN), []);
}

fn a_rule_that_is_broken_behind_no_message_fails_at_once<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    subject.queues(Message::Text("waits")).unwrap();
    let bytes = subject.peers(&[
        Frame::ping("?"),
        Frame::text("unfinished").not_last(),
        broken(),
    ]);
    let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    assert!(result.failure.is_some());
    let written = wire::read_frames(&result.output);
    assert_eq!(written[..2], [Frame::pong("?"), Frame::text("waits")]);
    assert_eq!(written.len(), 3, "and the close: {written:?}");
}

fn a_rule_that_is_broken_behind_events_that_need_no_answer_fails_at_once<E: Engine>() {
    let mut config = Config::default();
    config.report_control_frames = true;
    config.delivery = Delivery::Streaming;
    for first in [Frame::pong("!"), Frame::text("unfinished").not_last()] {
        let mut subject = Subject::<E>::open(Role::Server, &config);
        let bytes = subject.peers(&[first, broken()]);
        let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
        assert_eq!(result.events.len(), 1);
        let rule = result.failure.map(|failure| failure.rule);
        assert_eq!(rule, Some(BROKEN), "behind {:?}", result.events);
    }
}

fn the_end_of_input_does_not_hide_a_broken_rule<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = message_and_broken_rule(&subject);
    subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    subject.engine.end_of_input(subject.now);
    assert_eq!(subject.failed_by(), Some(BROKEN));
    assert_eq!(subject.writes(), [Frame::close(1002, BROKEN.description())]);
    assert_eq!(subject.state(), State::Closed);
}

fn an_abort_comes_before_a_failure_that_is_held<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = message_and_broken_rule(&subject);
    subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
    subject.engine.abort();
    assert_eq!(subject.receives(b""), []);
    assert_eq!(subject.failed_by(), Some(Rule::Aborted));
    assert_eq!((subject.next_deadline(), subject.writes()), (None, vec![]));
}

fn class_26_an_echo_before_a_broken_rule_goes_out_however_it_is_cut_and_taken<E: Engine>() {
    let bytes =
        Subject::<E>::open(Role::Server, &Config::default()).peers(&[Frame::text("a"), broken()]);
    for cut in 0..=bytes.len() {
        for capacity in [1, 7, 1 << 20] {
            let mut subject = Subject::<E>::open(Role::Server, &Config::default());
            let (first, second) = bytes.split_at(cut);
            let (mut input, mut rest) = (first.to_vec(), Some(second));
            let (mut replies, mut written) = (0, Vec::new());
            loop {
                let batch = vec![Message::Text("a").into(); replies];
                let now = subject.now;
                let result = subject.engine.exchange(&input, &batch, now, capacity);
                input.drain(..result.consumed);
                written.extend(result.output);
                if result.state == State::Draining {
                    break;
                }
                replies = result.events.len();
                if replies == 0 && !result.more {
                    input.extend(rest.take().expect("the session has failed"));
                }
            }
            let close = Frame::close(1002, BROKEN.description());
            let written = wire::read_frames(&written);
            assert_eq!(written, [Frame::text("a"), close], "{cut}, {capacity}");
        }
    }
}
