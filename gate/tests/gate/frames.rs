//! How a gate that terminates forwards frames: whole up to some size, and streaming beyond it.

use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use websocket_component::{Message, Role};

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, TERMINATE};

/// Longer than small chunks of a message are coalesced.
const PAUSE: Duration = Duration::from_millis(60);

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const BINARY_FRAGMENT: u8 = 0x02;

/// Returns the next frame: its first byte and its payload, unmasked.
fn frame(peer: &mut Peer) -> (u8, Vec<u8>) {
    let header = peer.exactly(2);
    let length = match header[1] & 0x7f {
        126 => usize::from(u16::from_be_bytes(peer.exactly(2).try_into().unwrap())),
        127 => u64::from_be_bytes(peer.exactly(8).try_into().unwrap()) as usize,
        short => usize::from(short),
    };
    let masked = header[1] & 0x80 != 0;
    let key = if masked { peer.exactly(4) } else { vec![0; 4] };
    let mut payload = peer.exactly(length);
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    (header[0], payload)
}

/// A message in one frame, as a peer writes it.
fn encoded(peer: &mut Peer, message: Message<'_>) -> Vec<u8> {
    peer.session.send(message, None, peer.now()).unwrap();
    peer.session.take_output(usize::MAX, peer.now())
}

/// A gate with these arguments, and its peers: the one that sends first.
fn pairs(arguments: &[&str]) -> [(Gate, Peer, Peer); 2] {
    [true, false].map(|from_client| {
        let upstream = Upstream::bind();
        let gate = Gate::in_mode(TERMINATE, upstream.address, arguments);
        let (client, server) = pair(&gate, &upstream);
        match from_client {
            true => (gate, client, server),
            false => (gate, server, client),
        }
    })
}

#[test]
fn a_frame_in_two_segments_leaves_as_one() {
    for (_gate, mut from, mut to) in pairs(&[]) {
        let text = "x".repeat(125);
        let bytes = encoded(&mut from, Message::Text(&text));
        for cut in [1, 4, 60, bytes.len() - 1] {
            let (head, rest) = bytes.split_at(cut);
            from.write(head);
            thread::sleep(PAUSE);
            from.write(rest);
            assert_eq!(frame(&mut to), (TEXT, text.clone().into_bytes()));
        }
    }
}

#[test]
fn frames_up_to_the_size_leave_as_one() {
    for (_gate, mut from, mut to) in pairs(&[]) {
        for length in [0, 126, 65_535, 65_536, 70_000, 128 << 10] {
            let message = vec![7; length];
            let bytes = encoded(&mut from, Message::Binary(&message));
            thread::scope(|scope| {
                scope.spawn(|| from.write(&bytes));
                assert!(frame(&mut to) == (BINARY, message), "{length} bytes");
            });
        }
    }
}

#[test]
fn a_longer_frame_streams() {
    for (_gate, mut from, mut to) in pairs(&[]) {
        let message = vec![7; (128 << 10) + 1];
        let bytes = encoded(&mut from, Message::Binary(&message));
        // A part of it is forwarded before the rest has arrived.
        let (head, rest) = bytes.split_at(50_000);
        from.write(head);
        let (first, mut came) = frame(&mut to);
        assert_eq!(first, BINARY_FRAGMENT);
        from.write(rest);
        let mut first = 0;
        while first != 0x80 {
            let (next, payload) = frame(&mut to);
            assert!(matches!(next, 0x00 | 0x80), "{next:#x}");
            came.extend(payload);
            first = next;
        }
        assert!(came == message);
    }
}

