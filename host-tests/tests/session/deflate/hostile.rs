//! Hostile compressed messages.

use std::time::Duration;

use host_tests::deflate::{self, Peer, noise};
use host_tests::wire::{self, Frame};
use host_tests::{Engine, Event, ROLES, on_both_engines};
use websocket_component::{Config, Delivery, Role, Rule, State};

use super::{compressed, open, open_with};

on_both_engines![
    class_08_a_bomb_ends_at_the_limit,
    class_08_a_bomb_in_fragments_ends_at_the_limit,
    class_08_a_bomb_that_leans_on_the_messages_before_it_ends_at_the_limit,
    class_08_a_message_at_the_limit_is_delivered,
    class_08_no_call_does_more_than_its_share,
    class_09_truncated_and_broken_data_is_malformed,
    class_09_what_was_inflated_before_is_delivered_in_pieces,
    class_09_bytes_behind_the_final_block_go_on_with_the_message,
    text_that_is_wrong_is_cut_off_there_wherever_its_frame_is_cut,
    class_11_rsv1_belongs_on_the_first_frame_only,
    class_11_messages_without_rsv1_pass,
    data_that_get_longer_are_within_the_limit_if_the_message_is,
    fragments_that_get_longer_are_within_the_limit_if_the_message_is,
];

const LIMIT: usize = 100_000;

fn limited() -> Config {
    let mut config = deflate::config();
    config.limits.message = LIMIT as u64;
    config
}

/// A thousand times as long as its payload.
fn bomb(length: usize) -> Vec<u8> {
    let payload = Peer::default().compresses(vec![0; length]);
    assert!(payload.len() * 900 < length);
    payload
}

fn class_08_a_bomb_ends_at_the_limit<E: Engine>() {
    let payload = bomb(10 << 20);
    for role in ROLES {
        let mut subject = open_with::<E>(role, &limited(), "");
        assert_eq!(
            subject.receives_frames(&[compressed(Frame::binary(&payload))]),
            []
        );
        assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
    }
}

fn class_08_a_bomb_in_fragments_ends_at_the_limit<E: Engine>() {
    let payload = bomb(10 << 20);
    for role in ROLES {
        let mut subject = open_with::<E>(role, &limited(), "");
        let mut frames = vec![compressed(Frame::binary("")).not_last()];
        frames.extend(
            payload
                .chunks(10)
                .map(|chunk| Frame::continuation(chunk).not_last()),
        );
        let bytes = subject.peers(&frames);
        let mut heard = 0;
        for piece in bytes.chunks(100) {
            assert_eq!(subject.receives(piece), []);
            heard += piece.len();
            if subject.failed_by().is_some() {
                break;
            }
        }
        // Long before its end.
        assert!(heard < bytes.len() / 20, "{heard} of {}", bytes.len());
        assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
    }
}

fn class_08_a_bomb_that_leans_on_the_messages_before_it_ends_at_the_limit<E: Engine>() {
    for role in ROLES {
        let mut subject = open_with::<E>(role, &limited(), "");
        let mut peer = Peer::default();
        let harmless = noise(30_000);
        let frame = compressed(Frame::binary(peer.compresses(&harmless)));
        assert_eq!(
            subject.receives_frames(&[frame]),
            [Event::binary(&harmless)]
        );
        let payload = peer.compresses(harmless.repeat(4));
        assert!(payload.len() < 3000);
        assert_eq!(
            subject.receives_frames(&[compressed(Frame::binary(payload))]),
            []
        );
        assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
    }
}

fn class_08_a_message_at_the_limit_is_delivered<E: Engine>() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Streaming] {
            let mut config = limited();
            config.delivery = delivery;
            let message = vec![7; LIMIT];
            let mut subject = open_with::<E>(role, &config, "");
            let mut peer = Peer::default();
            let events =
                subject.receives_frames(&[compressed(Frame::binary(peer.compresses(&message)))]);
            assert_eq!(
                host_tests::engine::joined(&events),
                [Event::binary(&message)]
            );
            let longer = peer.compresses(vec![7; LIMIT + 1]);
            let events = subject.receives_frames(&[compressed(Frame::binary(longer))]);
            let heard: usize = events.iter().map(Event::length).sum();
            assert_eq!(
                heard,
                if delivery == Delivery::Streaming {
                    LIMIT
                } else {
                    0
                }
            );
            assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
        }
    }
}

