//! The PROXY protocol: the client's address, as a balancer sends it and as upstreams get it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use rstest::rstest;

use crate::peer::{Got, REQUEST, Upstream, rest, values};
use crate::process::{Gate, INSPECT, PATIENCE, TERMINATE};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x07\xc6\x33\x64\x01\x15\xb3\x01\xbb\x04\0\0";

fn connect(gate: &Gate) -> TcpStream {
    let stream = TcpStream::connect(gate.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[rstest]
fn the_client_is_who_the_header_says(
    #[values(V1, V2)] header: &[u8],
    #[values(1, 9, 150)] cut: usize,
) {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--proxy-protocol"]);
    let mut client = connect(&gate);
    // A message follows right after the request.
    let text = b"\x81\x85\0\0\0\0Hello";
    let all = [header, REQUEST.as_bytes(), text].concat();
    let (first, second) = all.split_at(cut);
    client.write_all(first).unwrap();
    sleep(Duration::from_millis(20));
    client.write_all(second).unwrap();
    let (mut server, request) = upstream.request();
    let forwarded = values(&request.headers, "X-Forwarded-For");
    assert_eq!(forwarded, ["192.0.2.7"]);
    server.accept(&Default::default());
    assert_eq!(server.receive(), Got::Text("Hello".into()));
    gate.logged(1, "connection{conn=1 peer=192.0.2.7:5555}: open");
}

#[test]
fn connections_of_the_balancer_itself_have_its_address() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--proxy-protocol"]);
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut client = connect(&gate);
        client
            .write_all(&[header, REQUEST.as_bytes()].concat())
            .unwrap();
        let (_, request) = upstream.request();
        assert_eq!(values(&request.headers, "X-Forwarded-For"), ["127.0.0.1"]);
    }
}

#[test]
fn a_client_without_the_header_or_with_a_malformed_one_is_refused() {
    let upstream = Upstream::bind();
    let arguments = ["--proxy-protocol", "--handshake-timeout", "300ms"];
    let gate = Gate::before(upstream.address, &arguments);
    let long = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", &[0; 5000][..]].concat();
    let all: [&[u8]; 5] = [
        REQUEST.as_bytes(),
        b"PROXY TCP4 192.0.2.300 198.51.100.1 5555 443\r\n",
        &long,
        // It never ends.
        b"PROXY TCP4 192.0.2.7",
        b"",
    ];
    for bytes in all {
        let mut client = connect(&gate);
        client.write_all(bytes).unwrap();
        assert_eq!(rest(&mut client), b"");
    }
    gate.logged(
        all.len(),
        r#"ended="refused" by="client" reason="no PROXY header:"#,
    );
    assert!(!upstream.has_been_called());
}

#[rstest]
fn a_header_that_is_not_expected_is_refused(#[values(V1, V2)] header: &[u8]) {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let mut client = connect(&gate);
    client
        .write_all(&[header, REQUEST.as_bytes()].concat())
        .unwrap();
    let response = rest(&mut client);
    assert!(response.starts_with(b"HTTP/1.1 400 "), "{response:?}");
    assert!(!upstream.has_been_called());
}

#[rstest]
fn the_upstream_is_told_before_the_request(
    #[values("v1", "v2")] version: &str,
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let arguments = ["--proxy-protocol", "--upstream-proxy-protocol", version];
    let gate = Gate::in_mode(mode, upstream.address, &arguments);
    let mut client = connect(&gate);
    client
        .write_all(&[V1, REQUEST.as_bytes()].concat())
        .unwrap();
    let mut server = upstream.accept();
    let expected: &[u8] = match version {
        "v1" => V1,
        _ => b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x15\xb3\x01\xbb",
    };
    let mut header = vec![0; expected.len()];
    server.read_exact(&mut header).unwrap();
    assert_eq!(header, expected);
    let mut method = [0; 4];
    server.read_exact(&mut method).unwrap();
    assert_eq!(&method, b"GET ");
}
