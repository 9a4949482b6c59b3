//! Messages in and out: fragments, pieces, UTF-8, limits.

use host_tests::engine::{ENTROPY, joined, peer_of, rule};
use host_tests::wire::{self, BINARY, FIN, Frame, LengthForm, RSV1, TEXT};
use host_tests::{Engine, Event, Outgoing, Pair, ROLES, Subject, on_both_engines};
use websocket_component::handshake::{Extension, Negotiated};
use websocket_component::{Config, Delivery, Message, Role, Rule, State};

on_both_engines![
    messages_of_all_lengths_go_both_ways,
    fragments_become_one_message,
    empty_messages_and_empty_fragments,
    fragments_go_out_as_the_host_cuts_them,
    pieces_come_as_the_bytes_do,
    pieces_are_no_longer_than_the_receive_buffer,
    pieces_of_a_text_that_goes_wrong_end_before_the_bad_byte,
    control_frames_come_between_pieces,
    utf8_is_checked_over_frames_and_inputs,
    text_that_ends_inside_a_character,
    utf8_is_left_alone_if_the_host_says_so,
    text_that_is_sent_is_checked_over_fragments,
    class_13_a_length_of_2_to_the_32_and_5,
    class_15_no_limit_is_no_overflow,
    class_06_a_flood_of_empty_fragments,
    class_21_a_send_beyond_the_high_water_mark_is_refused,
    a_batch_is_queued_up_to_the_record_that_is_refused,
    sends_are_told_when_their_last_byte_was_handed_out,
    a_turn_stops_at_its_capacity_and_says_that_there_is_more,
    a_turn_without_capacity_still_gets_on,
    a_pair_on_a_wire_that_cuts_everything_into_single_bytes,
    without_masking_a_client_uses_the_key_0,
    without_masking_a_server_takes_both,
    frames_of_an_extension_of_the_hosts,
    frames_of_an_extension_without_one,
];

fn pieces() -> Config {
    let mut config = Config::default();
    config.delivery = Delivery::Pieces;
    config
}

fn text_piece(payload: &str) -> Event {
    Event::Text {
        payload: payload.into(),
        last: false,
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 256) as u8)
        .collect()
}

fn messages_of_all_lengths_go_both_ways<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        for length in (0..=130).chain([1000, 4096, 65_535, 65_536, 70_000, 1 << 20]) {
            let bytes = pattern(length);
            let events = subject.hears_frames(&[Frame::binary(&bytes)]);
            assert_eq!(events, [Event::binary(&bytes)], "{length} in");
            subject.says(Message::Binary(&bytes)).unwrap();
            assert_eq!(subject.writes(), [Frame::binary(&bytes)], "{length} out");
        }
        let events = subject.hears_frames(&[Frame::text("\u{20ac}")]);
        assert_eq!(events, [Event::text("\u{20ac}")]);
        subject.says(Message::Text("\u{20ac}")).unwrap();
        assert_eq!(subject.writes(), [Frame::text("\u{20ac}")]);
    }
}

fn fragments_become_one_message<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let frames = [
            Frame::text("a").not_last(),
            Frame::continuation("bc").not_last(),
            Frame::continuation("d"),
            Frame::binary("1").not_last(),
            Frame::continuation("2"),
            Frame::binary("3"),
        ];
        let messages = [Event::text("abcd"), Event::binary("12"), Event::binary("3")];
        assert_eq!(subject.hears_frames(&frames), messages);
        let mut events = Vec::new();
        for frame in frames {
            events.extend(subject.hears_frames(&[frame]));
        }
        assert_eq!(events, messages);
    }
}

fn empty_messages_and_empty_fragments<E: Engine>() {
    for config in [Config::default(), pieces()] {
        for role in ROLES {
            let mut subject = Subject::<E>::open(role, &config);
            let events = subject.hears_frames(&[
                Frame::text(""),
                Frame::binary(""),
                Frame::text("").not_last(),
                Frame::continuation("").not_last(),
                Frame::continuation(""),
                Frame::binary("").not_last(),
                Frame::continuation("x").not_last(),
                Frame::continuation(""),
            ]);
            let messages = [
                Event::text(""),
                Event::binary(""),
                Event::text(""),
                Event::binary("x"),
            ];
            assert_eq!(joined(&events), messages);
        }
    }
}

