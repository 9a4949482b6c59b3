//! Small chunks that wait for more of their message (coalescing).

use std::time::Duration;

use host_tests::engine::joined;
use host_tests::wire::{self, Frame, RSV1};
use host_tests::{Engine, Event, ROLES, Subject, deflate, on_both_engines};
use websocket_component::{Config, Deflate, Role, Rule};

use super::{pattern, pieces};

on_both_engines![
    a_small_piece_waits_for_the_rest_of_its_message,
    small_pieces_are_delivered_when_they_are_enough_together,
    no_piece_waits_longer_than_its_time,
    the_next_piece_has_a_time_of_its_own,
    pieces_that_waited_are_no_longer_than_the_receive_buffer,
    pings_are_answered_while_a_piece_waits,
    a_close_frame_comes_behind_the_piece_that_waits,
    a_rule_that_is_broken_is_told_behind_the_piece_that_waits,
    a_piece_that_waits_is_delivered_behind_the_end_of_the_input,
    compressed_pieces_wait_too_and_are_no_longer,
    pieces_come_of_what_got_longer_when_it_was_compressed,
    whole_messages_are_delivered_without_pieces,
];

const TIME: Duration = Duration::from_millis(20);
/// A chunk of this many bytes doesn't wait.
const ENOUGH: usize = 16 << 10;

fn gathered() -> Config {
    let mut config = pieces();
    config.timeouts.coalesce = Some(TIME);
    config
}

fn piece(payload: &[u8]) -> Event {
    Event::Binary {
        payload: payload.into(),
        last: false,
    }
}

fn a_small_piece_waits_for_the_rest_of_its_message<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &gathered());
        let begun = [Frame::binary("a"), Frame::binary("b").not_last()];
        assert_eq!(subject.receives_frames(&begun), [Event::binary("a")]);
        let more = [Frame::continuation("c").not_last()];
        assert_eq!(subject.receives_frames(&more), []);
        let rest = [Frame::continuation("d"), Frame::binary("e")];
        let expected = [Event::binary("bcd"), Event::binary("e")];
        assert_eq!(subject.receives_frames(&rest), expected);
    }
}

fn small_pieces_are_delivered_when_they_are_enough_together<E: Engine>() {
    let bytes = pattern(ENOUGH);
    let (one, other) = bytes.split_at(ENOUGH - 1);
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    let begun = [Frame::binary(one).not_last()];
    assert_eq!(subject.receives_frames(&begun), []);
    let rest = [Frame::continuation(other).not_last()];
    assert_eq!(subject.receives_frames(&rest), [piece(&bytes)]);
    let whole = [Frame::continuation(&bytes).not_last()];
    assert_eq!(subject.receives_frames(&whole), [piece(&bytes)]);
    let deadline = subject.exchange(&[]).next_deadline.unwrap();
    assert!(deadline > subject.now.after(TIME), "nothing waits");
}

fn no_piece_waits_longer_than_its_time<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &gathered());
        subject.receives_frames(&[Frame::binary("a").not_last()]);
        let deadline = subject.exchange(&[]).next_deadline;
        assert_eq!(deadline, Some(subject.now.after(TIME)));
        assert_eq!(subject.waits(TIME - Duration::from_nanos(1)), []);
        // The delay counts from the first of them.
        assert_eq!(
            subject.receives_frames(&[Frame::continuation("b").not_last()]),
            []
        );
        assert_eq!(subject.waits(Duration::from_nanos(1)), [piece(b"ab")]);
        assert_eq!(subject.waits(TIME), []);
    }
}

fn the_next_piece_has_a_time_of_its_own<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    subject.receives_frames(&[Frame::binary("a").not_last()]);
    assert_eq!(subject.waits(Duration::from_millis(5)), []);
    let next = [Frame::continuation("b"), Frame::binary("c").not_last()];
    assert_eq!(subject.receives_frames(&next), [Event::binary("ab")]);
    let deadline = subject.exchange(&[]).next_deadline;
    assert_eq!(deadline, Some(subject.now.after(TIME)));
}

fn pieces_that_waited_are_no_longer_than_the_receive_buffer<E: Engine>() {
    let mut config = gathered();
    config.receive_buffer = 256;
    let bytes = pattern(700);
    let mut subject = Subject::<E>::open(Role::Client, &config);
    let mut events = subject.receives_frames(&[Frame::binary(&bytes[..200]).not_last()]);
    assert_eq!(events, []);
    events.extend(subject.receives_frames(&[Frame::continuation(&bytes[200..])]));
    let length = |event: &Event| match event {
        Event::Binary { payload, .. } => payload.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        events.iter().map(length).collect::<Vec<_>>(),
        [256, 256, 188]
    );
    assert_eq!(joined(&events), [Event::binary(&bytes)]);
}

