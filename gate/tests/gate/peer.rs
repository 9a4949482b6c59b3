//! Peers of the gate: clients and upstreams on the native engine.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Instant as Time;

use websocket_component::handshake::ResponseHead;
use websocket_component::handshake::{Acceptance, Header, Refusal, Request, RequestHead};
use websocket_component::{Config, Event, Instant, Message, Role, Rule, Session, State};

use crate::process::{Gate, PATIENCE};

/// A request in raw bytes.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// What a peer received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    /// The session has ended with this rule.
    Failed(Rule),
    /// The closing handshake is complete, and the other side has ended the connection.
    End,
}

/// The initial time of a peer's clock.
const START: Instant = Instant::from_nanos(0);

/// One end of a WebSocket.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) session: Session,
    started: Time,
    input: Vec<u8>,
    got: std::collections::VecDeque<Got>,
    arrived: bool,
}

/// The settings of a peer: it reports everything, and only answers.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.report_control_frames = true;
    config.timeouts.keepalive = None;
    config.limits.head = 1 << 20;
    config.limits.headers = 1000;
    config.limits.message = 1 << 30;
    config.limits.frame = 1 << 30;
    config.limits.queued_output = 1 << 30;
    config
}

impl Peer {
    pub(crate) fn new(stream: TcpStream, session: Session) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            session,
            started: Time::now(),
            input: Vec::new(),
            got: std::collections::VecDeque::new(),
            arrived: false,
        }
    }

    /// A client that asks for `/`.
    pub(crate) fn connect(gate: &Gate) -> Self {
        Self::ask(gate, request(gate, "/"))
    }

    /// Returns a client that has sent its request.
    pub(crate) fn ask(gate: &Gate, request: Request) -> Self {
        let session = Session::client(config(), &[7; 32], START).unwrap();
        let mut peer = Self::new(TcpStream::connect(gate.address).unwrap(), session);
        peer.session.connect(&request, START).unwrap();
        peer.flush();
        peer
    }

    /// Waits until the client is open, and returns the response.
    pub(crate) fn opened(&mut self) -> ResponseHead {
        assert!(self.is_accepted(), "{:?}", self.session.response());
        self.session.response().unwrap().clone()
    }

    /// Waits until a request has arrived.
    pub(crate) fn arrives(&mut self) {
        while !self.arrived {
            assert!(self.read(), "no request");
        }
    }

    /// Waits until the client is accepted or refused.
    pub(crate) fn is_accepted(&mut self) -> bool {
        while !self.arrived && self.read() {}
        self.arrived
    }

    /// Waits until the client is refused, and returns the response.
    pub(crate) fn refused(&mut self) -> ResponseHead {
        while self.read() {
            assert!(!self.arrived, "accepted");
        }
        self.session.response().unwrap().clone()
    }

    pub(crate) fn send(&mut self, message: Message<'_>) {
        self.session.send(message, None, self.now()).unwrap();
        self.flush();
    }

    /// Returns what is received next.
    pub(crate) fn receive(&mut self) -> Got {
        while self.got.is_empty() {
            if !self.read() {
                let ended = self
                    .session
                    .failure()
                    .map_or(Got::End, |failure| Got::Failed(failure.rule));
                self.got.push_back(ended);
            }
        }
        self.got.pop_front().unwrap()
    }

    /// Reads once. Returns whether there was anything to read.
    fn read(&mut self) -> bool {
        let mut buffer = vec![0; 65_536];
        let count = match self.stream.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing comes: {error}"),
        };
        if count == 0 {
            self.session.end_of_input(self.now());
            return false;
        }
        self.input.extend_from_slice(&buffer[..count]);
        self.work();
        true
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(self.started.elapsed().as_nanos() as u64)
    }

    /// Passes what was read to the session.
    pub(crate) fn work(&mut self) {
        let now = self.now();
        let mut events = self.session.input(&mut self.input, now);
        while let Some(event) = events.next() {
            let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
            self.got.push_back(match event {
                Event::Request | Event::Opened => {
                    self.arrived = true;
                    continue;
                }
                Event::Text { payload, .. } => Got::Text(text(payload)),
                Event::Binary { payload, .. } => Got::Binary(payload.to_vec()),
                Event::Ping { payload } => Got::Ping(payload.to_vec()),
                Event::Pong { payload, .. } => Got::Pong(payload.to_vec()),
                Event::Close { code, reason } => Got::Close(code, text(reason)),
                other => panic!("not asked for: {other:?}"),
            });
        }
        let consumed = events.consumed();
        self.input.drain(..consumed);
        self.flush();
    }

    pub(crate) fn flush(&mut self) {
        let output = self.session.take_output(usize::MAX, self.now());
        // A lost connection is noticed by the next read.
        let _ = self.stream.write_all(&output);
        // A server ends the connection (RFC 6455, section 7.1.1).
        let has_ended = matches!(self.session.state(), State::Draining | State::Closed);
        if self.session.role() == Role::Server && has_ended {
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    /// Reads this many raw bytes.
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads raw bytes: at least this many, and what else is there.
    pub(crate) fn receive_raw(&mut self, least: usize) -> Vec<u8> {
        let mut raw = Vec::new();
        let mut buffer = vec![0; 65_536];
        while raw.len() < least {
            let count = self.stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "only {} bytes came", raw.len());
            raw.extend_from_slice(&buffer[..count]);
        }
        raw
    }

    /// Writes raw bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }
}

