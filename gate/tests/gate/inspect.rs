//! What an inspecting gate forwards unchanged, and what it does about the rest.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Message, Rule};

use crate::compression::extension;
use crate::peer::{Got, Peer, Upstream, pair, request};
use crate::process::{Gate, number};

/// Frames of every kind, as a client writes them: each with its own key.
const FROM_CLIENT: [&[u8]; 7] = [
    b"\x01\x83\x01\x02\x03\x04one",
    // A ping between fragments, and a fragment without payload.
    b"\x89\x82\xff\x00\xff\x00hi",
    b"\x00\x80\x09\x09\x09\x09",
    b"\x80\x80\x00\x00\x00\x00",
    // Lengths in their shortest form.
    b"\x82\x80\x11\x22\x33\x44",
    b"\x8a\x80\x11\x22\x33\x44",
    b"\x82\xfe\x00\x7e\x01\x01\x01\x01",
];

/// Bytes of a client whose text is "\x6e..", which is UTF-8 when unmasked.
fn from_client() -> Vec<u8> {
    let mut bytes = FROM_CLIENT.concat();
    bytes.extend_from_slice(&[7; 126]);
    // "one" is to be text.
    for (byte, key) in bytes[6..9].iter_mut().zip([1, 2, 3]) {
        *byte ^= key;
    }
    bytes
}

/// Checks that nothing more arrives for a while.
fn is_quiet(peer: &mut Peer) {
    let stream = &mut peer.stream;
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let read = stream.read(&mut [0; 16]);
    let kind = read.map_err(|error| error.kind());
    assert!(
        matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{kind:?}"
    );
}

#[test]
fn frames_arrive_byte_for_byte_as_they_were_sent() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    let bytes = from_client();
    for piece in [1, 3, 7, bytes.len()] {
        for piece in bytes.chunks(piece) {
            client.write(piece);
            std::thread::sleep(Duration::from_micros(200));
        }
        assert_eq!(server.exactly(bytes.len()), bytes);
    }
    let frames = b"\x01\x03two\x89\x00\x80\x00\x82\x7e\x00\x80";
    let bytes = [&frames[..], &[9; 128]].concat();
    server.write(&bytes);
    assert_eq!(client.exactly(bytes.len()), bytes);
}

#[test]
fn pings_of_the_peers_go_from_end_to_end_and_those_of_the_gate_dont() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--keepalive", "100ms"]);
    let (mut client, mut server) = pair(&gate, &upstream);
    for _ in 0..3 {
        // The client's session answers, and the upstream sees no pong.
        assert!(matches!(client.receive(), Got::Ping(_)));
    }
    client.send(Message::Ping(b"from the client"));
    loop {
        match server.receive() {
            Got::Ping(payload) if payload == b"from the client" => break,
            Got::Ping(_) => {}
            got => panic!("{got:?}"),
        }
    }
    loop {
        match client.receive() {
            Got::Pong(payload) => break assert_eq!(payload, b"from the client"),
            Got::Ping(_) => {}
            got => panic!("{got:?}"),
        }
    }
}

#[test]
fn payload_that_nobody_looks_at_goes_on_before_its_frame_is_complete() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    // The header of 1 MiB, and a part of it.
    let begin = [&b"\x82\xff\0\0\0\0\0\x10\0\0\0\0\0\0"[..], &[7; 100]].concat();
    client.write(&begin);
    assert_eq!(server.exactly(begin.len()), begin);
    let rest = vec![7; (1 << 20) - 100];
    std::thread::scope(|scope| {
        scope.spawn(|| client.write(&rest));
        assert!(server.exactly(rest.len()) == rest);
    });
}

#[test]
fn text_is_held_until_it_is_verified_up_to_a_size() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--whole-frames", "1KiB"]);
    let (mut client, mut server) = pair(&gate, &upstream);
    let short = [&b"\x81\xfe\x03\xe8\0\0\0\0"[..], &[b'x'; 1000]].concat();
    client.write(&short[..500]);
    is_quiet(&mut server);
    client.write(&short[500..]);
    assert_eq!(server.exactly(short.len()), short);
    let long = [&b"\x81\xfe\x07\xd0\0\0\0\0"[..], &[b'x'; 2000]].concat();
    client.write(&long[..500]);
    assert_eq!(server.exactly(500), long[..500]);
    // It breaks a rule after a part of it was forwarded: nothing can be inserted inside a frame.
    client.write(b"\xff");
    assert_eq!(server.stream.read(&mut [0; 16]).unwrap(), 0);
    assert!(matches!(client.receive(), Got::Close(1007, _)));
    let line = gate.logged(1, r#"by="client" rule="invalid-utf8""#);
    assert!(!line.contains("upstream_close_sent"), "{line}");
}

