//! An echo server on blocking sockets, with a thread for each connection.
//!
//! ```sh
//! cargo run --example echo_server -- 127.0.0.1:9001
//! ```
//!
//! The socket's timeouts are the session's deadlines: a read or write lasts no longer than until the next of them.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};
use std::{env, thread};

use websocket_component::handshake::Acceptance;
use websocket_component::{Config, Event, Instant, Message, Outcome, Session, State};

/// More are not accepted, since each has a thread and up to a message in memory.
const MAX_CONNECTIONS: usize = 256;

fn main() -> ExitCode {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_server: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let connections = Arc::new(());
    loop {
        let (socket, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("echo_server: {error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let connection = Arc::clone(&connections);
        if Arc::strong_count(&connections) > MAX_CONNECTIONS {
            continue;
        }
        thread::Builder::new().spawn(move || {
            match Connection::new(socket).and_then(Connection::echo) {
                Ok(outcome) => match outcome.failure {
                    None => println!("{peer}: closed with {}", outcome.code()),
                    Some(failure) => println!("{peer}: {failure}"),
                },
                Err(error) => println!("{peer}: {error}"),
            }
            drop(connection);
        })?;
    }
}

struct Connection {
    session: Session,
    socket: TcpStream,
    started: Clock,
    /// What was read, and not consumed yet.
    input: Vec<u8>,
    is_shut: bool,
}

impl Connection {
    fn new(socket: TcpStream) -> Result<Connection, Box<dyn Error>> {
        socket.set_nodelay(true)?;
        let mut config = Config::default();
        // A close frame may come in one read with messages. It is answered behind their echoes.
        config.reply_to_close = false;
        Ok(Connection {
            session: Session::server(config, Instant::default())?,
            socket,
            started: Clock::now(),
            input: Vec::new(),
            is_shut: false,
        })
    }

    fn now(&self) -> Instant {
        Instant::default().after(self.started.elapsed())
    }

    fn echo(mut self) -> Result<Outcome, Box<dyn Error>> {
        loop {
            let has_request = self.process()?;
            self.write()?;
            match self.session.state() {
                State::Closed => return self.session.outcome().ok_or("no outcome".into()),
                // The peer gets to read why, because its bytes are read to the end.
                State::Draining if !self.is_shut => {
                    self.is_shut = true;
                    self.socket.shutdown(Shutdown::Write)?;
                }
                _ => {}
            }
            if !has_request && !self.session.has_more() {
                self.read()?;
            }
        }
    }

    /// Gives the session what was read, and answers what it makes of it. Returns whether that was a request, behind
    /// which the rest of the input waits.
    fn process(&mut self) -> Result<bool, Box<dyn Error>> {
        let now = self.now();
        let (mut messages, mut has_request, mut close) = (Vec::new(), false, None);
        let mut events = self.session.input(&mut self.input, now);
        while let Some(event) = events.next() {
            match event {
                Event::Request => has_request = true,
                Event::Text { payload, .. } => messages.push((true, payload.to_vec())),
                Event::Binary { payload, .. } => messages.push((false, payload.to_vec())),
                Event::Close { code, .. } => close = Some(code),
                _ => {}
            }
        }
        let consumed = events.consumed();
        self.input.drain(..consumed);
        if has_request {
            self.session.accept(&Acceptance::default(), now)?;
        }
        for (is_text, payload) in &messages {
            let message = match is_text {
                true => Message::Utf8(payload),
                false => Message::Binary(payload),
            };
            self.session.send(message, None, now)?;
        }
        match close {
            // The code of a close frame that holds none is never sent.
            Some(1005) => self.session.send(Message::Close, None, now)?,
            Some(code) => (self.session).send(Message::CloseWith(code, b""), None, now)?,
            None => {}
        }
        Ok(has_request)
    }

    /// Writes all that waits. A peer that takes nothing of it runs into a deadline.
    fn write(&mut self) -> io::Result<()> {
        while self.session.buffered_amount() > 0 {
            self.socket.set_write_timeout(self.until_deadline())?;
            let written = self.socket.write(self.session.output());
            let now = self.now();
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.session.advance(count, now),
                Err(error) if is_timeout(&error) => self.session.handle_timeout(now),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once, or until the next deadline, which the session is told with the next input.
    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        self.socket.set_read_timeout(self.until_deadline())?;
        match self.socket.read(&mut buffer) {
            Ok(0) => self.session.end_of_input(self.now()),
            Ok(count) => self.input.extend_from_slice(&buffer[..count]),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            // A connection that was reset.
            Err(_) => self.session.end_of_input(self.now()),
        }
        Ok(())
    }

    fn until_deadline(&self) -> Option<Duration> {
        let span = self.session.next_deadline()?.since(self.now());
        // A timeout of 0 would be none.
        Some(span.max(Duration::from_millis(1)))
    }
}

/// A socket's timeout has one of two names, by the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
