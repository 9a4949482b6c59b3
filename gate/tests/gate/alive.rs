//! Peers that count as alive though they answer no ping in time, because they send, read, or aren't read; and those
//! that don't.

use std::io::{ErrorKind, Read, Write};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rstest::rstest;
use websocket_component::{Message, Rule};

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, PATIENCE, TERMINATE};

const STEP: Duration = Duration::from_millis(50);

/// Steps that take several times the pong timeout.
const STEPS: usize = 30;

/// Checks that a client that sends like this, and never answers a ping, stays connected.
fn stays_connected(mode: &str, timeouts: [&str; 2], speak: impl FnOnce(&mut Peer, &mut Peer)) {
    let upstream = Upstream::bind();
    let arguments = ["--keepalive", timeouts[0], "--pong-timeout", timeouts[1]];
    let gate = Gate::in_mode(mode, upstream.address, &arguments);
    let (mut client, mut server) = pair(&gate, &upstream);
    speak(&mut client, &mut server);
    client.send(Message::Text("the end"));
    loop {
        match server.receive() {
            Got::Text(text) if text == "the end" => break,
            Got::Ping(_) | Got::Pong(_) | Got::Text(_) | Got::Binary(_) => {}
            got => panic!("{got:?}"),
        }
    }
}

/// The client sends step by step, and the upstream shows that it is alive.
fn step_by_step(mode: &str, mut speak: impl FnMut(&mut Peer, usize)) {
    stays_connected(mode, ["100ms", "400ms"], |client, server| {
        for step in 0..STEPS {
            speak(client, step);
            server.send(Message::Pong(b""));
            sleep(STEP);
        }
    });
}

#[rstest]
fn a_client_that_answers_pings_with_no_payload_lives(#[values(INSPECT, TERMINATE)] mode: &str) {
    step_by_step(mode, |client, _| client.write(b"\x8a\x80\0\0\0\0"));
}

#[rstest]
fn a_client_that_knows_no_pings_and_sends_messages_lives(#[values(INSPECT, TERMINATE)] mode: &str) {
    step_by_step(mode, |client, _| client.write(b"\x81\x81\0\0\0\0x"));
}

/// Its pong comes after its own frame, which takes long to arrive.
#[rstest]
fn a_client_whose_large_frame_comes_slowly_lives(#[values(INSPECT, TERMINATE)] mode: &str) {
    step_by_step(mode, |client, step| {
        if step == 0 {
            let length = (STEPS * 1000) as u16;
            client.write(&[&b"\x82\xfe"[..], &length.to_be_bytes(), &[0; 4]].concat());
        }
        client.write(&[7; 1000]);
    });
}

/// Large messages: how many, and how long each is. They are more than the gate and the sockets of the system hold.
const LARGE_MESSAGES: usize = 4;
const LENGTH: usize = 16 << 20;

/// The bytes of the large messages, as the peer sends them.
fn large_messages(peer: &mut Peer) -> Vec<u8> {
    let message = vec![7; LENGTH];
    for _ in 0..LARGE_MESSAGES {
        let now = peer.now();
        let sent = peer.session.send(Message::Binary(&message), None, now);
        sent.unwrap();
    }
    peer.session.take_output(usize::MAX, peer.now())
}

/// The ping waits in the buffers of sockets, and the peer reads what is before it.
#[rstest]
fn a_client_that_takes_a_large_message_slowly_lives(#[values(INSPECT, TERMINATE)] mode: &str) {
    stays_connected(mode, ["100ms", "4s"], |client, server| {
        let bytes = large_messages(server);
        thread::scope(|scope| {
            scope.spawn(|| server.write(&bytes));
            let mut left = LARGE_MESSAGES * LENGTH;
            let mut buffer = vec![0; 128 << 10];
            while left > 0 {
                let count = client.stream.read(&mut buffer).unwrap();
                assert_ne!(count, 0, "it was cut off");
                left = left.saturating_sub(count);
                sleep(Duration::from_millis(10));
            }
        });
    });
}

/// The gate doesn't read the upstream while the client reads nothing, so its pongs wait unread.
#[rstest]
fn an_upstream_that_is_not_read_is_not_blamed(#[values(INSPECT, TERMINATE)] mode: &str) {
    stays_connected(mode, ["100ms", "400ms"], |client, server| {
        let bytes = large_messages(server);
        thread::scope(|scope| {
            scope.spawn(|| server.write(&bytes));
            for _ in 0..STEPS {
                client.send(Message::Text("I don't read yet"));
                sleep(STEP);
            }
            for _ in 0..LARGE_MESSAGES {
                while !matches!(client.receive(), Got::Binary(_)) {}
            }
        });
    });
}

/// Checks that a client that sends this endlessly and reads nothing is cut off, and the echoing upstream with it.
fn is_cut_off(mode: &str, frames: &[u8]) {
    let upstream = Upstream::bind();
    let arguments = [
        "--keepalive=100ms",
        "--pong-timeout=400ms",
        "--write-timeout=400ms",
        "--close-timeout=1s",
    ];
    let gate = Gate::in_mode(mode, upstream.address, &arguments);
    let (mut client, mut server) = pair(&gate, &upstream);
    for stream in [&client.stream, &server.stream] {
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                match server.receive() {
                    Got::Binary(message) => {
                        // Its session may have answered a close that came after the message.
                        let now = server.now();
                        let _ = server.session.send(Message::Binary(&message), None, now);
                        server.flush();
                    }
                    Got::Ping(_) => {}
                    _ => break,
                }
            }
        });
        let end = Instant::now() + PATIENCE;
        let mut at = 0;
        let error = loop {
            assert!(Instant::now() < end, "it is still there");
            match client.stream.write(&frames[at..]) {
                Ok(count) => at = (at + count) % frames.len(),
                Err(error) => break error,
            }
        };
        let is_gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(is_gone.contains(&error.kind()), "{error}");
    });
    gate.logged(1, Rule::WriteTimeout.description());
}

#[rstest]
fn a_client_that_sends_messages_and_reads_no_echo_is_cut_off(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    is_cut_off(
        mode,
        &[&b"\x82\xfe\xea\x60\0\0\0\0"[..], &[7; 60_000]].concat(),
    );
}

#[rstest]
fn a_client_that_sends_pings_and_reads_no_pong_is_cut_off(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    is_cut_off(
        mode,
        &[&b"\x89\xfd\0\0\0\0"[..], &[7; 125]].concat().repeat(1000),
    );
}
