//! Payloads that the host reads itself: only their headers are passed to the session.

use std::time::Duration;

use host_tests::wire::{FIN, Frame, RSV1};
use host_tests::{Engine, Event, Pump, ROLES, deflate, on_both_engines};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, IncomingPayload, Instant, Message, Role, Rule, State};

use super::{pattern, pieces};

on_both_engines![
    a_payload_is_read_however_it_is_cut,
    a_text_is_checked_however_it_is_cut,
    a_text_that_ends_inside_a_character_is_none,
    a_broken_text_ends_the_session_and_says_where,
    frames_that_are_long_enough_are_left_and_no_others,
    what_is_compressed_is_not_left,
    what_goes_on_with_what_is_held_is_not_left,
    fragments_of_one_message_go_either_way,
    the_rest_of_a_payload_may_be_given_after_all,
    a_header_that_is_cut_or_breaks_a_rule_is_not_taken,
    control_frames_come_between_the_fragments,
    limits_hold_at_the_header,
    a_payload_that_comes_shows_that_the_peer_lives,
    bytes_that_were_given_before_show_nothing,
    a_message_has_its_time,
    a_message_can_be_answered_before_a_rule_is_broken_behind_it,
    a_message_can_be_answered_before_a_rule_is_broken_in_a_frame_that_was_left,
    actions_leave_no_payloads,
    a_session_that_has_ended_takes_no_payload,
    a_host_that_reads_too_much_is_told,
];

const NOW: Instant = Instant::from_nanos(7_000_000_000);
const LONG: usize = 100;

fn after(seconds: u64) -> Instant {
    Instant::from_nanos(NOW.as_nanos() + seconds * 1_000_000_000)
}

fn leaving(config: Config) -> Config {
    let mut config = config;
    config.leave_payloads = Some(LONG as u64);
    config
}

fn open<E: Engine>(role: Role, config: Config) -> E {
    E::open(role, &leaving(config), &Negotiated::default()).unwrap()
}

/// Begins the payload whose header is in these bytes.
fn begin<E: Engine>(engine: &mut E, bytes: &[u8]) -> (usize, IncomingPayload) {
    engine.begin_payload(bytes, NOW).expect("it is taken")
}

/// Returns the unconsumed rest of these bytes after an exchange, and its events.
fn left<E: Engine>(engine: &mut E, bytes: &[u8]) -> (usize, Vec<Event>) {
    let result = engine.exchange(bytes, &[], NOW, u32::MAX);
    assert!(!result.more, "nothing more comes by asking again");
    (bytes.len() - result.consumed, result.events)
}

fn a_payload_is_read_however_it_is_cut<E: Engine>() {
    let payload = pattern(300);
    for role in ROLES {
        for cut in [1, 2, 3, 7, 299, 300] {
            let mut engine: E = open(role, Config::default());
            let mut bytes = Frame::binary(payload.clone()).by(role.peer()).bytes();
            let next = Frame::text("next").by(role.peer()).bytes();
            for _ in 0..2 {
                let (header, mut incoming) = begin(&mut engine, &bytes);
                assert!(!incoming.is_text() && incoming.ends_message());
                assert_eq!(incoming.left(), 300);
                let mut read = bytes.split_off(header);
                for piece in read.chunks_mut(cut) {
                    assert_eq!(incoming.read(piece), Ok(piece.len()));
                    engine.payload_read(&incoming, NOW).expect("it is sound");
                }
                assert!(read == payload);
                assert_eq!(left(&mut engine, &next), (0, vec![Event::text("next")]));
                bytes = Frame::binary(payload.clone()).by(role.peer()).bytes();
            }
        }
    }
}

fn a_text_is_checked_however_it_is_cut<E: Engine>() {
    let text = "zażółć gęślą jaźń 🦀".repeat(5);
    for role in ROLES {
        let frame = Frame::text(&text).by(role.peer()).bytes();
        for cut in 1..text.len() {
            let mut engine: E = open(role, Config::default());
            let (header, mut incoming) = begin(&mut engine, &frame);
            assert!(incoming.is_text() && incoming.is_checked());
            let mut read = frame[header..].to_vec();
            let (first, second) = read.split_at_mut(cut);
            for piece in [first, second] {
                assert_eq!(incoming.read(piece), Ok(piece.len()));
                engine.payload_read(&incoming, NOW).expect("it is text");
            }
            assert!(read == text.as_bytes());
            assert_eq!(engine.state(), State::Open);
        }
    }
}

