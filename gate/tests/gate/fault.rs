//! A sandbox that fails: its connection ends with 1011, and no other is affected.

use rstest::rstest;
use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE, misbehaving};

#[rstest]
fn class_29_a_guest_that_fails_ends_its_connection_with_1011_and_no_other(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let url = format!("ws://{}", upstream.address);
    let gate = Gate::with(
        &misbehaving(),
        &["--mode", mode, "--upstream", &url, "--call-time", "300ms"],
    );
    let (mut bystander, mut its_server) = pair(&gate, &upstream);
    let faults = [
        ("trap", "the guest trapped"),
        ("spin", "of processor time"),
        ("hoard", "memory"),
    ];
    for (fault, words) in faults {
        let (mut client, mut server) = pair(&gate, &upstream);
        // What came before is not lost.
        client.send(Message::Text("before"));
        assert_eq!(server.receive(), Got::Text("before".into()));
        client.send(Message::Text(&format!("misbehave: {fault}")));
        for peer in [&mut client, &mut server] {
            assert_eq!(peer.receive(), Got::Close(1011, "internal error".into()));
            assert_eq!(peer.receive(), Got::End);
        }
        let line = gate.logged(1, words);
        assert!(line.contains("ERROR"), "{line}");
        assert!(line.contains(r#"ended="fault" by="client""#), "{line}");

        bystander.send(Message::Text("still there"));
        assert_eq!(its_server.receive(), Got::Text("still there".into()));
    }
    // The same with bytes of the upstream.
    let (mut client, mut server) = pair(&gate, &upstream);
    server.send(Message::Text("misbehave: trap"));
    assert_eq!(client.receive(), Got::Close(1011, "internal error".into()));
    assert_eq!(server.receive(), Got::Close(1011, "internal error".into()));
    gate.logged(1, r#"ended="fault" by="upstream""#);
}

/// With three connections in a sandbox, in one worker: a failure ends all that share the sandbox, also silent ones.
#[rstest]
fn class_29_a_guest_that_fails_ends_all_connections_in_it_and_no_other(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values("trap", "hoard")] fault: &str,
) {
    let upstream = Upstream::bind();
    let url = format!("ws://{}", upstream.address);
    let arguments = ["--mode", mode, "--upstream", &url, "--call-time", "300ms"];
    let shared = ["--sandbox", "3", "--threads", "1"];
    let gate = Gate::with(&misbehaving(), &[&arguments[..], &shared].concat());
    let mut all: Vec<_> = (0..5).map(|_| pair(&gate, &upstream)).collect();
    let (first, last) = all.split_at_mut(3);
    for (client, server) in first.iter_mut() {
        client.send(Message::Text("before"));
        assert_eq!(server.receive(), Got::Text("before".into()));
    }
    first[1]
        .0
        .send(Message::Text(&format!("misbehave: {fault}")));
    for (client, server) in first.iter_mut() {
        for peer in [client, server] {
            assert_eq!(peer.receive(), Got::Close(1011, "internal error".into()));
            assert_eq!(peer.receive(), Got::End);
        }
    }
    gate.logged(3, r#"ended="fault""#);
    let line = gate.logged(1, r#"ended="fault" by="client""#);
    assert!(line.contains("conn=2 "), "{line}");
    last.iter_mut()
        .for_each(|(client, server)| echoes(client, server));
    // The next connections get another sandbox.
    let (mut client, mut server) = pair(&gate, &upstream);
    echoes(&mut client, &mut server);
}

fn echoes(client: &mut Peer, server: &mut Peer) {
    client.send(Message::Text("still there"));
    assert_eq!(server.receive(), Got::Text("still there".into()));
    server.send(Message::Text("and so am I"));
    assert_eq!(client.receive(), Got::Text("and so am I".into()));
}
