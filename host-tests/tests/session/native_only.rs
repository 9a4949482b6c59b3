//! API of the Rust crate only: output and payloads that aren't copied.

use std::time::Duration;

use host_tests::engine::ENTROPY;
use host_tests::wire::RSV1;
use host_tests::{Frame, deflate};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Deflate, Delivery, Event, Instant, Message, Rule, Session};

/// A reading of a clock that has run for a long time.
const LATE: Instant = Instant::from_nanos(1 << 60);

fn open() -> Session {
    Session::open_client(Config::default(), &ENTROPY, Negotiated::default(), LATE).unwrap()
}

const IDLE: Duration = Duration::from_secs(10);

/// A session that holds a chunk of a message until more has arrived, or this time has passed.
fn holds_a_piece(gather: Duration) -> Session {
    let mut config = Config::default();
    config.delivery = Delivery::Streaming;
    config.timeouts.coalesce = Some(gather);
    config.timeouts.idle = Some(IDLE);
    let mut session = Session::open_client(config, &ENTROPY, Negotiated::default(), LATE).unwrap();
    let mut begun = Frame::binary("abc").not_last().bytes();
    assert_eq!(session.input(&mut begun, LATE).next(), None);
    session
}

#[track_caller]
fn gives_the_piece(session: &mut Session, now: Instant) {
    assert!(session.has_more());
    let piece = Event::Binary {
        payload: b"abc",
        last: false,
    };
    assert_eq!(session.input(&mut [], now).next(), Some(piece));
    assert!(!session.has_more());
}

/// A timeout delivers no events: a held chunk is delivered with the next input.
#[test]
fn a_piece_that_is_due_does_not_make_timeouts_spin() {
    let mut session = holds_a_piece(Duration::from_millis(5));
    let due = session.next_deadline().unwrap();
    assert_eq!(due, LATE.after(Duration::from_millis(5)));
    session.handle_timeout(due);
    assert!(session.next_deadline().is_none_or(|next| next > due));
    gives_the_piece(&mut session, due);
}

/// The rest of a message that was begun is still there for the host once a deadline has ended the session.
#[test]
fn a_piece_that_is_held_when_a_timeout_ends_the_session_is_more() {
    let mut session = holds_a_piece(Duration::from_secs(100));
    let due = LATE.after(IDLE);
    session.handle_timeout(due);
    session.take_output(usize::MAX, due);
    assert_eq!(
        session.failure().map(|failure| failure.rule),
        Some(Rule::IdleTimeout)
    );
    gives_the_piece(&mut session, due);
}

/// A broken rule waits for the next call, so that the host can answer what came before it.
#[test]
fn a_turn_that_is_over_stays_over() {
    let mut session = open();
    let broken = Frame::text("b").reserved(RSV1);
    let mut input = [Frame::text("a").bytes(), broken.bytes()].concat();
    let mut events = session.input(&mut input, LATE);
    assert!(events.next().is_some());
    for _ in 0..3 {
        assert_eq!(events.next(), None);
    }
    session.send(Message::Text("answer"), None, LATE).unwrap();
    assert_eq!(session.failure(), None);
}

/// The deadlines of the source are handled though its messages have to wait.
#[test]
fn a_relay_to_a_full_target_handles_timeouts() {
    let (mut source, mut target) = (open(), open());
    target.send(Message::Text("full"), None, LATE).unwrap();
    let due = source.next_deadline().unwrap();
    let relayed = source.relay(&mut target, &mut [], due, 1);
    assert!(!relayed.source.output.is_empty(), "a ping is sent");
    assert!(relayed.source.next_deadline.unwrap() > due);
}

#[test]
fn sends_without_a_context_are_told_as_often_as_they_are_done() {
    let mut session = open();
    for context in [None, None, Some(1), Some(1), None] {
        session.send(Message::Text("x"), context, LATE).unwrap();
    }
    session.take_output(usize::MAX, LATE);
    let mut contexts = Vec::new();
    while let Some(sent) = session.sent() {
        assert!(sent.complete);
        contexts.push(sent.context);
    }
    assert_eq!(contexts, [None, None, Some(1), Some(1), None]);
}

/// If each write took work for every frame that waits, this would take many minutes.
#[test]
#[cfg(not(miri))]
fn a_full_queue_of_short_messages_is_written_in_little() {
    let mut session = open();
    while session.send(Message::Binary(b""), None, LATE).is_ok() {}
    let waiting = session.buffered_amount();
    assert!(waiting > 1_000_000);
    let mut written = 0;
    while session.buffered_amount() > 0 {
        let length = session.output().len().min(8);
        session.advance(length, LATE);
        written += length;
    }
    assert_eq!(written, waiting);
}

#[test]
fn output_can_be_written_in_place() {
    let mut session = open();
    session.send(Message::Text("hello"), None, LATE).unwrap();
    let all = session.output().to_vec();
    session.advance(3, LATE);
    // A ping that arrives meanwhile is answered after the frame that was begun.
    let mut ping = Frame::ping("?").bytes();
    assert_eq!(session.input(&mut ping, LATE).next(), None);
    assert_eq!(session.output(), &all[3..]);
    session.advance(usize::MAX, LATE);
    assert_eq!(session.output().len(), 7);
    session.advance(7, LATE);
    assert_eq!(session.output(), b"");
    assert_eq!(session.buffered_amount(), 0);
}

