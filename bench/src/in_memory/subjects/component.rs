//! The engine in its sandbox, through `websocket-host`'s batched call.

use std::io::{IoSlice, Read};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use websocket_host::protocol::{
    Compression, Config, EventKind, Negotiated, Outgoing, OutgoingKind,
};
use websocket_host::{Clock, Guest, Sandbox, SandboxConfig, Session};

use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink, Source};
use crate::in_memory::workload::{Message, Workload};
use crate::role::Role;

/// The most that a call hands back of each, payload and output: more than any pass has.
const CAPACITY: u32 = 1 << 20;

/// From this length on payloads that are sent stay outside of the guest, as in `websocket_host::stream`.
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
            outgoing: Vec::new(),
            payload: Vec::new(),
        }))
    }
}

struct Reader {
    guest: Guest,
    session: Session,
    clock: Clock,
    source: Source,
    buffer: Vec<u8>,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        loop {
            let count = self.source.read(&mut self.buffer)?;
            let now = self.clock.now();
            let mut rest = &self.buffer[..count];
            loop {
                let (guest, session) = (&mut self.guest, &self.session);
                let result = guest.exchange(session, rest, &[], &[], now, CAPACITY)?;
                for event in &result.events {
                    let text = match event.kind {
                        EventKind::Text => true,
                        EventKind::Binary => false,
                        kind => bail!("an event other than a message: {kind:?}"),
                    };
                    seen.message(text, result.bytes(event));
                }
                rest = rest.get(result.consumed..).context("more than there was")?;
                if !result.more {
                    break;
                }
            }
            ensure!(rest.is_empty(), "input was left over");
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
    /// What has come and isn't sent yet.
    outgoing: Vec<Outgoing>,
    payload: Vec<u8>,
}

impl Writer for Echo {
    fn pass(&mut self) -> Result<()> {
        loop {
            let count = self.duplex.source.read(&mut self.buffer)?;
            let now = self.clock.now();
            let mut rest = &self.buffer[..count];
            loop {
                let (guest, session) = (&mut self.guest, &self.session);
                let (outgoing, payload) = (&self.outgoing, &self.payload);
                let result = guest.exchange(session, rest, outgoing, payload, now, CAPACITY)?;
                if !result.output.is_empty() {
                    self.duplex.sink.put(&[IoSlice::new(result.output)]);
                }
                rest = rest.get(result.consumed..).context("more than there was")?;
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
