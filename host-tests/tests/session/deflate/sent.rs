//! Messages that are sent, compressed or not.

use host_tests::deflate::{self, Peer, noise, text};
use host_tests::wire::{BINARY, FIN, Frame, RSV1, TEXT};
use host_tests::{Engine, ROLES, on_both_engines};
use websocket_component::{Message, Outgoing, Role};

use super::{open, open_with};

on_both_engines![
    what_is_sent_is_compressed_if_it_is_worth_it,
    fragments_are_sent_as_one_compressed_message,
    a_host_can_keep_a_message_from_being_compressed,
    a_message_that_does_not_compress_leaves_the_context_of_the_others,
    what_is_not_compressed_is_not_referred_to,
    what_is_sent_at_each_level_can_be_inflated,
];

fn what_is_sent_is_compressed_if_it_is_worth_it<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let mut peer = Peer::default();
        let mut longest = usize::MAX;
        for _ in 0..3 {
            let message = text(2000);
            subject.sends(Message::Text(&message)).unwrap();
            let [frame] = &subject.writes()[..] else {
                panic!("one frame");
            };
            assert_eq!(frame.first, FIN | RSV1 | TEXT);
            assert!(frame.payload.len() < longest, "it refers to the one before");
            longest = frame.payload.len().max(30);
            assert_eq!(peer.inflates(&frame.payload, 2000), message.as_bytes());
        }
        let noise = noise(1 << 15);
        for message in [
            Message::Text("short"),
            Message::Binary(&noise),
            Message::Binary(b""),
        ] {
            subject.sends(message).unwrap();
            let [frame] = &subject.writes()[..] else {
                panic!("one frame");
            };
            assert_eq!(frame.first & RSV1, 0, "{message:?}");
        }
    }
}

fn fragments_are_sent_as_one_compressed_message<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let mut peer = Peer::default();
        for last in ["", "and the end"] {
            for message in [
                Message::TextFragment("short, "),
                Message::TextFragment(""),
                Message::Ping(b"?"),
                Message::TextFragment("but not the last, "),
                Message::Text(last),
            ] {
                subject.sends(message).unwrap();
            }
            let mut frames = subject.writes();
            frames.retain(|frame| *frame != Frame::ping("?"));
            let firsts: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
            assert_eq!(firsts, [RSV1 | TEXT, 0, 0, FIN]);
            let payload = frames.iter().flat_map(|frame| frame.payload.clone());
            let payload = Vec::from_iter(payload);
            let message = ["short, but not the last, ", last].concat();
            assert_eq!(peer.inflates(&payload, 100), message.as_bytes());
        }
    }
}

fn a_host_can_keep_a_message_from_being_compressed<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let mut peer = Peer::default();
        let message = text(1000);
        let batch = [true, false, true].map(|compress| Outgoing {
            message: Message::Text(&message),
            compress,
            context: None,
        });
        subject.exchange(&batch);
        let frames = subject.writes();
        let marks: Vec<bool> = frames.iter().map(|frame| frame.first & RSV1 != 0).collect();
        assert_eq!(marks, [true, false, true]);
        assert_eq!(frames[1].payload, message.as_bytes());
        for frame in [&frames[0], &frames[2]] {
            assert_eq!(peer.inflates(&frame.payload, 1000), message.as_bytes());
        }
        // One at a time, and over fragments.
        let now = subject.now;
        let engine = &mut subject.engine;
        let parts = [Message::TextFragment(&message), Message::Text(&message)];
        for part in parts {
            engine.send_uncompressed(part, None, now).unwrap();
        }
        let expected = [
            Frame::text(&message).not_last(),
            Frame::continuation(&message),
        ];
        assert_eq!(subject.writes(), expected);
    }
}

/// The random messages get six bytes longer, and the texts still refer to each other.
fn a_message_that_does_not_compress_leaves_the_context_of_the_others<E: Engine>() {
    let entry = |i: u32| {
        let (id, name) = (i * 7919 % 1000, i * 104_729 % 997);
        format!("{{\"id\":{id},\"name\":\"n{name}\"}}")
    };
    let text: String = (0..200).map(entry).collect();
    for role in ROLES {
        let mut subject = open::<E>(role);
        let mut peer = Peer::default();
        let mut sizes = Vec::new();
        for noise in noise(600).chunks(200) {
            subject.sends(Message::Text(&text)).unwrap();
            subject.sends(Message::Binary(noise)).unwrap();
            let [first, second] = &subject.writes()[..] else {
                panic!("two frames");
            };
            assert_eq!(peer.inflates(&first.payload, text.len()), text.as_bytes());
            assert_eq!(peer.inflates(&second.payload, 200), noise);
            assert_eq!(second.first, FIN | RSV1 | BINARY);
            assert_eq!(second.payload.len(), 206);
            sizes.push(first.payload.len());
        }
        assert!(sizes[0] > 1000, "{sizes:?}");
        assert!(sizes[1..].iter().all(|size| *size < 80), "{sizes:?}");
    }
}

fn what_is_not_compressed_is_not_referred_to<E: Engine>() {
    let mut subject = open_with::<E>(Role::Server, &deflate::config(), "server_max_window_bits=9");
    let mut peer = Peer::default();
    for noise in noise(1200).chunks(600) {
        // It fills the window, and would get longer: it is sent uncompressed. The next one has its end twice.
        subject.sends(Message::Binary(noise)).unwrap();
        let end = &noise[400..];
        let twice = [end, end].concat();
        subject.sends(Message::Binary(&twice)).unwrap();
        let frames = subject.writes();
        let firsts: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
        assert_eq!(firsts, [FIN | BINARY, FIN | RSV1 | BINARY]);
        assert_eq!(peer.inflates(&frames[1].payload, 400), twice);
    }
}

fn what_is_sent_at_each_level_can_be_inflated<E: Engine>() {
    for level in 0..=9 {
        for memory_level in [1, 8, 9] {
            let mut config = deflate::config();
            let settings = config.deflate.as_mut().unwrap();
            settings.level = level;
            settings.memory_level = memory_level;
            settings.min_length = 0;
            let mut subject = open_with::<E>(Role::Server, &config, "");
            let mut peer = Peer::default();
            for message in [text(100), text(100_000)] {
                subject.sends(Message::Text(&message)).unwrap();
                let [frame] = &subject.writes()[..] else {
                    panic!("one frame");
                };
                assert_eq!(frame.first, FIN | RSV1 | TEXT);
                let inflated = peer.inflates(&frame.payload, 100_000);
                assert_eq!(inflated, message.as_bytes(), "at level {level}");
            }
        }
    }
}
