//! Reads, and completed receives.

use std::time::Duration;

use host_tests::engine::{ENTROPY, START};
use host_tests::wire::{self, Frame};
use host_tests::{ActionIs, Engine, Event, Pump, ROLES, on_both_engines};
use websocket_component::handshake::{Acceptance, Negotiated, Request};
use websocket_component::{ActionQueue, Completion, Config, Message, Role, State};

use super::{NOW, action, complete, expect_read, open, peers, read, received};

on_both_engines![
    a_receive_reads_then_indicates,
    without_a_receive_no_input_is_asked_for,
    a_receive_is_indicated_at_once_when_bytes_are_left,
    a_read_of_nothing_cancels_the_receive,
    a_read_may_fill_the_receive_buffer,
    a_byte_that_is_read_postpones_the_keepalive_and_a_read_of_nothing_does_not,
    a_pong_is_written_on_the_receive_queue_without_a_receive_of_its_own,
    the_send_queue_neither_reads_nor_indicates_receives,
    a_received_ping_or_pong_consumes_a_receive_only_if_shown,
    the_handshake_in_bytes_by_actions,
    no_input_is_asked_for_while_the_host_has_to_answer,
];

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

fn a_read_may_fill_the_receive_buffer<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(None).unwrap();
    let size = Config::default().receive_buffer as usize;
    let mut bytes = peers(Role::Server, &[Frame::binary(vec![7; size - 14])]);
    bytes.resize(size, 0);
    read(&mut engine, &bytes);
    let event = Event::binary(vec![7; size - 14]);
    assert_eq!(received(&mut engine), (None, Some(event)));
}

fn a_byte_that_is_read_postpones_the_keepalive_and_a_read_of_nothing_does_not<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.idle = None;
    config.timeouts.message = None;
    config.timeouts.keepalive = Some(Duration::from_secs(30));
    let mut engine = E::open(Role::Server, &config, &Negotiated::default()).unwrap();
    engine.receive(None).unwrap();
    for (seconds, bytes, deadline) in [(10, &b"\x81"[..], 40), (20, b"", 40), (30, b"\x80", 60)] {
        let now = NOW.after(Duration::from_secs(seconds));
        let ActionIs::ReceiveFromNetwork(id, _) = engine.get_action(ActionQueue::All, now) else {
            panic!("a read is due");
        };
        engine
            .complete_action(id, Completion::Read(bytes), now)
            .unwrap();
        let deadline = NOW.after(Duration::from_secs(deadline));
        assert_eq!(engine.next_deadline(), Some(deadline), "after {bytes:?}");
        if bytes.is_empty() {
            assert_eq!(received(&mut engine), (None, None));
            engine.receive(None).unwrap();
        }
    }
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
    // It is not indicated, and the receive is still queued.
    read(&mut engine, &peers(Role::Server, &[Frame::text("x")]));
    assert_eq!(received(&mut engine), (Some(1), Some(Event::text("x"))));
    assert_eq!(action(&mut engine), ActionIs::Nothing);
}

fn the_send_queue_neither_reads_nor_indicates_receives<E: Engine>() {
    let mut engine = open::<E>(Role::Server);
    engine.receive(None).unwrap();
    assert_eq!(engine.get_action(ActionQueue::Send, NOW), ActionIs::Nothing);
    read(&mut engine, &peers(Role::Server, &[Frame::text("x")]));
    assert_eq!(engine.get_action(ActionQueue::Send, NOW), ActionIs::Nothing);
    assert_eq!(received(&mut engine), (None, Some(Event::text("x"))));
}

fn a_received_ping_or_pong_consumes_a_receive_only_if_shown<E: Engine>() {
    let frames = [Frame::ping("?"), Frame::pong("!"), Frame::text("x")];
    for shown in [false, true] {
        let mut config = Config::default();
        config.report_control_frames = shown;
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

fn the_handshake_in_bytes_by_actions<E: Engine>() {
    let mut client = E::client(&Config::default(), &ENTROPY, START).unwrap();
    client
        .connect(&Request::new("example.org", "/"), NOW)
        .unwrap();
    let mut client = Pump::of(client);
    client.run(b"");
    let mut server = Pump::of(E::server(&Config::default(), START).unwrap());
    server.read_at_most = 10;
    server.run(&client.written);
    assert_eq!(server.events, [Event::Request]);
    server.sends(Message::Text("hello"), 1).unwrap();
    server.run(b"");
    client.write_at_most = 5;
    client.run(&server.written);
    assert_eq!(client.events, [Event::Opened, Event::text("hello")]);
}

fn no_input_is_asked_for_while_the_host_has_to_answer<E: Engine>() {
    let mut engine = E::server(&Config::default(), START).unwrap();
    engine.receive(Some(1)).unwrap();
    let early = peers(Role::Server, &[Frame::text("early")]);
    read(&mut engine, &[host_tests::heads::request(), early].concat());
    assert_eq!(received(&mut engine), (Some(1), Some(Event::Request)));
    engine.receive(Some(2)).unwrap();
    assert_eq!(action(&mut engine), ActionIs::Nothing);
    engine.accept(&Acceptance::default(), NOW).unwrap();
    let early = (Some(2), Some(Event::text("early")));
    assert_eq!(received(&mut engine), early);
}
