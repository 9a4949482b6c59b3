//! The native engine on a socket of tokio's.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{self, timeout, timeout_at};
use websocket_component::handshake::{Acceptance, Header, Request};
use websocket_component::{Event, Instant, Role, Rule, Session, State};
use websocket_host::protocol::{CloseFrame, Config, NO_CODE};
use websocket_host::stream::Message;
use websocket_host::stream::http::Uri;

use crate::connection::{self, SERVER};

/// The most that is read at once.
const READ: usize = 64 << 10;

/// The longest that the end of the transport may take.
const END_TIME: Duration = Duration::from_secs(10);

/// When there is no deadline at all.
const FAR: Duration = Duration::from_secs(86_400);

/// A session and its socket.
pub(crate) struct Connection {
    socket: TcpStream,
    session: Session,
    started: time::Instant,
    unread: Vec<u8>,
    received: VecDeque<Message>,
    is_over: bool,
}

impl Connection {
    /// A client's connection, open.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let url: Uri = url.parse()?;
        ensure!(
            url.scheme_str() == Some("ws"),
            "the scheme of {url} is not ws"
        );
        let authority = url.authority().context("the URL names no server")?.as_str();
        let target = url.path_and_query().map_or("/", |target| target.as_str());
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let started = time::Instant::now();
        let mut session = Session::client(config(Role::Client), &entropy, since(started))?;
        session.connect(&Request::new(authority, target), since(started))?;
        let socket = TcpStream::connect(authority).await?;
        socket.set_nodelay(true)?;
        Self::open(socket, session, started).await
    }

    /// A server's connection, open.
    pub(crate) async fn accept(socket: TcpStream) -> Result<Self> {
        let started = time::Instant::now();
        let session = Session::server(config(Role::Server), since(started))?;
        Self::open(socket, session, started).await
    }

    async fn open(socket: TcpStream, session: Session, started: time::Instant) -> Result<Self> {
        let mut connection = Self {
            socket,
            session,
            started,
            unread: Vec::new(),
            received: VecDeque::new(),
            is_over: false,
        };
        while connection.session.state() == State::Connecting {
            connection.step().await?;
        }
        match connection.session.negotiated() {
            Some(_) => Ok(connection),
            None => Err(connection
                .end()
                .await
                .unwrap_or(Rule::ConnectionLost)
                .into()),
        }
    }

    /// The next message, or none at an end in good order. The transport is closed then, and after an error.
    pub(crate) async fn receive(&mut self) -> Result<Option<Message>> {
        loop {
            if let Some(message) = self.received.pop_front() {
                if let Message::Close(frame) = &message {
                    let answer = frame.as_ref().map(|frame| CloseFrame {
                        code: frame.code,
                        reason: String::new(),
                    });
                    // Behind the answers to what came before. It may have been broken off meanwhile.
                    let _ = self.send(&Message::Close(answer)).await;
                }
                return Ok(Some(message));
            }
            if self.is_done() {
                return self.end().await.map_or(Ok(None), |rule| Err(rule.into()));
            }
            self.step().await?;
        }
    }

    /// Whether nothing more is to be written, and what is read counts for nothing.
    fn is_done(&self) -> bool {
        matches!(self.session.state(), State::Draining | State::Closed)
    }

    /// Sends a message, and waits until it is written.
    pub(crate) async fn send(&mut self, message: &Message) -> Result<()> {
        use websocket_component::Message as Outgoing;
        let outgoing = match message {
            Message::Text(text) => Outgoing::Text(text),
            Message::Binary(bytes) => Outgoing::Binary(bytes),
            Message::Ping(bytes) => Outgoing::Ping(bytes),
            Message::Pong(bytes) => Outgoing::Pong(bytes),
            Message::Close(None) => Outgoing::Close,
            Message::Close(Some(frame)) => Outgoing::CloseWith(frame.code, frame.reason.as_bytes()),
        };
        self.session.send(outgoing, None, since(self.started))?;
        self.write().await
    }

    /// Writes what waits, then waits for input or for what is due.
    async fn step(&mut self) -> Result<()> {
        self.write().await?;
        if self.is_done() {
            return Ok(());
        }
        if self.session.has_more() {
            self.take()?;
            return self.write().await;
        }
        let deadline = match self.session.next_deadline() {
            Some(at) => self.started + Duration::from_nanos(at.as_nanos()),
            None => time::Instant::now() + FAR,
        };
        self.unread.reserve(READ);
        let read = timeout_at(deadline, self.socket.read_buf(&mut self.unread)).await;
        match read.ok().transpose()? {
            None => self.take()?,
            Some(0) => self.session.end_of_input(since(self.started)),
            Some(_) => self.take()?,
        }
        self.write().await
    }

    /// Takes what was read, and answers a request.
    fn take(&mut self) -> Result<()> {
        loop {
            let now = since(self.started);
            let mut requested = false;
            let mut events = self.session.input(&mut self.unread, now);
            while let Some(event) = events.next() {
                match event {
                    Event::Text { payload, .. } => {
                        let text = String::from_utf8(payload.to_vec())?;
                        self.received.push_back(Message::text(text));
                    }
                    Event::Binary { payload, .. } => {
                        self.received.push_back(Message::binary(payload.to_vec()));
                    }
                    Event::Close { code, .. } => {
                        let reason = String::new();
                        let frame = (code != NO_CODE).then_some(CloseFrame { code, reason });
                        self.received.push_back(Message::Close(frame));
                    }
                    Event::Request => requested = true,
                    _ => {}
                }
            }
            let consumed = events.consumed();
            self.unread.drain(..consumed);
            // A rule that was broken behind a message ends the session in the next call: the message is answered first.
            if !requested && (!self.session.has_more() || !self.received.is_empty()) {
                return Ok(());
            }
            if !requested {
                continue;
            }
            let headers = vec![Header::new("Server", SERVER)];
            let acceptance = Acceptance {
                headers,
                ..Acceptance::default()
            };
            self.session.accept(&acceptance, since(self.started))?;
        }
    }

    async fn write(&mut self) -> Result<()> {
        loop {
            let output = self.session.output();
            if output.is_empty() {
                return Ok(());
            }
            let count = self.socket.write(output).await?;
            self.session.advance(count, since(self.started));
        }
    }

    /// Ends the transport, and gives the rule that ended the session. A socket that is closed with input unread resets the
    /// connection, and a reset can overtake the last bytes: so what still comes is read. A client whose session ended
    /// well lets the server close first (RFC 6455, section 7.1.1).
    async fn end(&mut self) -> Option<Rule> {
        let failure = self.session.failure().map(|failure| failure.rule);
        if !self.is_over {
            self.is_over = true;
            let is_first = self.session.role() == Role::Server || failure.is_some();
            // Errors of the transport concern nobody any more.
            let _ = timeout(END_TIME, hang_up(&mut self.socket, is_first)).await;
        }
        failure
    }
}

/// A close frame may come in one read with messages: it is answered behind the answers to them.
fn config(role: Role) -> Config {
    let mut config = connection::config(role);
    config.reply_to_close = false;
    config
}

/// The reading of a clock that showed 0 at `started`.
fn since(started: time::Instant) -> Instant {
    let nanos = started.elapsed().as_nanos();
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

async fn hang_up(socket: &mut TcpStream, is_first: bool) -> std::io::Result<()> {
    if is_first {
        socket.shutdown().await?;
    }
    let mut rest = [0; 4096];
    while socket.read(&mut rest).await? > 0 {}
    socket.shutdown().await
}
