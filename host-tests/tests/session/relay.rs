//! Messages that are relayed from one session to another without the host.

use std::time::Duration;

use host_tests::wire::{self, BINARY, CONTINUATION, Frame, TEXT};
use host_tests::{Engine, Event, ROLES, Relay, RelayResult, on_both_engines};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use websocket_component::{Config, Delivery, Instant, Message, Outgoing, Role, Rule, State};

use crate::messages::pieces;

on_both_engines![
    messages_go_through_as_they_are,
    messages_in_fragments_go_through_whole,
    pieces_go_through_as_fragments,
    a_piece_that_waited_goes_through_when_its_time_comes,
    a_whole_frame_goes_through_as_one,
    what_concerns_one_connection_stays_there,
    messages_before_a_close_go_through,
    messages_before_a_broken_rule_go_through,
    what_came_before_a_broken_rule_can_be_answered_from_the_other_session,
    an_answer_that_doesnt_come_is_waited_for_up_to_a_deadline,
    no_more_is_taken_than_the_target_has_room_for,
    a_target_that_is_just_full_is_full,
    a_target_that_closes_is_sent_nothing_more,
    nothing_is_taken_for_a_target_that_is_not_open_yet,
    a_message_that_the_host_has_begun_is_not_mixed_with_others,
    text_is_checked_if_its_source_did_not,
    whatever_the_peer_says_comes_out_as_its_messages,
];

const NOW: Instant = Instant::from_nanos(7_000_000_000);
const ANSWER_TIME: Duration = Duration::from_secs(1);
const PLENTY: u32 = 1 << 30;

/// Two sessions, and the output to their peers.
struct Relayed<E: Engine>(E::Relay);

impl<E: Engine> Relayed<E> {
    fn open(config: &Config) -> Self {
        Relayed(E::Relay::open(config, config))
    }

    /// Receives frames from the peer of `from`, and relays them.
    fn receives(&mut self, from: Role, frames: &[Frame]) -> RelayResult {
        self.0.relay(from, &said(from, frames), NOW, PLENTY)
    }
}

/// The bytes of frames of the peer of this role.
fn said(to: Role, frames: &[Frame]) -> Vec<u8> {
    wire::bytes_of(frames, to.peer())
}

/// The frames that were written, without their masks, which only clients use.
fn written(by: Role, output: &[u8]) -> Vec<Frame> {
    let frames = wire::read_frames(output);
    let unmasked = frames.into_iter().map(|frame| {
        assert_eq!(frame.key.is_some(), by == Role::Client, "{frame:?}");
        Frame { key: None, ..frame }
    });
    unmasked.collect()
}

fn messages_go_through_as_they_are<E: Engine>() {
    for from in ROLES {
        let mut relayed = Relayed::<E>::open(&Config::default());
        let lengths = [0, 1, 125, 126, 1000, 65_535, 65_536, 100_000];
        let binary = lengths.map(|length| Frame::binary(vec![7; length]));
        let text = ["", "a", "\u{20ac}"].map(Frame::text);
        let frames = [&binary[..], &text[..]].concat();
        let results = relayed.receives(from, &frames);
        assert_eq!(written(from.peer(), &results.target.output), frames);
        assert_eq!(results.source.output, b"");
        assert_eq!(
            (results.source.events, results.target.events),
            (vec![], vec![])
        );
        assert_eq!(results.messages, frames.len() as u64);
        assert_eq!(results.bytes, 4 + lengths.iter().sum::<usize>() as u64);
        assert_eq!(results.source.consumed, said(from, &frames).len());
        assert!(!results.source.more && !results.target.more);
    }
}

fn messages_in_fragments_go_through_whole<E: Engine>() {
    let mut relayed = Relayed::<E>::open(&Config::default());
    let results = relayed.receives(Role::Server, &[Frame::text("a").not_last()]);
    assert_eq!(
        (results.messages, &results.target.output[..]),
        (0, &b""[..])
    );
    let results = relayed.receives(Role::Server, &[Frame::continuation("b")]);
    assert_eq!((results.messages, results.bytes), (1, 2));
    assert_eq!(
        written(Role::Client, &results.target.output),
        [Frame::text("ab")]
    );
}