/// A server that the gate connects to.
pub(crate) struct Upstream {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Upstream {
    pub(crate) fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// The next connection, raw.
    pub(crate) fn accept(&self) -> TcpStream {
        let end = Time::now() + PATIENCE;
        self.listener.set_nonblocking(true).unwrap();
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Time::now() < end, "the gate doesn't connect");
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        };
        self.listener.set_nonblocking(false).unwrap();
        stream.set_nonblocking(false).unwrap();
        stream
    }

    /// The next connection, raw, after the head of its request.
    pub(crate) fn asked(&self) -> TcpStream {
        let mut stream = self.accept();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend_from_slice(&byte);
        }
        stream
    }

    /// Whether a connection waits to be accepted.
    pub(crate) fn has_been_called(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        let waiting = self.listener.accept();
        self.listener.set_nonblocking(false).unwrap();
        waiting.is_ok()
    }

    /// The next connection and its request, which is not answered yet.
    pub(crate) fn request(&self) -> (Peer, RequestHead) {
        let mut peer = Peer::new(self.accept(), Session::server(config(), START).unwrap());
        peer.arrives();
        let request = peer.session.request().unwrap().clone();
        (peer, request)
    }

    /// The next connection, accepted.
    pub(crate) fn open(&self) -> Peer {
        let (mut peer, _) = self.request();
        peer.accept(&Acceptance::default());
        peer
    }
}

impl Peer {
    pub(crate) fn accept(&mut self, acceptance: &Acceptance) {
        self.session.accept(acceptance, self.now()).unwrap();
        self.work();
    }

    /// Accepts with one more field, whether it is allowed or not.
    pub(crate) fn accept_with(&mut self, field: &str) {
        let now = self.now();
        self.session.accept(&Acceptance::default(), now).unwrap();
        let mut response = self.session.take_output(usize::MAX, now);
        response.truncate(response.len() - b"\r\n".len());
        response.extend_from_slice(format!("{field}\r\n\r\n").as_bytes());
        self.write(&response);
    }

    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        self.session.refuse(refusal, self.now()).unwrap();
        self.flush();
    }
}

/// A request for this target.
pub(crate) fn request(gate: &Gate, target: &str) -> Request {
    Request::new(gate.address.to_string(), target)
}

/// A client and an upstream with the gate between them.
pub(crate) fn pair(gate: &Gate, upstream: &Upstream) -> (Peer, Peer) {
    let mut client = Peer::connect(gate);
    let server = upstream.open();
    client.opened();
    (client, server)
}

pub(crate) fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
    let header = |(name, value): &(&str, &str)| Header::new(*name, *value);
    fields.iter().map(header).collect()
}

/// The values of the fields of this name.
pub(crate) fn values(headers: &[Header], name: &str) -> Vec<String> {
    let named = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name));
    named
        .map(|header| String::from_utf8(header.value.clone()).unwrap())
        .collect()
}

/// Reads to the end of the stream.
pub(crate) fn rest(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}
