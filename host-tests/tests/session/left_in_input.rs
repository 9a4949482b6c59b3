//! Messages that are left in the input until they are complete (`Config::leave_unfinished`), which only the crate has.

use std::time::Duration;

use host_tests::engine::ENTROPY;
use host_tests::{Engine, Event, Frame, Native, deflate};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Deflate, Delivery, Instant, Role, Rule, Session};

const NOW: Instant = Instant::from_nanos(0);
const LONGEST: usize = 1000;

fn config() -> Config {
    let mut config = Config::default();
    config.leave_unfinished = LONGEST as u32;
    config
}

fn client(config: Config) -> Session {
    Session::open_client(config, &ENTROPY, Negotiated::default(), NOW).unwrap()
}

/// Returns how much of these bytes is consumed without an event, and how many are awaited.
fn left(session: &mut Session, bytes: &[u8]) -> (usize, Option<usize>) {
    let mut bytes = bytes.to_vec();
    let mut events = session.input(&mut bytes, NOW);
    assert_eq!(events.next(), None);
    (events.consumed(), events.awaited())
}

#[test]
fn a_message_that_is_cut_is_left_as_it_came_and_delivered_from_where_it_is() {
    for length in [1, 125, 126, 900] {
        for (role, frame) in [
            (
                Role::Server,
                Frame::text("x".repeat(length)).by(Role::Client),
            ),
            (Role::Client, Frame::binary(vec![b'x'; length])),
        ] {
            let negotiated = Negotiated::default();
            let mut engine = Native::open(role, &config(), &negotiated).unwrap();
            let first = Frame::binary("first").by(role.peer());
            let (first, frame) = (first.bytes(), frame.bytes());
            let result = engine.exchange(&[&first, &frame[..1]].concat(), &[], NOW, u32::MAX);
            assert_eq!((result.consumed, result.events.len()), (first.len(), 1));
            for cut in 1..frame.len() {
                // `exchange` compares what is left with what it was given.
                let result = engine.exchange(&frame[..cut], &[], NOW, u32::MAX);
                assert_eq!((result.consumed, result.events), (0, vec![]));
            }
            let result = engine.exchange(&frame, &[], NOW, u32::MAX);
            assert_eq!(result.consumed, frame.len());
            let [Event::Text { payload, .. } | Event::Binary { payload, .. }] = &result.events[..]
            else {
                panic!("{:?}", result.events);
            };
            assert!(payload.len() == length && payload.iter().all(|byte| *byte == b'x'));
        }
    }
}

#[test]
fn how_much_is_awaited_is_told_as_soon_as_the_header_has_come() {
    let mut session = client(config());
    let frame = Frame::binary([7; 200]).bytes();
    // An incomplete header awaits at least one byte.
    assert_eq!(left(&mut session, &frame[..1]), (0, Some(2)));
    assert_eq!(left(&mut session, &frame[..3]), (0, Some(4)));
    assert_eq!(left(&mut session, &frame[..4]), (0, Some(204)));
    assert_eq!(left(&mut session, &frame[..203]), (0, Some(204)));
    let mut bytes = frame.clone();
    let mut events = session.input(&mut bytes, NOW);
    assert!(events.next().is_some());
    assert_eq!(events.next(), None);
    assert_eq!((events.consumed(), events.awaited()), (204, None));
}

#[test]
fn what_is_longer_fragmented_compressed_or_control_is_taken_and_so_are_pieces() {
    let just = Frame::binary([7; LONGEST - 4]).bytes();
    let mut session = client(config());
    assert_eq!(left(&mut session, &just[..5]), (0, Some(LONGEST)));
    let long = Frame::binary([7; LONGEST - 3]).bytes();
    assert_eq!(long.len(), LONGEST + 1);
    let fragment = Frame::text("fragment").not_last().bytes();
    let ping = Frame::ping("ping").bytes();
    for frame in [&long, &fragment, &ping] {
        let mut session = client(config());
        assert_eq!(left(&mut session, &frame[..5]), (5, None), "{frame:?}");
    }

    let mut compressing = config();
    compressing.deflate = Some(Deflate::default());
    let mut session =
        Session::open_client(compressing, &ENTROPY, deflate::negotiated(""), NOW).unwrap();
    let compressed = Frame::text("compressed").reserved(0x40).bytes();
    assert_eq!(left(&mut session, &compressed[..3]), (3, None));
    let plain = Frame::text("not compressed").bytes();
    let mut session =
        Session::open_client(compressing, &ENTROPY, deflate::negotiated(""), NOW).unwrap();
    assert_eq!(left(&mut session, &plain[..3]), (0, Some(plain.len())));

    let mut streaming = config();
    streaming.delivery = Delivery::Streaming;
    let mut engine = Native::from(client(streaming));
    let result = engine.exchange(&plain[..6], &[], NOW, u32::MAX);
    assert_eq!((result.consumed, result.events.len()), (6, 1));
}

