//! The engine as a Rust crate.
//!
//! In this program the peers enable simdutf8's feature `std`, with which it detects the processor's vector instructions
//! at run time; cargo unifies features, so the engine gains from it too. Where nothing enables it, the engine validates
//! text with what the target guarantees, on x86-64 without vectors.

use std::io::IoSlice;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Event, FrameHeader, IncomingPayload, Instant, Role, Session};

use super::incoming::{Engine, Incoming, Reader};
use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Duplex, Sink};
use crate::in_memory::workload::{Message, Workload};

/// Payloads of this size and more are written without a copy.
const IN_PLACE: usize = 512;

/// Payloads of this length and more are read by the program itself, as they arrive.
const LONG: usize = 64 << 10;

/// A longer write gains nothing, and bytes that were just masked are still in the cache.
const WRITE: usize = 16 << 10;

pub(crate) struct Native;

impl Subject for Native {
    fn decoder(&self, role: Role, duplex: Duplex, _: usize) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Reader {
            engine: open(role)?,
            input: Incoming::new(duplex.source, LONG),
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
}

fn open(role: Role) -> Result<Session> {
    let now = Instant::from_nanos(now());
    let mut config = Config::default();
    // No peer would answer a ping.
    config.timeouts.keepalive = None;
    // An incomplete message is passed again with the rest of it.
    config.leave_unfinished = LONG as u32 + 14;
    config.leave_payloads = Some(LONG as u64);
    let negotiated = Negotiated::default();
    let session = match role {
        Role::Server => Session::open_server(config, negotiated, now),
        Role::Client => Session::open_client(config, &[7; 32], negotiated, now),
    };
    session.map_err(|rule| anyhow!("{rule:?}"))
}

/// Returns the time, which a program reads once for each read. Timeouts are seconds, so a clock that advances every few
/// milliseconds is enough.
fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

impl Engine for Session {
    fn now(&self) -> u64 {
        now()
    }

    #[inline]
    fn take(
        &mut self,
        bytes: &mut [u8],
        now: u64,
        seen: &mut Seen<'_>,
    ) -> Result<(usize, Option<usize>)> {
        let mut events = self.input(bytes, Instant::from_nanos(now));
        while let Some(event) = events.next() {
            // Two separate calls: with one for both, decoding 16 B takes a tenth longer.
            match event {
                Event::Text { payload, .. } => seen.message(true, payload),
                Event::Binary { payload, .. } => seen.message(false, payload),
                _ => bail!("an event other than a message"),
            }
        }
        Ok((events.consumed(), events.awaited()))
    }

    fn begin_payload(
        &mut self,
        bytes: &[u8],
        now: u64,
    ) -> Result<Option<(usize, IncomingPayload)>> {
        Ok(self.begin_payload(bytes, Instant::from_nanos(now)))
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: u64) -> Result<()> {
        Ok(self.payload_read(payload, Instant::from_nanos(now))?)
    }
}

struct Sender {
    session: Session,
    role: Role,
    work: Rc<Workload>,
    sink: Sink,
    /// A client's payloads, which are masked in place.
    payloads: Vec<u8>,
    heads: Vec<FrameHeader>,
}

impl Sender {
    /// Copies messages to the session's queue, which is written at once.
    fn send(&mut self) -> Result<()> {
        for burst in self.work.bursts() {
            let now = Instant::from_nanos(now());
            for message in burst {
                let queued = self.session.send(outgoing(*message), None, now);
                queued.map_err(|rule| anyhow!("{rule:?}"))?;
            }
            flush(&mut self.session, &self.sink, now);
        }
        Ok(())
    }

    /// Writes payloads without a copy, each after its header.
    fn send_in_place(&mut self) -> Result<()> {
        let length = self.work.cell.size.0;
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
                let head = self.session.frame_header(outgoing(*message));
                let head = head.map_err(|rule| anyhow!("{rule:?}"))?;
                let head = head.context("something waits")?;
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
        self.work.burst() == 1 || self.work.cell.size.0 >= IN_PLACE
    }
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
            self.payloads.extend_from_slice(self.work.payloads);
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

/// Writes everything that is queued.
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