fn pieces_go_through_as_fragments<E: Engine>() {
    for from in ROLES {
        let mut relayed = Relayed::<E>::open(&pieces());
        // The euro sign is split.
        let bytes = said(from, &[Frame::text("a\u{20ac}b"), Frame::binary("c")]);
        let cut = bytes.len() - said(from, &[Frame::binary("c")]).len() - 2;
        let results = relayed.0.relay(from, &bytes[..cut], NOW, PLENTY);
        assert_eq!((results.messages, results.bytes), (0, 3));
        let piece = Frame::text(b"a\xe2\x82").not_last();
        assert_eq!(written(from.peer(), &results.target.output), [piece]);
        let results = relayed.0.relay(from, &bytes[cut..], NOW, PLENTY);
        assert_eq!((results.messages, results.bytes), (2, 3));
        let rest = [Frame::continuation(b"\xacb"), Frame::binary("c")];
        assert_eq!(written(from.peer(), &results.target.output), rest);
    }
}

fn a_piece_that_waited_goes_through_when_its_time_comes<E: Engine>() {
    const TIME: Duration = Duration::from_millis(20);
    let mut config = pieces();
    config.timeouts.coalesce = Some(TIME);
    let mut relayed = Relayed::<E>::open(&config);
    let results = relayed.receives(Role::Server, &[Frame::binary("a").not_last()]);
    assert_eq!(results.target.output, b"");
    assert_eq!(results.source.next_deadline, Some(NOW.after(TIME)));
    // Messages in the other direction leave it in the input.
    let later = NOW.after(TIME);
    let results = relayed.0.relay(Role::Client, &[], later, PLENTY);
    assert_eq!(
        (results.source.output, results.target.events),
        (vec![], vec![])
    );
    assert!(results.target.more, "it is due");
    let results = relayed.0.relay(Role::Server, &[], later, PLENTY);
    let piece = Frame::binary("a").not_last();
    assert_eq!(written(Role::Client, &results.target.output), [piece]);
}

fn a_whole_frame_goes_through_as_one<E: Engine>() {
    const WHOLE: usize = 128 << 10;
    let mut config = pieces();
    config.max_whole_frame = WHOLE as u32;
    config.timeouts.coalesce = Some(Duration::from_millis(20));
    for from in ROLES {
        for length in [0, 1, 125, 126, 65_535, 65_536, 70_000, WHOLE] {
            let message = Frame::binary(vec![7; length]);
            let bytes = said(from, &[message.clone(), Frame::text("next")]);
            let mut relayed = Relayed::<E>::open(&config);
            let mut output = Vec::new();
            for mut input in bytes.chunks(50_000) {
                loop {
                    // The output need not hold the frame.
                    let results = relayed.0.relay(from, input, NOW, 65_536);
                    input = &input[results.source.consumed..];
                    output.extend(results.target.output);
                    if input.is_empty() && !results.target.more {
                        break;
                    }
                }
            }
            let frames = written(from.peer(), &output);
            assert_eq!(frames, [message, Frame::text("next")], "{length}");
        }
    }
}

fn what_concerns_one_connection_stays_there<E: Engine>() {
    for from in ROLES {
        let mut config = Config::default();
        config.report_control_frames = true;
        config.reply_to_close = false;
        let mut relayed = Relayed::<E>::open(&config);
        let frames = [
            Frame::ping("?"),
            Frame::binary("a"),
            Frame::pong("!"),
            Frame::close(1000, "bye"),
        ];
        let results = relayed.receives(from, &frames);
        assert_eq!(written(from, &results.source.output), [Frame::pong("?")]);
        let expected = [
            Event::Ping(b"?".into()),
            Event::Pong(b"!".into(), None),
            Event::close(1000, "bye"),
        ];
        assert_eq!(results.source.events, expected);
        assert_eq!(
            written(from.peer(), &results.target.output),
            [Frame::binary("a")]
        );
        assert_eq!(
            (results.source.state, results.target.state),
            (State::Closing, State::Open)
        );
    }
}