fn fragments_go_out_as_the_host_cuts_them<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        for message in [
            Message::TextFragment("a"),
            Message::Utf8Fragment(b""),
            Message::Ping(b"between"),
            Message::Text("b"),
            Message::BinaryFragment(b"c"),
            Message::Binary(b"d"),
            Message::Utf8(b"e"),
        ] {
            subject.says(message).unwrap();
        }
        let expected = [
            Frame::text("a").not_last(),
            Frame::continuation("").not_last(),
            Frame::ping("between"),
            Frame::continuation("b"),
            Frame::binary("c").not_last(),
            Frame::continuation("d"),
            Frame::text("e"),
        ];
        assert_eq!(subject.writes(), expected);
    }
}

fn pieces_come_as_the_bytes_do<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &pieces());
        let bytes = subject.peers(&[Frame::text("hello")]);
        let (head, tail) = bytes.split_at(bytes.len() - 3);
        assert_eq!(subject.hears(head), [text_piece("he")]);
        let rest = [tail, &subject.peers(&[Frame::text("you").not_last()])].concat();
        let events = subject.hears(rest);
        assert_eq!(events, [Event::text("llo"), text_piece("you")]);
        let events = subject.hears_frames(&[Frame::continuation("")]);
        assert_eq!(events, [Event::text("")]);
    }
}

fn pieces_are_no_longer_than_the_receive_buffer<E: Engine>() {
    let mut config = pieces();
    config.receive_buffer = 256;
    let bytes = pattern(1000);
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.hears_frames(&[Frame::binary(&bytes)]);
    let lengths: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Binary { payload, last } => (payload.len(), *last),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        lengths,
        [(256, false), (256, false), (256, false), (232, true)]
    );
    assert_eq!(joined(&events), [Event::binary(&bytes)]);
}

fn pieces_of_a_text_that_goes_wrong_end_before_the_bad_byte<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &pieces());
        let events = subject.hears_frames(&[Frame::text(b"fine \xf0\x28 not")]);
        let payload = b"fine \xf0".to_vec();
        let good = Event::Text {
            payload,
            last: false,
        };
        assert_eq!(events, [good]);
        assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
    }
}

fn control_frames_come_between_pieces<E: Engine>() {
    let mut config = pieces();
    config.show_control = true;
    let mut subject = Subject::<E>::open(Role::Client, &config);
    let events = subject.hears_frames(&[
        Frame::text("a").not_last(),
        Frame::ping("1"),
        Frame::continuation("b").not_last(),
        Frame::pong("2"),
        Frame::continuation("c"),
    ]);
    let expected = [
        text_piece("a"),
        Event::Ping(b"1".into()),
        text_piece("b"),
        Event::Pong(b"2".into(), None),
        Event::text("c"),
    ];
    assert_eq!(events, expected);
    assert_eq!(subject.writes(), [Frame::pong("1")]);
}

/// Each text with the index of the byte that no continuation can make good.
const BAD_UTF8: [(&[u8], usize); 9] = [
    (b"\xff", 0),
    (b"ab\x80", 2),
    (b"\xc0\xaf", 0),
    (b"\xc3\x28", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xed\xa0\x80", 1),
    (b"\xe2\x82\x28", 2),
    (b"\xf4\x90\x80\x80", 1),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf5", 11),
];

fn utf8_is_checked_over_frames_and_inputs<E: Engine>() {
    for role in ROLES {
        for (text, bad) in BAD_UTF8 {
            for seam in 0..=text.len() {
                let frames = [
                    Frame::text(&text[..seam]).not_last(),
                    Frame::continuation(&text[seam..]).not_last(),
                ];
                let mut subject = Subject::<E>::open(role, &Config::default());
                let second = subject.peers(&frames[1..]);
                let mut failed_at = None;
                let first_header = subject.peers(&frames[..1]).len() - seam;
                let second_header = second.len() - (text.len() - seam);
                let bytes = subject.peers(&frames);
                for (at, byte) in bytes.iter().enumerate() {
                    subject.hears([*byte]);
                    if subject.failed_by().is_some() {
                        failed_at = Some(at);
                        break;
                    }
                }
                let header = if bad < seam {
                    first_header
                } else {
                    first_header + second_header
                };
                assert_eq!(failed_at, Some(header + bad), "{text:x?} cut at {seam}");
                assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
            }
        }
        let text = "\u{3ba}\u{1f79}\u{20ac}\u{1f600}";
        for seam in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(seam);
            let mut subject = Subject::<E>::open(role, &Config::default());
            let frames = [Frame::text(head).not_last(), Frame::continuation(tail)];
            assert_eq!(subject.hears_frames(&frames), [Event::text(text)]);
        }
    }
}

