//! The pump of `websocket.dll`: the rules of the pump, one by one.

use host_tests::wire::{self, Frame};
use host_tests::{ActionIs, Engine, Event, Pump, ROLES, on_both_engines};
use websocket_component::handshake::{Acceptance, Negotiated, Request};
use websocket_component::{
    ActionId, ActionQueue, Completion, Config, Instant, Message, Role, Rule, State,
};

use host_tests::engine::{ENTROPY, peer_of, rule};

on_both_engines![
    without_operations_there_is_no_action,
    a_send_is_written_then_indicated,
    a_short_write_resumes_where_it_stopped,
    a_write_of_nothing_is_tried_again,
    a_send_longer_than_the_buffer_is_one_frame_in_pieces,
    a_receive_reads_then_indicates,
    without_a_receive_no_input_is_asked_for,
    a_receive_is_indicated_at_once_when_bytes_are_left,
    one_write_and_one_read_at_a_time,
    a_completion_of_the_wrong_action_is_refused,
    a_read_of_nothing_cancels_the_receive,
    a_pong_is_written_on_the_receive_queue_without_a_receive_of_its_own,
    a_pong_does_not_disturb_what_is_being_written,
    a_failure_does_not_disturb_what_is_being_written,
    the_send_queue_neither_reads_nor_indicates_receives,
    the_receive_queue_leaves_sends_alone,
    contexts_come_back,
    receives_end_with_the_error,
    what_came_before_the_error_is_indicated_first,
    abort_cancels_all_that_is_queued_and_writes_nothing,
    abort_before_the_session_is_open_does_nothing,
    a_write_that_is_outstanding_when_aborted_can_still_be_completed,
    a_close_is_indicated_and_answered,
    only_control_frames_follow_a_close,
    a_received_ping_or_pong_consumes_a_receive_only_if_shown,
    a_deadline_shows_as_an_action,
    the_handshake_in_bytes_by_actions,
    no_input_is_asked_for_while_the_host_has_to_answer,
];

const NOW: Instant = Instant::from_nanos(5);

fn open<E: Engine>(role: Role) -> E {
    E::open(role, &Config::default(), &Negotiated::default()).unwrap()
}

fn action<E: Engine>(engine: &mut E) -> ActionIs {
    engine.get_action(ActionQueue::All, NOW)
}

#[track_caller]
fn expect_write<E: Engine>(engine: &mut E) -> (ActionId, Vec<u8>) {
    match action(engine) {
        ActionIs::SendToNetwork(id, bytes) => (id, bytes),
        other => panic!("not a write: {other:?}"),
    }
}

/// Does the write that is due, whole.
#[track_caller]
fn write<E: Engine>(engine: &mut E) -> Vec<u8> {
    let (id, bytes) = expect_write(engine);
    complete(engine, id, Completion::Sent(bytes.len()));
    bytes
}

#[track_caller]
fn expect_read<E: Engine>(engine: &mut E) -> ActionId {
    match action(engine) {
        ActionIs::ReceiveFromNetwork(id, _) => id,
        other => panic!("not a read: {other:?}"),
    }
}

/// Does the read that is due, with these bytes.
#[track_caller]
fn read<E: Engine>(engine: &mut E, bytes: &[u8]) {
    let id = expect_read(engine);
    complete(engine, id, Completion::Read(bytes));
}

#[track_caller]
fn complete<E: Engine>(engine: &mut E, id: ActionId, completion: Completion<'_>) {
    engine.complete_action(id, completion, NOW).unwrap();
}

/// The next action is the end of a receive: its context, and what came.
#[track_caller]
fn received<E: Engine>(engine: &mut E) -> (Option<u64>, Option<Event>) {
    match action(engine) {
        ActionIs::ReceiveComplete(id, context, event) => {
            complete(engine, id, Completion::Done);
            (context, event)
        }
        other => panic!("not the end of a receive: {other:?}"),
    }
}

