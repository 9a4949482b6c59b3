//! Fragments and chunks.

use host_tests::engine::joined;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Pair, ROLES, Subject, on_both_engines};
use websocket_component::{Config, Message, Role};

use super::{pattern, pieces};

on_both_engines![
    messages_of_all_lengths_go_both_ways,
    fragments_become_one_message,
    empty_messages_and_empty_fragments,
    fragments_go_out_as_the_host_cuts_them,
    pieces_come_as_the_bytes_do,
    pieces_are_no_longer_than_the_receive_buffer,
    control_frames_come_between_pieces,
    a_pair_on_a_wire_that_cuts_everything_into_single_bytes,
];

fn text_piece(payload: &str) -> Event {
    Event::Text {
        payload: payload.into(),
        last: false,
    }
}

fn messages_of_all_lengths_go_both_ways<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        for length in (0..=130).chain([1000, 4096, 65_535, 65_536, 70_000, 1 << 20]) {
            let bytes = pattern(length);
            let events = subject.receives_frames(&[Frame::binary(&bytes)]);
            assert_eq!(events, [Event::binary(&bytes)], "{length} in");
            subject.sends(Message::Binary(&bytes)).unwrap();
            assert_eq!(subject.writes(), [Frame::binary(&bytes)], "{length} out");
        }
        let events = subject.receives_frames(&[Frame::text("\u{20ac}")]);
        assert_eq!(events, [Event::text("\u{20ac}")]);
        subject.sends(Message::Text("\u{20ac}")).unwrap();
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
        assert_eq!(subject.receives_frames(&frames), messages);
        let mut events = Vec::new();
        for frame in frames {
            events.extend(subject.receives_frames(&[frame]));
        }
        assert_eq!(events, messages);
    }
}

fn empty_messages_and_empty_fragments<E: Engine>() {
    for config in [Config::default(), pieces()] {
        for role in ROLES {
            let mut subject = Subject::<E>::open(role, &config);
            let events = subject.receives_frames(&[
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
            subject.sends(message).unwrap();
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
        assert_eq!(subject.receives(head), [text_piece("he")]);
        let rest = [tail, &subject.peers(&[Frame::text("you").not_last()])].concat();
        let events = subject.receives(rest);
        assert_eq!(events, [Event::text("llo"), text_piece("you")]);
        let events = subject.receives_frames(&[Frame::continuation("")]);
        assert_eq!(events, [Event::text("")]);
    }
}

fn pieces_are_no_longer_than_the_receive_buffer<E: Engine>() {
    let mut config = pieces();
    config.receive_buffer = 256;
    let bytes = pattern(1000);
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.receives_frames(&[Frame::binary(&bytes)]);
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

fn control_frames_come_between_pieces<E: Engine>() {
    let mut config = pieces();
    config.report_control_frames = true;
    let mut subject = Subject::<E>::open(Role::Client, &config);
    let events = subject.receives_frames(&[
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

fn a_pair_on_a_wire_that_cuts_everything_into_single_bytes<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &pieces());
    pair.client.wire.chunks = vec![1];
    pair.server.wire.chunks = vec![1, 3];
    let bytes = pattern(3000);
    pair.client_sends(Message::Binary(&bytes)).unwrap();
    pair.client_sends(Message::TextFragment("a")).unwrap();
    pair.client_sends(Message::Text("\u{20ac}")).unwrap();
    pair.server_sends(Message::Binary(&bytes)).unwrap();
    pair.drive();
    assert_eq!(
        joined(&pair.server.events()),
        [Event::binary(&bytes), Event::text("a\u{20ac}")]
    );
    assert_eq!(pair.client.events(), [Event::binary(&bytes)]);
}