fn text_that_ends_inside_a_character<E: Engine>() {
    for role in ROLES {
        for config in [Config::default(), pieces()] {
            for frames in [
                vec![Frame::text(b"a\xe2\x82")],
                vec![
                    Frame::text(b"a\xe2\x82").not_last(),
                    Frame::continuation(""),
                ],
            ] {
                let mut subject = Subject::<E>::open(role, &config);
                let events = subject.hears_frames(&frames);
                assert!(!events.contains(&Event::text(b"a\xe2\x82")));
                assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
            }
        }
    }
}

fn utf8_is_left_alone_if_the_host_says_so<E: Engine>() {
    let mut config = Config::default();
    config.verify_utf8 = false;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.hears_frames(&[Frame::text(b"\xff\xfe")]);
    assert_eq!(events, [Event::text(b"\xff\xfe")]);
    subject.says(Message::Utf8(b"\xff\xfe")).unwrap();
    assert_eq!(subject.writes(), [Frame::text(b"\xff\xfe")]);
    // The reason of a close is checked all the same.
    subject.hears_frames(&[Frame::close(1000, b"\xff")]);
    assert_eq!(subject.has_failed(Rule::CloseReasonNotUtf8), []);
}

fn text_that_is_sent_is_checked_over_fragments<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Client, &Config::default());
    for (text, _) in BAD_UTF8 {
        let refused = subject.says(Message::Utf8(text));
        assert_eq!(rule(refused), Rule::TextNotUtf8);
    }
    subject.says(Message::Utf8Fragment(b"\xe2")).unwrap();
    for wrong in [
        Message::Utf8(b"\x82"),
        Message::Utf8(b""),
        Message::Utf8Fragment(b"\x28"),
        Message::Text("a"),
        Message::TextFragment("a"),
    ] {
        assert_eq!(rule(subject.says(wrong)), Rule::TextNotUtf8);
    }
    subject.says(Message::Utf8Fragment(b"\x82")).unwrap();
    subject.says(Message::Utf8(b"\xac")).unwrap();
    let expected = [
        Frame::text(b"\xe2").not_last(),
        Frame::continuation(b"\x82").not_last(),
        Frame::continuation(b"\xac"),
    ];
    assert_eq!(subject.writes(), expected);
}

/// Truncated to 32 bits it is 5.
fn class_13_a_length_of_2_to_the_32_and_5<E: Engine>() {
    for role in ROLES {
        for length in [(1 << 32) + 5, 1 << 32, (1 << 40) + 5] {
            let mut subject = Subject::<E>::open(role, &Config::default());
            let frame = Frame::binary("hello").by(peer_of(role));
            let bytes = frame.bytes_with(LengthForm::SixtyFour, length);
            assert_eq!(subject.hears(bytes), []);
            assert_eq!(subject.has_failed(Rule::FrameTooBig), []);
        }
    }
}

fn unlimited() -> Config {
    let mut config = Config::default();
    config.limits.frame = u64::MAX;
    config.limits.message = u64::MAX;
    config.limits.fragments = u32::MAX;
    config.limits.queued_output = u64::MAX;
    config.limits.queued_pongs = u32::MAX;
    config.limits.head = u32::MAX;
    config.limits.line = u32::MAX;
    config.limits.headers = u32::MAX;
    config
}

fn class_15_no_limit_is_no_overflow<E: Engine>() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Pieces] {
            for length in [i64::MAX as u64, (1 << 32) + 5, u64::from(u32::MAX)] {
                let mut config = unlimited();
                config.delivery = delivery;
                let mut subject = Subject::<E>::open(role, &config);
                // The sum of the two lengths doesn't fit in 63 bits.
                subject.hears_frames(&[Frame::binary("hello").not_last()]);
                let frame = Frame::continuation("world").by(peer_of(role));
                let bytes = frame.bytes_with(LengthForm::SixtyFour, length);
                let events = subject.hears(bytes);
                assert_eq!(events.is_empty(), delivery == Delivery::Messages);
                // The frame is not over: what looks like one is its payload.
                subject.hears_frames(&[Frame::new(0x3, "")]);
                assert_eq!(subject.failed_by(), None);
                subject.says(Message::Binary(&[0; 100])).unwrap();
                assert_eq!(subject.writes(), [Frame::binary([0; 100])]);
            }
        }
    }
}

