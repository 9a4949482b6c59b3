//! A session with its socket, and the threads that block in its place: one that reads, one that writes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use std::{mem, thread};

use websocket_component::handshake::Refusal;
use websocket_component::{Instant, Message, Session, State};

/// How much is kept for a socket before the other one is no longer read.
pub(crate) const HIGH_WATER: usize = 64 << 10;
/// After how long without progress a writer reports that its socket takes nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// What has happened at a socket.
pub(crate) enum Happening {
    /// This was read; nothing at the end of the stream.
    Read(Vec<u8>),
    /// All that was given was written, or nothing can be any more.
    Written,
    /// The socket takes nothing.
    Blocked,
    /// It has taken some again.
    Taken,
}

/// Where the threads report, with the number of the side.
pub(crate) type Reports = Sender<(usize, Happening)>;

pub(crate) struct Side {
    pub(crate) session: Session,
    socket: TcpStream,
    /// Has the socket read once.
    read: Sender<()>,
    is_reading: bool,
    /// What was read, and not consumed yet.
    pub(crate) input: Vec<u8>,
    write: Sender<Vec<u8>>,
    is_writing: bool,
    /// What was handed out while the socket was written to.
    pub(crate) output: Vec<u8>,
    is_paused: bool,
    /// Another call brings more.
    pub(crate) more: bool,
    /// The other side was told that this one has closed.
    pub(crate) is_passed_on: bool,
}

impl Side {
    pub(crate) fn new(
        session: Session,
        socket: TcpStream,
        index: usize,
        reports: &Reports,
    ) -> io::Result<Side> {
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let (read, reads) = channel();
        let (reader, happened) = (socket.try_clone()?, reports.clone());
        thread::Builder::new().spawn(move || read_when_asked(reader, &reads, index, &happened))?;
        let (write, writes) = channel();
        let (writer, happened) = (socket.try_clone()?, reports.clone());
        thread::Builder::new().spawn(move || write_all(writer, &writes, index, &happened))?;
        Ok(Side {
            session,
            socket,
            read,
            is_reading: false,
            input: Vec::new(),
            write,
            is_writing: false,
            output: Vec::new(),
            is_paused: false,
            more: false,
            is_passed_on: false,
        })
    }

    /// Whether its input has to wait: what it is answered isn't taken, or what comes of it.
    pub(crate) fn is_held_up_by(&self, other: &Side) -> bool {
        other.output.len() >= HIGH_WATER || self.output.len() >= 2 * HIGH_WATER
    }

    /// Whether it is closed, and all that was kept for it is written.
    pub(crate) fn is_over(&self) -> bool {
        self.session.state() == State::Closed && !self.is_writing && self.output.is_empty()
    }

    /// Has the socket written to, and read unless the input has to wait.
    pub(crate) fn drive(&mut self, is_held_up: bool, now: Instant) {
        if !self.is_writing && !self.output.is_empty() {
            self.is_writing = self.write.send(mem::take(&mut self.output)).is_ok();
        }
        let state = self.session.state();
        let is_paused = is_held_up && state != State::Draining;
        match (mem::replace(&mut self.is_paused, is_paused), is_paused) {
            (false, true) => self.session.pause_reading(now),
            (true, false) => self.session.resume_reading(now),
            _ => {}
        }
        if !is_paused && !self.is_reading && self.input.is_empty() && state != State::Closed {
            self.is_reading = self.read.send(()).is_ok();
        }
        let is_clean = self.session.outcome().is_some_and(|outcome| outcome.clean);
        if state == State::Draining && !is_clean && !self.is_writing {
            // The peer gets to read why, unless it has gone.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }

    pub(crate) fn note(&mut self, happening: Happening, now: Instant) {
        match happening {
            Happening::Read(bytes) if bytes.is_empty() => self.session.end_of_input(now),
            Happening::Read(bytes) => {
                self.is_reading = false;
                self.input.extend(bytes);
            }
            Happening::Written => self.is_writing = false,
            Happening::Blocked => self.session.output_blocked(now),
            Happening::Taken => self.session.output_taken(now),
        }
    }

    /// Closes as the other side did; if that has failed, there is no code.
    pub(crate) fn close(&mut self, close: Option<(u16, Vec<u8>)>, now: Instant) {
        // An error means that this side has closed before, and there is nobody to tell.
        let _ = match &close {
            _ if self.session.request().is_some() => self.session.refuse(&Refusal::new(502), now),
            None => self.session.send(Message::CloseWith(1011, b""), None, now),
            Some((1005, _)) => self.session.send(Message::Close, None, now),
            Some((code, reason)) => {
                let message = Message::CloseWith(*code, reason);
                self.session.send(message, None, now)
            }
        };
        self.more = true;
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // This ends the threads.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn read_when_asked(mut socket: TcpStream, asked: &Receiver<()>, index: usize, reports: &Reports) {
    let mut buffer = [0; 16 << 10];
    for () in asked {
        // A connection that was reset has ended.
        let count = socket.read(&mut buffer).unwrap_or_default();
        let report = Happening::Read(buffer[..count].to_vec());
        if reports.send((index, report)).is_err() || count == 0 {
            return;
        }
    }
}

fn write_all(mut socket: TcpStream, outputs: &Receiver<Vec<u8>>, index: usize, reports: &Reports) {
    // Nobody listens any more if a report can't be sent, and then there are no outputs either.
    let report = |happening| reports.send((index, happening)).is_ok();
    let mut is_blocked = false;
    for output in outputs {
        let mut rest = &output[..];
        while !rest.is_empty() {
            match socket.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    if mem::take(&mut is_blocked) {
                        report(Happening::Taken);
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if !mem::replace(&mut is_blocked, true) {
                        report(Happening::Blocked);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What the peer has sent before is still read, and then the end of its stream.
                Err(_) => break,
            }
        }
        report(Happening::Written);
    }
}