/// The next action is the end of a send: its context, and whether it was written.
#[track_caller]
fn sent<E: Engine>(engine: &mut E) -> (Option<u64>, bool) {
    match action(engine) {
        ActionIs::SendComplete(id, context, written) => {
            complete(engine, id, Completion::Done);
            (context, written)
        }
        other => panic!("not the end of a send: {other:?}"),
    }
}

fn peers(role: Role, frames: &[Frame]) -> Vec<u8> {
    wire::bytes_of(frames, peer_of(role))
}

fn without_operations_there_is_no_action<E: Engine>() {
    for role in ROLES {
        let mut engine = open::<E>(role);
        for queue in [ActionQueue::Send, ActionQueue::Receive, ActionQueue::All] {
            assert_eq!(engine.get_action(queue, NOW), ActionIs::Nothing);
        }
    }
}

fn a_send_is_written_then_indicated<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("hello"), Some(7), NOW).unwrap();
    assert_eq!(write(&mut engine), Frame::text("hello").bytes());
    assert_eq!(sent(&mut engine), (Some(7), true));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

fn a_short_write_resumes_where_it_stopped<E: Engine>() {
    for role in ROLES {
        for at_most in [1, 2, 3, 7] {
            let mut pump = Pump::<E>::open(role, &Config::default());
            pump.write_at_most = at_most;
            pump.says(Message::Text("one"), 1).unwrap();
            pump.says(Message::Binary(&[2; 300]), 2).unwrap();
            pump.run(b"");
            assert_eq!(pump.sent, [(Some(1), true), (Some(2), true)]);
            let frames = wire::read_frames(&pump.written);
            let payloads: Vec<_> = frames.into_iter().map(|frame| frame.payload).collect();
            assert_eq!(payloads, [b"one".to_vec(), vec![2; 300]]);
        }
    }
}

fn a_write_of_nothing_is_tried_again<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("hello"), None, NOW).unwrap();
    let (id, first) = expect_write(&mut engine);
    complete(&mut engine, id, Completion::Sent(0));
    assert_eq!(write(&mut engine), first);
    assert_eq!(sent(&mut engine), (None, true));
}

fn a_send_longer_than_the_buffer_is_one_frame_in_pieces<E: Engine>() {
    let mut config = Config::default();
    config.send_buffer = 16;
    let mut engine = E::open_server(&config, &Negotiated::default()).unwrap();
    engine
        .send(Message::Binary(&[9; 50]), Some(1), NOW)
        .unwrap();
    let pieces = [(); 4].map(|()| write(&mut engine));
    assert_eq!(pieces.each_ref().map(Vec::len), [16, 16, 16, 4]);
    assert_eq!(pieces.concat(), Frame::binary([9; 50]).bytes());
    assert_eq!(sent(&mut engine), (Some(1), true));
}

fn a_receive_reads_then_indicates<E: Engine>() {
    for role in ROLES {
        let mut engine = open::<E>(role);
        engine.receive(Some(3)).unwrap();
        let bytes = peers(role, &[Frame::text("hello")]);
        let (head, tail) = bytes.split_at(4);
        read(&mut engine, head);
        read(&mut engine, tail);
        let expected = (Some(3), Some(Event::text("hello")));
        assert_eq!(received(&mut engine), expected);
        assert_eq!(action(&mut engine), ActionIs::Nothing);
    }
}

fn without_a_receive_no_input_is_asked_for<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    assert_eq!(action(&mut engine), ActionIs::Nothing);
    engine.receive(None).unwrap();
    read(
        &mut engine,
        &peers(Role::Server, &[Frame::text("1"), Frame::text("2")]),
    );
    assert_eq!(received(&mut engine), (None, Some(Event::text("1"))));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

fn a_receive_is_indicated_at_once_when_bytes_are_left<E: Engine>() {
    for role in ROLES {
        let mut engine = open::<E>(role);
        engine.receive(Some(1)).unwrap();
        let frames = [Frame::text("1"), Frame::binary("2"), Frame::text("3")];
        read(&mut engine, &peers(role, &frames));
        assert_eq!(received(&mut engine), (Some(1), Some(Event::text("1"))));
        engine.receive(Some(2)).unwrap();
        assert_eq!(received(&mut engine), (Some(2), Some(Event::binary("2"))));
        engine.receive(Some(3)).unwrap();
        engine.receive(Some(4)).unwrap();
        assert_eq!(received(&mut engine), (Some(3), Some(Event::text("3"))));
        expect_read(&mut engine);
    }
}