#[test]
fn the_log_names_the_byte_where_a_frame_broke_a_rule() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    for by_client in [true, false] {
        let (mut client, mut server) = pair(&gate, &upstream);
        let (from, to) = match by_client {
            true => (&mut client, &mut server),
            false => (&mut server, &mut client),
        };
        // All that has been sent: the head, and two messages before the frame.
        let mask: &[u8] = if by_client { &[0; 4] } else { &[] };
        let bit = if by_client { 0x80 } else { 0 };
        let good = [&[0x82, bit | 3][..], mask, b"one"].concat().repeat(2);
        from.write(&good);
        assert_eq!(to.exactly(good.len()), good);
        from.write(&[&[0x83, bit][..], mask].concat());
        let by = if by_client { "client" } else { "upstream" };
        let words = format!(r#"by="{by}" rule="reserved-opcode" offset="#);
        let line = gate.logged(1, &words);
        let head = number(&line, "offset") - good.len() as u64;
        assert!((100..400).contains(&head), "a head of {head} bytes: {line}");
    }
}

#[test]
fn routes_have_modes_of_their_own() {
    let upstream = Upstream::bind();
    let url = format!("ws://{}", upstream.address);
    let chat = format!("/chat={url}");
    let arguments = ["--mode", "/chat=terminate", "--deflate-client"];
    let gate = Gate::start(&[&["--upstream", &url, "--upstream", &chat], &arguments[..]].concat());
    for (path, terminates) in [("/", false), ("/chat", true)] {
        let deflate = extension("permessage-deflate", &[]);
        let mut client = Peer::ask(
            &gate,
            Request {
                extensions: vec![deflate],
                ..request(&gate, path)
            },
        );
        let (mut server, asked) = upstream.request();
        assert_eq!(asked.extensions.is_empty(), terminates, "{path}");
        server.accept(&Acceptance::default());
        client.opened();
        let negotiated = client.session.negotiated().unwrap();
        assert_eq!(!negotiated.extensions.is_empty(), terminates, "{path}");
        // Its mask is the client's or the gate's.
        client.write(b"\x82\x81\x09\x09\x09\x09x");
        let frame = server.exactly(7);
        assert_eq!(frame[2..6] != [9; 4], terminates, "{path}");
    }
}

#[test]
fn a_side_that_is_inside_a_frame_is_told_at_its_end_or_cut_off_in_time() {
    for ends in [true, false] {
        let upstream = Upstream::bind();
        let gate = Gate::before(upstream.address, &["--close-timeout", "500ms"]);
        let (mut client, mut server) = pair(&gate, &upstream);
        // The upstream is in the middle of a long message when the client breaks a rule.
        server.write(b"\x82\x7e\x10\x00begin");
        assert_eq!(client.exactly(9), b"\x82\x7e\x10\x00begin");
        client.write(b"\x83\x80\0\0\0\0");
        // A close frame with 1001 and a reason of 18 bytes; a session would answer it inside of its frame.
        assert_eq!(server.exactly(2 + 4 + 2 + 18)[..2], [0x88, 0x94]);
        if ends {
            server.stream.write_all(&[7; 4096 - 5]).unwrap();
            client.exactly(4096 - 5);
            assert_eq!(client.exactly(4)[2..], 1002_u16.to_be_bytes());
        } else {
            assert_eq!(client.stream.read(&mut [0; 16]).unwrap(), 0);
        }
        let line = gate.logged(1, Rule::ReservedOpcode.description());
        // Only what was written counts.
        assert_eq!(line.contains("client_close_sent=1002"), ends, "{line}");
    }
}

#[test]
fn bytes_are_counted_as_they_come() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.write(&[&b"\x82\x8a\0\0\0\0"[..], b"0123456789"].concat());
    // Far more is announced than arrives.
    client.write(b"\x82\xff\0\0\0\0\x00\xe0\0\0\0\0\0\0abc");
    server.exactly(16 + 14 + 3);
    drop(client);
    gate.logged(1, "client_messages=1 client_bytes=13 ");
}
