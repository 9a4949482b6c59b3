//! The engine as a Rust crate.
//!
//! In this program the peers switch on simdutf8's feature `std`, with which it looks for the processor's vector
//! instructions at run time; cargo has one simdutf8 for all, so the engine gains from it too. Where nothing switches it
//! on, the engine validates text by what the target guarantees, on x86-64 without vectors.

use std::io::IoSlice;
use std::rc::Rc;
use std::time;

use anyhow::{Context, Result, anyhow};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Event, FrameHeader, Instant, Session};

use super::input::{Input, LONGEST_LEFT};
use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink};
use crate::in_memory::workload::{Message, Workload};
use crate::role::Role;

/// From this size on payloads are written from where they are.
const IN_PLACE: usize = 512;

/// A write of so many bytes gains nothing from more, and what was just masked is still in the cache.
const WRITE: usize = 16 << 10;

pub(crate) struct Native;

impl Subject for Native {
    fn name(&self) -> &'static str {
        super::NATIVE
    }

    fn is_peer(&self) -> bool {
        false
    }

    fn decoder(&self, role: Role, duplex: Duplex, _: usize) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Reader {
            session: open(role)?,
            clock: Clock::start(),
            input: Input::new(duplex.source),
        }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Sender {
            session: open(role)?,
            clock: Clock::start(),
            role,
            work,
            sink: duplex.sink,
            payloads: Vec::new(),
            heads: Vec::new(),
        }))
    }

    fn echo(&self, _: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Echo {
            session: open(Role::Server)?,
            clock: Clock::start(),
            input: Input::new(duplex.source),
            sink: duplex.sink,
            messages: Vec::new(),
            payload: Vec::new(),
            heads: Vec::new(),
        }))
    }
}

fn open(role: Role) -> Result<Session> {
    let now = Instant::from_nanos(0);
    let mut config = Config::default();
    // Nobody is there to answer a ping.
    config.timeouts.keepalive = None;
    config.leave_unfinished = LONGEST_LEFT;
    let negotiated = Negotiated::default();
    let session = match role {
        Role::Server => Session::open_server(config, negotiated, now),
        Role::Client => Session::open_client(config, &[7; 32], negotiated, now),
    };
    session.map_err(|rule| anyhow!("{rule:?}"))
}

/// The time, which a program looks up once for each read.
struct Clock(time::Instant);

impl Clock {
    fn start() -> Self {
        Self(time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.elapsed().as_nanos() as u64)
    }
}

struct Reader {
    session: Session,
    clock: Clock,
    input: Input,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        loop {
            let bytes = self.input.read()?;
            let mut events = self.session.input(bytes, self.clock.now());
            while let Some(event) = events.next() {
                match event {
                    Event::Text { payload, .. } => seen.message(true, payload),
                    Event::Binary { payload, .. } => seen.message(false, payload),
                    _ => return Err(anyhow!("an event other than a message")),
                }
            }
            let (taken, awaited) = (events.consumed(), events.awaited());
            if self.input.take(taken, awaited)? {
                return Ok(());
            }
        }
    }
}

struct Sender {
    session: Session,
    clock: Clock,
    role: Role,
    work: Rc<Workload>,
    sink: Sink,
    /// What a client sends, which is masked where it is.
    payloads: Vec<u8>,
    heads: Vec<FrameHeader>,
}

impl Sender {
    /// Copies to the session's queue, which is written at once.
    fn send(&mut self) -> Result<()> {
        for burst in self.work.bursts() {
            let now = self.clock.now();
            for message in burst {
                let queued = self.session.send(outgoing(*message), None, now);
                queued.map_err(|rule| anyhow!("{rule:?}"))?;
            }
            flush(&mut self.session, &self.sink, now);
        }
        Ok(())
    }

    /// Writes payloads from where they are, each behind its header.
    fn send_in_place(&mut self) -> Result<()> {
        let length = self.work.size.0;
        let mut at = 0;
        let in_one_write = (WRITE / length.max(1)).max(1);
        for part in self
            .work
            .bursts()
            .flat_map(|burst| burst.chunks(in_one_write))
        {
            self.heads.clear();
            let start = at;
            for message in part {
                let head = head(&mut self.session, outgoing(*message))?;
                if self.role == Role::Client {
                    head.mask(&mut self.payloads[at..at + length], 0);
                    at += length;
                }
                self.heads.push(head);
            }
            let mut masked = &self.payloads[start..at];
            write(
                &self.sink,
                &self.heads,
                part.iter().map(|message| match self.role {
                    Role::Client => masked.split_off(..length).unwrap_or_default(),
                    Role::Server => message.bytes(),
                }),
            );
        }
        Ok(())
    }

