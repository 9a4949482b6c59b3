//! Frames that are delivered in one chunk, once they are complete.

use std::time::Duration;

use host_tests::engine::joined;
use host_tests::wire::{Frame, RSV1};
use host_tests::{Engine, Event, Pump, ROLES, Subject, deflate, on_both_engines};
use websocket_component::{Config, Deflate, Role, Rule};

use super::{pattern, pieces};

on_both_engines![
    a_frame_waits_until_it_is_whole_wherever_it_is_cut,
    a_whole_frame_may_be_longer_than_the_receive_buffer,
    a_longer_frame_is_delivered_as_it_comes_to_its_end,
    each_fragment_stays_a_frame_of_its_own,
    a_frame_that_is_not_whole_waits_longer_than_pieces_gather,
    gathered_pieces_go_out_in_their_time_without_the_frame_behind_them,
    a_whole_frame_is_not_cut_because_of_pieces_that_gather,
    pings_are_answered_while_a_frame_waits,
    what_is_held_is_delivered_at_the_end_of_the_input,
    what_is_held_is_delivered_at_the_end_of_the_input_by_actions,
    what_is_held_is_delivered_when_time_is_up,
    nothing_is_delivered_after_an_abort,
    a_rule_that_is_broken_in_a_frame_is_told_behind_what_came_of_it,
    a_frame_over_a_limit_is_refused_at_its_header,
    a_compressed_frame_waits_until_it_is_whole,
    a_compressed_frame_that_grows_is_delivered_in_pieces,
    whole_messages_are_delivered_as_ever,
];

const WHOLE: usize = 1000;
const TIME: Duration = Duration::from_millis(20);

/// Streaming, with frames of up to [`WHOLE`] bytes in one chunk.
fn whole() -> Config {
    let mut config = pieces();
    config.receive_buffer = 256;
    config.max_whole_frame = WHOLE as u32;
    config
}

fn gathered() -> Config {
    let mut config = whole();
    config.timeouts.coalesce = Some(TIME);
    config
}

fn piece(payload: impl Into<Vec<u8>>) -> Event {
    Event::Binary {
        payload: payload.into(),
        last: false,
    }
}

fn lengths(events: &[Event]) -> Vec<usize> {
    events.iter().map(Event::length).collect()
}

fn a_frame_waits_until_it_is_whole_wherever_it_is_cut<E: Engine>() {
    for config in [whole(), gathered()] {
        for role in ROLES {
            let frames = [Frame::text([b'x'; 125]), Frame::binary("next")];
            let bytes = Subject::<E>::open(role, &config).peers(&frames[..1]);
            for cut in 1..bytes.len() {
                let mut subject = Subject::<E>::open(role, &config);
                let (head, rest) = bytes.split_at(cut);
                assert_eq!(subject.receives(head), [], "cut at {cut}");
                assert_eq!(subject.waits(TIME * 3), [], "cut at {cut}");
                assert_eq!(subject.receives(rest), [Event::text([b'x'; 125])]);
                assert_eq!(
                    subject.receives_frames(&frames[1..]),
                    [Event::binary("next")]
                );
            }
        }
    }
}

fn a_whole_frame_may_be_longer_than_the_receive_buffer<E: Engine>() {
    let bytes = pattern(WHOLE);
    for role in ROLES {
        for at_once in [1, 255, 256, 257, 999, 2000] {
            let mut subject = Subject::<E>::open(role, &whole());
            let frames = [Frame::binary(&bytes), Frame::text("a")];
            let said = subject.peers(&frames);
            let events: Vec<Event> = said
                .chunks(at_once)
                .flat_map(|chunk| subject.receives(chunk))
                .collect();
            assert_eq!(events, [Event::binary(&bytes), Event::text("a")]);
        }
    }
}

fn a_longer_frame_is_delivered_as_it_comes_to_its_end<E: Engine>() {
    let bytes = pattern(WHOLE + 1);
    let mut subject = Subject::<E>::open(Role::Client, &whole());
    let said = subject.peers(&[Frame::binary(&bytes)]);
    let events: Vec<Event> = said
        .chunks(100)
        .flat_map(|chunk| subject.receives(chunk))
        .collect();
    // Of the first 100 bytes 4 are the header.
    let expected = [96, 100, 100, 100, 100, 100, 100, 100, 100, 100, 5];
    assert_eq!(lengths(&events), expected);
    assert_eq!(joined(&events), [Event::binary(&bytes)]);
}

fn each_fragment_stays_a_frame_of_its_own<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &whole());
        let said = subject.peers(&[
            Frame::binary("one").not_last(),
            Frame::continuation("").not_last(),
            Frame::continuation("two").not_last(),
            Frame::continuation("three"),
        ]);
        let events: Vec<Event> = said
            .into_iter()
            .flat_map(|byte| subject.receives([byte]))
            .collect();
        let events: Vec<Event> = events.into_iter().filter(|e| e.length() > 0).collect();
        assert_eq!(events, [piece("one"), piece("two"), Event::binary("three")]);
    }
}

