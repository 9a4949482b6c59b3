//! The configurations of `envoy/config`, unchanged except for ports and paths.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use host_tests::gate::root;
use host_tests::wire::Frame;
use rstest::rstest;
use serde_json::json;
use websocket_component::Role::{self, Client, Server};

use crate::http2::Http2Client;
use crate::proxy::{Opening, Proxy, Version, response};
use crate::side::{Side, in_order, through_tls};

/// Starts an Envoy with a configuration.
fn start(version: Version, name: &str) -> Option<Proxy> {
    Proxy::start(version, |builder| builder.file(path_of(name)))
}

/// The same with one that needs a certificate.
fn start_tls(version: Version, name: &str) -> Option<Proxy> {
    Proxy::start(version, |builder| builder.file(path_of(name)).tls())
}

fn path_of(name: &str) -> PathBuf {
    root().join("envoy/config").join(name)
}

/// Asserts that messages pass, and that each side gets a close frame if the client breaks a rule.
#[track_caller]
fn is_checked(client: &mut Side, server: &mut Side) {
    passes(client, server);
    client.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));
}

#[track_caller]
fn passes(client: &mut Side, server: &mut Side) {
    client.send(&[Frame::text("there")]);
    assert_eq!(server.frame(), Frame::text("there"));
    server.send(&[Frame::text("back")]);
    assert_eq!(client.frame(), Frame::text("back"));
}

#[rstest]
fn http1(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start(version, "http1.yaml") else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    is_checked(&mut client, &mut server);
    let (mut client, mut server) = proxy.open();
    client.write(&Frame::binary("").by(Client).header(1_048_577));
    assert_eq!((client.close_code(), server.close_code()), (1009, 1001));
}

#[rstest]
fn tls(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start_tls(version, "tls.yaml") else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    is_checked(&mut client, &mut server);
}

#[rstest]
fn http2(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start_tls(version, "http2.yaml") else {
        return;
    };
    let tunnel = Tunnel::to(&proxy);
    let mut connection = Http2Client::connect(tunnel.address);
    let asked = connection.ask(&[], b"");
    let mut server = proxy.accept();
    let request = server.head();
    server.write(&response(&request, &[]));
    let mut answer = connection.answer(asked);
    assert_eq!(answer.status, 200);
    is_checked(&mut answer.client, &mut server);

    // The same port also accepts HTTP/1.1.
    let (mut client, mut server) = proxy.open();
    is_checked(&mut client, &mut server);
}

/// A port that leads to Envoy's over TLS, for one client of HTTP/2.
struct Tunnel {
    address: SocketAddr,
    program: Option<JoinHandle<Child>>,
}

impl Tunnel {
    fn to(proxy: &Proxy) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let certificate = proxy.envoy.certificate().expect("a certificate");
        let port = proxy.envoy.address.port();
        let program = thread::spawn(move || {
            let (socket, _) = listener.accept().expect("a client");
            let copy = socket.try_clone().expect("a socket");
            let its = [socket, copy].map(OwnedFd::from);
            through_tls(its, "h2", port, &certificate)
        });
        Tunnel {
            address,
            program: Some(program),
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It waits for a client, if none has connected.
        let _ = TcpStream::connect(self.address);
        let program = self.program.take().map(JoinHandle::join);
        if let Some(Ok(mut program)) = program {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

#[rstest]
fn tcp_proxy(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start(version, "tcp-proxy.yaml") else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    passes(&mut client, &mut server);
    // Only the direction that is being read can be written to.
    client.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!(server.close_code(), 1001);
    assert_eq!(client.rest(), b"");
    assert_eq!(proxy.stat("rule.reserved-opcode"), 1);
}

#[rstest]
fn routes(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start(version, "routes.yaml") else {
        return;
    };
    let long = Frame::binary(vec![7; 65_537]);
    let open = |path| {
        proxy.open_with(Opening {
            path,
            ..Opening::default()
        })
    };
    let (mut client, mut server) = open("/chat");
    passes(&mut client, &mut server);
    client.send(std::slice::from_ref(&long));
    assert_eq!((client.close_code(), server.close_code()), (1009, 1001));

    let (mut client, mut server) = open("/uploads/1");
    client.send(std::slice::from_ref(&long));
    assert!(server.frame() == long);
    is_checked(&mut client, &mut server);

    let (mut client, mut server) = open("/unchecked");
    client.send(&[long.clone(), Frame::new(0x3, "")]);
    assert!(server.frame() == long);
    assert_eq!(server.frame(), Frame::new(0x3, ""));
    passes(&mut client, &mut server);
    assert_eq!(proxy.stat("connections"), 2);
}

#[rstest]
fn access_log(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = start(version, "access-log.yaml") else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    passes(&mut client, &mut server);
    client.send(&[Frame::close(1000, "")]);
    assert_eq!(server.close_code(), 1000);
    server.send(&[Frame::close(1000, "")]);
    assert_eq!(client.close_code(), 1000);
    drop(server);
    assert_eq!(client.rest(), b"");
    let entry = proxy.entry(1);
    let shown = [
        ("verdict", json!("ok")),
        ("client_messages", json!("1")),
        ("client_bytes", json!("5")),
        ("client_close", json!("1000")),
        ("server_messages", json!("1")),
        ("server_bytes", json!("4")),
        ("server_close", json!("1000")),
        ("close_to_client", json!("1000")),
        ("close_to_server", json!("1000")),
        ("path", json!("/chat")),
        ("status", json!(101)),
    ];
    for (field, value) in shown {
        assert_eq!(entry[field], value, "{field}: {entry}");
    }
    assert!(entry["duration_ms"].is_string(), "{entry}");

    let (mut client, mut server) = proxy.open();
    is_checked(&mut client, &mut server);
    let entry = proxy.entry(2);
    assert_eq!(entry["verdict"], "reserved-opcode");
    assert_eq!(entry["close_to_client"], "1002");
    assert_eq!(entry["close_to_server"], "1001");
}

#[rstest]
fn a_side_may_send_faster_than_envoy_reads(
    #[values(Version::Latest, Version::Oldest)] version: Version,
    #[values("http1.yaml", "tcp-proxy.yaml")] name: &str,
    #[values(Client, Server)] from: Role,
) {
    let Some(proxy) = start(version, name) else {
        return;
    };
    for length in [33_333, 50_003, 60_001, 65_000] {
        let (mut client, mut server) = proxy.open();
        let (sender, receiver) = in_order(from, &mut client, &mut server);
        let frame = Frame::binary(vec![7; length]).by(from).bytes();
        // Meanwhile more arrives than Envoy reads at once, and it reads a little more than that limit.
        signal(&proxy, "-STOP");
        thread::scope(|scope| {
            scope.spawn(|| (0..60).for_each(|_| sender.write(&frame)));
            thread::sleep(Duration::from_millis(200));
            signal(&proxy, "-CONT");
            for _ in 0..60 {
                assert!(receiver.bytes(frame.len()) == frame);
            }
        });
    }
}

fn signal(proxy: &Proxy, name: &str) {
    let process = proxy.envoy.process.id().to_string();
    let sent = Command::new("kill").args([name, &process]).status();
    assert!(sent.expect("kill is installed").success());
}