    /// A message that is written alone, or is large, isn't worth a copy.
    fn is_in_place(&self) -> bool {
        self.work.burst() == 1 || self.work.size.0 >= IN_PLACE
    }
}

/// The header of a message whose payload is written from where it is.
fn head(session: &mut Session, message: websocket_component::Message<'_>) -> Result<FrameHeader> {
    let head = session
        .frame_header(message)
        .map_err(|rule| anyhow!("{rule:?}"))?;
    head.context("something waits")
}

/// Writes frames at once.
fn write<'a>(sink: &Sink, heads: &'a [FrameHeader], mut payloads: impl Iterator<Item = &'a [u8]>) {
    if let [head] = heads {
        let payload = payloads.next().unwrap_or_default();
        sink.put(&[IoSlice::new(head.as_bytes()), IoSlice::new(payload)]);
        return;
    }
    let mut parts = Vec::with_capacity(2 * heads.len());
    for (head, payload) in heads.iter().zip(payloads) {
        parts.push(IoSlice::new(head.as_bytes()));
        parts.push(IoSlice::new(payload));
    }
    sink.put(&parts);
}

impl Writer for Sender {
    fn prepare(&mut self) {
        if self.role == Role::Client && self.is_in_place() {
            self.payloads.clear();
            for message in &self.work.messages {
                self.payloads.extend_from_slice(message.bytes());
            }
        }
    }

    fn pass(&mut self) -> Result<()> {
        match self.is_in_place() {
            true => self.send_in_place(),
            false => self.send(),
        }
    }
}

fn outgoing(message: Message) -> websocket_component::Message<'static> {
    match message {
        Message::Text(text) => websocket_component::Message::Text(text),
        Message::Binary(bytes) => websocket_component::Message::Binary(bytes),
    }
}

struct Echo {
    session: Session,
    clock: Clock,
    input: Input,
    sink: Sink,
    /// What one read brought: whether it is text, and where it ends.
    messages: Vec<(bool, usize)>,
    payload: Vec<u8>,
    heads: Vec<FrameHeader>,
}

impl Writer for Echo {
    fn pass(&mut self) -> Result<()> {
        loop {
            let bytes = self.input.read()?;
            self.messages.clear();
            self.payload.clear();
            // The session lends a payload until the next event, and can send when it has given the last.
            let now = self.clock.now();
            let mut events = self.session.input(bytes, now);
            while let Some(event) = events.next() {
                let (is_text, payload) = match event {
                    Event::Text { payload, .. } => (true, payload),
                    Event::Binary { payload, .. } => (false, payload),
                    _ => return Err(anyhow!("an event other than a message")),
                };
                self.payload.extend_from_slice(payload);
                self.messages.push((is_text, self.payload.len()));
            }
            let (taken, awaited) = (events.consumed(), events.awaited());
            let is_in_place = self.payload.len() >= IN_PLACE * self.messages.len().max(2);
            self.heads.clear();
            let mut start = 0;
            for (is_text, end) in &self.messages {
                let payload = &self.payload[start..*end];
                start = *end;
                // It was found to be UTF-8 when it came in; that it is text is checked again.
                let message = match is_text {
                    true => websocket_component::Message::Utf8(payload),
                    false => websocket_component::Message::Binary(payload),
                };
                if is_in_place {
                    self.heads.push(head(&mut self.session, message)?);
                } else {
                    let queued = self.session.send(message, None, now);
                    queued.map_err(|rule| anyhow!("{rule:?}"))?;
                }
            }
            if is_in_place {
                let mut rest = &self.payload[..];
                let mut start = 0;
                let payloads = self.messages.iter().map(|(_, end)| {
                    let length = end - start;
                    start = *end;
                    rest.split_off(..length).unwrap_or_default()
                });
                write(&self.sink, &self.heads, payloads);
            } else {
                flush(&mut self.session, &self.sink, now);
            }
            if self.input.take(taken, awaited)? {
                return Ok(());
            }
        }
    }
}

/// Writes all that waits.
fn flush(session: &mut Session, sink: &Sink, now: Instant) {
    loop {
        let output = session.output();
        let count = output.len();
        if count == 0 {
            break;
        }
        sink.put(&[IoSlice::new(output)]);
        session.advance(count, now);
    }
    while session.sent().is_some() {}
}
