//! Reading in the project's own subjects: into a buffer in which messages stay until they are complete. Long payloads
//! don't pass through the engine.

use std::io::Read;

use anyhow::{Result, ensure};
use websocket_component::IncomingPayload;

use super::Decoder;
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::Source;

/// The most bytes of a read, unless a message is longer.
const READ: usize = 64 << 10;
/// The initial length of the buffer: unread bytes have to be moved to the front less often than in a smaller one.
const BUFFER: usize = 4 * READ;
/// How much a read to the end of a message reads beyond it, to get the next header.
const AHEAD: usize = 512;
/// Up to this many unread bytes are worth moving to the front, so that the next read goes to memory that is in the
/// cache.
const MOVED: usize = 2 << 10;

/// The engine, which leaves long payloads to its host.
pub(super) trait Engine {
    /// Reads the clock, as a program does once for each read.
    fn now(&self) -> u64;

    /// Processes what was read, except long payloads. Returns how much it consumed, and how long the rest has to be
    /// before more can be consumed, if that is known.
    fn take(
        &mut self,
        bytes: &mut [u8],
        now: u64,
        seen: &mut Seen<'_>,
    ) -> Result<(usize, Option<usize>)>;

    /// Begins a long payload; `bytes` begin with its header. Returns the length of the header.
    fn begin_payload(&mut self, bytes: &[u8], now: u64)
    -> Result<Option<(usize, IncomingPayload)>>;

    /// Reports how much of it was read.
    fn payload_read(&mut self, payload: &IncomingPayload, now: u64) -> Result<()>;
}

/// What to do next with what was read.
enum Next<'a> {
    /// A long message is complete: whether it is text, and its payload.
    Message(bool, &'a [u8]),
    /// The engine has to read this. [`Incoming::take`] says how far it got.
    Bytes(&'a mut [u8]),
}

/// A program that reads.
pub(super) struct Reader<E> {
    pub(super) engine: E,
    pub(super) input: Incoming,
}

impl<E: Engine> Decoder for Reader<E> {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        let Self { engine, input } = self;
        loop {
            let now = engine.now();
            input.read()?;
            while let Some(next) = input.next(engine, now)? {
                match next {
                    Next::Message(is_text, payload) => seen.message(is_text, payload),
                    Next::Bytes(bytes) => {
                        let (taken, awaited) = engine.take(bytes, now, seen)?;
                        input.take(taken, awaited);
                    }
                }
            }
            if input.is_at_end()? {
                return Ok(());
            }
        }
    }
}

pub(super) struct Incoming {
    source: Source,
    /// Payloads of this length and more are left to the host.
    long: usize,
    buffer: Vec<u8>,
    /// The unread bytes of the buffer.
    start: usize,
    end: usize,
    /// How long the unread bytes have to be before the engine can continue, if that is known.
    awaited: Option<usize>,
    is_short: bool,
    /// The long payload with which it begins, and how much of that was read.
    payload: Option<(IncomingPayload, usize)>,
}

impl Incoming {
    pub(super) fn new(source: Source, long: usize) -> Self {
        Self {
            source,
            long,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            awaited: None,
            is_short: true,
            payload: None,
        }
    }

    /// Reads once: of a longer message, to its end and a little further, so that little has to be moved afterwards.
    #[inline]
    fn read(&mut self) -> Result<()> {
        let waiting = self.end - self.start;
        let room = match self.awaited.take() {
            // The length in a header is trusted once half of it has arrived.
            Some(length) if length >= READ => {
                (length.saturating_sub(waiting) + AHEAD).min(waiting.max(READ))
            }
            _ => READ,
        };
        let is_full = self.buffer.len() - self.end < room;
        if waiting <= MOVED || (is_full && waiting <= self.start) {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, waiting);
        }
        if self.buffer.len() - self.end < room {
            self.buffer.resize(self.end + room, 0);
        }
        let place = &mut self.buffer[self.end..self.end + room];
        self.end += self.source.read(place)?;
        self.is_short = false;
        Ok(())
    }

    /// Returns what to do next, if enough was read for anything.
    #[inline]
    fn next(&mut self, engine: &mut impl Engine, now: u64) -> Result<Option<Next<'_>>> {
        if self.is_short || self.start == self.end {
            return Ok(None);
        }
        let waiting = &self.buffer[self.start..self.end];
        if self.payload.is_none()
            && begins_long(waiting, self.long)
            && let Some((header, payload)) = engine.begin_payload(waiting, now)?
        {
            self.start += header;
            self.payload = Some((payload, 0));
        }
        let Some((payload, done)) = &mut self.payload else {
            return Ok(Some(Next::Bytes(&mut self.buffer[self.start..self.end])));
        };
        *done += payload.read(&mut self.buffer[self.start + *done..self.end])?;
        engine.payload_read(payload, now)?;
        let length = *done + usize::try_from(payload.left())?;
        if payload.left() > 0 {
            (self.awaited, self.is_short) = (Some(length), true);
            return Ok(None);
        }
        let is_text = payload.is_text();
        self.payload = None;
        let message = self.start..self.start + length;
        self.start += length;
        Ok(Some(Next::Message(is_text, &self.buffer[message])))
    }

    /// Removes the `count` bytes that the engine took. Unless a long payload follows, what it left waits until there are
    /// `awaited` bytes of it, if that is known.
    #[inline]
    fn take(&mut self, count: usize, awaited: Option<usize>) {
        self.start += count;
        self.awaited = awaited;
        self.is_short = !begins_long(&self.buffer[self.start..self.end], self.long);
    }

    /// Whether all of the wire was read, once.
    fn is_at_end(&self) -> Result<bool> {
        let is_end = self.source.is_at_start();
        let is_empty = self.start == self.end && self.payload.is_none();
        ensure!(!is_end || is_empty, "input was left over");
        Ok(is_end)
    }
}

/// Whether a data frame with a payload of at least `long` bytes begins here.
fn begins_long(bytes: &[u8], long: usize) -> bool {
    let length = match *bytes {
        [_, 127 | 255, ..] => usize::MAX,
        [_, 126 | 254, high, low, ..] => u16::from_be_bytes([high, low]).into(),
        _ => 0,
    };
    length >= long && bytes.first().is_some_and(|first| first & 0x0f < 3)
}
