//! Bytes are forwarded: all of them, in order, unchanged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use host_tests::wire::{Frame, TEXT, bytes_of};
use rstest::rstest;
use serde_json::json;
use websocket_component::Role::{Client, Server};

use crate::proxy::{Opening, Proxy, Version, response};
use crate::side::in_order;

#[rstest]
fn frames_in_the_same_read_as_the_request_reach_the_server(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let early = [Frame::text("early"), Frame::ping("bird")];
    let mut client = proxy.dial();
    client.write(&[Opening::default().request(), bytes_of(&early, Client)].concat());
    let mut server = proxy.accept();
    let request = server.head();
    server.is_silent_for(Duration::from_millis(50));
    server.write(&response(&request, &[]));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!([server.frame(), server.frame()], early);
    client.send(&[Frame::text("later")]);
    assert_eq!(server.frame(), Frame::text("later"));
    server.send(&[Frame::text("back"), Frame::new(0x3, "")]);
    assert_eq!(client.frame(), Frame::text("back"));
    assert_eq!((client.close_code(), server.close_code()), (1014, 1002));
}

#[rstest]
fn frames_in_the_same_read_as_the_response_reach_the_client(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let early = [Frame::text("early"), Frame::ping("bird")];
    let mut client = proxy.dial();
    client.write(&Opening::default().request());
    let mut server = proxy.accept();
    let request = server.head();
    server.write(&[response(&request, &[]), bytes_of(&early, Server)].concat());
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!([client.frame(), client.frame()], early);
    server.send(&[Frame::text("later")]);
    assert_eq!(client.frame(), Frame::text("later"));
    client.send(&[Frame::text("forth"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("forth"));
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));
}

#[test]
fn a_rule_that_is_broken_in_the_same_read_as_a_head_ends_both_sides() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    for from in [Client, Server] {
        let early = bytes_of(&[Frame::text("good"), Frame::new(0x3, "")], from);
        let early_of = |side| if side == from { &early[..] } else { &[] };
        let mut client = proxy.dial();
        client.write(&[&Opening::default().request(), early_of(Client)].concat());
        let mut server = proxy.accept();
        let request = server.head();
        server.write(&[&response(&request, &[]), early_of(Server)].concat());
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        let (other, codes) = match from {
            Client => (&mut server, (1002, 1001)),
            Server => (&mut client, (1014, 1002)),
        };
        assert_eq!(other.frame(), Frame::text("good"));
        assert_eq!(client.close_code(), codes.0);
        assert_eq!(server.close_code(), codes.1);
    }
}

#[test]
fn a_frame_that_comes_byte_by_byte_goes_on_whole() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = proxy.open();
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let frames = [
            Frame::text("Grüße 🌍"),
            Frame::ping("p"),
            Frame::binary([7; 126]),
        ];
        for byte in bytes_of(&frames, from) {
            sender.write(&[byte]);
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(
            [receiver.frame(), receiver.frame(), receiver.frame()],
            frames
        );
    }
}

#[rstest]
fn text_that_breaks_inside_of_a_frame_that_has_gone_on_ends_in_a_reset(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let settings = json!({
        "client": { "hold_frame_bytes": 0 },
        "server": { "hold_frame_bytes": 0 },
    });
    let Some(proxy) = Proxy::start(version, |builder| builder.configuration(settings)) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = proxy.open();
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let mut bytes = Frame::text(vec![b'a'; 5000]).by(from).bytes();
        let (sent, rest) = bytes.split_at_mut(4000);
        sender.write(sent);
        assert_eq!(receiver.bytes(4000), sent);
        rest[10] ^= 0x80;
        sender.write(rest);
        // No close frame can be inserted inside a frame.
        assert_eq!(sender.close_code(), 1007);
        let late = receiver.rest();
        assert!(
            late.len() <= 10,
            "{} bytes of what breaks the rule",
            late.len()
        );
        assert_eq!(sender.rest(), b"");
    }
    proxy.wait_for_stat("reset", 2);
}

#[test]
fn a_frame_up_to_the_limit_that_is_held_is_not_seen_before_it_is_whole() {
    let settings = json!({ "client": { "hold_frame_bytes": 5000 } });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let text = Frame::text(vec![b'a'; 4000]);
    let bytes = text.clone().by(Client).bytes();
    client.write(&bytes[..3000]);
    server.is_silent_for(Duration::from_millis(100));
    client.write(&bytes[3000..]);
    assert_eq!(server.frame(), text);
    client.write(&bytes[..3000]);
    client.send(&[Frame::new(TEXT, [0xff; 2000])]);
    // The server has seen no part of it, so it can be sent a close frame.
    assert_eq!((client.close_code(), server.close_code()), (1007, 1001));
}

#[test]
fn a_message_of_more_than_64_kib_ends_at_its_header() {
    let settings = json!({ "client": { "max_message_bytes": 65_536 } });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let longest = Frame::binary(vec![7; 65_536]);
    client.send(std::slice::from_ref(&longest));
    assert_eq!(server.frame(), longest);
    client.write(&Frame::binary("").by(Client).header(65_537));
    assert_eq!((client.close_code(), server.close_code()), (1009, 1001));
    let entry = proxy.entry(1);
    assert_eq!(entry["ws_verdict"], "message-too-big");
    assert_eq!(entry["ws_messages_client"], "1");
}

/// How much is sent while the other side doesn't read: more than all sockets hold.
const FRAMES: usize = 64;

#[rstest]
fn who_does_not_read_holds_up_the_sender_and_nothing_is_lost(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    for from in [Client, Server] {
        let (mut client, mut server) = proxy.open();
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let frame = Frame::binary(host_tests::deflate::noise(1 << 20))
            .by(from)
            .bytes();
        let sent = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..FRAMES {
                    sender.write(&frame);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
            thread::sleep(Duration::from_millis(700));
            let without_reader = sent.load(Ordering::Relaxed);
            assert!(
                without_reader < FRAMES / 2,
                "{without_reader} MiB went on to nobody"
            );
            assert!(proxy.stat("memory_bytes") < 256 << 10);
            for number in 0..FRAMES {
                assert!(
                    receiver.bytes(frame.len()) == frame,
                    "frame {number} is another one"
                );
            }
        });
        // The other direction is unaffected, and both can still be closed.
        receiver.send(&[Frame::text("thanks")]);
        assert_eq!(sender.frame(), Frame::text("thanks"));
        sender.send(&[Frame::new(0x3, "")]);
        assert_eq!(sender.close_code(), 1002);
        receiver.close_code();
    }
}
