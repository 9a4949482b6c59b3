//! The engine as a Rust crate.
//!
//! In this program the peers switch on simdutf8's feature `std`, with which it looks for the processor's vector
//! instructions at run time; cargo has one simdutf8 for all, so the engine gains from it too. Where nothing switches it
//! on, the engine validates text by what the target guarantees, on x86-64 without vectors.

use std::io::{IoSlice, Read};
use std::rc::Rc;
use std::time;

use anyhow::{Context, Result, anyhow, ensure};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Event, FrameHead, Instant, Session};

use super::{Decoder, Subject, Writer};
use crate::in_memory::frames::Role;
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink, Source};
use crate::in_memory::workload::{Message, Workload};

/// The session takes no more than so much; what waits is written first.
const MOST_QUEUED: usize = 64 << 10;

/// From this size on payloads are written from where they are.
const IN_PLACE: usize = 512;

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
            buffer: vec![0; duplex.source.limit()],
            source: duplex.source,
        }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Sender {
            session: open(role)?,
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
            buffer: vec![0; duplex.source.limit()],
            duplex,
            messages: Vec::new(),
            payload: Vec::new(),
        }))
    }
}

fn open(role: Role) -> Result<Session> {
    let mut config = Config::default();
    // Nobody is there to answer a ping.
    config.timeouts.keepalive = None;
    let negotiated = Negotiated::default();
    let session = match role {
        Role::Server => Session::open_server(config, negotiated),
        Role::Client => Session::open_client(config, &[7; 32], negotiated),
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
    source: Source,
    buffer: Vec<u8>,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        loop {
            let count = self.source.read(&mut self.buffer)?;
            let bytes = &mut self.buffer[..count];
            let mut turn = self.session.input(bytes, self.clock.now());
            while let Some(event) = turn.next() {
                match event {
                    Event::Text { payload, .. } => seen.message(true, payload),
                    Event::Binary { payload, .. } => seen.message(false, payload),
                    _ => return Err(anyhow!("an event other than a message")),
                }
            }
            ensure!(turn.consumed() == count, "input was left over");
            if self.source.is_at_start() {
                return Ok(());
            }
        }
    }
}

struct Sender {
    session: Session,
    role: Role,
    work: Rc<Workload>,
    sink: Sink,
    /// What a client sends, which is masked where it is.
    payloads: Vec<u8>,
    heads: Vec<FrameHead>,
}

impl Sender {
    /// Copies to the session's queue, which is written at once.
    fn send(&mut self) -> Result<()> {
        for burst in self.work.bursts() {
            for message in burst {
                let queued = self.session.send(outgoing(*message), None);
                queued.map_err(|rule| anyhow!("{rule:?}"))?;
            }
            flush(&mut self.session, &self.sink);
        }
        Ok(())
    }

    /// Writes payloads from where they are, each behind its header.
    fn send_in_place(&mut self) -> Result<()> {
        let length = self.work.size.0;
        let mut at = 0;
        for burst in self.work.bursts() {
            self.heads.clear();
            let start = at;
            for message in burst {
                let head = self.session.frame_head(outgoing(*message));
                let head = head.map_err(|rule| anyhow!("{rule:?}"))?;
                let head = head.context("something waits")?;
                if self.role == Role::Client {
                    head.mask(&mut self.payloads[at..at + length], 0);
                    at += length;
                }
                self.heads.push(head);
            }
            let mut masked = self.payloads[start..at].chunks_exact(length);
            let mut parts = Vec::with_capacity(2 * burst.len());
            for (head, message) in self.heads.iter().zip(burst) {
                parts.push(IoSlice::new(head.as_bytes()));
                parts.push(IoSlice::new(masked.next().unwrap_or(message.bytes())));
            }
            self.sink.put(&parts);
        }
        Ok(())
    }
}

impl Writer for Sender {
    fn prepare(&mut self) {
        if self.role == Role::Client && self.work.size.0 >= IN_PLACE {
            self.payloads.clear();
            for message in &self.work.messages {
                self.payloads.extend_from_slice(message.bytes());
            }
        }
    }

    fn pass(&mut self) -> Result<()> {
        match self.work.size.0 {
            IN_PLACE.. => self.send_in_place(),
            _ => self.send(),
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
    duplex: Duplex,
    buffer: Vec<u8>,
    /// What one read brought: whether it is text, and where it ends.
    messages: Vec<(bool, usize)>,
    payload: Vec<u8>,
}

impl Writer for Echo {
    fn pass(&mut self) -> Result<()> {
        loop {
            let count = self.duplex.source.read(&mut self.buffer)?;
            let bytes = &mut self.buffer[..count];
            self.messages.clear();
            self.payload.clear();
            // The session lends a payload until the next event, and can send when it has given the last.
            let mut turn = self.session.input(bytes, self.clock.now());
            while let Some(event) = turn.next() {
                let (is_text, payload) = match event {
                    Event::Text { payload, .. } => (true, payload),
                    Event::Binary { payload, .. } => (false, payload),
                    _ => return Err(anyhow!("an event other than a message")),
                };
                self.payload.extend_from_slice(payload);
                self.messages.push((is_text, self.payload.len()));
            }
            ensure!(turn.consumed() == count, "input was left over");
            let mut start = 0;
            for (is_text, end) in &self.messages {
                let payload = &self.payload[start..*end];
                start = *end;
                if self.session.buffered_amount() >= MOST_QUEUED {
                    flush(&mut self.session, &self.duplex.sink);
                }
                // It was found to be UTF-8 when it came in; that it is text is checked again.
                let queued = self.session.send(
                    match is_text {
                        true => websocket_component::Message::Utf8(payload),
                        false => websocket_component::Message::Binary(payload),
                    },
                    None,
                );
                queued.map_err(|rule| anyhow!("{rule:?}"))?;
            }
            flush(&mut self.session, &self.duplex.sink);
            if self.duplex.source.is_at_start() {
                return Ok(());
            }
        }
    }
}

/// Writes all that waits.
fn flush(session: &mut Session, sink: &Sink) {
    let output = session.take_output(usize::MAX);
    if !output.is_empty() {
        sink.put(&[IoSlice::new(&output)]);
    }
    while session.sent().is_some() {}
}
