//! A peer in this process: the native engine on a tokio socket, and an echo server of such peers.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Config, Event, Message, Rule, Session, State, Timeouts};

/// What was received, except for pings.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    /// With its code, 1005 if it holds none.
    Close(u16),
}

/// A connection of this process.
pub struct Peer {
    socket: TcpStream,
    session: Session,
    started: Instant,
    unread: Vec<u8>,
    received: VecDeque<Received>,
    /// How many pings came, each of which was answered.
    pub pings: usize,
}

impl Peer {
    /// A client whose connection is open.
    ///
    /// # Errors
    ///
    /// There is nobody at the address, or the handshake fails.
    pub async fn connect(address: SocketAddr) -> io::Result<Peer> {
        let started = Instant::now();
        let now = since(started);
        let mut session = Session::client(config(), &[7; 32], now).map_err(broken)?;
        let request = Request::new(address.to_string(), "/");
        session.connect(&request, now).map_err(broken)?;
        Peer::open(TcpStream::connect(address).await?, session, started).await
    }

    /// A server whose connection is open.
    ///
    /// # Errors
    ///
    /// The handshake fails.
    pub async fn accept(socket: TcpStream) -> io::Result<Peer> {
        let started = Instant::now();
        let session = Session::server(config(), since(started)).map_err(broken)?;
        Peer::open(socket, session, started).await
    }

    async fn open(socket: TcpStream, session: Session, started: Instant) -> io::Result<Peer> {
        socket.set_nodelay(true)?;
        let mut peer = Peer {
            socket,
            session,
            started,
            unread: Vec::new(),
            received: VecDeque::new(),
            pings: 0,
        };
        while peer.session.state() == State::Connecting {
            peer.exchange().await?;
        }
        match peer.session.failure() {
            Some(failure) => Err(broken(failure.rule)),
            None => Ok(peer),
        }
    }

    /// Queues a message, and writes what the socket takes at once; [`receive`](Self::receive) and
    /// [`flush`](Self::flush) write the rest.
    ///
    /// # Errors
    ///
    /// The message breaks a rule, or the connection is lost.
    pub fn send(&mut self, message: Message<'_>) -> io::Result<()> {
        let now = since(self.started);
        self.session.send(message, None, now).map_err(broken)?;
        self.write()
    }

    /// Writes all that is queued, and reads nothing meanwhile.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.session.output().is_empty() {
            self.socket.writable().await?;
            self.write()?;
        }
        Ok(())
    }

    /// The next message. After a close, or a connection that breaks off, there is an error.
    ///
    /// Nothing is lost if it is dropped before it is done.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub async fn receive(&mut self) -> io::Result<Received> {
        loop {
            if let Some(received) = self.received.pop_front() {
                return Ok(received);
            }
            self.exchange().await?;
        }
    }

    /// Waits until the socket takes or gives something.
    async fn exchange(&mut self) -> io::Result<()> {
        let interest = match self.session.output().is_empty() {
            true if matches!(self.session.state(), State::Draining | State::Closed) => {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            true => Interest::READABLE,
            false => Interest::READABLE | Interest::WRITABLE,
        };
        let ready = self.socket.ready(interest).await?;
        if ready.is_readable() {
            match self.socket.try_read_buf(&mut self.unread) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => self.take()?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        self.write()
    }

    /// Takes what was read, and answers a request.
    fn take(&mut self) -> io::Result<()> {
        loop {
            let now = since(self.started);
            let mut requested = false;
            let mut events = self.session.input(&mut self.unread, now);
            while let Some(event) = events.next() {
                let received = match event {
                    Event::Text { payload, .. } => {
                        Received::Text(String::from_utf8_lossy(payload).into_owned())
                    }
                    Event::Binary { payload, .. } => Received::Binary(payload.to_vec()),
                    Event::Pong { payload, .. } => Received::Pong(payload.to_vec()),
                    Event::Close { code, .. } => Received::Close(code),
                    Event::Ping { .. } => {
                        self.pings += 1;
                        continue;
                    }
                    Event::Request => {
                        requested = true;
                        continue;
                    }
                    Event::Opened => continue,
                    other => panic!("not asked for: {other:?}"),
                };
                self.received.push_back(received);
            }
            let consumed = events.consumed();
            self.unread.drain(..consumed);
            if requested {
                let accepted = self.session.accept(&Acceptance::default(), now);
                accepted.map_err(broken)?;
            } else if !self.session.has_more() {
                return Ok(());
            }
        }
    }

    /// Writes what the socket takes now.
    fn write(&mut self) -> io::Result<()> {
        loop {
            let output = self.session.output();
            if output.is_empty() {
                return Ok(());
            }
            match self.socket.try_write(output) {
                Ok(count) => self.session.advance(count, since(self.started)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The reading of a clock that showed 0 at `started`.
fn since(started: Instant) -> websocket_component::Instant {
    let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    websocket_component::Instant::from_nanos(nanos)
}

/// Starts an echo server on its own port, which runs as long as the runtime.
///
/// # Errors
///
/// It can't listen.
pub fn echo_server(runtime: &Runtime) -> io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(echo(socket));
        }
    });
    Ok(address)
}

/// Reads more only when earlier echoes are written, so that a client that doesn't read has to wait.
async fn echo(socket: TcpStream) -> io::Result<()> {
    let mut peer = Peer::accept(socket).await?;
    loop {
        match peer.receive().await? {
            Received::Text(text) => peer.send(Message::Text(&text))?,
            Received::Binary(bytes) => peer.send(Message::Binary(&bytes))?,
            Received::Pong(_) | Received::Close(_) => {}
        }
        peer.flush().await?;
    }
}

/// No deadlines: those are the gate's.
fn config() -> Config {
    let mut config = Config::default();
    config.report_control_frames = true;
    let Timeouts {
        handshake,
        message,
        keepalive,
        pong,
        close,
        ..
    } = &mut config.timeouts;
    for deadline in [handshake, message, keepalive, pong, close] {
        *deadline = None;
    }
    config
}

fn broken(rule: Rule) -> io::Error {
    io::Error::other(format!("{rule:?}"))
}
