//! Inspected connections whose sandbox was dropped meanwhile: `host-tests/tests/peers/idle.rs` measures that it is.

use std::thread::sleep;
use std::time::{Duration, Instant};

use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::Gate;

/// Much longer than a gate of these tests waits.
const REST: Duration = Duration::from_millis(200);

fn open(arguments: &[&str]) -> (Gate, Peer, Peer) {
    open_and_park_after("10ms", arguments)
}

fn open_and_park_after(time: &str, arguments: &[&str]) -> (Gate, Peer, Peer) {
    let upstream = Upstream::bind();
    let parks = ["--park-after", time, "--log-format", "json"];
    let gate = Gate::before(upstream.address, &[&parks, arguments].concat());
    let (client, server) = pair(&gate, &upstream);
    (gate, client, server)
}

#[test]
fn messages_go_on_in_both_directions_and_all_of_them_count() {
    let (gate, mut client, mut server) = open(&[]);
    for _ in 0..3 {
        sleep(REST);
        client.send(Message::Text("there"));
        assert_eq!(server.receive(), Got::Text("there".into()));
        server.send(Message::Binary(&[7; 100_000]));
        assert_eq!(client.receive(), Got::Binary(vec![7; 100_000]));
    }
    // A message in two parts, between which it is not idle.
    client.send(Message::TextFragment("two "));
    sleep(REST);
    client.send(Message::Text("parts"));
    assert_eq!(server.receive(), Got::Text("two parts".into()));
    sleep(REST);
    client.send(Message::CloseWith(4000, b"bye"));
    assert_eq!(server.receive(), Got::Close(4000, "bye".into()));
    gate.logged(1, r#""message":"close""#);
    let log = gate.log();
    for field in [
        r#""client_messages":4"#,
        r#""client_bytes":24"#,
        r#""upstream_messages":3"#,
        r#""upstream_bytes":300000"#,
    ] {
        assert!(log.contains(field), "no {field} in {log}");
    }
}

#[test]
fn a_rule_that_is_broken_later_is_told_with_its_place() {
    let places = ["off", "10ms"].map(|time| {
        let (gate, mut client, mut server) = open_and_park_after(time, &[]);
        client.send(Message::Text("12345"));
        assert_eq!(server.receive(), Got::Text("12345".into()));
        sleep(REST);
        client.write(b"\x83\x80\0\0\0\0");
        let closed = Got::Close(1001, "the client is gone".into());
        assert_eq!(server.receive(), closed);
        gate.logged(1, r#""rule":"reserved-opcode""#);
        let log = gate.log();
        let (_, place) = log.split_once(r#""offset":"#).expect("a place");
        place.split(',').next().map(str::to_owned)
    });
    assert_eq!(places[0], places[1]);
}

#[test]
fn deadlines_count_from_what_came_before() {
    let (_gate, mut client, mut server) = open(&["--idle-timeout", "1s", "--keepalive", "off"]);
    let since = Instant::now();
    for _ in 0..3 {
        sleep(REST);
        server.send(Message::Text("the server lives"));
        assert_eq!(client.receive(), Got::Text("the server lives".into()));
    }
    assert_eq!(
        server.receive(),
        Got::Close(1001, "the client is gone".into())
    );
    let took = since.elapsed();
    assert!(took >= Duration::from_millis(900), "{took:?}");
}

#[test]
fn pings_are_sent_and_a_side_that_answers_none_is_disconnected() {
    let (_gate, mut client, mut server) =
        open(&["--keepalive", "100ms", "--pong-timeout", "300ms"]);
    let mut pings = 0;
    while pings < 5 {
        match client.receive() {
            // Its session answers, and sends that with the next read.
            Got::Ping(_) => {
                client.flush();
                pings += 1;
            }
            // The server's, which shows that it is alive.
            Got::Pong(_) => {}
            got => panic!("{got:?}"),
        }
        server.send(Message::Pong(b""));
    }
    let closed = loop {
        match server.receive() {
            Got::Ping(_) | Got::Pong(_) => {}
            got => break got,
        }
    };
    assert_eq!(closed, Got::Close(1001, "the client is gone".into()));
}

#[test]
fn the_other_side_is_told_who_is_gone() {
    let (_gate, mut client, server) = open(&[]);
    sleep(REST);
    drop(server);
    assert_eq!(
        client.receive(),
        Got::Close(1014, "the server is gone".into())
    );

    let (_gate, client, mut server) = open(&[]);
    sleep(REST);
    drop(client);
    assert_eq!(
        server.receive(),
        Got::Close(1001, "the client is gone".into())
    );
}

#[test]
fn a_gate_that_shuts_down_closes_both_sides() {
    let (mut gate, mut client, mut server) = open(&[]);
    sleep(REST);
    gate.terminate();
    let closed = Got::Close(1001, "the gate shuts down".into());
    assert_eq!(
        (client.receive(), server.receive()),
        (closed.clone(), closed)
    );
    drop((client, server));
    assert_eq!(gate.wait().code(), Some(0));
}
