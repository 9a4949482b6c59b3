//! The engine's kernels, each run separately, so that `cargo xtask instructions` can count their instructions.
//!
//! `kernels NAME PASSES` runs one kernel `PASSES` times and prints how many messages that were; `kernels` lists them.
//! The cost of the setup cancels out in the difference of two runs with different numbers of passes.

use std::hint::black_box;
use std::process::ExitCode;

use host_tests::deflate::{self, Peer, text};
use host_tests::heads;
use host_tests::wire::{FIN, Frame, PING, RSV1};
use websocket_component::handshake::{Acceptance, Negotiated, Request};
use websocket_component::inspector::{Inspector, Options};
use websocket_component::{Config, Event, Instant, Message, Role, Rule, Session};

/// Bytes of a read that is full of messages.
const READ: usize = 64 << 10;
/// Of text and of ASCII: it unmasks to ASCII and masks to ASCII again, so that a buffer can be unmasked again and again.
const KEY: [u8; 4] = [1, 2, 3, 4];
const NOW: Instant = Instant::from_nanos(1);

/// Runs the given number of passes, and returns how many messages they had.
type Kernel = fn(usize) -> Result<usize, Rule>;

const KERNELS: &[(&str, Kernel)] = &[
    ("decode-server-binary-16", |n| {
        decode(Role::Server, false, 16, n)
    }),
    ("decode-server-text-125", |n| {
        decode(Role::Server, true, 125, n)
    }),
    ("decode-server-text-1024", |n| {
        decode(Role::Server, true, 1024, n)
    }),
    ("decode-server-binary-16384", |n| {
        decode(Role::Server, false, 16_384, n)
    }),
    ("decode-client-text-125", |n| {
        decode(Role::Client, true, 125, n)
    }),
    ("decode-server-fragments", fragments),
    ("decode-server-bytes", single_bytes),
    ("answer-pings", pings),
    ("encode-server-16", |n| encode(Role::Server, 16, n)),
    ("encode-client-125", |n| encode(Role::Client, 125, n)),
    ("encode-client-16384", |n| encode(Role::Client, 16_384, n)),
    ("drain-server-100", drain),
    ("inspect-binary-125", |n| inspect(false, n)),
    ("inspect-text-125", |n| inspect(true, n)),
    ("inspect-header", pass_headers),
    ("inflate-1024", inflate),
    ("compress-1024", compress),
    ("handshake-server", server_handshake),
    ("handshake-client", client_handshake),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, passes] = &arguments[..] else {
        for (name, _) in KERNELS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let kernel = KERNELS.iter().find(|(other, _)| other == name);
    let (Some((_, kernel)), Ok(passes)) = (kernel, passes.parse()) else {
        eprintln!("kernels [NAME PASSES]");
        return ExitCode::FAILURE;
    };
    match kernel(passes) {
        Ok(messages) => {
            println!("{messages}");
            ExitCode::SUCCESS
        }
        Err(rule) => {
            eprintln!("{name}: {rule:?}");
            ExitCode::FAILURE
        }
    }
}

fn open(role: Role) -> Result<Session, Rule> {
    open_with(role, Config::default(), "")
}

fn open_with(role: Role, config: Config, agreed: &str) -> Result<Session, Rule> {
    let negotiated = match config.deflate {
        Some(_) => deflate::negotiated(agreed),
        None => Default::default(),
    };
    match role {
        Role::Server => Session::open_server(config, negotiated, NOW),
        Role::Client => Session::open_client(config, &[7; 32], negotiated, NOW),
    }
}

/// The frame as the session's peer writes it.
fn by_peer_of(role: Role, frame: Frame) -> Vec<u8> {
    match role {
        Role::Server => frame.masked(KEY).bytes(),
        Role::Client => frame.bytes(),
    }
}

/// Processes a whole read, and returns how many messages were received.
fn hear(session: &mut Session, input: &mut [u8]) -> usize {
    let mut heard = 0;
    let mut events = session.input(input, NOW);
    while let Some(event) = events.next() {
        if let Event::Text { payload, last } | Event::Binary { payload, last } = event {
            black_box(payload);
            heard += usize::from(last);
        }
    }
    heard
}

fn decode(role: Role, is_text: bool, size: usize, passes: usize) -> Result<usize, Rule> {
    let payload = vec![b'x'; size];
    let frame = match is_text {
        true => Frame::text(payload),
        false => Frame::binary(payload),
    };
    let one = by_peer_of(role, frame);
    let mut read = one.repeat(READ / one.len());
    let mut session = open(role)?;
    Ok((0..passes).map(|_| hear(&mut session, &mut read)).sum())
}

/// Messages of three frames.
fn fragments(passes: usize) -> Result<usize, Rule> {
    let part = || vec![b'x'; 100];
    let frames = [
        Frame::binary(part()).not_last(),
        Frame::continuation(part()).not_last(),
        Frame::continuation(part()),
    ];
    let one = frames.map(|frame| by_peer_of(Role::Server, frame)).concat();
    let mut read = one.repeat(READ / one.len());
    let mut session = open(Role::Server)?;
    Ok((0..passes).map(|_| hear(&mut session, &mut read)).sum())
}