/// The output and the blocks of one call are limited for any input.
fn class_08_no_call_does_more_than_its_share<E: Engine>() {
    let mut config = deflate::config();
    config.limits.inflate_per_call = 10_240;
    let empty_blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(10_000);
    for payload in [bomb(1 << 20), empty_blocks] {
        for role in ROLES {
            let mut subject = open_with::<E>(role, &config, "");
            let bytes = subject.peers(&[compressed(Frame::binary(&payload)).not_last()]);
            let result = subject.engine.exchange(&bytes, &[], subject.now, 1 << 20);
            assert!(
                result.consumed < bytes.len() / 20,
                "{} at once",
                result.consumed
            );
            assert!(result.more);
            subject.receives(&bytes[result.consumed..]);
            assert_eq!(subject.state(), State::Open);
        }
    }
}

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn class_09_truncated_and_broken_data_is_malformed<E: Engine>() {
    let mut wrong: Vec<&[u8]> = (1..HELLO.len()).map(|end| &HELLO[..end]).collect();
    wrong.extend([
        // Reserved block types.
        &b"\x06\x00"[..],
        b"\x07",
        // A length that isn't the complement of the other.
        b"\x00\x05\x00\xfa\xfeHello\x00",
        // A reference to before the first message.
        b"\xf2\x00\x11\x00\x00",
        // A final block, and an invalid one after it.
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x06",
        // An incomplete final block.
        b"\xf3\x48\xcd\xc9\xc9\x07",
        // A final block, and a complete one after it that needs the header of another.
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00\x00\xff\xff",
        // Invalid tables.
        b"\x04\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x04\x00\x00\x00\x00\x00\x00\x00\x00",
    ]);
    for role in ROLES {
        for payload in &wrong {
            let mut subject = open::<E>(role);
            let frame = compressed(Frame::binary(payload));
            assert_eq!(subject.receives_frames(&[frame]), [], "{payload:x?}");
            assert_eq!(subject.has_failed(Rule::DeflateMalformed), []);

            let mut subject = open::<E>(role);
            for byte in subject.peers(&[compressed(Frame::binary(payload))]) {
                assert_eq!(subject.receives([byte]), []);
            }
            assert_eq!(subject.has_failed(Rule::DeflateMalformed), []);
        }
    }
}

fn class_09_what_was_inflated_before_is_delivered_in_pieces<E: Engine>() {
    let mut config = deflate::config();
    config.delivery = Delivery::Streaming;
    for role in ROLES {
        let mut subject = open_with::<E>(role, &config, "");
        let payload = [HELLO, b"\x00\x00\xff\xff\x06"].concat();
        let events = subject.receives_frames(&[compressed(Frame::binary(payload))]);
        let sound = Event::Binary {
            payload: b"Hello".into(),
            last: false,
        };
        assert_eq!(events, [sound]);
        assert_eq!(subject.has_failed(Rule::DeflateMalformed), []);
    }
}

fn class_09_bytes_behind_the_final_block_go_on_with_the_message<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let payload = [b"\xf3\x48\xcd\xc9\xc9\x07\x00", HELLO].concat();
        let events = subject.receives_frames(&[compressed(Frame::text(payload))]);
        assert_eq!(events, [Event::text("HelloHello")]);
    }
}

