//! Writes, and completed sends.

use host_tests::engine::{START, rule};
use host_tests::wire::{self, Frame};
use host_tests::{ActionIs, Engine, Event, Pump, ROLES, on_both_engines};
use websocket_component::handshake::Negotiated;
use websocket_component::{ActionId, ActionQueue, Completion, Config, Message, Role, Rule};

use super::{
    NOW, action, complete, expect_read, expect_write, open, peers, read, received, sent, write,
};

on_both_engines![
    without_operations_there_is_no_action,
    a_send_is_written_then_indicated,
    a_short_write_resumes_where_it_stopped,
    a_write_of_nothing_is_tried_again,
    a_send_longer_than_the_buffer_is_one_frame_in_pieces,
    one_write_and_one_read_at_a_time,
    a_completion_of_the_wrong_action_is_refused,
    a_pong_does_not_disturb_what_is_being_written,
    a_failure_does_not_disturb_what_is_being_written,
    the_receive_queue_leaves_sends_alone,
    contexts_come_back,
    only_control_frames_follow_a_close,
];

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
            pump.sends(Message::Text("one"), 1).unwrap();
            pump.sends(Message::Binary(&[2; 300]), 2).unwrap();
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
    let mut engine = E::open_server(&config, &Negotiated::default(), START).unwrap();
    engine
        .send(Message::Binary(&[9; 50]), Some(1), NOW)
        .unwrap();
    let pieces = [(); 4].map(|()| write(&mut engine));
    assert_eq!(pieces.each_ref().map(Vec::len), [16, 16, 16, 4]);
    assert_eq!(pieces.concat(), Frame::binary([9; 50]).bytes());
    assert_eq!(sent(&mut engine), (Some(1), true));
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
    complete(&mut engine, first, Completion::Acknowledged);
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
        (unknown, Completion::Acknowledged, Rule::ActionUnknown),
        (unknown, Completion::Sent(0), Rule::ActionUnknown),
        (unknown, Completion::Read(b""), Rule::ActionUnknown),
        (write, Completion::Acknowledged, Rule::CompletionMismatch),
        (write, Completion::Read(b"x"), Rule::CompletionMismatch),
        (write, too_many, Rule::CompletionMismatch),
        (read, Completion::Acknowledged, Rule::CompletionMismatch),
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
                    self::complete(&mut engine, id, Completion::Acknowledged);
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
        // After an empty write no byte has been written, so it may be dropped.
        if count > 0 || done == [(Some(1), true)] {
            assert_eq!(frames, whole, "after a write of {count}");
            assert_eq!(done, [(Some(1), true)]);
        } else {
            assert_eq!(frames, [close]);
            assert_eq!(done, [(Some(1), false)]);
        }
    }
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
