//! The engine in its sandbox, through `websocket-host`'s batched call.

use std::io::IoSlice;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use websocket_component::Role;
use websocket_host::protocol::{
    Compression, Config, EventKind, FrameHeader, IncomingPayload, Negotiated, Outgoing,
    OutgoingKind,
};
use websocket_host::{Clock, Exchanged, Guest, Sandbox, SandboxConfig, Session};

use super::incoming::{Engine, Incoming, Reader};
use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink};
use crate::in_memory::workload::{Message, Workload};

/// The most payload and the most output that a call returns: more than any pass has.
const CAPACITY: u32 = 1 << 20;

/// Payloads of this length and more stay outside the guest, as in `websocket_host::stream`.
const LONG: usize = 16 << 10;

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

    fn open(&self, role: Role) -> Result<Connection> {
        let mut guest = self.sandbox.guest()?;
        let mut config = Config::default();
        // No peer would answer a ping.
        config.timeouts.keepalive = None;
        config.leave_payloads = Some(LONG as u64);
        let negotiated = Negotiated::default();
        let session = match role {
            Role::Server => guest.open_server(&config, &negotiated, 1)?,
            Role::Client => guest.open_client(&config, &[7; 32], &negotiated, 1)?,
        };
        Ok(Connection {
            guest,
            session,
            clock: Clock::start(),
        })
    }
}

impl Subject for Component {
    fn decoder(&self, role: Role, duplex: Duplex, _: usize) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Reader {
            engine: self.open(role)?,
            input: Incoming::new(duplex.source, LONG),
        }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Sender {
            connection: self.open(role)?,
            role,
            work,
            sink: duplex.sink,
            outgoing: Vec::new(),
            payload: Vec::new(),
            payloads: Vec::new(),
        }))
    }
}

/// An open session in its guest.
struct Connection {
    guest: Guest,
    session: Session,
    clock: Clock,
}

impl Engine for Connection {
    fn now(&self) -> u64 {
        self.clock.now()
    }

    #[inline]
    fn take(
        &mut self,
        bytes: &mut [u8],
        now: u64,
        seen: &mut Seen<'_>,
    ) -> Result<(usize, Option<usize>)> {
        let mut taken = 0;
        loop {
            let result = self.exchange(&bytes[taken..], &[], &[], now)?;
            taken += result.consumed;
            for event in &result.events {
                let text = match event.kind {
                    EventKind::Text => true,
                    EventKind::Binary => false,
                    kind => bail!("an event other than a message: {kind:?}"),
                };
                seen.message(text, result.bytes(event));
            }
            if !result.more {
                return Ok((taken, None));
            }
        }
    }

    fn begin_payload(
        &mut self,
        bytes: &[u8],
        now: u64,
    ) -> Result<Option<(usize, IncomingPayload)>> {
        Ok(self.guest.begin_payload(&self.session, bytes, now)?)
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: u64) -> Result<()> {
        Ok(self.guest.payload_read(&self.session, payload, now)?)
    }
}

impl Connection {
    /// Returns the header of a message whose payload stays outside the guest.
    fn frame_header(&mut self, is_text: bool, length: usize) -> Result<FrameHeader> {
        let (guest, session) = (&mut self.guest, &self.session);
        let header = guest.frame_header(session, is_text, true, length as u64)?;
        header.context("something is queued")
    }

    fn exchange(
        &mut self,
        input: &[u8],
        outgoing: &[Outgoing],
        payload: &[u8],
        now: u64,
    ) -> Result<Exchanged<'_>> {
        let session = &self.session;
        Ok(self
            .guest
            .exchange(session, input, outgoing, payload, now, CAPACITY)?)
    }
}

struct Sender {
    connection: Connection,
    role: Role,
    work: Rc<Workload>,
    sink: Sink,
    outgoing: Vec<Outgoing>,
    payload: Vec<u8>,
    /// The payloads, one after the other, which a client may mask in place.
    payloads: Vec<u8>,
}

impl Sender {
    /// Writes messages whose payload stays outside the guest, without a copy; a client masks it in place.
    fn put_long(&mut self) -> Result<()> {
        let mut own = &mut self.payloads[..];
        for message in &self.work.messages {
            let payload = message.bytes();
            let header = self
                .connection
                .frame_header(message.is_text(), payload.len())?;
            let payload = match self.role {
                Role::Server => payload,
                Role::Client => {
                    let (masked, others) = own.split_at_mut(payload.len());
                    own = others;
                    header.mask(masked, 0);
                    masked
                }
            };
            self.sink
                .put(&[header.as_bytes(), payload].map(IoSlice::new));
        }
        Ok(())
    }

    fn put(&mut self, burst: &[Message]) -> Result<()> {
        self.outgoing.clear();
        self.payload.clear();
        // The call takes one buffer with all payloads. A program that has them in several copies them, which is
        // measured.
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
        let connection = &mut self.connection;
        let now = connection.clock.now();
        let mut result = connection.exchange(&[], &self.outgoing, payload, now)?;
        ensure!(
            result.accepted == burst.len(),
            "refused: {:?}",
            result.refused
        );
        self.sink.put(&[IoSlice::new(result.output)]);
        while result.more {
            result = connection.exchange(&[], &[], &[], now)?;
            self.sink.put(&[IoSlice::new(result.output)]);
        }
        Ok(())
    }
}

impl Writer for Sender {
    fn prepare(&mut self) {
        if self.role == Role::Client {
            self.payloads.clear();
            self.payloads.extend_from_slice(self.work.payloads);
        }
    }

    fn pass(&mut self) -> Result<()> {
        if self.work.cell.size.0 >= LONG {
            return self.put_long();
        }
        let work = Rc::clone(&self.work);
        work.bursts().try_for_each(|burst| self.put(burst))
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