fn a_frame_that_is_not_whole_waits_longer_than_pieces_gather<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    let said = subject.peers(&[Frame::binary("ab").not_last()]);
    let (head, rest) = said.split_at(said.len() - 1);
    assert_eq!(subject.receives(head), []);
    let keepalive = Config::default().timeouts.keepalive;
    assert_eq!(subject.next_deadline(), keepalive, "no call is due before");
    assert_eq!(subject.waits(TIME * 2), []);
    // A frame that is complete now is coalesced from now on.
    assert_eq!(subject.receives(rest), []);
    assert_eq!(subject.next_deadline(), Some(TIME));
    assert_eq!(subject.waits(TIME), [piece("ab")]);
}

fn gathered_pieces_go_out_in_their_time_without_the_frame_behind_them<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &gathered());
        let frames = [
            Frame::binary("ab").not_last(),
            Frame::continuation("cd").not_last(),
            Frame::continuation("ef"),
        ];
        let said = subject.peers(&frames);
        let (head, rest) = said.split_at(said.len() - 1);
        assert_eq!(subject.receives(head), []);
        assert_eq!(subject.next_deadline(), Some(TIME));
        assert_eq!(subject.waits(TIME), [piece("abcd")]);
        assert_ne!(subject.next_deadline(), Some(TIME));
        assert_eq!(subject.waits(TIME * 2), []);
        assert_eq!(subject.receives(rest), [Event::binary("ef")]);
    }
    // Coalescing and delivering in the same call makes no difference.
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    let frames = [
        Frame::text("before"),
        Frame::binary("ab").not_last(),
        Frame::continuation("cdefghij"),
    ];
    let said = subject.peers(&frames);
    assert_eq!(subject.receives(&said[..9]), []);
    let (middle, rest) = said[9..].split_at(said.len() - 9 - 1);
    assert_eq!(subject.receives(middle), [Event::text("before")]);
    assert_eq!(subject.waits(TIME), [piece("ab")]);
    assert_eq!(subject.receives(rest), [Event::binary("cdefghij")]);
}

fn a_whole_frame_is_not_cut_because_of_pieces_that_gather<E: Engine>() {
    let bytes = pattern(WHOLE);
    for at_once in [1, 7, 500, 2000] {
        for (first, together) in [(WHOLE / 2, true), (WHOLE / 2 + 1, false)] {
            let mut config = gathered();
            config.timeouts.coalesce = Some(TIME);
            // So that a piece below it gathers.
            config.receive_buffer = 900;
            let mut subject = Subject::<E>::open(Role::Server, &config);
            let (one, two) = (&bytes[..first], &bytes[..WHOLE / 2]);
            let said = subject.peers(&[
                Frame::binary(one).not_last(),
                Frame::continuation(two),
                Frame::text("next"),
            ]);
            let events: Vec<Event> = said
                .chunks(at_once)
                .flat_map(|chunk| subject.receives(chunk))
                .collect();
            let expected = match together {
                true => vec![WHOLE, 4],
                false => vec![first, WHOLE / 2, 4],
            };
            assert_eq!(lengths(&events), expected, "{at_once} at once");
            let message = [one, two].concat();
            assert_eq!(
                joined(&events),
                [Event::binary(&message), Event::text("next")]
            );
        }
    }
}

fn pings_are_answered_while_a_frame_waits<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Client, &whole());
    let frames = [
        Frame::binary("a").not_last(),
        Frame::ping("?"),
        Frame::continuation("bc"),
    ];
    let said = subject.peers(&frames);
    let (head, rest) = said.split_at(said.len() - 1);
    assert_eq!(subject.receives(head), [piece("a")]);
    assert_eq!(subject.writes(), [Frame::pong("?")]);
    assert_eq!(subject.receives(rest), [Event::binary("bc")]);
}

fn what_is_held_is_delivered_at_the_end_of_the_input<E: Engine>() {
    for config in [whole(), gathered()] {
        let mut subject = Subject::<E>::open(Role::Server, &config);
        let said = subject.peers(&[Frame::binary("abc")]);
        assert_eq!(subject.receives(&said[..said.len() - 1]), []);
        subject.engine.end_of_input(subject.now);
        assert_eq!(subject.receives(b""), [piece("ab")]);
        assert_eq!(subject.failed_by(), Some(Rule::ConnectionLost));
        assert_eq!(subject.receives(b"\x00"), []);
    }
    // Coalesced chunks are not lost either.
    let mut subject = Subject::<E>::open(Role::Server, &gathered());
    let frames = [Frame::binary("ab").not_last()];
    assert_eq!(subject.receives_frames(&frames), []);
    subject.engine.end_of_input(subject.now);
    assert_eq!(subject.receives(b""), [piece("ab")]);
}

