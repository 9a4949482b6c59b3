//! The engine in its sandbox, through `websocket-host`'s batched call.

use std::io::{IoSlice, Read};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use websocket_host::protocol::{
    Compression, Config, EventKind, IncomingPayload, Negotiated, Outgoing, OutgoingKind,
};
use websocket_host::{Clock, Guest, Sandbox, SandboxConfig, Session};

use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink, Source};
use crate::in_memory::workload::{Message, Workload};
use crate::role::Role;

/// The most that a call hands back of each, payload and output: more than any pass has.
const CAPACITY: u32 = 1 << 20;

/// From this length on payloads stay outside of the guest, as in `websocket_host::stream`.
const LONG: usize = 16 << 10;

/// A client writes a long payload in pieces of this length, each of which it masks.
const PIECE: usize = 64 << 10;

pub(crate) struct Component {
    sandbox: Sandbox,
}

impl Component {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let config = SandboxConfig {
            guests: 4,
            ..SandboxConfig::default()
        };
        let sandbox = Sandbox::load(path, config)?;
        Ok(Self { sandbox })
    }

    fn open(&self, role: Role) -> Result<(Guest, Session)> {
        let mut guest = self.sandbox.guest()?;
        let mut config = Config::default();
        // Nobody is there to answer a ping.
        config.timeouts.keepalive = None;
        config.leave_payloads = Some(LONG as u64);
        let negotiated = Negotiated {
            subprotocol: None,
            extensions: Vec::new(),
        };
        let session = match role {
            Role::Server => guest.open_server(&config, &negotiated, 1)?,
            Role::Client => guest.open_client(&config, &[7; 32], &negotiated, 1)?,
        };
        Ok((guest, session))
    }
}

impl Subject for Component {
    fn name(&self) -> &'static str {
        super::COMPONENT
    }

    fn is_peer(&self) -> bool {
        false
    }

    fn decoder(&self, role: Role, duplex: Duplex, _: usize) -> Result<Box<dyn Decoder>> {
        let (guest, session) = self.open(role)?;
        Ok(Box::new(Reader {
            guest,
            session,
            clock: Clock::start(),
            buffer: vec![0; duplex.source.limit()],
            source: duplex.source,
            long: Long::default(),
        }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        let (guest, session) = self.open(role)?;
        Ok(Box::new(Sender {
            guest,
            session,
            clock: Clock::start(),
            role,
            work,
            sink: duplex.sink,
            outgoing: Vec::new(),
            payload: Vec::new(),
        }))
    }

    fn echo(&self, _: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        let (guest, session) = self.open(Role::Server)?;
        Ok(Box::new(Echo {
            guest,
            session,
            clock: Clock::start(),
            buffer: vec![0; duplex.source.limit()],
            duplex,
            long: Long::default(),
            outgoing: Vec::new(),
            payload: Vec::new(),
        }))
    }
}

/// A message whose payload stays outside of the guest.
#[derive(Default)]
struct Long {
    payload: Option<IncomingPayload>,
    /// What has come of it in earlier reads.
    bytes: Vec<u8>,
}

impl Long {
    /// Reads the long messages that the input goes on with or begins with, where they are if they came in one read.
    /// Calls with each that is complete, and returns how many bytes there were.
    fn read(
        &mut self,
        guest: &mut Guest,
        session: &Session,
        input: &mut [u8],
        now: u64,
        mut complete: impl FnMut(&mut Guest, bool, &[u8]) -> Result<()>,
    ) -> Result<usize> {
        let mut at = 0;
        while at < input.len() {
            let rest = &mut input[at..];
            let Some(payload) = &mut self.payload else {
                let is_long = rest[0] & 0x0f < 3 && matches!(rest[1..], [127 | 255, ..])
                    || matches!(rest[1..], [126 | 254, high, ..] if high >= (LONG >> 8) as u8);
                let begun = match is_long {
                    true => guest.begin_payload(session, rest, now)?,
                    false => None,
                };
                let Some((header, payload)) = begun else {
                    break;
                };
                at += header;
                self.payload = Some(payload);
                continue;
            };
            let count = payload.read(rest)?;
            guest.payload_read(session, payload, now)?;
            at += count;
            let is_whole = self.bytes.is_empty() && payload.left() == 0;
            if !is_whole {
                self.bytes.reserve(count + payload.left() as usize);
                self.bytes.extend_from_slice(&rest[..count]);
            }
            if payload.left() == 0 {
                let bytes = if is_whole {
                    &rest[..count]
                } else {
                    &self.bytes
                };
                complete(guest, payload.is_text(), bytes)?;
                self.bytes.clear();
                self.payload = None;
            }
        }
        Ok(at)
    }
}

struct Reader {
    guest: Guest,
    session: Session,
    clock: Clock,
    source: Source,
    buffer: Vec<u8>,
    long: Long,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        loop {
            let count = self.source.read(&mut self.buffer)?;
            let now = self.clock.now();
            let mut rest = &mut self.buffer[..count];
            loop {
                let (guest, session) = (&mut self.guest, &self.session);
                let read = self
                    .long
                    .read(guest, session, rest, now, |_, text, payload| {
                        seen.message(text, payload);
                        Ok(())
                    })?;
                rest = &mut rest[read..];
                if rest.is_empty() {
                    break;
                }
                let result = guest.exchange(session, rest, &[], &[], now, CAPACITY)?;
                for event in &result.events {
                    let text = match event.kind {
                        EventKind::Text => true,
                        EventKind::Binary => false,
                        kind => bail!("an event other than a message: {kind:?}"),
                    };
                    seen.message(text, result.bytes(event));
                }
                let (consumed, more) = (result.consumed, result.more);
                ensure!(consumed > 0 || more, "input was left over");
                rest = rest.get_mut(consumed..).context("more than there was")?;
            }
            if self.source.is_at_start() {
                return Ok(());
            }
        }
    }
}