/// The output of a host that writes payloads itself.
fn written_in_place(session: &mut Session, message: Message<'_>, payload: &[u8]) -> Vec<u8> {
    let head = session
        .frame_header(message)
        .unwrap()
        .expect("nothing waits");
    let mut payload = payload.to_vec();
    // In two parts, as a payload in two buffers would be.
    let middle = payload.len() / 2;
    let (first, rest) = payload.split_at_mut(middle);
    head.mask(first, 0);
    head.mask(rest, first.len() as u64);
    [head.as_bytes(), &payload].concat()
}

#[test]
fn frames_whose_payload_the_host_writes_are_those_that_it_would_send() {
    for length in [0, 1, 125, 126, 1000, 65_535, 65_536] {
        let payload = vec![b'x'; length];
        let text = str::from_utf8(&payload).unwrap();
        let messages = [
            Message::Text(text),
            Message::Utf8Fragment(&payload),
            Message::Utf8(&payload),
            Message::BinaryFragment(&payload),
            Message::Binary(&payload),
        ];
        let server =
            || Session::open_server(Config::default(), Negotiated::default(), LATE).unwrap();
        for (mut direct, mut queued) in [(open(), open()), (server(), server())] {
            for message in messages {
                let written = written_in_place(&mut direct, message, &payload);
                queued.send(message, None, LATE).unwrap();
                assert!(
                    queued.take_output(usize::MAX, LATE) == written,
                    "{length}: {message:?}"
                );
            }
        }
    }
}

#[test]
fn a_message_that_has_to_wait_or_to_be_compressed_is_not_written_by_the_host() {
    let mut session = open();
    session.send(Message::Binary(b"first"), None, LATE).unwrap();
    assert!(
        session
            .frame_header(Message::Binary(b"second"))
            .unwrap()
            .is_none()
    );
    session.take_output(usize::MAX, LATE);
    assert!(session.frame_header(Message::Ping(b"?")).unwrap().is_none());
    assert!(
        session
            .frame_header(Message::Binary(b"second"))
            .unwrap()
            .is_some()
    );

    let mut config = Config::default();
    config.deflate = Some(Deflate::default());
    let negotiated = deflate::negotiated("");
    let mut session = Session::open_server(config, negotiated, LATE).unwrap();
    assert!(
        session
            .frame_header(Message::Binary(b"x"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_message_that_breaks_a_rule_has_no_header() {
    let mut session = open();
    let head = |session: &mut Session, message| session.frame_header(message).unwrap_err();
    assert_eq!(
        head(&mut session, Message::Utf8(b"\xff")),
        Rule::TextNotUtf8
    );
    session
        .frame_header(Message::TextFragment("a"))
        .unwrap()
        .unwrap();
    assert_eq!(
        head(&mut session, Message::Binary(b"b")),
        Rule::FragmentMismatch
    );
    session.send(Message::Close, None, LATE).unwrap();
    assert_eq!(head(&mut session, Message::Text("b")), Rule::AlreadyClosing);
    // A ping may still be sent, but it is no message.
    assert!(session.frame_header(Message::Ping(b"?")).unwrap().is_none());
    let mut session = Session::client(Config::default(), &ENTROPY, LATE).unwrap();
    assert_eq!(head(&mut session, Message::Text("b")), Rule::NotOpen);
}

/// Nothing is added to its queue, however long that is.
#[test]
fn a_target_of_a_relay_that_closes_holds_no_input_back() {
    let mut source = open();
    let mut target = open();
    target
        .send(Message::Binary(&[7; 1000]), None, LATE)
        .unwrap();
    target.send(Message::Close, None, LATE).unwrap();
    let mut input = Frame::binary([7; 3000]).bytes();
    let relayed = source.relay(&mut target, &mut input, LATE, 100);
    assert_eq!((relayed.source.consumed, relayed.messages), (3004, 1));
    assert!(!relayed.source.more);
    assert_eq!(relayed.target.output.len(), 100);
}

/// A peer that always sends more, and reads nothing or never ends its message.
#[test]
fn deadlines_hold_though_each_call_has_as_much_as_it_may() {
    for rule in [Rule::WriteTimeout, Rule::MessageTimeout] {
        let mut config = Config::default();
        config.delivery = Delivery::Streaming;
        config.timeouts.write = Some(IDLE);
        config.timeouts.message = (rule == Rule::MessageTimeout).then_some(IDLE);
        config.timeouts.keepalive = None;
        let mut session =
            Session::open_client(config, &ENTROPY, Negotiated::default(), LATE).unwrap();
        if rule == Rule::WriteTimeout {
            let message = Message::Binary(b"never written").into();
            session.output_blocked(LATE);
            session.exchange(&mut [], [message], LATE, 1);
        }
        let mut frame = Frame::binary("abc").not_last();
        for seconds in 0..=10 {
            assert_eq!(session.failure(), None);
            let now = LATE.after(Duration::from_secs(seconds));
            session.exchange(&mut frame.bytes(), [], now, 1);
            frame = Frame::continuation("def").not_last();
        }
        assert_eq!(session.failure().map(|failure| failure.rule), Some(rule));
    }
}
