//! A side that doesn't read blocks the other one, and no buffer grows.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rstest::rstest;
use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE};

/// More bytes than the gate and the sockets of the system can hold.
const ENOUGH: usize = 256 << 20;

/// This many pings are more than that, too.
const PINGS: usize = 800_000;

/// The size of the sockets' buffers, two of them on each side.
const SOCKETS: usize = 64 << 20;

/// The most memory that the gate may gain, including the buffers of its threads.
const GROWTH: u64 = 8 << 20;

/// Writes until the socket hasn't accepted anything for a while. Returns how many bytes were written.
fn flood(stream: &TcpStream, bytes: &[u8]) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut stream = stream;
    let (mut written, mut last) = (0, Instant::now());
    while written < bytes.len() && last.elapsed() < Duration::from_millis(700) {
        match stream.write(&bytes[written..]) {
            Ok(count) => {
                written += count;
                last = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("{error}"),
        }
    }
    stream.set_nonblocking(false).unwrap();
    written
}

/// One side floods with messages of this length, in one frame each, the other doesn't read for a while; in the meantime
/// messages go the other way.
fn holds_up(gate: &Gate, mut from: Peer, mut to: Peer, length: usize) {
    let before = gate.resident();
    let mut message = vec![0; length];
    let count = ENOUGH / length;
    for number in 0..count {
        message[..8].copy_from_slice(&number.to_be_bytes());
        from.session
            .send(Message::Binary(&message), None, from.now())
            .unwrap();
    }
    let bytes = from.session.take_output(usize::MAX, from.now());
    let written = flood(&from.stream, &bytes);
    assert!(written < SOCKETS, "{written} bytes went into the gate");
    let grown = gate.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more are resident");

    to.send(Message::Text("the other way is free"));
    assert_eq!(from.receive(), Got::Text("the other way is free".into()));

    std::thread::scope(|scope| {
        scope.spawn(|| from.write(&bytes[written..]));
        for number in 0..count {
            let Got::Binary(message) = to.receive() else {
                panic!("not message {number}");
            };
            assert_eq!(message.len(), length);
            assert_eq!(message[..8], number.to_be_bytes());
        }
    });
}

#[rstest]
fn a_client_that_doesnt_read_holds_up_the_upstream(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    holds_up(&gate, server, client, 64 << 10);
}

#[rstest]
fn an_upstream_that_doesnt_read_holds_up_the_client(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    holds_up(&gate, client, server, 64 << 10);
}

#[rstest]
fn a_side_that_doesnt_read_is_read_though_a_long_frame_waits_for_it(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &["--whole-frames", "1MiB"]);
    let (client, server) = pair(&gate, &upstream);
    holds_up(&gate, client, server, 1 << 20);
}

#[rstest]
fn class_20_pings_without_end_and_pongs_that_nobody_reads_stay_bounded(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, _server) = pair(&gate, &upstream);
    let before = gate.resident();
    for _ in 0..PINGS {
        client
            .session
            .send(Message::Ping(&[b'.'; 125]), None, client.now())
            .unwrap();
    }
    let bytes = client.session.take_output(usize::MAX, client.now());
    let written = flood(&client.stream, &bytes);
    assert!(written < SOCKETS, "{written} bytes went into the gate");
    let grown = gate.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more are resident");
}
