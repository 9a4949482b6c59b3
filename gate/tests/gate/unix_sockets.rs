//! Unix sockets, in front and to upstreams.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rstest::rstest;
use tempfile::TempDir;

use crate::peer::{REQUEST, Upstream, values};
use crate::process::{Gate, INSPECT, PATIENCE, TERMINATE};
use crate::tls::{head, header, masked};

/// A path for a socket, in a folder that is removed with the test.
fn path(folder: &TempDir) -> String {
    folder.path().join("a.sock").to_str().unwrap().to_owned()
}

fn connect(path: impl AsRef<Path>) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[rstest]
fn a_connection_goes_from_one_to_another(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values("", ":/room")] room: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let front = path(&folder);
    let back = format!("{front}.back");
    let listener = UnixListener::bind(&back).unwrap();
    let (listen, url) = (format!("unix:{front}"), format!("ws+unix:{back}{room}"));
    let gate = Gate::start(&["--mode", mode, "--listen", &listen, "--upstream", &url]);
    let mut client = connect(&front);
    client
        .write_all(&[REQUEST.as_bytes(), &masked(b"early")].concat())
        .unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = head(&mut server);
    let target = if room.is_empty() { "/" } else { "/room/" };
    assert!(
        request.starts_with(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n")),
        "{request}"
    );
    assert!(!request.contains("X-Forwarded-For"), "{request}");
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = websocket_component::handshake::accept_value(key.as_bytes()).unwrap();
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    server.write_all(response.as_bytes()).unwrap();
    assert!(head(&mut client).starts_with("HTTP/1.1 101 "));
    let mut early = [0; 2 + 4 + 5];
    server.read_exact(&mut early).unwrap();
    let long = [header(100_000), vec![7; 100_000]].concat();
    let copy = long.clone();
    let mut writer = server.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&copy).unwrap());
    let mut got = vec![0; long.len()];
    client.read_exact(&mut got).unwrap();
    assert!(got == long);
    writing.join().unwrap();
    client.write_all(b"\x88\x82\0\0\0\0\x03\xe8").unwrap();
    let mut close = [0; 8];
    server.read_exact(&mut close).unwrap();
    server.write_all(b"\x88\x02\x03\xe8").unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\x88\x02\x03\xe8");
    let line = gate.logged(1, "close ended");
    assert!(
        line.contains("peer=unix") && line.contains(&format!("upstream=\"{url}\"")),
        "{line}"
    );
}

#[test]
fn who_connects_to_the_socket_can_be_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let front = path(&folder);
    let upstream = Upstream::bind();
    let listen = format!("unix:{front}");
    let _gate = Gate::before(
        upstream.address,
        &["--listen", &listen, "--trusted-proxy", "unix"],
    );
    let request = REQUEST.replace("Host: a\r\n", "Host: a\r\nX-Forwarded-For: 192.0.2.7\r\n");
    let mut client = connect(&front);
    client.write_all(request.as_bytes()).unwrap();
    let (_, told) = upstream.request();
    assert_eq!(values(&told.headers, "X-Forwarded-For"), ["192.0.2.7"]);
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_none_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let front = path(&folder);
    let listen = format!("unix:{front}");
    drop(UnixListener::bind(&front).unwrap());
    let mut gate = Gate::start(&["--demo", "--listen", &listen]);
    let mut client = connect(&front);
    client.write_all(REQUEST.as_bytes()).unwrap();
    assert!(head(&mut client).starts_with("HTTP/1.1 101 "));
    // A socket in use is not removed, and neither is a file.
    assert!(Gate::refused(&["--demo", "--listen", &listen]).contains("can't listen on unix:"));
    let file = format!("{front}.file");
    std::fs::write(&file, "kept").unwrap();
    let listen = format!("unix:{file}");
    assert!(Gate::refused(&["--demo", "--listen", &listen]).contains("can't listen on unix:"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    gate.terminate();
    assert!(gate.wait().success());
    assert!(!Path::new(&front).exists());
}

#[test]
fn an_upstream_that_is_not_there_is_502() {
    let gate = Gate::start(&["--upstream", "ws+unix:/nowhere/a.sock"]);
    let response = gate.raw(REQUEST.as_bytes());
    assert!(response.starts_with("HTTP/1.1 502 "), "{response}");
}