fn a_text_that_ends_inside_a_character_is_none<E: Engine>() {
    for cut in [101, 102] {
        let mut engine: E = open(Role::Client, Config::default());
        let mut text = "x".repeat(100).into_bytes();
        text.extend(&"€".as_bytes()[..2]);
        let frame = Frame::text(text).bytes();
        let (header, mut incoming) = begin(&mut engine, &frame);
        let mut read = frame[header..].to_vec();
        let (first, second) = read.split_at_mut(cut);
        let mut result = incoming.read(first).map(drop);
        if !second.is_empty() {
            engine.payload_read(&incoming, NOW).expect("it is text");
            result = incoming.read(second).map(drop);
        }
        assert_eq!(result, Err(Rule::InvalidUtf8));
        let failure = engine.payload_read(&incoming, NOW).unwrap_err();
        assert_eq!(failure.rule, Rule::InvalidUtf8);
    }
}

fn a_broken_text_ends_the_session_and_says_where<E: Engine>() {
    for role in ROLES {
        let mut engine: E = open(role, Config::default());
        let first = Frame::text("first").by(role.peer()).bytes();
        assert_eq!(left(&mut engine, &first), (0, vec![Event::text("first")]));
        let mut text = pattern(150);
        text.fill(b'x');
        text[120] = 0xff;
        let frame = Frame::text(text).by(role.peer()).bytes();
        let (header, mut incoming) = begin(&mut engine, &frame);
        let mut read = frame[header..].to_vec();
        let (good, bad) = read.split_at_mut(100);
        assert_eq!(incoming.read(good), Ok(100));
        engine.payload_read(&incoming, NOW).expect("so far");
        assert_eq!(incoming.read(bad), Err(Rule::InvalidUtf8));
        let failure = engine.payload_read(&incoming, NOW).unwrap_err();
        assert_eq!(failure.rule, Rule::InvalidUtf8);
        let failure = engine.failure().expect("it has failed");
        assert_eq!(failure.offset, Some(first.len() as u64));
        assert_eq!(failure.close_code, Some(1007));
        let result = engine.exchange(b"", &[], NOW, u32::MAX);
        assert!(result.output.len() > 2 && result.events.is_empty());
    }
}

fn frames_that_are_long_enough_are_left_and_no_others<E: Engine>() {
    for role in ROLES {
        let mut engine: E = open(role, Config::default());
        let short = Frame::binary(pattern(LONG - 1)).by(role.peer()).bytes();
        let long = Frame::binary(pattern(LONG)).by(role.peer()).bytes();
        let all = [&short[..], &long, &short].concat();
        let event = Event::binary(pattern(LONG - 1));
        let expected = (long.len() + short.len(), vec![event.clone()]);
        assert_eq!(left(&mut engine, &all), expected);
        // Again, and it is still left.
        let rest = &all[short.len()..];
        assert_eq!(left(&mut engine, rest), (rest.len(), vec![]));
        let (header, mut incoming) = begin(&mut engine, rest);
        assert_eq!(header + LONG, long.len());
        let mut read = rest[header..].to_vec();
        // Only bytes of the payload are read.
        assert_eq!(incoming.read(&mut read), Ok(LONG));
        assert!(read[..LONG] == pattern(LONG));
        engine.payload_read(&incoming, NOW).expect("it is sound");
        assert_eq!(left(&mut engine, &read[LONG..]), (0, vec![event]));
    }
}

fn what_is_compressed_is_not_left<E: Engine>() {
    let config = leaving(deflate::config());
    let negotiated = deflate::negotiated("");
    let mut engine = E::open(Role::Client, &config, &negotiated).unwrap();
    let payload = deflate::noise(5000);
    let compressed = deflate::Peer::default().compresses(&payload);
    assert!(compressed.len() > LONG);
    let frame = Frame::binary(compressed).reserved(RSV1);
    assert!(engine.begin_payload(&frame.bytes(), NOW).is_none());
    assert_eq!(
        left(&mut engine, &frame.bytes()),
        (0, vec![Event::binary(&payload)])
    );
    // Beside it are messages that are not compressed.
    let plain = Frame::binary(payload).bytes();
    assert_eq!(left(&mut engine, &plain), (plain.len(), vec![]));
    begin(&mut engine, &plain);
}