fn text_that_is_wrong_is_cut_off_there_wherever_its_frame_is_cut<E: Engine>() {
    let mut config = deflate::config();
    config.delivery = Delivery::Streaming;
    for gather in [None, Some(Duration::from_millis(20))] {
        config.timeouts.coalesce = gather;
        for text in [&b"\xff"[..], b"\xffa", b"a\xff", b"a\xe2\xffb"] {
            let payload = Peer::default().compresses(text);
            let frame = compressed(Frame::text(payload));
            let length = wire::bytes_of(std::slice::from_ref(&frame), Role::Client).len();
            for cut in 1..length {
                let mut subject = open_with::<E>(Role::Server, &config, "");
                let said = subject.peers(std::slice::from_ref(&frame));
                let (first, rest) = said.split_at(cut);
                let heard = [subject.receives(first), subject.receives(rest)].concat();
                assert_eq!(subject.engine.failure().unwrap().rule, Rule::InvalidUtf8);
                let wrong = text.iter().position(|byte| *byte == 0xff).unwrap();
                let sound: Vec<u8> = heard.iter().flat_map(bytes).copied().collect();
                assert_eq!(sound, &text[..wrong], "cut at {cut}");
            }
        }
    }
}

fn bytes(event: &Event) -> &[u8] {
    match event {
        Event::Text {
            payload,
            last: false,
        } => payload,
        other => panic!("{other:?}"),
    }
}

fn class_11_rsv1_belongs_on_the_first_frame_only<E: Engine>() {
    let plain = [Frame::text("a").not_last()];
    let begun = [compressed(Frame::text(&HELLO[..3])).not_last()];
    for role in ROLES {
        for before in [&plain, &begun] {
            for frame in [
                Frame::continuation("x"),
                Frame::continuation("x").not_last(),
                Frame::ping("x"),
                Frame::pong("x"),
                Frame::close(1000, ""),
            ] {
                let mut subject = open::<E>(role);
                subject.receives_frames(before);
                let bytes = subject.peers(&[compressed(frame)]);
                assert_eq!(subject.receives(&bytes[..1]), []);
                assert_eq!(subject.has_failed(Rule::ReservedBits), []);
            }
        }
        for bits in [0x20, 0x10, 0x60, 0x50, 0x30, 0x70] {
            let mut subject = open::<E>(role);
            let bytes = subject.peers(&[Frame::text(HELLO).reserved(bits)]);
            assert_eq!(subject.receives(&bytes[..1]), []);
            assert_eq!(subject.has_failed(Rule::ReservedBits), []);
        }
    }
}

fn class_11_messages_without_rsv1_pass<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let frames = [
            Frame::text("a").not_last(),
            Frame::continuation("b"),
            compressed(Frame::text(HELLO)),
            Frame::binary(""),
            compressed(Frame::binary(&HELLO[..2])).not_last(),
            Frame::continuation(&HELLO[2..]),
        ];
        let expected = [
            Event::text("ab"),
            Event::text("Hello"),
            Event::binary(""),
            Event::binary("Hello"),
        ];
        assert_eq!(subject.receives_frames(&frames), expected);
    }
}

fn data_that_get_longer_are_within_the_limit_if_the_message_is<E: Engine>() {
    for role in ROLES {
        let mut subject = open_with::<E>(role, &limited(), "");
        let message = noise(LIMIT);
        let payload = Peer::default().compresses(&message);
        assert!(payload.len() > LIMIT);
        let frame = compressed(Frame::binary(&payload));
        assert_eq!(subject.receives_frames(&[frame]), [Event::binary(&message)]);
        // The limit of an uncompressed message applies to its bytes on the wire.
        let header = Frame::binary("").by(role.peer()).header(LIMIT as u64 + 1);
        assert_eq!(subject.receives(header), []);
        assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
    }
}

fn fragments_that_get_longer_are_within_the_limit_if_the_message_is<E: Engine>() {
    let mut config = deflate::config();
    config.limits.message = 100;
    for role in ROLES {
        let mut subject = open_with::<E>(role, &config, "");
        // A letter in a stored block, followed by an empty one, a hundred times.
        let letter = [0x00, 1, 0, 0xfe, 0xff, b'x', 0, 0, 0, 0xff, 0xff];
        let mut frames = vec![compressed(Frame::text(letter)).not_last()];
        frames.resize(100, Frame::continuation(letter).not_last());
        frames.push(Frame::continuation([0x00]));
        assert_eq!(subject.receives_frames(&frames), [Event::text([b'x'; 100])]);
    }
}