fn messages_before_a_close_go_through<E: Engine>() {
    let mut relayed = Relayed::<E>::open(&pieces());
    let frames = [Frame::text("a").not_last(), Frame::close(1001, "")];
    let results = relayed.receives(Role::Client, &frames);
    let piece = Frame::text("a").not_last();
    assert_eq!(written(Role::Server, &results.target.output), [piece]);
    assert_eq!(results.source.events, [Event::close(1001, "")]);
}

fn messages_before_a_broken_rule_go_through<E: Engine>() {
    for from in ROLES {
        let mut relayed = Relayed::<E>::open(&Config::default());
        let frames = [Frame::text("a"), Frame::text(b"\xff")];
        let results = relayed.receives(from, &frames);
        assert_eq!(
            written(from.peer(), &results.target.output),
            [Frame::text("a")]
        );
        assert!(results.source.more && results.source.failure.is_none());
        let results = relayed.receives(from, &[]);
        assert_eq!(results.source.failure.unwrap().rule, Rule::InvalidUtf8);
        assert_eq!(results.target.state, State::Open);
    }
}

/// A session whose peer has broken a rule after a message that was relayed, and which waits for the answer.
fn broken<E: Engine>(from: Role) -> Relayed<E> {
    let mut config = Config::default();
    config.timeouts.answer = Some(ANSWER_TIME);
    let mut relayed = Relayed::<E>::open(&config);
    let frames = [Frame::text("ask"), Frame::new(0x3, "")];
    let results = relayed.receives(from, &frames);
    assert_eq!(results.source.failure.unwrap().rule, Rule::ReservedOpcode);
    assert_eq!(results.source.state, State::Open);
    assert_eq!(results.source.next_deadline, Some(NOW.after(ANSWER_TIME)));
    assert!(!results.source.more && results.source.output.is_empty());
    relayed
}

fn what_came_before_a_broken_rule_can_be_answered_from_the_other_session<E: Engine>() {
    for from in ROLES {
        let mut relayed = broken::<E>(from);
        // Further input of the peer is ignored.
        let results = relayed.receives(from, &[Frame::text("and this?")]);
        assert_eq!((results.messages, results.target.output), (0, vec![]));
        let results = relayed.receives(from.peer(), &[Frame::text("answer")]);
        let answer = written(from, &results.target.output);
        assert_eq!(answer, [Frame::text("answer")]);

        let close = Message::CloseWith(1001, b"gone");
        let result = relayed.0.exchange(from, &[close.into()], NOW);
        let expected = Frame::close(1002, Rule::ReservedOpcode.description());
        assert_eq!(written(from, &result.output), [expected]);
        assert_eq!((result.accepted, result.state), (1, State::Draining));
    }
}

fn an_answer_that_doesnt_come_is_waited_for_up_to_a_deadline<E: Engine>() {
    for from in ROLES {
        let mut relayed = broken::<E>(from);
        let due = NOW.after(ANSWER_TIME);
        let result = relayed.0.relay(from, &[], due, PLENTY).source;
        let expected = Frame::close(1002, Rule::ReservedOpcode.description());
        assert_eq!(written(from, &result.output), [expected]);
        assert_eq!(result.state, State::Draining);
    }
}

fn no_more_is_taken_than_the_target_has_room_for<E: Engine>() {
    for from in ROLES {
        let mut relayed = Relayed::<E>::open(&Config::default());
        let frames = vec![Frame::binary(vec![7; 100]); 50];
        let bytes = said(from, &frames);
        let (mut rest, mut output, mut most) = (&bytes[..], Vec::new(), 0);
        loop {
            let results = relayed.0.relay(from, rest, NOW, 250);
            assert!(results.target.output.len() <= 250);
            rest = &rest[results.source.consumed..];
            output.extend(results.target.output);
            most = most.max(results.messages);
            if !results.source.more && !results.target.more {
                break;
            }
        }
        assert_eq!(rest, b"");
        assert_eq!(written(from.peer(), &output), frames);
        assert!((1..=3).contains(&most), "{most} at once");
    }
}