fn what_goes_on_with_what_is_held_is_not_left<E: Engine>() {
    let mut engine: E = open(Role::Client, Config::default());
    let first = Frame::binary(pattern(7)).not_last().bytes();
    let last = Frame::continuation(pattern(LONG)).bytes();
    assert_eq!(left(&mut engine, &first), (0, vec![]));
    assert!(engine.begin_payload(&last, NOW).is_none());
    let whole = [pattern(7), pattern(LONG)].concat();
    assert_eq!(left(&mut engine, &last), (0, vec![Event::binary(whole)]));
}

fn fragments_of_one_message_go_either_way<E: Engine>() {
    for config in [Config::default(), pieces()] {
        let mut engine: E = open(Role::Client, config);
        // A character is split between the two ways.
        let text = [
            "x".repeat(LONG),
            "€".into(),
            "y".repeat(LONG),
            "€".into(),
            "z".into(),
        ]
        .concat()
        .into_bytes();
        let (first, rest) = text.split_at(LONG + 1);
        let (second, rest) = rest.split_at(5);
        let (third, last) = rest.split_at(LONG - 1);
        for (index, part) in [first, second, third, last].into_iter().enumerate() {
            let mut frame = match index {
                0 => Frame::text(part),
                _ => Frame::continuation(part),
            };
            if index < 3 {
                frame = frame.not_last();
            }
            let bytes = frame.bytes();
            let last = index == 3;
            if part.len() >= LONG - 1 {
                let (header, mut incoming) = begin(&mut engine, &bytes);
                assert_eq!(incoming.ends_message(), last);
                let mut read = bytes[header..].to_vec();
                assert_eq!(incoming.read(&mut read), Ok(part.len()));
                engine.payload_read(&incoming, NOW).expect("it is text");
            } else {
                let payload = part.to_vec();
                let event = Event::Text { payload, last };
                assert_eq!(left(&mut engine, &bytes), (0, vec![event]));
            }
        }
        let next = Frame::text("next").bytes();
        assert_eq!(left(&mut engine, &next), (0, vec![Event::text("next")]));
    }
}

fn the_rest_of_a_payload_may_be_given_after_all<E: Engine>() {
    for role in ROLES {
        let mut engine: E = open(role, Config::default());
        let frame = Frame::binary(pattern(300)).by(role.peer()).bytes();
        let (header, mut incoming) = begin(&mut engine, &frame);
        let mut read = frame[header..].to_vec();
        assert_eq!(incoming.read(&mut read[..101]), Ok(101));
        engine.payload_read(&incoming, NOW).expect("it is sound");
        let payload = pattern(300)[101..].to_vec();
        let event = Event::Binary {
            payload,
            last: true,
        };
        assert_eq!(left(&mut engine, &read[101..]), (0, vec![event]));
        // A message after it is delivered whole, as usual.
        let frame = Frame::binary(pattern(10)).by(role.peer()).bytes();
        assert_eq!(left(&mut engine, &frame[..5]).1, []);
        let event = Event::binary(pattern(10));
        assert_eq!(left(&mut engine, &frame[5..]), (0, vec![event]));
    }
}

fn a_header_that_is_cut_or_breaks_a_rule_is_not_taken<E: Engine>() {
    let mut engine: E = open(Role::Server, Config::default());
    let frame = Frame::binary(pattern(300)).by(Role::Client).bytes();
    for cut in 0..8 {
        assert!(engine.begin_payload(&frame[..cut], NOW).is_none());
    }
    // A part of it was passed the other way, and so is the rest.
    assert_eq!(left(&mut engine, &frame[..3]), (0, vec![]));
    assert!(engine.begin_payload(&frame[3..], NOW).is_none());
    let event = Event::binary(pattern(300));
    assert_eq!(left(&mut engine, &frame[3..]), (0, vec![event]));

    for wrong in [
        Frame::binary(pattern(300)).bytes(),
        Frame::continuation(pattern(300)).by(Role::Client).bytes(),
        Frame::ping("").by(Role::Client).bytes(),
        Frame::binary("").by(Role::Client).bytes(),
    ] {
        assert!(engine.begin_payload(&wrong, NOW).is_none());
    }
    assert_eq!(engine.state(), State::Open);
    assert_eq!(engine.failure(), None);
}

