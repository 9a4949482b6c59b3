//! Messages through the gate once both sides are open.

use rstest::rstest;
use websocket_component::Message;
use websocket_component::handshake::Acceptance;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE};

fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 251) as u8)
        .collect()
}

#[rstest]
fn messages_of_all_sizes_go_both_ways(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    for length in [0, 1, 125, 126, 65_535, 65_536, 65_537, 1 << 20, 16 << 20] {
        let message = bytes(length);
        for both in [true, false] {
            let (from, to) = match both {
                true => (&mut client, &mut server),
                false => (&mut server, &mut client),
            };
            // One side has to read while the other writes.
            std::thread::scope(|scope| {
                scope.spawn(|| from.send(Message::Binary(&message)));
                assert!(to.receive() == Got::Binary(message.clone()), "{length}");
            });
        }
        let text = "é\u{10348}".repeat(length / 6);
        std::thread::scope(|scope| {
            scope.spawn(|| client.send(Message::Text(&text)));
            assert!(server.receive() == Got::Text(text.clone()), "{length}");
        });
    }
}

#[test]
fn a_gate_that_terminates_answers_pings_on_the_spot() {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(TERMINATE, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::TextFragment("Grü"));
    client.send(Message::Ping(b"there?"));
    // The upstream isn't involved: it has read nothing yet.
    assert_eq!(client.receive(), Got::Pong(b"there?".to_vec()));
    client.send(Message::Utf8Fragment(b"\xc3"));
    client.send(Message::Utf8Fragment(b""));
    client.send(Message::Utf8(b"\x9fe"));
    client.send(Message::Text("next"));
    assert_eq!(server.receive(), Got::Text("Grüße".into()));
    assert_eq!(server.receive(), Got::Text("next".into()));
    server.send(Message::Ping(b"and you?"));
    assert_eq!(server.receive(), Got::Pong(b"and you?".to_vec()));
}

#[rstest]
fn what_comes_right_behind_a_handshake_is_not_lost(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let mut client = Peer::connect(&gate);
    // After the request, before the answer. RFC 6455 4.1 doesn't allow it, but it is not the client's fault if
    // something in front of the gate has already waited for the answer.
    client.write(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
    let (mut server, _) = upstream.request();
    // With the answer, in one write.
    server
        .session
        .accept(&Acceptance::default(), server.now())
        .unwrap();
    server
        .session
        .send(Message::Text("welcome"), None, server.now())
        .unwrap();
    server
        .session
        .send(Message::Binary(&bytes(100_000)), None, server.now())
        .unwrap();
    server.flush();
    client.opened();
    assert_eq!(client.receive(), Got::Text("welcome".into()));
    assert_eq!(client.receive(), Got::Binary(bytes(100_000)));
    assert_eq!(server.receive(), Got::Text("hi".into()));
}

#[rstest]
fn a_message_right_behind_a_handshake_goes_on_though_nothing_follows(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let mut client = Peer::connect(&gate);
    client.write(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
    let (mut server, _) = upstream.request();
    server.accept(&Acceptance::default());
    assert_eq!(server.receive(), Got::Text("hi".into()));

    let mut client = Peer::connect(&gate);
    let (mut server, _) = upstream.request();
    let now = server.now();
    let accepted = server.session.accept(&Acceptance::default(), now);
    accepted.unwrap();
    server
        .session
        .send(Message::Text("welcome"), None, now)
        .unwrap();
    server.flush();
    client.opened();
    assert_eq!(client.receive(), Got::Text("welcome".into()));
}

#[rstest]
fn a_flood_of_tiny_messages_stays_whole_and_in_order(#[values(INSPECT, TERMINATE)] mode: &str) {
    const COUNT: usize = 50_000;
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    for _ in 0..COUNT {
        client
            .session
            .send(Message::Text("."), None, client.now())
            .unwrap();
        server
            .session
            .send(Message::Binary(b""), None, server.now())
            .unwrap();
    }
    client
        .session
        .send(Message::Text("last"), None, client.now())
        .unwrap();
    server
        .session
        .send(Message::Text("last"), None, server.now())
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            client.flush();
            (0..COUNT).for_each(|_| assert_eq!(client.receive(), Got::Binary(Vec::new())));
            assert_eq!(client.receive(), Got::Text("last".into()));
        });
        server.flush();
        (0..COUNT).for_each(|_| assert_eq!(server.receive(), Got::Text(".".into())));
        assert_eq!(server.receive(), Got::Text("last".into()));
    });
}

#[rstest]
fn a_large_message_in_small_segments_leaves_in_few_fragments(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    const LENGTH: usize = 400_000;
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    let message = bytes(LENGTH);
    client
        .session
        .send(Message::Binary(&message), None, client.now())
        .unwrap();
    let frame = client.session.take_output(usize::MAX, client.now());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for segment in frame.chunks(1000) {
                client.write(segment);
                // So that each is a separate read.
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        });
        let raw = server.receive_raw(LENGTH);
        let fragments = fragments(&raw);
        assert!(fragments < 100, "{fragments} fragments");
    });
}

/// How many frames there are, all of them masked.
fn fragments(mut raw: &[u8]) -> usize {
    let mut count = 0;
    while let [_, length, rest @ ..] = raw {
        let (length, rest) = match length & 0x7f {
            126 => (
                usize::from(u16::from_be_bytes(rest[..2].try_into().unwrap())),
                &rest[2..],
            ),
            127 => (
                u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize,
                &rest[8..],
            ),
            length => (usize::from(length), rest),
        };
        raw = rest.get(4 + length..).unwrap_or_default();
        count += 1;
    }
    count
}

#[rstest]
fn a_message_that_is_sent_bit_by_bit_arrives_bit_by_bit(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::TextFragment("one"));
    // A session would reassemble it, so the raw frame is checked. Not the last, text, masked, 3 bytes.
    assert_eq!(server.receive_raw(9)[..2], [0x01, 0x83]);
    server.send(Message::BinaryFragment(b"two"));
    assert_eq!(client.receive_raw(5), b"\x02\x03two");
}