fn a_target_that_is_just_full_is_full<E: Engine>() {
    let mut relayed = Relayed::<E>::open(&Config::default());
    let frames = vec![Frame::binary(vec![7; 100]); 3];
    let bytes = said(Role::Client, &frames);
    let one = said(Role::Server, &frames[..1]).len() as u32;
    // A client's session has the longer headers.
    let results = relayed
        .0
        .relay(Role::Server, &said(Role::Server, &frames), NOW, one);
    assert_eq!(
        (results.messages, results.target.output.len()),
        (1, one as usize)
    );
    let results = relayed.0.relay(Role::Client, &bytes, NOW, one + 1);
    assert_eq!(
        results.messages, 2,
        "one byte more is room for all of the next"
    );
}

fn a_target_that_closes_is_sent_nothing_more<E: Engine>() {
    for from in ROLES {
        let mut relayed = Relayed::<E>::open(&Config::default());
        let to = from.peer();
        relayed.0.exchange(to, &[Message::Close.into()], NOW);
        let results = relayed.receives(from, &[Frame::binary("a"), Frame::ping("?")]);
        assert_eq!((results.messages, results.bytes), (1, 1));
        assert_eq!(results.target.output, b"");
        assert_eq!(results.target.refused, None);
        assert_eq!(written(from, &results.source.output), [Frame::pong("?")]);
    }
}

