//! How the gate ends.

use std::time::{Duration, Instant};

use rstest::rstest;
use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE};

#[rstest]
fn every_connection_closes_with_1001_both_ways(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let mut gate = Gate::in_mode(mode, upstream.address, &[]);
    let mut pairs: Vec<_> = (0..5).map(|_| pair(&gate, &upstream)).collect();
    // One of them is in the middle of a message.
    pairs[0].1.send(Message::TextFragment("half of"));
    let mut asking = Peer::connect(&gate);
    let (_unanswered, _) = upstream.request();
    gate.terminate();
    for (client, server) in &mut pairs {
        for peer in [client, server] {
            assert_eq!(
                peer.receive(),
                Got::Close(1001, "the gate shuts down".into())
            );
            assert_eq!(peer.receive(), Got::End);
        }
    }
    assert_eq!(asking.refused().status, 503);
    drop(pairs);
    drop(asking);
    assert_eq!(gate.wait().code(), Some(0));
    gate.logged(1, "ended connections=6");
    let log = gate.log();
    assert_eq!(
        log.matches(r#"ended="shutdown" by="gate""#).count(),
        5,
        "{log}"
    );
}

#[rstest]
fn connections_that_dont_close_are_cut_off_in_time(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let mut gate = Gate::in_mode(mode, upstream.address, &["--shutdown-timeout", "300ms"]);
    let _stubborn = pair(&gate, &upstream);
    let started = Instant::now();
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5));
    gate.logged(1, "1 connections did not close in time");
}

#[rstest]
fn a_second_signal_ends_at_once(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let mut gate = Gate::in_mode(
        mode,
        upstream.address,
        &["--shutdown-timeout", "1h", "--close-timeout", "1h"],
    );
    let _stubborn = pair(&gate, &upstream);
    gate.terminate();
    gate.logged(1, "no new connections");
    gate.terminate();
    gate.wait();
    gate.logged(1, "cut off");
}

#[cfg(unix)]
#[rstest]
fn other_signals_are_logged_and_end_nothing(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let mut gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    for signal in ["HUP", "USR1", "USR2", "QUIT"] {
        for times in 1..=2 {
            gate.signal(signal);
            let line = gate.logged(times, &format!("SIG{signal}: "));
            assert!(line.contains("INFO"), "{line}");
        }
    }
    client.send(Message::Text("still there"));
    assert_eq!(server.receive(), Got::Text("still there".into()));
    gate.terminate();
    assert_eq!(
        client.receive(),
        Got::Close(1001, "the gate shuts down".into())
    );
    drop((client, server));
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn without_connections_it_ends_at_once() {
    let mut gate = Gate::before(Upstream::bind().address, &["--shutdown-timeout", "1h"]);
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
}
