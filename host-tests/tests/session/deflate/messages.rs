//! Compressed messages that are received.

use host_tests::deflate::{self, Peer, noise, text};
use host_tests::engine::joined;
use host_tests::wire::Frame;
use host_tests::{ActionIs, Engine, Event, ROLES, on_both_engines};
use websocket_component::{ActionQueue, Completion, Config, Delivery, Role, Rule};

use super::{compressed, open, open_with};

on_both_engines![
    the_examples_of_rfc_7692_section_7_2_3,
    a_final_block_ends_a_message_without_the_octet_behind_it,
    limits_hold_for_a_message_that_a_final_block_ends,
    a_compressed_message_may_have_no_payload,
    fragments_are_inflated_over_their_borders_with_control_frames_between,
    compressed_messages_and_others_mix,
    without_takeover_a_message_that_refers_back_is_malformed,
    pieces_are_delivered_as_they_are_inflated,
    text_is_checked_after_it_was_inflated,
    what_is_too_much_for_one_call_comes_in_the_next,
    what_is_too_much_for_one_call_comes_in_the_next_by_actions,
    each_size_of_window_goes_both_ways,
];

/// Payloads of "Hello", which don't refer to each other.
const HELLO: [&[u8]; 4] = [
    b"\xf2\x48\xcd\xc9\xc9\x07\x00",
    b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
    b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
    b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
];

/// The same as a final block, without the octet 00 after it.
const FINAL: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00";

/// "Hello" by a reference to the message before.
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

fn the_examples_of_rfc_7692_section_7_2_3<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        for payload in HELLO {
            let frames = [
                compressed(Frame::text(payload)),
                compressed(Frame::binary(AGAIN)),
                compressed(Frame::text([0x00])),
            ];
            let events = subject.receives_frames(&frames);
            let expected = [
                Event::text("Hello"),
                Event::binary("Hello"),
                Event::text(""),
            ];
            assert_eq!(events, expected, "{payload:x?}");
        }
    }
}

/// As some peers send it, however it is split into fragments and reads.
fn a_final_block_ends_a_message_without_the_octet_behind_it<E: Engine>() {
    let payload = FINAL;
    for role in ROLES {
        for cut in 0..=payload.len() {
            let (head, tail) = payload.split_at(cut);
            let frames = [
                compressed(Frame::text("")).not_last(),
                Frame::continuation(head).not_last(),
                Frame::continuation(tail),
                // The window is kept.
                compressed(Frame::text(AGAIN)),
                compressed(Frame::text(payload)),
            ];
            let hello = || Event::text("Hello");
            let mut subject = open::<E>(role);
            let expected = [hello(), hello(), hello()];
            assert_eq!(subject.receives_frames(&frames), expected, "cut at {cut}");

            let mut subject = open::<E>(role);
            let bytes = subject.peers(&frames);
            let events: Vec<Event> = bytes
                .into_iter()
                .flat_map(|b| subject.receives([b]))
                .collect();
            assert_eq!(events, expected, "cut at {cut}");
        }
    }
    let mut subject = open::<E>(Role::Server);
    let masked = b"\xc1\x8b\x01\x02\x03\x04\xf2\x4a\xce\xcd\xc8\xd5\x52\xcc\x41\xa0\x03";
    assert_eq!(
        subject.receives(masked),
        [Event::text("Hello, hello, hello")]
    );
}

fn limits_hold_for_a_message_that_a_final_block_ends<E: Engine>() {
    for (limit, fits) in [(4, false), (5, true)] {
        for delivery in [Delivery::Messages, Delivery::Streaming] {
            let mut config = deflate::config();
            config.limits.message = limit;
            config.delivery = delivery;
            let mut subject = open_with::<E>(Role::Server, &config, "");
            let events = subject.receives_frames(&[compressed(Frame::text(FINAL))]);
            if fits {
                assert_eq!(joined(&events), [Event::text("Hello")]);
            } else {
                assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
            }
        }
    }
}

fn a_compressed_message_may_have_no_payload<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let frames = [
            compressed(Frame::text("")),
            compressed(Frame::binary(HELLO[0])),
            compressed(Frame::binary("")).not_last(),
            Frame::continuation("").not_last(),
            Frame::ping("?"),
            Frame::continuation(""),
            compressed(Frame::binary(AGAIN)),
        ];
        let expected = [
            Event::text(""),
            Event::binary("Hello"),
            Event::binary(""),
            Event::binary("Hello"),
        ];
        assert_eq!(subject.receives_frames(&frames), expected);
        assert_eq!(subject.writes(), [Frame::pong("?")]);
    }
}

fn fragments_are_inflated_over_their_borders_with_control_frames_between<E: Engine>() {
    let message = text(1000);
    let payload = Peer::default().compresses(&message);
    for role in ROLES {
        for cut in 0..=payload.len() {
            let mut subject = open::<E>(role);
            let (head, tail) = payload.split_at(cut);
            let frames = [
                compressed(Frame::text(head)).not_last(),
                Frame::ping("?"),
                Frame::continuation("").not_last(),
                Frame::continuation(tail),
            ];
            assert_eq!(subject.receives_frames(&frames), [Event::text(&message)]);
            assert_eq!(subject.writes(), [Frame::pong("?")]);
        }
    }
}

fn compressed_messages_and_others_mix<E: Engine>() {
    for role in ROLES {
        let mut subject = open::<E>(role);
        let mut peer = Peer::default();
        let (one, two) = (text(500), noise(500));
        let frames = [
            compressed(Frame::text(peer.compresses(&one))),
            Frame::text("plain"),
            compressed(Frame::binary(peer.compresses(&two))),
            Frame::binary("pl").not_last(),
            Frame::continuation("ain"),
            compressed(Frame::text(peer.compresses(&one))),
        ];
        let events = subject.receives_frames(&frames);
        let expected = [
            Event::text(&one),
            Event::text("plain"),
            Event::binary(&two),
            Event::binary("plain"),
            Event::text(&one),
        ];
        assert_eq!(events, expected);
    }
}