fn class_06_a_flood_of_empty_fragments<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Client, &Config::default());
    let empty = Frame::continuation("").not_last().bytes();
    subject.hears(Frame::binary("").not_last().bytes());
    subject.hears(empty.repeat(65_535));
    assert_eq!(subject.failed_by(), None);
    subject.hears(&empty);
    assert_eq!(subject.has_failed(Rule::TooManyFragments), []);
}

fn class_21_a_send_beyond_the_high_water_mark_is_refused<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_output = 1000;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Binary(&[0; 900])).unwrap();
        let waiting = subject.engine.buffered_amount();
        for message in [
            Message::Binary(&[0; 900]),
            Message::BinaryFragment(&[0; 900]),
            Message::Ping(&[0; 125]),
        ] {
            assert_eq!(rule(subject.queues(message)), Rule::QueueFull);
            assert_eq!(subject.engine.buffered_amount(), waiting);
        }
        // The session lives: it hears, closes, and sends when there is room.
        let events = subject.hears_frames(&[Frame::text("hello")]);
        assert_eq!(events, [Event::text("hello")]);
        subject.says(Message::Binary(&[1; 900])).unwrap();
        let expected = [Frame::binary([0; 900]), Frame::binary([1; 900])];
        assert_eq!(subject.writes(), expected);
        subject.queues(Message::Binary(&[0; 970])).unwrap();
        subject
            .queues(Message::CloseWith(1000, &[b'x'; 123]))
            .unwrap();
        assert_eq!(subject.state(), State::Closing);
    }
}

fn a_batch_is_queued_up_to_the_record_that_is_refused<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let turn = subject.turn(&[
        Message::Text("1").into(),
        Message::Binary(b"2").into(),
        Message::Utf8(b"\xff").into(),
        Message::Text("3").into(),
    ]);
    assert_eq!(turn.accepted, 2);
    let refused = turn.refused.map(|failure| failure.rule);
    assert_eq!(refused, Some(Rule::TextNotUtf8));
    assert_eq!((turn.failure, turn.state), (None, State::Open));
    let expected = [Frame::text("1"), Frame::binary("2")];
    assert_eq!(subject.writes(), expected);
}

fn sends_are_told_when_their_last_byte_was_handed_out<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let mut batch = [1, 2, 3].map(|context| Outgoing {
        message: Message::Text("four"),
        context: Some(context),
    });
    batch[1].context = None;
    let turn = subject.turn_of(&batch, 6);
    assert_eq!(turn.events, [Event::Sent(1)]);
    assert!(turn.more);
    assert_eq!(subject.turn_of(&[], 11).events, []);
    let turn = subject.turn_of(&[], 1);
    assert_eq!(turn.events, [Event::Sent(3)]);
    assert!(!turn.more);
}

fn a_turn_stops_at_its_capacity_and_says_that_there_is_more<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let messages = [Frame::text("four"), Frame::text("more"), Frame::text("")];
    let bytes = subject.peers(&messages);
    let turn = subject.engine.exchange(&bytes, &[], subject.now, 3);
    assert_eq!(turn.events, [Event::text("four")]);
    assert!(turn.more);
    let rest = &bytes[turn.consumed..];
    let turn = subject.engine.exchange(rest, &[], subject.now, 100);
    assert_eq!(turn.events, [Event::text("more"), Event::text("")]);
    assert_eq!(turn.consumed, rest.len());
    assert!(!turn.more);
    subject.queues(Message::Text("hello")).unwrap();
    let turn = subject.turn_of(&[], 3);
    assert_eq!((turn.output.len(), turn.more), (3, true));
    let turn = subject.turn_of(&[], 4);
    assert_eq!((turn.output.len(), turn.more), (4, false));
}