fn one_write_and_one_read_at_a_time<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    for context in 0..2 {
        engine.send(Message::Text("x"), Some(context), NOW).unwrap();
        engine.receive(Some(context)).unwrap();
    }
    let (write, bytes) = expect_write(&mut engine);
    let read = expect_read(&mut engine);
    assert_eq!(action(&mut engine), ActionIs::Nothing);
    complete(&mut engine, write, Completion::Sent(bytes.len()));
    assert_eq!(sent(&mut engine), (Some(0), true));
    let two = peers(Role::Server, &[Frame::text("1"), Frame::text("2")]);
    complete(&mut engine, read, Completion::Read(&two));
    let ActionIs::ReceiveComplete(first, ..) = action(&mut engine) else {
        panic!("a receive is complete");
    };
    let next = engine.get_action(ActionQueue::Receive, NOW);
    assert_eq!(next, ActionIs::Nothing, "before the first is completed");
    complete(&mut engine, first, Completion::Done);
    assert_eq!(received(&mut engine).0, Some(1));
}

fn a_completion_of_the_wrong_action_is_refused<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("x"), None, NOW).unwrap();
    engine.receive(None).unwrap();
    let (write, bytes) = expect_write(&mut engine);
    let read = expect_read(&mut engine);
    let unknown = ActionId(write.0 + read.0 + 99);
    let too_many = Completion::Sent(bytes.len() + 1);
    let too_long = vec![0; Config::default().receive_buffer as usize + 1];
    for (id, completion, expected) in [
        (unknown, Completion::Done, Rule::ActionUnknown),
        (unknown, Completion::Sent(0), Rule::ActionUnknown),
        (unknown, Completion::Read(b""), Rule::ActionUnknown),
        (write, Completion::Done, Rule::CompletionMismatch),
        (write, Completion::Read(b"x"), Rule::CompletionMismatch),
        (write, too_many, Rule::CompletionMismatch),
        (read, Completion::Done, Rule::CompletionMismatch),
        (read, Completion::Sent(0), Rule::CompletionMismatch),
        (read, Completion::Read(&too_long), Rule::CompletionMismatch),
    ] {
        let outcome = engine.complete_action(id, completion.clone(), NOW);
        assert_eq!(rule(outcome), expected, "{completion:?}");
    }
    // Nothing has changed.
    complete(&mut engine, write, Completion::Sent(bytes.len()));
    let outcome = engine.complete_action(write, Completion::Sent(0), NOW);
    assert_eq!(rule(outcome), Rule::ActionUnknown);
    let hello = peers(Role::Server, &[Frame::text("hello")]);
    complete(&mut engine, read, Completion::Read(&hello));
    assert_eq!(received(&mut engine).1, Some(Event::text("hello")));
}

fn a_read_of_nothing_cancels_the_receive<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(Some(1)).unwrap();
    engine.receive(Some(2)).unwrap();
    read(&mut engine, b"");
    assert_eq!(received(&mut engine), (Some(1), None));
    read(
        &mut engine,
        &peers(Role::Server, &[Frame::text(""), Frame::text("x")]),
    );
    // An empty message is no cancelled receive.
    assert_eq!(received(&mut engine), (Some(2), Some(Event::text(""))));
    assert_eq!(engine.state(), State::Open);
    engine.receive(Some(3)).unwrap();
    assert_eq!(received(&mut engine), (Some(3), Some(Event::text("x"))));
}