fn without_takeover_a_message_that_refers_back_is_malformed<E: Engine>() {
    for (role, answer) in [
        (Role::Client, "server_no_context_takeover"),
        (Role::Server, "client_no_context_takeover"),
    ] {
        let mut subject = open_with::<E>(role, &deflate::config(), answer);
        let frames = [
            compressed(Frame::text(HELLO[0])),
            compressed(Frame::text(HELLO[0])),
            compressed(Frame::text(AGAIN)),
        ];
        let events = subject.receives_frames(&frames);
        assert_eq!(events, [Event::text("Hello"), Event::text("Hello")]);
        assert_eq!(subject.has_failed(Rule::DeflateMalformed), []);
    }
}

fn pieces() -> Config {
    let mut config = deflate::config();
    config.delivery = Delivery::Streaming;
    config.receive_buffer = 256;
    config
}

fn pieces_are_delivered_as_they_are_inflated<E: Engine>() {
    let message = text(10_000);
    let payload = Peer::default().compresses(&message);
    for role in ROLES {
        let mut subject = open_with::<E>(role, &pieces(), "");
        let events = subject.receives_frames(&[compressed(Frame::text(&payload))]);
        assert!(events.len() >= 10_000 / 256);
        for event in &events {
            assert!(event.length() <= 256, "a piece of {}", event.length());
        }
        assert_eq!(joined(&events), [Event::text(&message)]);

        // Half of it is delivered when half of it has arrived.
        let mut subject = open_with::<E>(role, &pieces(), "");
        let bytes = subject.peers(&[compressed(Frame::text(&payload))]);
        let events = subject.receives(&bytes[..bytes.len() / 2 + 7]);
        assert!(!events.is_empty());
    }
}

fn text_is_checked_after_it_was_inflated<E: Engine>() {
    let wrong = b"fine \xf0\x28 not";
    for role in ROLES {
        for (config, sound) in [(deflate::config(), None), (pieces(), Some(b"fine \xf0"))] {
            let mut subject = open_with::<E>(role, &config, "");
            let payload = Peer::default().compresses(wrong);
            let events = subject.receives_frames(&[compressed(Frame::text(payload))]);
            let sound = sound.map(|sound| Event::Text {
                payload: sound.into(),
                last: false,
            });
            assert_eq!(events, Vec::from_iter(sound));
            assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
        }
    }
}

fn little_work() -> Config {
    let mut config = deflate::config();
    config.limits.inflate_per_call = 1024;
    config
}

fn what_is_too_much_for_one_call_comes_in_the_next<E: Engine>() {
    let message = text(50_000);
    for role in ROLES {
        let mut subject = open_with::<E>(role, &little_work(), "");
        let payload = Peer::default().compresses(&message);
        let bytes = subject.peers(&[compressed(Frame::text(&payload)), Frame::text("next")]);
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        let mut calls = 0;
        loop {
            let result = subject.engine.exchange(rest, &[], subject.now, 1 << 20);
            rest = &rest[result.consumed..];
            events.extend(result.events);
            calls += 1;
            if !result.more {
                break;
            }
            assert!(result.next_deadline > Some(subject.now));
        }
        assert!(rest.is_empty());
        assert_eq!(events, [Event::text(&message), Event::text("next")]);
        assert!(calls >= 50_000 / 1024, "only {calls} calls");
    }
}

fn what_is_too_much_for_one_call_comes_in_the_next_by_actions<E: Engine>() {
    let message = text(5000);
    let mut subject = open_with::<E>(Role::Server, &little_work(), "");
    let payload = Peer::default().compresses(&message);
    let bytes = subject.peers(&[compressed(Frame::text(&payload))]);
    let now = subject.now;
    let engine = &mut subject.engine;
    engine.receive(None).unwrap();
    let ActionIs::ReceiveFromNetwork(id, _) = engine.get_action(ActionQueue::All, now) else {
        panic!("a read is due");
    };
    engine
        .complete_action(id, Completion::Read(&bytes), now)
        .unwrap();
    let mut calls = 0;
    loop {
        match engine.get_action(ActionQueue::All, now) {
            ActionIs::Nothing => {
                assert!(engine.has_more(), "nothing more is read");
                calls += 1;
            }
            ActionIs::ReceiveComplete(_, _, event) => {
                assert_eq!(event, Some(Event::text(&message)));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(calls >= 4, "only {calls} calls");
}

fn each_size_of_window_goes_both_ways<E: Engine>() {
    // Each is repeated at a distance that needs the whole window, and one that exceeds it.
    let message = [noise(40_000), noise(40_000)].concat();
    for bits in 8..=15 {
        for role in ROLES {
            let answer = format!("server_max_window_bits={bits}; client_max_window_bits={bits}");
            let mut subject = open_with::<E>(role, &deflate::config(), &answer);
            let mut peer = Peer::with_window(bits.max(9));
            for length in [(1usize << bits).saturating_sub(300), 1 << bits, 40_000] {
                let message =
                    [&message[..length], &text(300).into_bytes(), &message[..200]].concat();
                // zlib's smallest window is 512 bytes, in which it reaches 250 back.
                let payload = peer.compresses(&message);
                let events = subject.receives_frames(&[compressed(Frame::binary(payload))]);
                assert_eq!(events, [Event::binary(&message)], "2^{bits}");
            }
        }
    }
}
