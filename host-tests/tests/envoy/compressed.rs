//! permessage-deflate, which Envoy's two sides negotiate with each other, and the filter follows.

use host_tests::deflate::{Peer, noise, text};
use host_tests::wire::{BINARY, Frame, RSV1, TEXT};
use rstest::rstest;
use serde_json::json;
use websocket_component::Role::{Client, Server};

use crate::proxy::{Opening, Proxy, Version};
use crate::side::{Side, in_order};

const OFFER: [(&str, &str); 1] = [("Sec-WebSocket-Extensions", "permessage-deflate")];

/// A connection that compresses.
fn open(proxy: &Proxy) -> (Side, Side) {
    proxy.open_with(Opening {
        request: &OFFER,
        response: &OFFER,
        ..Opening::default()
    })
}

fn compressed(peer: &mut Peer, opcode: u8, message: impl AsRef<[u8]>) -> Frame {
    Frame::new(opcode, peer.compresses(message)).reserved(RSV1)
}

#[rstest]
fn four_hundred_messages_with_context_takeover_pass_in_both_directions(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let (mut client, mut server) = open(&proxy);
    let mut peers = [Peer::default(), Peer::default()];
    let mut bytes = 0;
    for number in 0..400 {
        let message = format!("{number}: {}", text(number * 7));
        bytes += message.len() as u64;
        for (from, peer) in [Client, Server].into_iter().zip(&mut peers) {
            let (sender, receiver) = in_order(from, &mut client, &mut server);
            let frame = compressed(peer, TEXT, &message);
            sender.send(std::slice::from_ref(&frame));
            assert_eq!(receiver.frame(), frame, "message {number} of {from:?}");
        }
    }
    proxy.wait_for_stat("client.messages", 400);
    proxy.wait_for_stat("server.messages", 400);
    let stats = proxy.stats();
    assert!(
        stats["client.bytes"] < bytes / 4,
        "{} for {bytes}",
        stats["client.bytes"]
    );
    // The window of earlier messages still exists.
    client.send(&[compressed(&mut peers[0], TEXT, b"not \xff text")]);
    assert_eq!((client.close_code(), server.close_code()), (1007, 1001));
    assert_eq!(proxy.stat("rule.invalid-utf8"), 1);
}

#[test]
fn a_message_that_inflates_beyond_the_limit_ends_both_sides() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = open(&proxy);
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let bomb = compressed(&mut Peer::default(), BINARY, vec![0; 17 << 20]);
        assert!(bomb.payload.len() < 20_000);
        sender.send(&[Frame::text("good"), bomb]);
        assert_eq!(receiver.frame(), Frame::text("good"));
        assert_eq!(sender.close_code(), 1009);
        receiver.close_code();
    }
    assert_eq!(proxy.stat("rule.message-too-big"), 2);
}

#[test]
fn the_longest_message_passes_however_little_it_takes() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = open(&proxy);
    let mut peer = Peer::default();
    for message in [vec![0; 16 << 20], noise(1 << 20)] {
        let frame = compressed(&mut peer, BINARY, message);
        client.send(std::slice::from_ref(&frame));
        assert!(server.frame() == frame);
    }
}

#[test]
fn a_payload_that_is_no_deflate_ends_both_sides() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = open(&proxy);
    client.send(&[Frame::text("good"), Frame::text([0xff; 20]).reserved(RSV1)]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1007, 1001));
    assert_eq!(proxy.stat("rule.deflate-malformed"), 1);
}

#[test]
fn a_compressed_message_without_the_extension_breaks_a_rule() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = proxy.open_with(Opening {
        request: &OFFER,
        ..Opening::default()
    });
    client.send(&[compressed(&mut Peer::default(), TEXT, "hello")]);
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));
}

#[test]
fn nothing_is_inflated_if_that_is_set() {
    let settings = json!({ "client": { "inflate": false, "max_message_bytes": 1000 } });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = open(&proxy);
    let frames = [
        Frame::text([0xff; 20]).reserved(RSV1),
        compressed(&mut Peer::default(), BINARY, vec![0; 100_000]),
    ];
    client.send(&frames);
    assert_eq!([server.frame(), server.frame()], frames);
    server.send(&[Frame::text([0xff; 20]).reserved(RSV1)]);
    assert_eq!((client.close_code(), server.close_code()), (1014, 1007));
}

#[test]
fn denied_content_is_found_in_compressed_messages() {
    let settings = json!({ "content": { "deny": [{ "text": "secret" }] } });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = open(&proxy);
    let mut peer = Peer::default();
    let harmless = compressed(&mut peer, TEXT, "harmless");
    client.send(&[
        harmless.clone(),
        compressed(&mut peer, TEXT, "a secret thing"),
    ]);
    assert_eq!(server.frame(), harmless);
    assert_eq!((client.close_code(), server.close_code()), (1008, 1008));
}
