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

/// If at least this many bytes of a payload are missing, they are read directly into its buffer.
const PLACED: usize = 64 << 10;

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
            payloads: Vec::new(),
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
    /// What has come of it in earlier reads, and room for the rest.
    bytes: Vec<u8>,
    come: usize,
}

impl Long {
    /// Where to read the rest of the payload in progress to, if enough of it is missing to be read alone.
    fn place(&mut self) -> Option<&mut [u8]> {
        let missing = self.payload.as_ref()?.left() as usize;
        let rest = &mut self.bytes[self.come..];
        (missing >= PLACED).then(|| &mut rest[..missing])
    }

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
            let Some(payload) = &self.payload else {
                let begun = match begins_long(rest) {
                    true => guest.begin_payload(session, rest, now)?,
                    false => None,
                };
                let Some((header, payload)) = begun else {
                    break;
                };
                at += header;
                let length = payload.left() as usize;
                if self.bytes.len() < length {
                    self.bytes.resize(length, 0);
                }
                self.payload = Some(payload);
                continue;
            };
            let count = rest.len().min(payload.left() as usize);
            at += count;
            if self.come == 0 && count as u64 == payload.left() {
                let mut payload = self.payload.take().context("it is there")?;
                payload.read(&mut rest[..count])?;
                guest.payload_read(session, &payload, now)?;
                complete(guest, payload.is_text(), &rest[..count])?;
                continue;
            }
            self.bytes[self.come..][..count].copy_from_slice(&rest[..count]);
            self.has_come(guest, session, count, now, &mut complete)?;
        }
        Ok(at)
    }

    /// `count` more bytes of the payload are in its buffer.
    fn has_come(
        &mut self,
        guest: &mut Guest,
        session: &Session,
        count: usize,
        now: u64,
        mut complete: impl FnMut(&mut Guest, bool, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let payload = self.payload.as_mut().context("there is a payload")?;
        payload.read(&mut self.bytes[self.come..][..count])?;
        guest.payload_read(session, payload, now)?;
        self.come += count;
        if payload.left() == 0 {
            complete(guest, payload.is_text(), &self.bytes[..self.come])?;
            (self.payload, self.come) = (None, 0);
        }
        Ok(())
    }
}

/// Whether a data frame with a long payload begins here.
fn begins_long(input: &[u8]) -> bool {
    let length = match *input {
        [_, 127 | 255, ..] => usize::MAX,
        [_, 126 | 254, high, low, ..] => u16::from_be_bytes([high, low]).into(),
        _ => 0,
    };
    input[0] & 0x0f < 3 && length >= LONG
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
            let (guest, session) = (&mut self.guest, &self.session);
            let now = self.clock.now();
            if let Some(place) = self.long.place() {
                let count = self.source.read(place)?;
                self.long
                    .has_come(guest, session, count, now, |_, text, payload| {
                        seen.message(text, payload);
                        Ok(())
                    })?;
                if self.source.is_at_start() {
                    return Ok(());
                }
                continue;
            }
            let count = self.source.read(&mut self.buffer)?;
            let mut rest = &mut self.buffer[..count];
            loop {
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
    /// The payloads, one behind the other, which a client may change.
    payloads: Vec<u8>,
}

impl Sender {
    /// Writes messages whose payload stays outside of the guest: from where it is, and where a client masks it.
    fn put_long(&mut self, messages: &[Message], mut at: usize) -> Result<()> {
        for message in messages {
            let (text, payload) = (matches!(message, Message::Text(_)), message.bytes());
            let (guest, session) = (&mut self.guest, &self.session);
            let header = guest.frame_header(session, text, true, payload.len() as u64)?;
            let header = header.context("something is queued")?;
            let payload = match self.role {
                Role::Server => payload,
                Role::Client => {
                    let own = &mut self.payloads[at..at + payload.len()];
                    header.mask(own, 0);
                    at += payload.len();
                    own
                }
            };
            let parts = [header.as_bytes(), payload].map(IoSlice::new);
            self.sink.put(&parts);
        }
        Ok(())
    }
}

impl Writer for Sender {
    fn prepare(&mut self) {
        if self.role == Role::Client {
            self.payloads.clear();
            for message in &self.work.messages {
                self.payloads.extend_from_slice(message.bytes());
            }
        }
    }

    fn pass(&mut self) -> Result<()> {
        let work = Rc::clone(&self.work);
        let mut at = 0;
        for burst in work.bursts() {
            if burst.iter().all(|message| message.bytes().len() >= LONG) {
                self.put_long(burst, at)?;
                at += burst
                    .iter()
                    .map(|message| message.bytes().len())
                    .sum::<usize>();
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