#[test]
fn the_size_is_an_option() {
    for (_gate, mut from, mut to) in pairs(&["--whole-frames", "0"]) {
        let bytes = encoded(&mut from, Message::Binary(b"whole"));
        let (head, rest) = bytes.split_at(bytes.len() - 3);
        from.write(head);
        assert_eq!(frame(&mut to), (BINARY_FRAGMENT, b"wh".to_vec()));
        from.write(rest);
        assert_eq!(frame(&mut to), (0x80, b"ole".to_vec()));
    }
    for (_gate, mut from, mut to) in pairs(&["--whole-frames", "1MiB"]) {
        let message = vec![7; 1 << 20];
        let bytes = encoded(&mut from, Message::Binary(&message));
        thread::scope(|scope| {
            scope.spawn(|| from.write(&bytes));
            assert!(frame(&mut to) == (BINARY, message));
        });
    }
}

#[test]
fn the_longest_frames_fit_into_the_smallest_sandbox() {
    for (memory, size, length) in [("2MiB", "128KiB", 128 << 10), ("16MiB", "1MiB", 1 << 20)] {
        let upstream = Upstream::bind();
        let arguments = ["--memory", memory, "--whole-frames", size];
        let gate = Gate::in_mode(TERMINATE, upstream.address, &arguments);
        let (mut client, mut server) = pair(&gate, &upstream);
        let message = vec![7; length];
        let bytes = [&mut client, &mut server].map(|peer| encoded(peer, Message::Binary(&message)));
        for _ in 0..20 {
            // Both at the same time, so that the sandbox has most of both before one is complete.
            for (peer, bytes) in [&mut client, &mut server].into_iter().zip(&bytes) {
                peer.write(&bytes[..bytes.len() - 1]);
            }
            for (peer, bytes) in [&mut client, &mut server].into_iter().zip(&bytes) {
                peer.write(&bytes[bytes.len() - 1..]);
            }
            for peer in [&mut server, &mut client] {
                assert!(frame(peer) == (BINARY, message.clone()), "{length} bytes");
            }
        }
    }
}

#[test]
fn what_has_come_of_a_frame_leaves_when_no_more_of_it_comes() {
    for (_gate, mut from, mut to) in pairs(&[]) {
        let message = vec![7; 100_000];
        let bytes = encoded(&mut from, Message::Binary(&message));
        from.write(&bytes[..bytes.len() - 1]);
        from.stream.shutdown(Shutdown::Write).unwrap();
        assert!(frame(&mut to) == (BINARY_FRAGMENT, message[1..].to_vec()));
        let (first, _) = frame(&mut to);
        assert_eq!(first, 0x88, "a close frame");
    }
}

#[test]
fn text_that_is_not_utf8_ends_the_connection_or_passes_if_it_may() {
    const WRONG: &[u8] = b"a\xffb";
    let unchecked = |peer: &Peer| match peer.session.role() {
        Role::Client => [&[0x81, 0x83, 0, 0, 0, 0], WRONG].concat(),
        Role::Server => [&[0x81, 0x03], WRONG].concat(),
    };
    for (_gate, mut from, mut to) in pairs(&["--allow-invalid-utf8"]) {
        let bytes = unchecked(&from);
        from.write(&bytes);
        assert_eq!(frame(&mut to), (TEXT, WRONG.to_vec()));
        from.send(Message::Text("it goes on"));
        assert_eq!(frame(&mut to), (TEXT, b"it goes on".to_vec()));
        to.send(Message::Text("both ways"));
        assert_eq!(from.receive(), Got::Text("both ways".into()));
    }
    for ((_gate, mut from, mut to), code) in pairs(&[]).into_iter().zip([1001_u16, 1014]) {
        let bytes = unchecked(&from);
        from.write(&bytes);
        // What came before the wrong byte.
        assert_eq!(frame(&mut to), (0x01, b"a".to_vec()));
        let (first, payload) = frame(&mut to);
        assert_eq!((first, &payload[..2]), (0x88, &code.to_be_bytes()[..]));
        let (first, payload) = frame(&mut from);
        assert_eq!((first, &payload[..2]), (0x88, &1007_u16.to_be_bytes()[..]));
    }
}
