//! A peer in the test itself: the native engine on a socket of tokio's.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Config, Event, Message, Rule, Session, State, Timeouts};

/// What came, but for the pings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Close(u16),
}

/// A connection of this process.
pub(crate) struct Peer {
    socket: TcpStream,
    session: Session,
    started: Instant,
    unread: Vec<u8>,
    received: VecDeque<Received>,
    /// How many pings came, each of which was answered.
    pub(crate) pings: usize,
}

impl Peer {
    /// A client whose connection is open.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Peer> {
        let mut session = Session::client(config(), &[7; 32]).map_err(broken)?;
        let request = Request::new(address.to_string(), "/");
        session.connect(&request).map_err(broken)?;
        Peer::open(TcpStream::connect(address).await?, session).await
    }

    /// A server whose connection is open.
    pub(crate) async fn accept(socket: TcpStream) -> io::Result<Peer> {
        Peer::open(socket, Session::server(config()).map_err(broken)?).await
    }

    async fn open(socket: TcpStream, session: Session) -> io::Result<Peer> {
        socket.set_nodelay(true)?;
        let mut peer = Peer {
            socket,
            session,
            started: Instant::now(),
            unread: Vec::new(),
            received: VecDeque::new(),
            pings: 0,
        };
        peer.write().await?;
        while peer.session.state() == State::Connecting {
            peer.read().await?;
        }
        match peer.session.failure() {
            Some(rule) => Err(broken(rule)),
            None => Ok(peer),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        let message = Message::Text(text);
        self.session.send(message, None).map_err(broken)?;
        self.write().await
    }

    /// The next message. After a close, or a connection that breaks off, there is an error.
    ///
    /// Nothing is lost if it is dropped before it is done.
    pub(crate) async fn receive(&mut self) -> io::Result<Received> {
        loop {
            if let Some(received) = self.received.pop_front() {
                return Ok(received);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.session.state() == State::Closed {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        // What was to be written when a call was dropped.
        self.write().await?;
        if self.socket.read_buf(&mut self.unread).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.take()?;
        self.write().await
    }

    /// Takes what was read, and answers a request.
    fn take(&mut self) -> io::Result<()> {
        loop {
            let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let now = websocket_component::Instant::from_nanos(nanos);
            let mut requested = false;
            let mut turn = self.session.input(&mut self.unread, now);
            while let Some(event) = turn.next() {
                match event {
                    Event::Text { payload, .. } => {
                        let text = String::from_utf8_lossy(payload).into_owned();
                        self.received.push_back(Received::Text(text));
                    }
                    Event::Close { code, .. } => self.received.push_back(Received::Close(code)),
                    Event::Ping { .. } => self.pings += 1,
                    Event::Request => requested = true,
                    _ => {}
                }
            }
            let consumed = turn.consumed();
            self.unread.drain(..consumed);
            if !requested {
                return Ok(());
            }
            self.session
                .accept(&Acceptance::default())
                .map_err(broken)?;
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        loop {
            let output = self.session.output();
            if output.is_empty() {
                return Ok(());
            }
            let count = self.socket.write(output).await?;
            self.session.advance(count);
        }
    }
}

/// Sends everything back, from a port of its own, as long as the runtime runs.
pub(crate) fn echo_server(runtime: &Runtime) -> io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(echo(socket));
        }
    });
    Ok(address)
}

async fn echo(socket: TcpStream) -> io::Result<()> {
    let mut peer = Peer::accept(socket).await?;
    loop {
        if let Received::Text(text) = peer.receive().await? {
            peer.send(&text).await?;
        }
    }
}

/// No deadlines: those are the gate's.
fn config() -> Config {
    let mut config = Config::default();
    config.show_control = true;
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