fn control_frames_come_between_the_fragments<E: Engine>() {
    let mut config = Config::default();
    config.report_control_frames = true;
    let mut engine: E = open(Role::Client, config);
    for last in [false, true] {
        let mut frame = match last {
            false => Frame::binary(pattern(300)).not_last(),
            true => Frame::continuation(pattern(300)),
        }
        .bytes();
        let (header, mut incoming) = begin(&mut engine, &frame);
        assert_eq!(incoming.read(&mut frame[header..]), Ok(300));
        engine.payload_read(&incoming, NOW).expect("it is sound");
        let ping = Frame::ping("?").bytes();
        let result = engine.exchange(&ping, &[], NOW, u32::MAX);
        assert_eq!(result.events, [Event::Ping(b"?".to_vec())]);
        assert_eq!(result.output[0], FIN | 0xa);
    }
}

fn limits_hold_at_the_header<E: Engine>() {
    let mut config = Config::default();
    config.limits.message = 500;
    let mut engine: E = open(Role::Client, config);
    let first = Frame::binary(pattern(300)).not_last().bytes();
    let (header, mut incoming) = begin(&mut engine, &first);
    assert_eq!(incoming.read(&mut first[header..].to_vec()), Ok(300));
    engine.payload_read(&incoming, NOW).expect("it is sound");
    let second = Frame::continuation(pattern(201)).bytes();
    assert!(engine.begin_payload(&second, NOW).is_none());
    engine.exchange(&second, &[], NOW, u32::MAX);
    let failure = engine.failure().expect("it is too long");
    assert_eq!(failure.rule, Rule::MessageTooBig);
    let position = first.len() as u64;
    assert_eq!(failure.case(), (Some(position), Some(500), Some(300 + 201)));
}

fn a_payload_that_comes_shows_that_the_peer_lives<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.idle = Some(Duration::from_secs(10));
    config.timeouts.keepalive = None;
    let mut engine: E = open(Role::Client, config);
    let mut frame = Frame::binary(pattern(300)).bytes();
    let (header, mut incoming) = engine.begin_payload(&frame, after(9)).expect("taken");
    assert_eq!(engine.next_deadline(), Some(after(19)));
    assert_eq!(incoming.read(&mut frame[header..][..1]), Ok(1));
    engine.payload_read(&incoming, after(18)).expect("sound");
    assert_eq!(engine.next_deadline(), Some(after(28)));
    let result = engine.exchange(b"", &[], after(28), u32::MAX);
    let failure = result.failure.expect("it was quiet for too long");
    assert_eq!(failure.rule, Rule::IdleTimeout);
}

fn bytes_that_were_given_before_show_nothing<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.idle = Some(Duration::from_secs(10));
    config.timeouts.keepalive = None;
    let mut engine: E = open(Role::Client, config);
    let mut frame = Frame::binary(pattern(300)).bytes();
    // The bytes left in the input have been counted.
    assert_eq!(left(&mut engine, &frame), (frame.len(), vec![]));
    let (header, mut incoming) = engine.begin_payload(&frame, after(9)).expect("taken");
    assert_eq!(incoming.read(&mut frame[header..]), Ok(300));
    engine.payload_read(&incoming, after(9)).expect("sound");
    assert_eq!(engine.next_deadline(), Some(after(10)));
}

fn a_message_has_its_time<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.message = Some(Duration::from_secs(10));
    config.timeouts.keepalive = None;
    let mut engine: E = open(Role::Client, config);
    let mut frame = Frame::binary(pattern(300)).bytes();
    let (header, mut incoming) = begin(&mut engine, &frame);
    let payload = &mut frame[header..];
    assert_eq!(incoming.read(&mut payload[..299]), Ok(299));
    engine.payload_read(&incoming, after(9)).expect("sound");
    assert_eq!(engine.next_deadline(), Some(after(10)));
    assert_eq!(incoming.read(&mut payload[299..]), Ok(1));
    engine.payload_read(&incoming, after(9)).expect("sound");
    assert_eq!(engine.next_deadline(), None);
}