fn a_pong_is_written_on_the_receive_queue_without_a_receive_of_its_own<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(Some(1)).unwrap();
    read(&mut engine, &peers(Role::Server, &[Frame::ping("?")]));
    let ActionIs::SendToNetwork(id, bytes) = engine.get_action(ActionQueue::Receive, NOW) else {
        panic!("the pong is due");
    };
    assert_eq!(bytes, Frame::pong("?").bytes());
    complete(&mut engine, id, Completion::Sent(bytes.len()));
    // It is indicated to nobody, and the receive is still queued.
    read(&mut engine, &peers(Role::Server, &[Frame::text("x")]));
    assert_eq!(received(&mut engine), (Some(1), Some(Event::text("x"))));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

fn a_pong_does_not_disturb_what_is_being_written<E: Engine>() {
    for count in [0, 1, 4, 7] {
        let mut engine = open::<E>(Role::Server);
        engine.send(Message::Text("hello"), None, NOW).unwrap();
        engine.send(Message::Text("later"), None, NOW).unwrap();
        engine.receive(None).unwrap();
        let (id, bytes) = expect_write(&mut engine);
        read(&mut engine, &peers(Role::Server, &[Frame::ping("?")]));
        let next = engine.get_action(ActionQueue::Receive, NOW);
        assert!(matches!(next, ActionIs::ReceiveFromNetwork(..)));
        complete(&mut engine, id, Completion::Sent(count));
        let mut written = bytes[..count].to_vec();
        while engine.buffered_amount() > 0 {
            if let ActionIs::SendToNetwork(id, bytes) = action(&mut engine) {
                complete(&mut engine, id, Completion::Sent(bytes.len()));
                written.extend(bytes);
            } else {
                sent(&mut engine);
            }
        }
        let mut frames = wire::read_frames(&written);
        frames.sort_by_key(|frame| frame.payload.clone());
        let all = [Frame::pong("?"), Frame::text("hello"), Frame::text("later")];
        assert_eq!(frames, all, "after a write of {count}");
    }
}

fn a_failure_does_not_disturb_what_is_being_written<E: Engine>() {
    for count in [0, 1, 4, 7] {
        let mut engine = open::<E>(Role::Server);
        engine.send(Message::Text("hello"), Some(1), NOW).unwrap();
        engine.receive(Some(2)).unwrap();
        let (id, bytes) = expect_write(&mut engine);
        read(&mut engine, &peers(Role::Server, &[Frame::new(0x3, "")]));
        assert_eq!(received(&mut engine), (Some(2), None));
        complete(&mut engine, id, Completion::Sent(count));
        let mut written = bytes[..count].to_vec();
        let mut done = Vec::new();
        loop {
            match action(&mut engine) {
                ActionIs::SendToNetwork(id, bytes) => {
                    complete(&mut engine, id, Completion::Sent(bytes.len()));
                    written.extend(bytes);
                }
                ActionIs::SendComplete(id, context, complete) => {
                    done.push((context, complete));
                    self::complete(&mut engine, id, Completion::Done);
                }
                other => {
                    assert_eq!(other, ActionIs::Nothing);
                    break;
                }
            }
        }
        let close = Frame::close(1002, Rule::ReservedOpcode.description());
        let whole = [Frame::text("hello"), close.clone()];
        let frames = wire::read_frames(&written);
        // Of a write of nothing no byte has gone out, so it may be dropped.
        if count > 0 || done == [(Some(1), true)] {
            assert_eq!(frames, whole, "after a write of {count}");
            assert_eq!(done, [(Some(1), true)]);
        } else {
            assert_eq!(frames, [close]);
            assert_eq!(done, [(Some(1), false)]);
        }
    }
}

fn the_send_queue_neither_reads_nor_indicates_receives<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(None).unwrap();
    assert_eq!(engine.get_action(ActionQueue::Send, NOW), ActionIs::Nothing);
    read(&mut engine, &peers(Role::Server, &[Frame::text("x")]));
    assert_eq!(engine.get_action(ActionQueue::Send, NOW), ActionIs::Nothing);
    assert_eq!(received(&mut engine), (None, Some(Event::text("x"))));
}