/// Class 16: every call consumes, emits, or asks for more input.
fn a_turn_without_capacity_still_gets_on<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Server, &Config::default());
    let bytes = subject.peers(&[Frame::text("four"), Frame::ping("?")]);
    let mut rest = &bytes[..];
    let mut output = Vec::new();
    let mut events = Vec::new();
    loop {
        let turn = subject.engine.exchange(rest, &[], subject.now, 0);
        let got_on = turn.consumed > 0 || !turn.output.is_empty();
        rest = &rest[turn.consumed..];
        output.extend(turn.output);
        events.extend(turn.events);
        if !turn.more {
            break;
        }
        assert!(got_on, "a call without effect asks for another");
    }
    assert_eq!(events, [Event::text("four")]);
    assert_eq!(wire::read_frames(&output), [Frame::pong("?")]);
}

fn a_pair_on_a_wire_that_cuts_everything_into_single_bytes<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &pieces());
    pair.client.wire.chunks = vec![1];
    pair.server.wire.chunks = vec![1, 3];
    let bytes = pattern(3000);
    pair.client_says(Message::Binary(&bytes)).unwrap();
    pair.client_says(Message::TextFragment("a")).unwrap();
    pair.client_says(Message::Text("\u{20ac}")).unwrap();
    pair.server_says(Message::Binary(&bytes)).unwrap();
    pair.drive();
    assert_eq!(
        joined(&pair.server.events()),
        [Event::binary(&bytes), Event::text("a\u{20ac}")]
    );
    assert_eq!(pair.client.events(), [Event::binary(&bytes)]);
}

fn without_masking_a_client_uses_the_key_0<E: Engine>() {
    let mut config = Config::default();
    config.masking = false;
    let negotiated = Negotiated::default();
    let mut engine = E::open_client(&config, &ENTROPY, &negotiated).unwrap();
    let batch = [Message::Text("hello").into(), Message::Ping(b"?").into()];
    let turn = engine.exchange(b"", &batch, Default::default(), 100);
    let mut frames = wire::read_frames(&turn.output);
    frames.sort_by_key(|frame| frame.first);
    let zero = [0; 4];
    let expected = [
        Frame::text("hello").masked(zero),
        Frame::ping("?").masked(zero),
    ];
    assert_eq!(frames, expected);
}

fn without_masking_a_server_takes_both<E: Engine>() {
    let mut config = Config::default();
    config.masking = false;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.hears(Frame::text("1").bytes());
    assert_eq!(events, [Event::text("1")]);
    let events = subject.hears(Frame::text("2").masked([9; 4]).bytes());
    assert_eq!(events, [Event::text("2")]);
}

fn frames_of_an_extension_of_the_hosts<E: Engine>() {
    let extension = Extension {
        name: "x-of-mine".into(),
        parameters: Vec::new(),
    };
    let negotiated = Negotiated {
        subprotocol: None,
        extensions: vec![extension],
    };
    for role in ROLES {
        let config = Config::default();
        let mut subject = Subject::<E>::open_with(role, &config, &negotiated);
        let frames = [
            Frame::text(b"\xff").reserved(RSV1).not_last(),
            Frame::ping("?"),
            Frame::continuation("x"),
            Frame::binary(""),
        ];
        let frame = |bits, payload: &[u8]| Event::Frame {
            bits,
            payload: payload.into(),
        };
        let expected = [
            frame(RSV1 | TEXT, b"\xff"),
            frame(FIN, b"x"),
            frame(FIN | BINARY, b""),
        ];
        let bytes = subject.peers(&frames);
        assert_eq!(subject.hears(&bytes), expected);
        let mut events = Vec::new();
        for byte in bytes {
            events.extend(subject.hears([byte]));
        }
        assert_eq!(events, expected);
        subject.writes();
        subject
            .says(Message::Frame(FIN | RSV1 | TEXT, b"z"))
            .unwrap();
        let sent = Frame::text("z").reserved(RSV1);
        assert_eq!(subject.writes(), [sent]);
        for bits in [FIN | wire::PING, FIN | wire::CLOSE, FIN | 0x3] {
            let refused = subject.says(Message::Frame(bits, b""));
            assert_eq!(rule(refused), Rule::FrameHeadInvalid);
        }
        subject.hears_frames(&[Frame::ping("").reserved(RSV1)]);
        assert_eq!(subject.has_failed(Rule::ReservedBits), []);
    }
}

fn frames_of_an_extension_without_one<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let refused = subject.says(Message::Frame(FIN | TEXT, b"x"));
        assert_eq!(rule(refused), Rule::FrameHeadInvalid);
    }
}