fn a_message_can_be_answered_before_a_rule_is_broken_behind_it<E: Engine>() {
    let mut engine: E = open(Role::Server, Config::default());
    let mut frame = Frame::binary(pattern(300)).by(Role::Client).bytes();
    let (header, mut incoming) = begin(&mut engine, &frame);
    assert_eq!(incoming.read(&mut frame[header..]), Ok(300));
    engine.payload_read(&incoming, NOW).expect("it is sound");
    let result = engine.exchange(b"\x83", &[], NOW, u32::MAX);
    assert!(result.more && result.output.is_empty());
    assert_eq!(result.state, State::Open);
    let answer = Message::Text("answer").into();
    let result = engine.exchange(b"", &[answer], NOW, u32::MAX);
    assert_eq!(result.output[..8], *b"\x81\x06answer");
    assert_eq!(result.output[8], 0x88);
    let failure = result.failure.expect("it has failed");
    assert_eq!(failure.rule, Rule::ReservedOpcode);
    assert_eq!(failure.offset, Some(frame.len() as u64));
}

fn a_message_can_be_answered_before_a_rule_is_broken_in_a_frame_that_was_left<E: Engine>() {
    let mut engine: E = open(Role::Server, Config::default());
    let short = Frame::text("short").by(Role::Client).bytes();
    let wrong = Frame::text([0xff; 300]).by(Role::Client).bytes();
    let rest = (wrong.len(), vec![Event::text("short")]);
    assert_eq!(left(&mut engine, &[&short[..], &wrong].concat()), rest);
    let (header, mut incoming) = begin(&mut engine, &wrong);
    let read = incoming.read(&mut wrong[header..].to_vec());
    assert_eq!(read, Err(Rule::InvalidUtf8));
    engine.payload_read(&incoming, NOW).unwrap_err();
    assert_eq!(engine.state(), State::Open);
    let answer = Message::Text("answer").into();
    let result = engine.exchange(b"", &[answer], NOW, u32::MAX);
    assert_eq!(result.output[..8], *b"\x81\x06answer");
    assert_eq!(result.output[8], 0x88);
    let failure = result.failure.expect("it has failed");
    assert_eq!(failure.offset, Some(short.len() as u64));
}

fn actions_leave_no_payloads<E: Engine>() {
    let mut pump = Pump::of(open::<E>(Role::Server, Config::default()));
    pump.now = NOW;
    for _ in 0..2 {
        let frame = Frame::binary(pattern(300)).by(Role::Client).bytes();
        pump.run(&frame);
    }
    assert_eq!(
        pump.events,
        [Event::binary(pattern(300)), Event::binary(pattern(300))]
    );
}

fn a_session_that_has_ended_takes_no_payload<E: Engine>() {
    let mut engine: E = open(Role::Client, Config::default());
    let frame = Frame::binary(pattern(300)).bytes();
    let (_, incoming) = begin(&mut engine, &frame);
    engine.abort();
    let failure = engine.payload_read(&incoming, NOW).unwrap_err();
    assert_eq!(failure.rule, Rule::NotOpen);
    assert!(engine.begin_payload(&frame, NOW).is_none());

    let mut engine = E::new(Role::Server, &Config::default()).unwrap();
    assert!(engine.begin_payload(&frame, NOW).is_none());
}

fn a_host_that_reads_too_much_is_told<E: Engine>() {
    let mut engine: E = open(Role::Client, Config::default());
    let frame = Frame::binary(pattern(300)).bytes();
    let (_, begun) = begin(&mut engine, &frame);
    let mut read = begun.clone();
    assert_eq!(read.read(&mut [0; 100]), Ok(100));
    engine.payload_read(&read, NOW).expect("it is sound");
    // More is left than before, so it isn't this payload.
    let failure = engine.payload_read(&begun, NOW).unwrap_err();
    assert_eq!(failure.rule, Rule::SkippedTooMuch);
    assert_eq!(engine.state(), State::Open);
    // After the end of the payload that was read outside there is none.
    assert_eq!(read.read(&mut [0; 1000]), Ok(200));
    engine.payload_read(&read, NOW).expect("it is sound");
    let failure = engine.payload_read(&read, NOW).unwrap_err();
    assert_eq!(failure.rule, Rule::SkippedTooMuch);
}
