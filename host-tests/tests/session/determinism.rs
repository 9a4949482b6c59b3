//! A session is deterministic: the same calls give the same bytes. Unpredictable values come from the entropy.

use std::collections::BTreeSet;
use std::time::Duration;

use host_tests::engine::START;
use host_tests::wire::{self, Frame};
use host_tests::{Engine, Event, ExchangeResult, heads, on_both_engines};
use websocket_component::handshake::{Negotiated, Request};
use websocket_component::{Config, Instant, Message};

on_both_engines![
    the_same_calls_give_the_same_bytes,
    other_entropy_gives_other_bytes,
    class_17_each_frame_has_a_mask_key_of_its_own,
    class_17_all_of_the_entropy_counts,
    a_server_takes_no_entropy_and_masks_nothing,
];

/// Runs a client from its request to its close; returns all that it wrote and received.
fn life<E: Engine>(entropy: &[u8]) -> Vec<ExchangeResult> {
    let mut now = Instant::from_nanos(0);
    let mut config = Config::default();
    config.timeouts.pong = None;
    let mut client = E::client(&config, entropy, START).unwrap();
    client
        .connect(&Request::new("example.org", "/"), START)
        .unwrap();
    let first = client.exchange(b"", &[], now, 10_000);
    let head = String::from_utf8(first.output.clone()).unwrap();
    let key = heads::field(&head, "Sec-WebSocket-Key").unwrap();
    let mut results = vec![first];
    let said = [
        heads::response_to(key),
        Frame::text("hello").bytes(),
        Frame::ping("?").bytes(),
        b"".to_vec(),
        Frame::close(1000, "").bytes(),
    ];
    for input in said {
        now = now.after(Duration::from_secs(31));
        let open = results
            .iter()
            .any(|result| result.events.contains(&Event::Opened));
        let outgoing = [Message::Binary(b"data").into(), Message::Ping(b"?").into()];
        let outgoing = if open { &outgoing[..] } else { &[] };
        results.push(client.exchange(&input, outgoing, now, 10_000));
    }
    results
}

fn the_same_calls_give_the_same_bytes<E: Engine>() {
    let results = life::<E>(&[1; 32]);
    assert!(results.iter().all(|result| result.refused.is_none()));
    assert_eq!(results, life::<E>(&[1; 32]));
    // The same on both engines.
    assert_eq!(results, life::<host_tests::Native>(&[1; 32]));
}

fn other_entropy_gives_other_bytes<E: Engine>() {
    let [one, other] = [1, 2].map(|seed| life::<E>(&[seed; 32]));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one.output.len(), other.output.len());
        assert!(one.output != other.output || one.output.is_empty());
        assert_eq!(one.events, other.events);
    }
}

/// The mask keys of frames that a client sends.
fn keys<E: Engine>(entropy: &[u8], frames: usize) -> Vec<[u8; 4]> {
    let negotiated = Negotiated::default();
    let mut client = E::open_client(&Config::default(), entropy, &negotiated, START).unwrap();
    let outgoing = vec![Message::Text("same").into(); frames];
    let result = client.exchange(b"", &outgoing, Instant::default(), u32::MAX);
    let frames = wire::read_frames(&result.output);
    let keys = frames.into_iter().map(|frame| {
        assert_eq!(frame.payload, b"same");
        frame.key.expect("a client masks")
    });
    keys.collect()
}

fn class_17_each_frame_has_a_mask_key_of_its_own<E: Engine>() {
    let keys = keys::<E>(&[0; 32], 2000);
    assert_eq!(keys.len(), 2000);
    let distinct: BTreeSet<_> = keys.iter().collect();
    // Among 2000 random keys two are the same once in two thousand times.
    assert!(distinct.len() >= 1999, "{} are distinct", distinct.len());
    // Each bit is set in about half of them.
    for bit in 0..32 {
        let set = keys
            .iter()
            .filter(|key| u32::from_le_bytes(**key) >> bit & 1 == 1);
        assert!((800..1200).contains(&set.count()), "bit {bit}");
    }
}

fn class_17_all_of_the_entropy_counts<E: Engine>() {
    let mut seen = BTreeSet::new();
    for length in [32, 33, 40, 64, 65] {
        for flipped in 0..length {
            let mut entropy = vec![0; length];
            entropy[flipped] = 1 + length as u8;
            seen.insert(keys::<E>(&entropy, 4));
        }
    }
    assert_eq!(seen.len(), 32 + 33 + 40 + 64 + 65);
}

fn a_server_takes_no_entropy_and_masks_nothing<E: Engine>() {
    let negotiated = Negotiated::default();
    let mut server = E::open_server(&Config::default(), &negotiated, START).unwrap();
    let outgoing = [Message::Text("plain").into()];
    let result = server.exchange(b"", &outgoing, Instant::default(), 100);
    assert_eq!(result.output, Frame::text("plain").bytes());
}