fn what_is_held_is_delivered_at_the_end_of_the_input_by_actions<E: Engine>() {
    let mut pump = Pump::<E>::open(Role::Client, &whole());
    pump.run(&Frame::binary("abc").bytes()[..4]);
    assert_eq!(pump.events, []);
    pump.engine.end_of_input(pump.now);
    pump.run(b"");
    assert_eq!(pump.events, [piece("ab")]);
}

fn what_is_held_is_delivered_when_time_is_up<E: Engine>() {
    let mut config = whole();
    config.timeouts.keepalive = None;
    for (idle, rule) in [
        (None, Rule::MessageTimeout),
        (Some(Duration::from_secs(10)), Rule::IdleTimeout),
    ] {
        config.timeouts.idle = idle;
        let mut subject = Subject::<E>::open(Role::Client, &config);
        let said = subject.peers(&[Frame::binary("abc")]);
        assert_eq!(subject.receives(&said[..said.len() - 1]), []);
        let span = subject.next_deadline().unwrap();
        assert_eq!(subject.waits(span), [piece("ab")]);
        assert_eq!(subject.has_failed(rule), []);
    }
    // Also with input in that call.
    let mut subject = Subject::<E>::open(Role::Client, &whole());
    let said = subject.peers(&[Frame::binary("abc")]);
    assert_eq!(subject.receives(&said[..3]), []);
    subject.now = subject.now.after(Duration::from_secs(300));
    assert_eq!(subject.receives(&said[3..4]), [piece("ab")]);
    assert_eq!(subject.has_failed(Rule::MessageTimeout), []);
}

fn nothing_is_delivered_after_an_abort<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &whole());
    let said = subject.peers(&[Frame::binary("abc")]);
    assert_eq!(subject.receives(&said[..said.len() - 1]), []);
    subject.engine.abort();
    assert_eq!(subject.receives(b""), []);
}

fn a_rule_that_is_broken_in_a_frame_is_told_behind_what_came_of_it<E: Engine>() {
    let text = b"ab\xffcd";
    let length = Frame::text(text).by(Role::Client).bytes().len();
    for cut in 1..length {
        let mut subject = Subject::<E>::open(Role::Server, &whole());
        let said = subject.peers(&[Frame::text(text)]);
        let (head, rest) = said.split_at(cut);
        let events = [subject.receives(head), subject.receives(rest)].concat();
        let expected = Event::Text {
            payload: b"ab".into(),
            last: false,
        };
        assert_eq!(events, [expected], "cut at {cut}");
        assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
    }
}

fn a_frame_over_a_limit_is_refused_at_its_header<E: Engine>() {
    let mut config = whole();
    config.limits.message = 500;
    let mut subject = Subject::<E>::open(Role::Client, &config);
    let begun = [Frame::binary("a").not_last()];
    assert_eq!(subject.receives_frames(&begun), [piece("a")]);
    let header = Frame::continuation("").header(500);
    assert_eq!(subject.receives(header), []);
    assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
}

fn compressed<E: Engine>() -> Subject<E> {
    let mut config = whole();
    config.deflate = Some(Deflate::default());
    Subject::open_with(Role::Server, &config, &deflate::negotiated(""))
}

fn a_compressed_frame_waits_until_it_is_whole<E: Engine>() {
    let message = deflate::text(WHOLE - 1);
    let payload = deflate::Peer::default().compresses(&message);
    let subject = compressed::<E>();
    let said = subject.peers(&[Frame::text(&payload).reserved(RSV1)]);
    for cut in 1..said.len() {
        let mut subject = compressed::<E>();
        let (head, rest) = said.split_at(cut);
        assert_eq!(subject.receives(head), [], "cut at {cut}");
        assert_eq!(subject.receives(rest), [Event::text(&message)]);
    }
}

fn a_compressed_frame_that_grows_is_delivered_in_pieces<E: Engine>() {
    let message = deflate::text(10 * WHOLE);
    let payload = deflate::Peer::default().compresses(&message);
    assert!(payload.len() < WHOLE);
    for at_once in [1, 10, 10_000] {
        let mut subject = compressed::<E>();
        let said = subject.peers(&[Frame::text(&payload).reserved(RSV1)]);
        let events: Vec<Event> = said
            .chunks(at_once)
            .flat_map(|chunk| subject.receives(chunk))
            .collect();
        assert_eq!(events[0].length(), WHOLE);
        assert!(lengths(&events).into_iter().all(|length| length <= WHOLE));
        assert_eq!(joined(&events), [Event::text(&message)]);
    }
}

fn whole_messages_are_delivered_as_ever<E: Engine>() {
    let mut config = Config::default();
    config.max_whole_frame = WHOLE as u32;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let frames = [Frame::binary("a").not_last(), Frame::continuation("b")];
    assert_eq!(subject.receives_frames(&frames), [Event::binary("ab")]);
}