struct Sender {
    guest: Guest,
    session: Session,
    clock: Clock,
    role: Role,
    work: Rc<Workload>,
    sink: Sink,
    outgoing: Vec<Outgoing>,
    payload: Vec<u8>,
}

impl Sender {
    /// Writes messages whose payload stays outside of the guest.
    fn put_long(&mut self, messages: &[Message]) -> Result<()> {
        for message in messages {
            let (text, payload) = (matches!(message, Message::Text(_)), message.bytes());
            let (guest, session) = (&mut self.guest, &self.session);
            let header = guest.frame_header(session, text, true, payload.len() as u64)?;
            let header = header.context("something is queued")?;
            match self.role {
                Role::Server => {
                    let parts = [header.as_bytes(), payload].map(IoSlice::new);
                    self.sink.put(&parts);
                }
                Role::Client => {
                    let mut before = header.as_bytes();
                    for (index, piece) in payload.chunks(PIECE).enumerate() {
                        self.payload.clear();
                        self.payload.extend_from_slice(piece);
                        header.mask(&mut self.payload, (index * PIECE) as u64);
                        self.sink.put(&[before, &self.payload].map(IoSlice::new));
                        before = &[];
                    }
                }
            }
        }
        Ok(())
    }
}

impl Writer for Sender {
    fn pass(&mut self) -> Result<()> {
        let work = Rc::clone(&self.work);
        for burst in work.bursts() {
            if burst.iter().all(|message| message.bytes().len() >= LONG) {
                self.put_long(burst)?;
                continue;
            }
            self.outgoing.clear();
            self.payload.clear();
            // The call takes one buffer with all payloads. A program that has them apart copies them, and that counts.
            let payload = match burst {
                [message] => {
                    self.outgoing.push(record(*message, 0));
                    message.bytes()
                }
                messages => {
                    for message in messages {
                        self.outgoing.push(record(*message, self.payload.len()));
                        self.payload.extend_from_slice(message.bytes());
                    }
                    &self.payload[..]
                }
            };
            let now = self.clock.now();
            let (guest, session) = (&mut self.guest, &self.session);
            let result = guest.exchange(session, &[], &self.outgoing, payload, now, CAPACITY)?;
            ensure!(
                result.accepted == burst.len(),
                "refused: {:?}",
                result.refused
            );
            self.sink.put(&[IoSlice::new(result.output)]);
            let mut more = result.more;
            while more {
                let result = guest.exchange(session, &[], &[], &[], now, CAPACITY)?;
                self.sink.put(&[IoSlice::new(result.output)]);
                more = result.more;
            }
        }
        Ok(())
    }
}

struct Echo {
    guest: Guest,
    session: Session,
    clock: Clock,
    duplex: Duplex,
    buffer: Vec<u8>,
    long: Long,
    /// What has come and isn't sent yet.
    outgoing: Vec<Outgoing>,
    payload: Vec<u8>,
}

impl Writer for Echo {
    fn pass(&mut self) -> Result<()> {
        loop {
            let count = self.duplex.source.read(&mut self.buffer)?;
            let now = self.clock.now();
            let mut rest = &mut self.buffer[..count];
            loop {
                let (guest, session) = (&mut self.guest, &self.session);
                if self.outgoing.is_empty() {
                    let sink = &mut self.duplex.sink;
                    let read =
                        self.long
                            .read(guest, session, rest, now, |guest, text, payload| {
                                let header = guest.frame_header(
                                    session,
                                    text,
                                    true,
                                    payload.len() as u64,
                                )?;
                                let header = header.context("something is queued")?;
                                sink.put(&[header.as_bytes(), payload].map(IoSlice::new));
                                Ok(())
                            })?;
                    rest = &mut rest[read..];
                    if rest.is_empty() {
                        break;
                    }
                }
                let (outgoing, payload) = (&self.outgoing, &self.payload);
                let result = guest.exchange(session, rest, outgoing, payload, now, CAPACITY)?;
                if !result.output.is_empty() {
                    self.duplex.sink.put(&[IoSlice::new(result.output)]);
                }
                rest = rest
                    .get_mut(result.consumed..)
                    .context("more than there was")?;
                self.outgoing.drain(..result.accepted);
                if self.outgoing.is_empty() {
                    self.payload.clear();
                }
                let start = self.payload.len() as u32;
                self.outgoing
                    .extend(result.events.iter().filter_map(|event| {
                        Some(Outgoing {
                            kind: event.kind.to_outgoing()?,
                            start: start + event.start,
                            length: event.length,
                            context: None,
                        })
                    }));
                self.payload.extend_from_slice(result.payload);
                if rest.is_empty() && !result.more && self.outgoing.is_empty() {
                    break;
                }
            }
            if self.duplex.source.is_at_start() {
                return Ok(());
            }
        }
    }
}

fn record(message: Message, start: usize) -> Outgoing {
    Outgoing {
        kind: match message {
            Message::Text(_) => OutgoingKind::Text(Compression::Automatic),
            Message::Binary(_) => OutgoingKind::Binary(Compression::Automatic),
        },
        start: start as u32,
        length: message.bytes().len() as u32,
        context: None,
    }
}
