//! How sessions end, with half-close (`docs/states.md`), on the Rust crate.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use host_tests::engine::ENTROPY;
use host_tests::wire::bytes_of;
use host_tests::{Frame, ROLES, heads, wire};
use websocket_component::handshake::{Negotiated, Refusal, Request};
use websocket_component::{
    Action, ActionQueue, Completion, Config, Instant, Message, Role, Rule, Session, State,
};

mod outcome;

const NOW: Instant = Instant::from_nanos(1 << 40);
const SECOND: Duration = Duration::from_secs(1);
/// The default of `Timeouts::close`.
const CLOSE: Duration = Duration::from_secs(10);

fn after(seconds: u32) -> Instant {
    NOW.after(seconds * SECOND)
}

fn open_with(role: Role, config: Config) -> Session {
    match role {
        Role::Client => Session::open_client(config, &ENTROPY, Negotiated::default(), NOW),
        Role::Server => Session::open_server(config, Negotiated::default(), NOW),
    }
    .unwrap()
}

fn open(role: Role) -> Session {
    open_with(role, Config::default())
}

/// A session whose host answers closes itself.
fn open_without_replies(role: Role) -> Session {
    let mut config = Config::default();
    config.reply_to_close = false;
    open_with(role, config)
}

/// Receives frames from the peer. Returns the number of events.
fn hear(session: &mut Session, frames: &[Frame], now: Instant) -> usize {
    let mut bytes = bytes_of(frames, session.role().peer());
    let length = bytes.len();
    let mut input = session.input(&mut bytes, now);
    let mut events = 0;
    while input.next().is_some() {
        events += 1;
    }
    assert_eq!(input.consumed(), length);
    events
}

fn written(session: &mut Session) -> Vec<Frame> {
    let unmasked = |frame: Frame| Frame { key: None, ..frame };
    let frames = wire::read_frames(&session.take_output(usize::MAX, NOW));
    frames.into_iter().map(unmasked).collect()
}

/// A session whose peer has broken a rule, and whose close frame was handed out.
fn failed(role: Role) -> Session {
    let mut session = open(role);
    hear(&mut session, &[Frame::new(0x3, "")], NOW);
    assert_eq!(session.state(), State::Closing);
    session.take_output(usize::MAX, NOW);
    session
}

#[test]
fn a_client_waits_until_the_server_closes_which_does_so_at_once() {
    let mut client = open(Role::Client);
    client
        .send(Message::CloseWith(1000, b""), None, NOW)
        .unwrap();
    client.take_output(usize::MAX, NOW);
    hear(&mut client, &[Frame::close(1000, "")], NOW);
    assert_eq!(client.state(), State::Draining);
    client.end_of_input(NOW);
    assert_eq!(client.state(), State::Closed);

    let mut server = open(Role::Server);
    hear(&mut server, &[Frame::close(1000, "")], NOW);
    assert_eq!(server.state(), State::Closing);
    server.take_output(usize::MAX, NOW);
    assert_eq!(server.state(), State::Closed);
    assert_eq!((client.failure(), server.failure()), (None, None));
}

#[test]
fn a_session_drains_only_once_its_last_byte_was_written() {
    for role in ROLES {
        let mut session = open(role);
        hear(&mut session, &[Frame::new(0x3, "")], NOW);
        while session.buffered_amount() > 1 {
            assert!(!session.output().is_empty());
            session.advance(1, NOW);
            assert_eq!(session.state(), State::Closing);
            assert_eq!(session.outcome(), None);
        }
        session.output();
        assert_eq!(session.state(), State::Closing);
        session.advance(1, after(5));
        assert_eq!(session.state(), State::Draining);
        assert_eq!(session.next_deadline(), Some(after(5).after(CLOSE)));
    }
}

#[test]
fn who_drains_takes_all_and_hears_and_says_nothing() {
    for role in ROLES {
        let mut session = failed(role);
        let frames = [
            Frame::text("x"),
            Frame::ping("?"),
            Frame::close(1000, ""),
            Frame::new(0x3, "broken again"),
        ];
        for seconds in 1..10 {
            assert_eq!(hear(&mut session, &frames, after(seconds)), 0);
            assert_eq!(session.state(), State::Draining);
            // Input doesn't extend the wait.
            assert_eq!(session.next_deadline(), Some(NOW.after(CLOSE)));
        }
        assert_eq!(session.output(), b"");
        let sent = session.send(Message::Text("x"), None, NOW);
        assert_eq!(sent, Err(Rule::AlreadyClosing));
        assert_eq!(session.receive(None), Err(Rule::ReservedOpcode));
    }
}

