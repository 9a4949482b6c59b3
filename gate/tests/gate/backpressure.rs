//! A side that doesn't read holds the other one up, and nothing grows.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::Gate;

/// Messages of one frame each, encoded as `from` would send them.
const MESSAGE: usize = 64 << 10;

/// More than the gate and the sockets of the system can hold.
const ENOUGH: usize = 4096;

/// What the buffers of the sockets may come to, two of them on each side.
const SOCKETS: usize = 64 << 20;

/// What all of this may add to the gate, with the buffers that its threads have from now on.
const GROWTH: u64 = 8 << 20;

/// Writes until the socket hasn't taken anything for a while. Returns how many bytes went.
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

/// One side floods, the other doesn't read for a while; in the meantime messages go the other way.
fn holds_up(gate: &Gate, mut from: Peer, mut to: Peer) {
    let before = gate.resident();
    let mut message = vec![0; MESSAGE];
    for number in 0..ENOUGH {
        message[..8].copy_from_slice(&number.to_be_bytes());
        from.session.send(Message::Binary(&message), None).unwrap();
    }
    let bytes = from.session.take_output(usize::MAX);
    let written = flood(&from.stream, &bytes);
    assert!(written < SOCKETS, "{written} bytes went into the gate");
    let grown = gate.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more are resident");

    to.send(Message::Text("the other way is free"));
    assert_eq!(from.receive(), Got::Text("the other way is free".into()));

    std::thread::scope(|scope| {
        scope.spawn(|| from.write(&bytes[written..]));
        for number in 0..ENOUGH {
            let Got::Binary(message) = to.receive() else {
                panic!("not message {number}");
            };
            assert_eq!(message.len(), MESSAGE);
            assert_eq!(message[..8], number.to_be_bytes());
        }
    });
}

#[test]
fn a_client_that_doesnt_read_holds_up_the_upstream() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    holds_up(&gate, server, client);
}

#[test]
fn an_upstream_that_doesnt_read_holds_up_the_client() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    holds_up(&gate, client, server);
}

#[test]
fn class_20_pings_without_end_and_pongs_that_nobody_reads_stay_bounded() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, _server) = pair(&gate, &upstream);
    let before = gate.resident();
    for _ in 0..ENOUGH * 200 {
        client
            .session
            .send(Message::Ping(&[b'.'; 125]), None)
            .unwrap();
    }
    let bytes = client.session.take_output(usize::MAX);
    let written = flood(&client.stream, &bytes);
    assert!(written < SOCKETS, "{written} bytes went into the gate");
    let grown = gate.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more are resident");
}
