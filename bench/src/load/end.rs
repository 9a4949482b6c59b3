//! One socket: its handshake, reads and writes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use host_tests::heads;
use mio::net::TcpStream;
use mio::{Interest, Poll, Token};
use socket2::SockRef;
use websocket_component::Role;
use websocket_host::tls::rustls::{ClientConnection, StreamOwned};

use super::check::Check;
use super::content::Content;

/// The result of handling one socket.
#[derive(Default)]
pub(super) struct Done {
    pub(super) opened: bool,
    /// Messages that were received.
    pub(super) messages: u64,
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Socket {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    /// Flushes what TLS has buffered.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

pub(super) struct End {
    /// A server echoes.
    role: Role,
    socket: Socket,
    /// The part of the other side's head that has arrived, until it is complete.
    head: Option<Vec<u8>>,
    /// The rest of its own head to write.
    greeting: Vec<u8>,
    check: Check,
    /// The position of the next byte in the cycle of frames, and how many bytes are to be written.
    place: usize,
    owed: usize,
    /// How many messages may be in flight, when a client sends unprompted.
    pub(super) window: u64,
    sent: u64,
    received: u64,
    /// When those in flight were scheduled to be sent.
    pub(super) scheduled: VecDeque<Instant>,
}

impl End {
    pub(super) fn new(
        role: Role,
        mut socket: TcpStream,
        tls: Option<ClientConnection>,
        token: Token,
        poll: &Poll,
    ) -> Result<Self> {
        // Closed with a reset, so that its port is free at once: there are more connections than ports.
        SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, token, interest)?;
        Ok(Self {
            role,
            socket: match tls {
                None => Socket::Plain(socket),
                Some(tls) => Socket::Tls(Box::new(StreamOwned::new(tls, socket))),
            },
            head: Some(Vec::new()),
            greeting: match role {
                Role::Client => heads::request(),
                Role::Server => Vec::new(),
            },
            check: Check::default(),
            place: 0,
            owed: 0,
            window: 0,
            sent: 0,
            received: 0,
            scheduled: VecDeque::new(),
        })
    }

    /// How many messages of a client are in flight.
    pub(super) fn under_way(&self) -> u64 {
        self.sent - self.received
    }

    /// Sends this many messages.
    pub(super) fn send(&mut self, messages: u64, content: &Content) -> Result<()> {
        self.sent += messages;
        self.owed += usize::try_from(messages)? * self.frames(content).len() / content.count();
        self.write(content)
    }

    /// Reads and writes what the socket is ready for.
    pub(super) fn go_on(
        &mut self,
        is_readable: bool,
        content: &Content,
        buffer: &mut [u8],
    ) -> Result<Done> {
        self.greet()?;
        self.write(content)?;
        let mut done = Done::default();
        if !is_readable {
            return Ok(done);
        }
        loop {
            let count = match self.socket.read(buffer) {
                Ok(0) => bail!("the connection has ended"),
                Ok(count) => count,
                Err(error) if is_for_later(&error) => break,
                Err(error) => return Err(error.into()),
            };
            let mut bytes = &buffer[..count];
            if self.head.is_some() {
                done.opened |= self.shake_hands(&mut bytes)?;
            }
            let came = self.check.feed(bytes, content)?;
            self.received += came;
            done.messages += came;
            self.answer(came, content)?;
            // A socket that filled less than the buffer is drained; TLS returns a record at a time.
            if count < buffer.len() && matches!(self.socket, Socket::Plain(_)) {
                break;
            }
        }
        Ok(done)
    }

    /// A server echoes what it received; a client keeps its window full, but doesn't write for every message.
    fn answer(&mut self, came: u64, content: &Content) -> Result<()> {
        match self.role {
            Role::Server if came > 0 => self.send(came, content),
            Role::Client if self.under_way() <= self.window / 2 && self.window > 0 => {
                self.send(self.window - self.under_way(), content)
            }
            _ => Ok(()),
        }
    }

    /// Takes bytes of a head. Returns whether it is complete.
    fn shake_hands(&mut self, bytes: &mut &[u8]) -> Result<bool> {
        let Some(head) = &mut self.head else {
            return Ok(false);
        };
        let before = head.len();
        head.extend_from_slice(bytes);
        let Some(end) = heads::end(head) else {
            *bytes = &[];
            return Ok(false);
        };
        *bytes = &bytes[end - before..];
        head.truncate(end);
        let head = String::from_utf8(self.head.take().unwrap_or_default())?;
        match self.role {
            Role::Client => ensure!(head.starts_with("HTTP/1.1 101 "), "refused: {head}"),
            Role::Server => {
                let key = heads::field(&head, "Sec-WebSocket-Key").context("no key")?;
                self.greeting = heads::response_to(key);
                self.greet()?;
            }
        }
        Ok(true)
    }

    /// Writes what is left of the head.
    fn greet(&mut self) -> Result<()> {
        while !self.greeting.is_empty() {
            match self.socket.write(&self.greeting) {
                Ok(count) => drop(self.greeting.drain(..count)),
                Err(error) if is_for_later(&error) => break,
                Err(error) => return Err(error.into()),
            }
            // Small messages are sent at once; only a connected socket takes this option.
            self.socket.tcp().set_nodelay(true)?;
        }
        Ok(())
    }

    fn frames<'c>(&self, content: &'c Content) -> &'c [u8] {
        match self.role {
            Role::Client => &content.from_client,
            Role::Server => &content.from_server,
        }
    }

    /// Writes what is pending, as far as the socket accepts it.
    fn write(&mut self, content: &Content) -> Result<()> {
        match self.socket.flush() {
            Err(error) if !is_for_later(&error) => return Err(error.into()),
            _ => {}
        }
        let frames = self.frames(content);
        while self.owed > 0 {
            let end = frames.len().min(self.place + self.owed);
            match self.socket.write(&frames[self.place..end]) {
                Ok(count) => {
                    self.owed -= count;
                    self.place = (self.place + count) % frames.len();
                }
                Err(error) if is_for_later(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The socket isn't ready, or not even connected.
fn is_for_later(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}