fn a_message_that_the_host_has_begun_is_not_mixed_with_others<E: Engine>() {
    let begun: [(Outgoing<'_>, Frame, Rule); 2] = [
        (
            Message::BinaryFragment(b"a").into(),
            Frame::text("b"),
            Rule::FragmentMismatch,
        ),
        (
            Message::Utf8Fragment(b"\xe2").into(),
            Frame::text("b"),
            Rule::TextNotUtf8,
        ),
    ];
    for (fragment, frame, rule) in begun {
        let mut relayed = Relayed::<E>::open(&Config::default());
        relayed.0.exchange(Role::Client, &[fragment], NOW);
        let next = [frame, Frame::ping("?")];
        let results = relayed.receives(Role::Server, &next);
        assert_eq!(results.target.refused.unwrap().rule, rule);
        assert_eq!(results.target.output, b"");
        // The ping after it wasn't consumed.
        assert!(results.source.more);
        let rest = &said(Role::Server, &next)[results.source.consumed..];
        assert_eq!(rest, said(Role::Server, &[Frame::ping("?")]));
    }
}

fn text_is_checked_if_its_source_did_not<E: Engine>() {
    let mut trusting = Config::default();
    trusting.verify_utf8 = false;
    let mut relay = E::Relay::open(&trusting, &Config::default());
    let bytes = said(Role::Server, &[Frame::text(b"\xff")]);
    let results = relay.relay(Role::Server, &bytes, NOW, PLENTY);
    assert_eq!(results.target.refused.unwrap().rule, Rule::TextNotUtf8);
    let mut relay = E::Relay::open(&trusting, &trusting);
    let results = relay.relay(Role::Server, &bytes, NOW, PLENTY);
    assert_eq!(
        written(Role::Client, &results.target.output),
        [Frame::text(b"\xff")]
    );
}

/// Reassembles the messages of frames: whether text, and the bytes.
fn messages(frames: &[Frame]) -> Vec<(bool, Vec<u8>)> {
    let mut messages = Vec::new();
    let mut open: Option<(bool, Vec<u8>)> = None;
    for frame in frames {
        let (is_text, bytes) = match frame.first & 0x0f {
            TEXT => open.insert((true, Vec::new())),
            BINARY => open.insert((false, Vec::new())),
            CONTINUATION => open.as_mut().expect("a message goes on"),
            _ => continue,
        };
        bytes.extend_from_slice(&frame.payload);
        if frame.first & wire::FIN != 0 {
            messages.push((*is_text, std::mem::take(bytes)));
            open = None;
        }
    }
    assert!(open.is_none(), "the last message ends");
    messages
}

fn whatever_the_peer_says_comes_out_as_its_messages<E: Engine>() {
    let message = prop_oneof![
        "\\PC{0,40}".prop_map(|text| (true, text.into_bytes())),
        vec(any::<u8>(), 0..400).prop_map(|bytes| (false, bytes)),
        (15_000..40_000usize).prop_map(|length| (false, vec![0x5a; length])),
    ];
    let fragments = vec(1..20_000usize, 0..3);
    let strategy = (
        vec((message, fragments), 0..10),
        vec(1..30_000usize, 1..4),
        (1..100_000u32, any::<bool>(), any::<bool>(), any::<bool>()),
    );
    let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
    let result = runner.run(
        &strategy,
        |(said_messages, cuts, (capacity, server, in_pieces, gathers))| {
            let from = if server { Role::Server } else { Role::Client };
            let mut config = Config::default();
            if in_pieces {
                config.delivery = Delivery::Streaming;
            }
            config.timeouts.coalesce = gathers.then_some(Duration::from_millis(20));
            let mut frames = Vec::new();
            for ((is_text, bytes), fragments) in &said_messages {
                frames.extend(fragmented(*is_text, bytes, fragments));
                frames.push(Frame::ping("?"));
            }
            let bytes = said(from, &frames);
            let mut relay = E::Relay::open(&config, &config);
            let (mut output, mut count) = (Vec::new(), 0);
            let mut cuts = cuts.iter().cycle();
            let mut rest = &bytes[..];
            let mut unread: &[u8] = &[];
            loop {
                if unread.is_empty() {
                    let length = rest.len().min(*cuts.next().unwrap());
                    (unread, rest) = rest.split_at(length);
                }
                let results = relay.relay(from, unread, NOW, capacity);
                unread = &unread[results.source.consumed..];
                output.extend(results.target.output);
                count += results.messages;
                let more = results.source.more || results.target.more;
                if unread.is_empty() && rest.is_empty() && !more {
                    break;
                }
            }
            let said_messages: Vec<_> = said_messages
                .into_iter()
                .map(|(message, _)| message)
                .collect();
            prop_assert_eq!(count, said_messages.len() as u64);
            prop_assert_eq!(messages(&written(from.peer(), &output)), said_messages);
            Ok(())
        },
    );
    result.unwrap();
}

/// A message in fragments of about these lengths.
fn fragmented(is_text: bool, bytes: &[u8], lengths: &[usize]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    for length in lengths {
        let (part, others) = rest.split_at(rest.len().min(*length));
        frames.push(Frame::continuation(part).not_last());
        rest = others;
    }
    frames.push(Frame::continuation(rest));
    let opcode = if is_text { TEXT } else { BINARY };
    frames[0].first |= opcode;
    frames
}

fn nothing_is_taken_for_a_target_that_is_not_open_yet<E: Engine>() {
    let config = Config::default();
    let mut relay = Relayed::<E>(E::Relay::half_open(&config, &config));
    let results = relay.receives(Role::Server, &[Frame::text("hello")]);
    for result in [results.source, results.target] {
        assert_eq!(result.refused.unwrap().rule, Rule::NotOpen);
        let taken = (result.consumed, result.events, result.output, result.more);
        assert_eq!(taken, (0, vec![], vec![], false));
    }
    assert_eq!((results.messages, results.bytes), (0, 0));
}

#[cfg(feature = "component")]
#[test]
fn relay_to_itself_changes_nothing() {
    let config = Config::default();
    let mut relay = host_tests::sandboxed::SandboxedRelay::open(&config, &config);
    let bytes = said(Role::Server, &[Frame::text("a")]);
    let results = relay.relay_to_itself(Role::Server, &bytes, NOW);
    for result in [results.source, results.target] {
        assert_eq!(result.refused.unwrap().rule, Rule::RelayToItself);
        assert_eq!(
            (result.consumed, result.events, result.output),
            (0, vec![], vec![])
        );
        assert_eq!(result.state, State::Open);
    }
    let results = relay.relay(Role::Server, &bytes, NOW, PLENTY);
    assert_eq!(results.messages, 1);
}