#[test]
fn every_way_to_tell_the_time_ends_the_wait() {
    let ways: [fn(&mut Session); 4] = [
        |session| session.handle_timeout(after(10)),
        |session| assert!(session.input(&mut [], after(10)).next().is_none()),
        |session| assert_eq!(hear(session, &[Frame::text("x")], after(10)), 0),
        |session| {
            let action = session.get_action(ActionQueue::All, after(10));
            assert_eq!(action, Action::NoAction);
        },
    ];
    for role in ROLES {
        for way in ways {
            let mut session = failed(role);
            session.handle_timeout(after(9));
            assert_eq!(session.state(), State::Draining);
            assert!(!session.has_more());
            way(&mut session);
            assert_eq!(session.state(), State::Closed);
            assert_eq!(session.next_deadline(), None);
            assert_eq!(
                session.failure().map(|failure| failure.rule),
                Some(Rule::ReservedOpcode)
            );
        }
    }
}

#[test]
fn a_deadline_that_is_missed_is_not_in_the_past() {
    let mut session = failed(Role::Server);
    session.output_taken(after(60));
    assert_eq!(session.state(), State::Draining);
    assert_eq!(session.next_deadline(), Some(after(60)));
    assert!(session.has_more());
}

#[test]
fn without_a_timeout_the_wait_ends_with_the_peers_stream() {
    let mut config = Config::default();
    config.timeouts.close = None;
    let mut session = open_with(Role::Server, config);
    hear(&mut session, &[Frame::new(0x3, "")], NOW);
    session.take_output(usize::MAX, NOW);
    assert_eq!(session.next_deadline(), None);
    session.handle_timeout(after(1_000_000));
    assert_eq!(session.state(), State::Draining);
    session.end_of_input(after(1_000_000));
    assert_eq!(session.state(), State::Closed);
}

/// The host didn't read because it couldn't forward the input, which is no longer necessary.
#[test]
fn who_drains_reads_again_and_waits_only_while_it_is_paused_anew() {
    let mut session = open(Role::Server);
    session.pause_reading(NOW);
    hear(&mut session, &[Frame::new(0x3, "")], after(1));
    session.take_output(usize::MAX, after(1));
    assert_eq!(session.next_deadline(), Some(after(11)));

    session.pause_reading(after(3));
    assert_eq!(session.next_deadline(), None);
    session.handle_timeout(after(60));
    assert_eq!(session.state(), State::Draining);
    session.resume_reading(after(60));
    assert_eq!(session.next_deadline(), Some(after(68)));
}

/// A server that has the request, and its host's answer.
fn refused(refusal: Option<&Refusal>) -> Session {
    let mut session = Session::server(Config::default(), NOW).unwrap();
    let mut request = match refusal {
        Some(_) => heads::request(),
        None => heads::request_without("Upgrade"),
    };
    let mut events = session.input(&mut request, NOW);
    assert_eq!(events.next().is_some(), refusal.is_some());
    if let Some(refusal) = refusal {
        session.refuse(refusal, NOW).unwrap();
    }
    session
}

#[test]
fn a_server_that_refuses_drains_behind_its_response() {
    for refusal in [Some(&Refusal::new(403)), None] {
        let mut session = refused(refusal);
        assert_eq!(session.state(), State::Closing);
        session.take_output(usize::MAX, NOW);
        assert_eq!(session.state(), State::Draining);
        session.end_of_input(NOW);
        assert_eq!(session.state(), State::Closed);
        let mut session = refused(refusal);
        session.end_of_input(NOW);
        assert_eq!(session.state(), State::Closing);
        let response = session.take_output(usize::MAX, NOW);
        assert!(response.starts_with(b"HTTP/1.1 4"));
        assert_eq!(session.state(), State::Closed);
    }
}

#[test]
fn a_client_that_is_refused_has_nothing_to_write_and_is_closed() {
    let responses = [
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "nonsense\r\n\r\n",
    ];
    for response in responses {
        let mut session = Session::client(Config::default(), &ENTROPY, NOW).unwrap();
        let request = Request::new("example.org", "/");
        session.connect(&request, NOW).unwrap();
        session.take_output(usize::MAX, NOW);
        let mut bytes = response.as_bytes().to_vec();
        assert_eq!(session.input(&mut bytes, NOW).next(), None);
        assert!(session.failure().is_some());
        assert_eq!(session.state(), State::Closed, "{response}");
    }
}

#[test]
fn who_has_heard_the_end_of_the_stream_before_is_closed_with_its_last_byte() {
    for role in ROLES {
        for last in [Frame::close(1000, ""), Frame::new(0x3, "")] {
            let mut session = open(role);
            hear(&mut session, &[last], NOW);
            for _ in 0..2 {
                session.end_of_input(NOW);
                assert_eq!(session.state(), State::Closing);
            }
            assert_eq!(written(&mut session).len(), 1);
            assert_eq!(session.state(), State::Closed);
            assert_eq!(session.next_deadline(), None);
        }
    }
}

