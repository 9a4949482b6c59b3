//! Clients that disconnect before they are accepted: their slots are freed, and their upstreams notice.
//!
//! All timeouts of the gates are longer than anything takes here, so that none of them ends a connection.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, request};
use crate::process::{Gate, PATIENCE};

const PLACES: usize = 20;

const SLOW: [&str; 6] = [
    "--max-connections",
    "20",
    "--handshake-timeout",
    "10m",
    "--connect-timeout",
    "10m",
];

/// How a client disconnects.
#[derive(Clone, Copy, Debug)]
enum Way {
    Fin,
    HalfClose,
    Reset,
}

const WAYS: [Way; 3] = [Way::Fin, Way::HalfClose, Way::Reset];

/// Disconnects. The returned value keeps a half-closed connection from being closed.
fn leave(client: Peer, way: Way) -> Option<TcpStream> {
    match way {
        Way::Fin => None,
        Way::HalfClose => {
            client.stream.shutdown(Shutdown::Write).unwrap();
            Some(client.stream)
        }
        Way::Reset => {
            let socket = SockRef::from(&client.stream);
            socket.set_linger(Some(Duration::ZERO)).unwrap();
            None
        }
    }
}

/// Waits until the gate has ended this connection to an upstream.
fn ended(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
            Err(error) => panic!("the gate holds the upstream: {error}"),
        }
    }
}

/// An upstream that accepts every client and greets it.
fn greeter() -> SocketAddr {
    let upstream = Upstream::bind();
    let address = upstream.address;
    thread::spawn(move || {
        let mut greeted = Vec::new();
        loop {
            let mut server = upstream.open();
            server.send(Message::Text("hello"));
            greeted.push(server);
        }
    });
    address
}

/// A gate in front of a slow upstream, with few slots and a greeter at `/hello`.
fn slow(upstream: SocketAddr) -> Gate {
    let rules = [
        format!("ws://{upstream}"),
        format!("/hello=ws://{}", greeter()),
    ];
    let rules = ["--upstream", &rules[0], "--upstream", &rules[1]];
    Gate::start(&[&rules[..], &SLOW].concat())
}

/// Waits until the gate has a slot for a client.
fn serves_another(gate: &Gate) {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut client = Peer::ask(gate, request(gate, "/hello"));
        if client.is_accepted() {
            return assert_eq!(client.receive(), Got::Text("hello".into()));
        }
        assert!(Instant::now() < end, "the places are not free");
    }
}

#[test]
fn a_client_that_leaves_while_its_upstream_is_silent_is_noticed_at_once() {
    let upstream = Upstream::bind();
    // The first bytes of a message, or nothing, and as many as the gate keeps.
    for early in [0, 3, 60_000] {
        for way in WAYS {
            let gate = slow(upstream.address);
            let asked = (0..PLACES).map(|_| {
                let mut client = Peer::connect(&gate);
                let server = upstream.accept();
                client.write(&vec![0x81; early]);
                (client, server)
            });
            let asked: Vec<_> = asked.collect();
            assert_eq!(Peer::connect(&gate).refused().status, 503);
            let (clients, servers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
            let _halves: Vec<_> = clients.into_iter().map(|it| leave(it, way)).collect();
            servers
                .into_iter()
                .for_each(|mut server| ended(&mut server));
            gate.logged(PLACES, r#"ended="left" by="client""#);
            serves_another(&gate);
        }
    }
}

/// A listener with a full backlog, and the connections that fill it.
#[cfg(target_os = "linux")]
fn full_listener() -> (TcpListener, SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let filling = (0..8).map(|_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        // It stays in progress while the backlog is full.
        let _ = socket.connect(&address.into());
        socket
    });
    let filling = filling.collect();
    (listener.into(), address, filling)
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_leaves_while_its_upstream_is_connected_to_is_noticed_at_once() {
    let (_listener, address, _filling) = full_listener();
    for early in [0, 3] {
        for way in WAYS {
            let gate = slow(address);
            let clients = (0..PLACES).map(|_| {
                let mut client = Peer::connect(&gate);
                client.write(&vec![0x81; early]);
                client
            });
            let clients: Vec<_> = clients.collect();
            assert_eq!(Peer::connect(&gate).refused().status, 503);
            let _halves: Vec<_> = clients.into_iter().map(|it| leave(it, way)).collect();
            serves_another(&gate);
        }
    }
}

#[test]
fn a_client_that_sends_too_much_before_it_is_accepted_is_refused_with_400() {
    let upstream = Upstream::bind();
    let gate = slow(upstream.address);
    let mut client = Peer::connect(&gate);
    let mut server = upstream.accept();
    client.write(&[0x81; 70_000]);
    assert_eq!(client.refused().status, 400);
    ended(&mut server);
}
