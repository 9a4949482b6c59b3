//! How a session that is driven by actions ends.

use std::time::Duration;

use host_tests::engine::{ENTROPY, START, rule};
use host_tests::wire::{self, Frame};
use host_tests::{ActionIs, Engine, Event, Pump, ROLES, on_both_engines};
use websocket_component::handshake::{Negotiated, Request};
use websocket_component::{ActionQueue, Completion, Config, Message, Role, Rule, State};

use super::{
    NOW, action, complete, expect_read, expect_write, open, peers, read, received, sent, write,
};

on_both_engines![
    receives_end_with_the_error,
    what_came_before_the_error_is_indicated_first,
    sends_that_a_failure_drops_are_told_as_cancelled,
    sends_before_a_broken_rule_go_out,
    a_deadline_that_ends_the_session_completes_its_receives,
    abort_cancels_all_that_is_queued_and_writes_nothing,
    abort_before_the_session_is_open_does_nothing,
    a_write_that_is_outstanding_when_aborted_can_still_be_completed,
    a_close_is_indicated_and_answered,
    a_deadline_shows_as_an_action,
];

fn receives_end_with_the_error<E: Engine>() {
    for role in ROLES {
        let mut engine = open::<E>(role);
        for context in 1..=3 {
            engine.receive(Some(context)).unwrap();
        }
        read(&mut engine, &peers(role, &[Frame::new(0x3, "")]));
        for context in 1..=3 {
            assert_eq!(received(&mut engine), (Some(context), None));
        }
        assert_eq!(rule(engine.receive(None)), Rule::ReservedOpcode);
        let written = wire::read_frames(&write(&mut engine));
        assert_eq!(written[0].payload[..2], 1002_u16.to_be_bytes());
        assert_eq!(action(&mut engine), ActionIs::Nothing);
        assert_eq!(engine.state(), State::Closed);
    }
}

fn what_came_before_the_error_is_indicated_first<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(None).unwrap();
    let bad = Frame::new(0x3, "");
    let frames = [Frame::text("1"), Frame::ping("?"), Frame::text("2"), bad];
    read(&mut engine, &peers(Role::Server, &frames));
    assert_eq!(received(&mut engine).1, Some(Event::text("1")));
    engine.receive(None).unwrap();
    assert_eq!(received(&mut engine).1, Some(Event::text("2")));
    assert_eq!(engine.failure(), None);
    engine.receive(None).unwrap();
    assert_eq!(received(&mut engine).1, None);
    let failure = engine.failure().map(|failure| failure.rule);
    assert_eq!(failure, Some(Rule::ReservedOpcode));
    let written = wire::read_frames(&[write(&mut engine), write(&mut engine)].concat());
    assert_eq!(written[0], Frame::pong("?"));
}

fn sends_that_a_failure_drops_are_told_as_cancelled<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    for context in 1..=2 {
        let text = Message::Text("never written");
        engine.send(text, Some(context), NOW).unwrap();
    }
    engine.send(Message::Ping(b""), Some(3), NOW).unwrap();
    engine.receive(None).unwrap();
    engine.end_of_input(NOW);
    assert_eq!(received(&mut engine), (None, None));
    assert_eq!(engine.state(), State::Closed);
    let mut cancelled = [(); 3].map(|()| sent(&mut engine));
    cancelled.sort_unstable();
    assert_eq!(cancelled, [1, 2, 3].map(|context| (Some(context), false)));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

/// The action that writes ends exactly where the first frame does.
fn sends_before_a_broken_rule_go_out<E: Engine>() {
    let mut config = Config::default();
    config.send_buffer = 16;
    let mut engine = E::open_server(&config, &Negotiated::default(), START).unwrap();
    engine
        .send(Message::Binary(&[1; 14]), Some(1), NOW)
        .unwrap();
    engine.send(Message::Text("two"), Some(2), NOW).unwrap();
    engine.receive(None).unwrap();
    let (id, begun) = expect_write(&mut engine);
    read(&mut engine, &peers(Role::Server, &[Frame::new(0x3, "")]));
    assert_eq!(received(&mut engine), (None, None));
    complete(&mut engine, id, Completion::Sent(begun.len()));
    let mut pump = Pump::of(engine);
    pump.run(b"");
    let close = Frame::close(1002, Rule::ReservedOpcode.description());
    let frames = wire::read_frames(&[begun, pump.written].concat());
    assert_eq!(frames, [Frame::binary([1; 14]), Frame::text("two"), close]);
    assert_eq!(pump.sent, [(Some(1), true), (Some(2), true)]);
}

fn a_deadline_that_ends_the_session_completes_its_receives<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(Some(1)).unwrap();
    engine.send(Message::Close, None, NOW).unwrap();
    let (id, bytes) = expect_write(&mut engine);
    complete(&mut engine, id, Completion::Sent(bytes.len()));
    while action(&mut engine) != ActionIs::Nothing {}
    let late = START.after(Duration::from_secs(10));
    let ended = engine.get_action(ActionQueue::All, late);
    assert!(
        matches!(ended, ActionIs::ReceiveComplete(_, Some(1), None)),
        "{ended:?}"
    );
}