/// A message that arrives byte by byte.
fn single_bytes(passes: usize) -> Result<usize, Rule> {
    let mut one = by_peer_of(Role::Server, Frame::binary([b'x'; 16]));
    let mut session = open(Role::Server)?;
    let mut heard = 0;
    for _ in 0..passes {
        heard += one
            .chunks_mut(1)
            .map(|byte| hear(&mut session, byte))
            .sum::<usize>();
    }
    Ok(heard)
}

fn pings(passes: usize) -> Result<usize, Rule> {
    let mut ping = by_peer_of(Role::Server, Frame::new(PING, [b'x'; 8]));
    assert_eq!(ping[0], FIN | PING);
    let mut session = open(Role::Server)?;
    for _ in 0..passes {
        hear(&mut session, &mut ping);
        let length = black_box(session.output()).len();
        session.advance(length, NOW);
    }
    Ok(passes)
}

fn encode(role: Role, size: usize, passes: usize) -> Result<usize, Rule> {
    let payload = vec![b'x'; size];
    let mut session = open(role)?;
    let burst = (READ / size).max(1);
    for _ in 0..passes {
        for _ in 0..burst {
            session.send(Message::Binary(&payload), None, NOW)?;
        }
        black_box(session.take_output(usize::MAX, NOW));
        while session.sent().is_some() {}
    }
    Ok(burst * passes)
}

/// Messages of 125 bytes from a client, through an inspector.
fn inspect(is_text: bool, passes: usize) -> Result<usize, Rule> {
    let payload = [b'x'; 125];
    let frame = match is_text {
        true => Frame::text(payload),
        false => Frame::binary(payload),
    };
    let one = frame.masked(KEY).bytes();
    let mut read = one.repeat(READ / one.len());
    let mut inspector = Inspector::open(Options::default(), &[7; 32], &Negotiated::default(), NOW)?;
    for _ in 0..passes {
        let step = inspector.advance(Role::Client, 0, &mut read, NOW)?;
        black_box(step.consumed);
    }
    Ok(READ / one.len() * passes)
}

/// Headers whose payload is never given.
fn pass_headers(passes: usize) -> Result<usize, Rule> {
    let header = Frame::binary([]).masked(KEY).header(1 << 20);
    let mut inspector = Inspector::open(Options::default(), &[7; 32], &Negotiated::default(), NOW)?;
    let mut skipped = 0;
    for _ in 0..passes {
        let passed = inspector.pass_header(Role::Client, skipped, black_box(&header), NOW);
        (_, skipped) = passed.ok_or(Rule::SkippedTooMuch)?;
    }
    Ok(passes)
}

/// Many queued messages, written in small pieces.
fn drain(passes: usize) -> Result<usize, Rule> {
    const WAITING: usize = 10_000;
    const WRITTEN: usize = 4096;
    let mut session = open(Role::Server)?;
    for _ in 0..passes {
        for _ in 0..WAITING {
            session.send(Message::Binary(&[b'x'; 100]), None, NOW)?;
        }
        while session.buffered_amount() > 0 {
            let length = black_box(session.output()).len().min(WRITTEN);
            session.advance(length, NOW);
        }
        while session.sent().is_some() {}
    }
    Ok(WAITING * passes)
}

fn inflate(passes: usize) -> Result<usize, Rule> {
    let payload = Peer::default().compresses(text(1024));
    let frame = Frame::text(payload).reserved(RSV1);
    let one = by_peer_of(Role::Client, frame);
    let mut read = one.repeat(64);
    let mut session = open_with(Role::Client, deflate::config(), "")?;
    Ok((0..passes).map(|_| hear(&mut session, &mut read)).sum())
}

fn compress(passes: usize) -> Result<usize, Rule> {
    let text = text(1024);
    let mut session = open_with(Role::Server, deflate::config(), "")?;
    for _ in 0..passes {
        session.send(Message::Text(&text), None, NOW)?;
        black_box(session.take_output(usize::MAX, NOW));
        while session.sent().is_some() {}
    }
    Ok(passes)
}

fn server_handshake(passes: usize) -> Result<usize, Rule> {
    let request = heads::request();
    for _ in 0..passes {
        let mut session = Session::server(Config::default(), NOW)?;
        hear(&mut session, &mut request.clone());
        session.accept(&Acceptance::default(), NOW)?;
        black_box(session.output());
    }
    Ok(passes)
}

fn client_handshake(passes: usize) -> Result<usize, Rule> {
    let request = Request::new("example.org", "/chat");
    let mut session = Session::client(Config::default(), &[7; 32], NOW)?;
    session.connect(&request, NOW)?;
    let head = String::from_utf8_lossy(session.output()).into_owned();
    let key = heads::field(&head, "Sec-WebSocket-Key").unwrap_or_default();
    let response = heads::response_to(key);
    for _ in 0..passes {
        let mut session = Session::client(Config::default(), &[7; 32], NOW)?;
        session.connect(&request, NOW)?;
        let length = black_box(session.output()).len();
        session.advance(length, NOW);
        hear(&mut session, &mut response.clone());
        black_box(session.negotiated());
    }
    Ok(passes)
}