#[test]
fn a_header_that_breaks_a_rule_ends_the_session_before_its_payload_has_come() {
    let mut config = config();
    config.limits.message = 100;
    for (bytes, rule) in [
        (&b"\x83"[..], Rule::ReservedOpcode),
        (b"\x82\x80", Rule::FrameMasked),
        (b"\x82\x7e\x00\xc8", Rule::MessageTooBig),
    ] {
        let mut session = client(config);
        left(&mut session, bytes);
        assert_eq!(session.failure().map(|failure| failure.rule), Some(rule));
    }
}

#[test]
fn text_that_is_left_is_checked_when_it_is_whole() {
    let mut session = client(config());
    let frame = Frame::text(b"\xff\xff\xff").bytes();
    assert_eq!(left(&mut session, &frame[..4]), (0, Some(5)));
    assert_eq!(session.failure(), None);
    left(&mut session, &frame);
    assert_eq!(
        session.failure().map(|failure| failure.rule),
        Some(Rule::InvalidUtf8)
    );
}

#[test]
fn the_time_of_a_message_runs_while_it_is_left() {
    let mut config = config();
    config.timeouts.message = Some(Duration::from_secs(5));
    config.timeouts.keepalive = None;
    let mut session = client(config);
    let mut frame = Frame::binary("slow").bytes();
    assert_eq!(left(&mut session, &frame[..3]), (0, Some(6)));
    let due = NOW.after(Duration::from_secs(5));
    assert_eq!(session.next_deadline(), Some(due));
    // Neither time nor another byte restarts it.
    assert_eq!(
        session
            .input(&mut [], NOW.after(Duration::from_secs(1)))
            .next(),
        None
    );
    assert_eq!(session.next_deadline(), Some(due));
    let mut more = frame[..4].to_vec();
    let later = NOW.after(Duration::from_secs(2));
    assert_eq!(session.input(&mut more, later).next(), None);
    assert_eq!(session.next_deadline(), Some(due));

    let mut in_time = session.input(&mut frame, later);
    assert!(in_time.next().is_some());
    assert_eq!(in_time.next(), None);
    assert_eq!(session.next_deadline(), None);

    let frame = Frame::binary("late").bytes();
    assert_eq!(left(&mut session, &frame[..3]), (0, Some(6)));
    session.handle_timeout(NOW.after(Duration::from_secs(60)));
    assert_eq!(
        session.failure().map(|failure| failure.rule),
        Some(Rule::MessageTimeout)
    );
}

/// Each input ends a message and begins another, which is left: there is always an incomplete one, but never for long.
#[test]
fn the_time_of_a_message_that_was_left_ends_with_it() {
    let mut config = config();
    config.timeouts.message = Some(Duration::from_secs(5));
    let mut session = client(config);
    let frame = Frame::binary([1; 100]).bytes();
    let mut buffer = frame[..50].to_vec();
    let mut now = NOW;
    for _ in 0..20 {
        let mut events = session.input(&mut buffer, now);
        while events.next().is_some() {}
        let consumed = events.consumed();
        buffer.drain(..consumed);
        assert_eq!(buffer, frame[..50]);
        buffer.extend_from_slice(&frame[50..]);
        buffer.extend_from_slice(&frame[..50]);
        now = now.after(Duration::from_secs(1));
        assert_eq!(session.failure(), None);
    }
}

/// Only new bytes show that the peer is alive.
#[test]
fn bytes_that_are_given_again_are_no_sign_of_life() {
    let mut config = config();
    config.timeouts.idle = Some(Duration::from_secs(5));
    let mut session = client(config);
    let mut cut = Frame::binary([0; 50]).bytes()[..20].to_vec();
    let mut give = |session: &mut Session, count: usize, seconds: u64| {
        let now = NOW.after(Duration::from_secs(seconds));
        let bytes = &mut cut[..count];
        let mut events = session.input(bytes, now);
        assert_eq!(events.next(), None);
        assert_eq!(events.consumed(), 0);
    };
    give(&mut session, 19, 0);
    give(&mut session, 19, 3);
    // Another byte does.
    give(&mut session, 20, 4);
    for seconds in 5..9 {
        give(&mut session, 20, seconds);
        assert_eq!(session.failure(), None);
    }
    give(&mut session, 20, 9);
    assert_eq!(
        session.failure().map(|failure| failure.rule),
        Some(Rule::IdleTimeout)
    );
}

/// The next message is not left if the call that delivers it had just enough input.
#[test]
fn nothing_is_awaited_of_what_has_come() {
    let mut session = client(config());
    let mut bytes = [Frame::binary("abc").bytes(), Frame::binary("d").bytes()].concat();
    assert_eq!(left(&mut session, &bytes[..4]), (0, Some(5)));
    let exchanged = session.exchange(&mut bytes, [], NOW, 1);
    assert_eq!((exchanged.consumed, exchanged.more), (5, true));
    assert_eq!(exchanged.awaited, None);
}