fn abort_cancels_all_that_is_queued_and_writes_nothing<E: Engine>() {
    for role in ROLES {
        let mut engine = open::<E>(role);
        engine.send(Message::Text("x"), Some(1), NOW).unwrap();
        engine.send(Message::Ping(b"x"), Some(2), NOW).unwrap();
        engine.send(Message::Close, Some(3), NOW).unwrap();
        engine.receive(Some(4)).unwrap();
        engine.receive(Some(5)).unwrap();
        engine.abort();
        let mut cancelled = Vec::new();
        loop {
            let id = match action(&mut engine) {
                ActionIs::SendComplete(id, context, false) => {
                    cancelled.extend(context);
                    id
                }
                ActionIs::ReceiveComplete(id, context, None) => {
                    cancelled.extend(context);
                    id
                }
                ActionIs::Nothing => break,
                other => panic!("not cancelled: {other:?}"),
            };
            complete(&mut engine, id, Completion::Acknowledged);
        }
        cancelled.sort_unstable();
        assert_eq!(cancelled, [1, 2, 3, 4, 5]);
        assert_eq!(engine.state(), State::Closed);
        assert_eq!(rule(engine.receive(None)), Rule::Aborted);
        let refused = engine.send(Message::Text("x"), None, NOW);
        assert_eq!(rule(refused), Rule::Aborted);
        assert_eq!(engine.next_deadline(), None);
    }
}

fn abort_before_the_session_is_open_does_nothing<E: Engine>() {
    let mut engine = E::client(&Config::default(), &ENTROPY, START).unwrap();
    engine.abort();
    engine
        .connect(&Request::new("example.org", "/"), NOW)
        .unwrap();
    engine.abort();
    assert_eq!(engine.state(), State::Connecting);
    assert_eq!(engine.failure(), None);
    assert!(write(&mut engine).starts_with(b"GET / HTTP/1.1\r\n"));
}

fn a_write_that_is_outstanding_when_aborted_can_still_be_completed<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("hello"), Some(1), NOW).unwrap();
    let (id, bytes) = expect_write(&mut engine);
    engine.abort();
    complete(&mut engine, id, Completion::Sent(bytes.len()));
    assert_eq!(sent(&mut engine), (Some(1), false));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

fn a_close_is_indicated_and_answered<E: Engine>() {
    for (frame, code, reason, reply) in [
        (
            Frame::close(1000, "bye"),
            1000,
            "bye",
            Frame::close(1000, ""),
        ),
        (Frame::close(4999, ""), 4999, "", Frame::close(4999, "")),
        (
            Frame::close_without_code(),
            1005,
            "",
            Frame::close_without_code(),
        ),
    ] {
        let mut engine = open::<E>(Role::Server);
        engine.receive(None).unwrap();
        read(&mut engine, &peers(Role::Server, &[frame]));
        let close = Event::close(code, reason);
        assert_eq!(received(&mut engine).1, Some(close));
        assert_eq!(engine.state(), State::Closing);
        let ActionIs::SendToNetwork(id, bytes) = engine.get_action(ActionQueue::Receive, NOW)
        else {
            panic!("the answer is due");
        };
        assert_eq!(bytes, reply.bytes());
        complete(&mut engine, id, Completion::Sent(bytes.len()));
        assert_eq!(engine.state(), State::Closed);
        assert_eq!(engine.failure(), None);
        assert_eq!(rule(engine.receive(None)), Rule::AlreadyClosing);
        assert_eq!(action(&mut engine), ActionIs::Nothing);
    }
}

fn a_deadline_shows_as_an_action<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(Some(1)).unwrap();
    expect_read(&mut engine);
    let deadline = engine.next_deadline().expect("the keepalive");
    let ActionIs::SendToNetwork(id, bytes) = engine.get_action(ActionQueue::Receive, deadline)
    else {
        panic!("the keepalive ping is due");
    };
    assert_eq!(wire::read_frames(&bytes)[0].first, wire::FIN | wire::PING);
    let sent = Completion::Sent(bytes.len());
    engine.complete_action(id, sent, deadline).unwrap();
    let deadline = engine.next_deadline().expect("the pong");
    let first = engine.get_action(ActionQueue::All, deadline);
    let second = engine.get_action(ActionQueue::All, deadline);
    assert!(matches!(first, ActionIs::ReceiveComplete(_, Some(1), None)));
    let ActionIs::SendToNetwork(_, bytes) = second else {
        panic!("the close is due");
    };
    let close = Frame::close(1011, Rule::PongTimeout.description());
    assert_eq!(wire::read_frames(&bytes), [close]);
}