fn the_receive_queue_leaves_sends_alone<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("x"), None, NOW).unwrap();
    assert_eq!(
        engine.get_action(ActionQueue::Receive, NOW),
        ActionIs::Nothing
    );
    write(&mut engine);
    assert_eq!(
        engine.get_action(ActionQueue::Receive, NOW),
        ActionIs::Nothing
    );
    assert_eq!(sent(&mut engine), (None, true));
}

fn contexts_come_back<E: Engine>() {
    for context in [None, Some(0), Some(u64::MAX)] {
        let mut engine = open::<E>(Role::Client);
        engine.send(Message::Ping(b""), context, NOW).unwrap();
        write(&mut engine);
        assert_eq!(sent(&mut engine), (context, true));
        engine.receive(context).unwrap();
        read(&mut engine, &peers(Role::Client, &[Frame::text("")]));
        assert_eq!(received(&mut engine), (context, Some(Event::text(""))));
    }
}

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
            complete(&mut engine, id, Completion::Done);
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
    let mut engine = E::client(&Config::default(), &ENTROPY).unwrap();
    engine.abort();
    engine.connect(&Request::new("example.org", "/")).unwrap();
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

fn only_control_frames_follow_a_close<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.send(Message::Text("x"), None, NOW).unwrap();
    engine.send(Message::Close, None, NOW).unwrap();
    for message in [
        Message::Text("x"),
        Message::BinaryFragment(b""),
        Message::Close,
        Message::CloseWith(1000, b""),
    ] {
        let refused = engine.send(message, None, NOW);
        assert_eq!(rule(refused), Rule::AlreadyClosing);
    }
    engine.send(Message::Ping(b"?"), None, NOW).unwrap();
    engine.send(Message::Pong(b"!"), None, NOW).unwrap();
    let mut pump = Pump::of(engine);
    pump.run(b"");
    let frames = wire::read_frames(&pump.written);
    let close = Frame::close_without_code();
    let expected = [Frame::ping("?"), Frame::pong("!"), Frame::text("x"), close];
    assert_eq!(frames, expected);
}

fn a_received_ping_or_pong_consumes_a_receive_only_if_shown<E: Engine>() {
    let frames = [Frame::ping("?"), Frame::pong("!"), Frame::text("x")];
    for shown in [false, true] {
        let mut config = Config::default();
        config.show_control = shown;
        let mut pump = Pump::<E>::open(Role::Server, &config);
        pump.run(&peers(Role::Server, &frames));
        let mut expected = vec![
            Event::Ping(b"?".into()),
            Event::Pong(b"!".into(), None),
            Event::text("x"),
        ];
        if !shown {
            expected.drain(..2);
        }
        assert_eq!(pump.events, expected);
        assert_eq!(wire::read_frames(&pump.written), [Frame::pong("?")]);
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

fn the_handshake_in_bytes_by_actions<E: Engine>() {
    let mut client = E::client(&Config::default(), &ENTROPY).unwrap();
    client.connect(&Request::new("example.org", "/")).unwrap();
    let mut client = Pump::of(client);
    client.run(b"");
    let mut server = Pump::of(E::server(&Config::default()).unwrap());
    server.read_at_most = 10;
    server.run(&client.written);
    assert_eq!(server.events, [Event::Request]);
    server.says(Message::Text("hello"), 1).unwrap();
    server.run(b"");
    client.write_at_most = 5;
    client.run(&server.written);
    assert_eq!(client.events, [Event::Opened, Event::text("hello")]);
}

fn no_input_is_asked_for_while_the_host_has_to_answer<E: Engine>() {
    let mut engine = E::server(&Config::default()).unwrap();
    engine.receive(Some(1)).unwrap();
    let early = peers(Role::Server, &[Frame::text("early")]);
    read(&mut engine, &[host_tests::heads::request(), early].concat());
    assert_eq!(received(&mut engine), (Some(1), Some(Event::Request)));
    engine.receive(Some(2)).unwrap();
    assert_eq!(action(&mut engine), ActionIs::Nothing);
    engine.accept(&Acceptance::default()).unwrap();
    let early = (Some(2), Some(Event::text("early")));
    assert_eq!(received(&mut engine), early);
}