fn pings_are_answered_while_a_piece_waits<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    let frames = [Frame::binary("a").not_last(), Frame::ping("?")];
    assert_eq!(subject.receives_frames(&frames), []);
    assert_eq!(subject.writes(), [Frame::pong("?")]);
    assert_eq!(subject.waits(TIME), [piece(b"a")]);
}

fn a_close_frame_comes_behind_the_piece_that_waits<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &gathered());
        let frames = [Frame::binary("a").not_last(), Frame::close(1000, "bye")];
        let expected = [piece(b"a"), Event::close(1000, "bye")];
        assert_eq!(subject.receives_frames(&frames), expected);
    }
}

fn a_rule_that_is_broken_is_told_behind_the_piece_that_waits<E: Engine>() {
    let begun = |text: &str| Frame::text(text).not_last();
    let text = |payload: &str| Event::Text {
        payload: payload.into(),
        last: false,
    };
    let cases = [
        (Frame::binary("x"), Rule::MessageInterleaved, "a"),
        (Frame::continuation(b"b\xff"), Rule::InvalidUtf8, "ab"),
        (
            Frame::continuation(b"b\xe2"),
            Rule::InvalidUtf8,
            "ab\u{fffd}",
        ),
    ];
    for (frame, rule, heard) in cases {
        let mut subject = Subject::<E>::open(Role::Server, &gathered());
        assert_eq!(subject.receives_frames(&[begun("a")]), []);
        let events = subject.receives_frames(&[frame]);
        let [Event::Text { payload, last }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(text(&String::from_utf8_lossy(payload)), text(heard));
        assert!(!last);
        assert_eq!(subject.engine.failure().unwrap().rule, rule);
    }
}

fn a_piece_that_waits_is_delivered_behind_the_end_of_the_input<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &gathered());
        assert_eq!(
            subject.receives_frames(&[Frame::binary("abc").not_last()]),
            []
        );
        subject.engine.end_of_input(subject.now);
        assert_eq!(subject.failed_by(), Some(Rule::ConnectionLost));
        assert_eq!(subject.receives(b""), [piece(b"abc")]);
        assert_eq!(subject.receives(b""), []);
    }
}

fn compressed_pieces_wait_too_and_are_no_longer<E: Engine>() {
    let mut config = gathered();
    config.receive_buffer = 256;
    config.deflate = Some(Deflate::default());
    let bytes = pattern(2000);
    let frame = Frame::binary(deflate::Peer::default().compresses(&bytes)).reserved(RSV1);
    let length = wire::bytes_of(std::slice::from_ref(&frame), Role::Client).len();
    for cut in 1..length {
        let negotiated = deflate::negotiated("");
        let mut subject = Subject::<E>::open_with(Role::Server, &config, &negotiated);
        let said = subject.peers(std::slice::from_ref(&frame));
        let (first, rest) = said.split_at(cut);
        let events = [subject.receives(first), subject.receives(rest)].concat();
        assert_eq!(joined(&events), [Event::binary(&bytes)]);
        for event in &events {
            let Event::Binary { payload, last } = event else {
                panic!("{event:?}");
            };
            assert!(payload.len() == 256 || *last, "{} bytes", payload.len());
        }
    }
}

/// A chunk then takes more bytes of input than it has of output. It is still one call.
fn pieces_come_of_what_got_longer_when_it_was_compressed<E: Engine>() {
    let mut config = gathered();
    config.receive_buffer = 256;
    config.deflate = Some(Deflate::default());
    let bytes = deflate::noise(2000);
    let frame = Frame::binary(deflate::Peer::default().compresses(&bytes)).reserved(RSV1);
    let negotiated = deflate::negotiated("");
    let mut subject = Subject::<E>::open_with(Role::Server, &config, &negotiated);
    let said = subject.peers(&[frame]);
    let result = subject.engine.exchange(&said, &[], subject.now, 1 << 20);
    assert_eq!(joined(&result.events), [Event::binary(&bytes)]);
    assert_eq!(result.consumed, said.len());
}

fn whole_messages_are_delivered_without_pieces<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.coalesce = Some(TIME);
    let mut subject = Subject::<E>::open(Role::Server, &config);
    assert_eq!(
        subject.receives_frames(&[Frame::binary("a").not_last()]),
        []
    );
    assert_eq!(subject.waits(TIME), []);
    let rest = [Frame::continuation("b")];
    assert_eq!(subject.receives_frames(&rest), [Event::binary("ab")]);
}
