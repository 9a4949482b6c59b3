//! A client: sends its arguments, or else the lines of its input, as messages. It prints what comes back, closes, and
//! prints how the connection ended.
//!
//! ```sh
//! cargo run --example client -- ws://127.0.0.1:9001/ hello
//! ```
//!
//! One thread has the session. It never blocks but to wait for the others, which block in its place: one reads the
//! socket, one writes to it, one reads the lines. So the client reads while the server takes nothing, and deadlines pass
//! on time.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant as Clock;
use std::{env, thread};

use websocket_component::handshake::Request;
use websocket_component::{Config, Event, Instant, Message, Outcome, Session, State};

/// No line is read while this much waits to be written.
const HIGH_WATER: usize = 64 << 10;

/// What another thread has done.
enum Happening {
    /// What was read; nothing at the end of the stream.
    Read(Vec<u8>),
    /// How much of what was given was written.
    Written(io::Result<usize>),
    /// The next line to send; none at the end of them.
    Line(Option<String>),
}

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(url) = args.next() else {
        eprintln!("usage: client ws://HOST[:PORT]/PATH [MESSAGE]...");
        return ExitCode::from(2);
    };
    let Some((authority, target)) = parse(&url) else {
        eprintln!("client: {url}: not a URL of the form ws://HOST[:PORT]/PATH");
        return ExitCode::from(2);
    };
    match run(authority, target, args.collect()) {
        Ok(outcome) => {
            eprintln!("closed with {}", outcome.code());
            match outcome.clean {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("client: {url}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the host with its port if there is one, and the path with its query.
fn parse(url: &str) -> Option<(&str, String)> {
    let rest = url.strip_prefix("ws://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let target = match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("/{target}"),
    };
    (!authority.is_empty() && !target.contains('#')).then_some((authority, target))
}

fn run(authority: &str, target: String, messages: Vec<String>) -> Result<Outcome, Box<dyn Error>> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)?;
    let mut session = Session::client(Config::default(), &entropy, Instant::default())?;
    session.connect(&Request::new(authority, target), Instant::default())?;

    let socket = match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => TcpStream::connect(authority)?,
        _ => TcpStream::connect(format!("{authority}:80"))?,
    };
    socket.set_nodelay(true)?;
    let started = Clock::now();
    // Few at a time: the threads wait until what they have read is dealt with.
    let (happened, happenings) = sync_channel(4);
    let (reader, read) = (socket.try_clone()?, happened.clone());
    thread::spawn(move || read_all(reader, &read));
    let (writer, written) = (socket.try_clone()?, happened.clone());
    let (write, to_write) = sync_channel(1);
    thread::spawn(move || write_all(writer, &to_write, &written));
    let (ask, asked) = sync_channel(1);
    match messages.is_empty() {
        true => thread::spawn(move || lines(io::stdin().lines(), &asked, &happened)),
        false => {
            let messages = messages.into_iter().map(Ok);
            thread::spawn(move || lines(messages, &asked, &happened))
        }
    };

    let (mut is_writing, mut has_asked, mut input) = (false, false, Vec::new());
    loop {
        let now = Instant::default().after(started.elapsed());
        let mut events = session.input(&mut input, now);
        while let Some(event) = events.next() {
            show(&event)?;
        }
        let consumed = events.consumed();
        input.drain(..consumed);
        if !is_writing && session.buffered_amount() > 0 {
            is_writing = true;
            let output = session.output();
            write.send(output[..output.len().min(HIGH_WATER)].to_vec())?;
        }
        if session.state() == State::Open && !has_asked && session.buffered_amount() < HIGH_WATER {
            has_asked = true;
            ask.send(())?;
        }
        match session.state() {
            State::Closed => break,
            // The server gets to read why, because its bytes are read to the end. If the end is clean, it closes first.
            State::Draining if session.outcome().is_some_and(|outcome| !outcome.clean) => {
                // It may have gone.
                let _ = socket.shutdown(Shutdown::Write);
            }
            _ => {}
        }
        if session.has_more() {
            continue;
        }
        let happening = match session.next_deadline() {
            None => happenings.recv()?,
            Some(deadline) => match happenings.recv_timeout(deadline.since(now)) {
                Ok(happening) => happening,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(error) => return Err(error.into()),
            },
        };
        let now = Instant::default().after(started.elapsed());
        match happening {
            Happening::Read(bytes) if bytes.is_empty() => session.end_of_input(now),
            Happening::Read(bytes) => input.extend(bytes),
            Happening::Written(Ok(count)) => {
                is_writing = false;
                session.advance(count, now);
            }
            // Nothing more can be written. What the server has sent before is still read.
            Happening::Written(Err(_)) => {}
            // It may have closed meanwhile.
            Happening::Line(_) if session.state() != State::Open => {}
            Happening::Line(Some(line)) => {
                has_asked = false;
                session.send(Message::Text(&line), None, now)?;
            }
            Happening::Line(None) => session.send(Message::CloseWith(1000, b""), None, now)?,
        }
    }
    match session.response() {
        Some(response) if session.negotiated().is_none() => {
            Err(format!("the server answered with status {}", response.status).into())
        }
        _ => Ok(session.outcome().ok_or("no outcome")?),
    }
}

/// Prints what was received.
fn show(event: &Event<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match event {
        Event::Text { payload, .. } => {
            stdout.write_all(payload)?;
            writeln!(stdout)
        }
        Event::Binary { payload, .. } => writeln!(stdout, "({} bytes)", payload.len()),
        _ => Ok(()),
    }
}

fn read_all(mut socket: TcpStream, happened: &SyncSender<Happening>) {
    let mut buffer = [0; 16 << 10];
    loop {
        // A connection that was reset has ended.
        let count = socket.read(&mut buffer).unwrap_or_default();
        let sent = happened.send(Happening::Read(buffer[..count].to_vec()));
        if sent.is_err() || count == 0 {
            return;
        }
    }
}

fn write_all(
    mut socket: TcpStream,
    to_write: &Receiver<Vec<u8>>,
    happened: &SyncSender<Happening>,
) {
    for output in to_write {
        let written = socket.write(&output);
        if happened.send(Happening::Written(written)).is_err() {
            return;
        }
    }
}

/// Gives each line when it is asked for.
fn lines(
    mut lines: impl Iterator<Item = io::Result<String>>,
    asked: &Receiver<()>,
    happened: &SyncSender<Happening>,
) {
    for () in asked {
        // A line that can't be read is the last.
        let line = lines.next().and_then(Result::ok);
        if happened.send(Happening::Line(line)).is_err() {
            return;
        }
    }
}
