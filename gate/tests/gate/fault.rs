//! A sandbox that fails: its connection ends with 1011, and no other notices.

use rstest::rstest;
use websocket_component::Message;

use crate::peer::{Got, Upstream, pair};
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
        ("spin", "took longer"),
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
    // The upstream's bytes are no better.
    let (mut client, mut server) = pair(&gate, &upstream);
    server.send(Message::Text("misbehave: trap"));
    assert_eq!(client.receive(), Got::Close(1011, "internal error".into()));
    assert_eq!(server.receive(), Got::Close(1011, "internal error".into()));
    gate.logged(1, r#"ended="fault" by="upstream""#);
}
