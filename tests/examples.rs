//! The examples as programs: on loopback, with each other.
//!
//! `cargo test` builds them before it runs this. If it is asked for this test alone it doesn't:
//! `cargo test --examples --test examples` does both.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// An example, which cargo builds beside the tests.
fn example(name: &str) -> Command {
    let test = env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("it is in target/PROFILE/deps");
    let mut path = PathBuf::from(profile);
    path.extend(["examples", name]);
    path.set_extension(env::consts::EXE_EXTENSION);
    assert!(path.exists(), "cargo build --examples makes {name}");
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// A server that runs until the end of its test.
struct Server {
    child: Child,
    address: String,
    lines: Receiver<String>,
}

impl Server {
    fn start(name: &str, args: &[&str]) -> Server {
        let mut child = example(name).args(args).spawn().expect("it starts");
        let lines = lines(child.stdout.take().expect("it is piped"));
        let first = lines.recv_timeout(PATIENCE).expect("it listens");
        let address = first.strip_prefix("listening on ").expect("it tells where");
        let address = address.to_owned();
        Server {
            child,
            address,
            lines,
        }
    }

    fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// Returns how the next connection ended.
    fn ending(&self) -> String {
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .expect("a connection ends");
        let (peer, ending) = line.split_once(": ").expect("a peer, and how it ended");
        assert!(peer.parse::<SocketAddr>().is_ok(), "{line}");
        ending.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a program, as they come.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (line, lines) = channel();
    thread::spawn(move || {
        let mut sent = BufReader::new(stdout).lines().map_while(Result::ok);
        sent.try_for_each(|text| line.send(text))
    });
    lines
}

/// Runs a client to its end.
fn client(args: &[&str], input: Vec<u8>) -> Output {
    let mut command = example("client");
    command
        .args(args)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may end without reading all of it.
    thread::spawn(move || stdin.write_all(&input).is_ok());
    finish(child)
}

/// Waits for a program's end, and for all that it prints.
fn finish(mut child: Child) -> Output {
    let stdout = read_all(child.stdout.take().expect("it is piped"));
    let stderr = read_all(child.stderr.take().expect("it is piped"));
    let status = wait(&mut child);
    Output {
        status,
        stdout: stdout.recv_timeout(PATIENCE).expect("it ends"),
        stderr: stderr.recv_timeout(PATIENCE).expect("it ends"),
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (done, bytes) = channel();
    thread::spawn(move || {
        let mut read = Vec::new();
        let _ = pipe.read_to_end(&mut read);
        done.send(read)
    });
    bytes
}

fn wait(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("it is a child") {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("it doesn't end");
}

#[track_caller]
fn assert_prints(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((&*printed, &*errors), (stdout, stderr));
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn messages_come_back_and_the_connection_closes_on_both_sides() {
    let server = Server::start("echo_server", &[]);
    let output = client(&[&server.url(), "one", "zwölf", ""], Vec::new());
    assert_prints(&output, 0, "one\nzwölf\n\n", "closed with 1000\n");
    assert_eq!(server.ending(), "closed with 1000");
}

#[test]
fn lines_of_the_input_are_messages() {
    let server = Server::start("echo_server", &[]);
    let lines: String = (0..3000).map(|number| format!("line {number}\n")).collect();
    let output = client(&[&server.url()], lines.clone().into());
    assert_prints(&output, 0, &lines, "closed with 1000\n");
}

#[test]
fn a_relay_passes_on_messages_and_closes_both_sides() {
    let server = Server::start("echo_server", &[]);
    let relay = Server::start("relay", &[&server.address]);
    let output = client(&[&relay.url(), "one", "two"], Vec::new());
    assert_prints(&output, 0, "one\ntwo\n", "closed with 1000\n");
    assert_eq!(relay.ending(), "closed with 1000, 1000");
    assert_eq!(server.ending(), "closed with 1000");
}

#[test]
fn a_relay_passes_on_more_than_it_keeps() {
    let server = Server::start("echo_server", &[]);
    let relay = Server::start("relay", &[&server.address]);
    let mut lines = "a".repeat(3 << 20);
    lines.push('\n');
    lines.push_str(&"b\n".repeat(10_000));
    let output = client(&[&relay.url()], lines.clone().into());
    assert!(output.stdout == lines.as_bytes(), "it comes back as it was");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(server.ending(), "closed with 1000");
}

#[test]
fn a_client_that_is_killed_ends_its_connection() {
    let server = Server::start("echo_server", &[]);
    let relay = Server::start("relay", &[&server.address]);
    for url in [server.url(), relay.url()] {
        let mut client = example("client");
        let mut client = client
            .arg(url)
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = client.stdin.take().expect("it is piped");
        stdin.write_all(b"hello\n").expect("it reads");
        let lines = lines(client.stdout.take().expect("it is piped"));
        assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("hello"));
        client.kill().expect("it runs");
        wait(&mut client);
    }
    assert!(server.ending().contains("before the closing handshake"));
    // The relay tells the server why.
    assert_eq!(server.ending(), "closed with 1011");
    assert_eq!(relay.ending(), "closed with 1006, 1011");
}

#[test]
fn a_peer_that_speaks_no_websocket_is_answered() {
    let server = Server::start("echo_server", &[]);
    let mut socket = TcpStream::connect(&server.address).expect("it listens");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("it is a socket");
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("it is read");
    let mut response = String::new();
    socket
        .read_to_string(&mut response)
        .expect("it is a response");
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    drop(socket);
    assert!(server.ending().contains("Upgrade"));
}

#[test]
fn a_peer_that_ends_its_stream_behind_its_close_still_gets_its_answers() {
    let server = Server::start("echo_server", &[]);
    let mut socket = TcpStream::connect(&server.address).expect("it listens");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("it is a socket");
    // The request, a text and a close frame, both masked with the key 0.
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let frames = b"\x81\x85\0\0\0\0Hello\x88\x82\0\0\0\0\x03\xe8";
    let input = [request.as_bytes(), frames].concat();
    socket.write_all(&input).expect("it is read");
    socket.shutdown(Shutdown::Write).expect("it is connected");
    let mut response = Vec::new();
    socket.read_to_end(&mut response).expect("it is a response");
    assert!(response.starts_with(b"HTTP/1.1 101 "));
    assert!(response.ends_with(b"\r\n\r\n\x81\x05Hello\x88\x02\x03\xe8"));
    assert_eq!(server.ending(), "closed with 1000");
}

#[test]
fn an_upstream_that_refuses_is_a_bad_gateway() {
    let upstream = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = upstream.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        let (mut socket, _) = upstream.accept().expect("a connection");
        let mut request = [0; 1024];
        let _ = socket.read(&mut request);
        let _ = socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let relay = Server::start("relay", &[&address]);
    let url = relay.url();
    let output = client(&[&url, "hello"], Vec::new());
    let error = format!("client: {url}: the server answered with status 502\n");
    assert_prints(&output, 1, "", &error);
}

#[test]
fn an_upstream_that_is_not_there_ends_the_connection() {
    let relay = Server::start("relay", &["127.0.0.1:1"]);
    let output = client(&[&relay.url(), "hello"], Vec::new());
    assert_eq!(output.status.code(), Some(1));
    assert!(relay.ending().contains("refused"));
}

#[test]
fn what_a_server_is_given_wrong_it_says_in_one_line() {
    for (name, args) in [("echo_server", ["nowhere"]), ("relay", ["nowhere"])] {
        let mut command = example(name);
        let child = command.args(args).stderr(Stdio::piped()).spawn();
        let output = finish(child.expect("it starts"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn what_a_client_is_given_wrong_it_says_in_one_line() {
    for (url, code) in [
        ("http://127.0.0.1/", 2),
        ("ws://", 2),
        ("ws:///path", 2),
        ("ws://127.0.0.1:1/#fragment", 2),
        ("ws://127.0.0.1:1/a b", 1),
        ("ws://127.0.0.1:99999/", 1),
        ("ws://127.0.0.1:1/", 1),
    ] {
        let output = client(&[url, "hello"], Vec::new());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{url}: {error}");
        assert!(error.starts_with(&format!("client: {url}: ")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let output = client(&[], Vec::new());
    assert_eq!(output.status.code(), Some(2));
}