/// A peer that only reads still gets the host's messages, and the host has no deadline for them.
#[test]
fn a_host_may_answer_a_close_behind_the_end_of_the_stream() {
    for role in ROLES {
        let mut session = open_without_replies(role);
        hear(&mut session, &[Frame::close(1001, "")], NOW);
        for _ in 0..2 {
            session.end_of_input(NOW);
            assert_eq!((session.state(), session.failure()), (State::Closing, None));
        }
        assert_eq!(session.next_deadline(), None);
        session
            .send(Message::Text("last"), None, after(60))
            .unwrap();
        assert_eq!(written(&mut session), [Frame::text("last")]);
        assert_eq!((session.state(), session.outcome()), (State::Closing, None));
        let bye = Message::CloseWith(1000, b"bye");
        session.send(bye, None, after(60)).unwrap();
        assert_eq!(written(&mut session), [Frame::close(1000, "bye")]);
        assert_eq!((session.state(), session.failure()), (State::Closed, None));
        assert!(session.outcome().unwrap().clean);
    }
}

#[test]
fn where_nothing_can_be_said_nobody_waits() {
    type End = fn(&mut Session);
    let ends: [(End, Rule); 4] = [
        (|session| session.end_of_input(NOW), Rule::ConnectionLost),
        (Session::abort, Rule::Aborted),
        (
            |session| {
                session.send(Message::Close, None, NOW).unwrap();
                session.take_output(usize::MAX, NOW);
                session.handle_timeout(after(10));
            },
            Rule::CloseTimeout,
        ),
        (
            |session| {
                session.send(Message::Text("x"), None, NOW).unwrap();
                session.handle_timeout(after(30));
            },
            Rule::WriteTimeout,
        ),
    ];
    for role in ROLES {
        for (end, rule) in ends {
            let mut session = open(role);
            end(&mut session);
            assert_eq!(session.failure().map(|failure| failure.rule), Some(rule));
            assert_eq!(session.state(), State::Closed);
            assert_eq!(session.output(), b"");
        }
    }
}

#[test]
fn receives_are_cancelled_while_draining_and_nothing_asks_to_read() {
    for role in ROLES {
        let mut session = open(role);
        for context in 1..=2 {
            session.receive(Some(context)).unwrap();
        }
        let Action::ReceiveFromNetwork(id, _) = session.get_action(ActionQueue::All, NOW) else {
            panic!("it wants to read");
        };
        let broken = bytes_of(&[Frame::new(0x3, "")], role.peer());
        session
            .complete_action(id, Completion::Read(&broken), NOW)
            .unwrap();
        let mut cancelled = Vec::new();
        loop {
            let (id, completion) = match session.get_action(ActionQueue::All, NOW) {
                Action::NoAction => break,
                Action::SendToNetwork(id, bytes) => (id, Completion::Sent(bytes.len())),
                Action::IndicateReceiveComplete(id, context, None) => {
                    cancelled.extend(context);
                    (id, Completion::Acknowledged)
                }
                other => panic!("{other:?}"),
            };
            session.complete_action(id, completion, NOW).unwrap();
        }
        assert_eq!(cancelled, [1, 2]);
        assert_eq!(session.state(), State::Draining);
    }
}

/// A host that reads to the end, on a socket: without that the unread megabytes would reset the connection, and the peer
/// might never see why.
#[test]
#[cfg_attr(miri, ignore = "sockets")]
fn a_close_frame_arrives_though_the_peer_goes_on_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let broken = bytes_of(&[Frame::new(0x3, "")], Role::Client);
        socket.write_all(&broken).unwrap();
        socket.write_all(&vec![0; 4 << 20]).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        socket.read_to_end(&mut received).unwrap();
        received
    });

    let (mut socket, _) = listener.accept().unwrap();
    let mut session = open(Role::Server);
    let mut buffer = [0; 4096];
    let mut has_shut_down = false;
    while session.state() != State::Closed {
        match socket.read(&mut buffer).unwrap() {
            0 => session.end_of_input(NOW),
            count => {
                let mut events = session.input(&mut buffer[..count], NOW);
                while events.next().is_some() {}
            }
        }
        socket
            .write_all(&session.take_output(usize::MAX, NOW))
            .unwrap();
        if session.state() == State::Draining && !has_shut_down {
            socket.shutdown(Shutdown::Write).unwrap();
            has_shut_down = true;
        }
    }
    drop(socket);
    let received = wire::read_frames(&peer.join().unwrap());
    let close = Frame::close(1002, Rule::ReservedOpcode.description());
    assert_eq!(received, [close]);
    assert!(has_shut_down);
}
