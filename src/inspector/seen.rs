//! What an inspector reports of a connection.

use alloc::vec::Vec;
use core::ops::Range;

use crate::limits;
use crate::stream::{Assembler, PayloadRef};

/// Something that was forwarded, or was received and is still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// The request's head: see [`Inspector::request`](super::Inspector::request).
    Request,
    /// A response's head: see [`Inspector::response`](super::Inspector::response).
    Response,
    /// The handshake is complete; frames follow in both directions.
    Opened,
    /// The header of a frame, before anything else of the frame is reported.
    Frame(Frame),
    /// Text: a message, or a chunk of one.
    Text {
        /// Its bytes.
        payload: &'a [u8],
        /// Whether the message ends with it.
        last: bool,
    },
    /// Binary data: a message, or a chunk of one.
    Binary {
        /// Its bytes.
        payload: &'a [u8],
        /// Whether the message ends with it.
        last: bool,
    },
    /// A message is complete.
    Message(Summary),
    /// A ping.
    Ping {
        /// Its payload.
        payload: &'a [u8],
    },
    /// A pong.
    Pong {
        /// Its payload.
        payload: &'a [u8],
    },
    /// The pong to an inserted ping, with the round-trip time in nanoseconds. It is not
    /// forwarded.
    RoundTrip(u64),
    /// A close frame.
    Close {
        /// The code, 1005 if the frame has none (RFC 6455, section 7.1.5).
        code: u16,
        /// The reason, which is UTF-8.
        reason: &'a [u8],
    },
}

/// The header of a frame (RFC 6455, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The position of its first byte in its direction.
    pub offset: u64,
    /// FIN, RSV1 to RSV3 and the opcode, as on the wire.
    pub first: u8,
    /// Whether the payload is masked.
    pub masked: bool,
    /// The length of the header, 2 to 14 bytes.
    pub header: u8,
    /// The length of the payload in bytes.
    pub payload: u64,
}

/// A complete message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Whether it is text.
    pub text: bool,
    /// Whether it is compressed.
    pub compressed: bool,
    /// How many frames it has.
    pub frames: u32,
    /// The length of its payloads on the wire, in bytes.
    pub wire_length: u64,
    /// The length of the message in bytes. `None` if it was compressed and not inflated.
    pub length: Option<u64>,
    /// Whether all of it was reported, in the previous event.
    pub shown: bool,
    /// Whether it is held until [`Inspector::decide`](super::Inspector::decide).
    pub held: bool,
}

/// How much one side has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Data frames whose header was received.
    pub frames: u64,
    /// Messages whose last byte was received or skipped.
    pub messages: u64,
    /// Received bytes of their payloads, on the wire.
    pub bytes: u64,
}

/// A [`Seen`] that points at its bytes instead of borrowing them.
#[derive(Clone, Debug)]
pub(super) enum Record {
    Plain(Seen<'static>),
    Text { place: Place, last: bool },
    Binary { place: Place, last: bool },
    Ping(Place),
    Pong(Place),
    Close { code: u16, reason: Place },
}

/// Where the bytes of a record are, until the next input.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In the input, or among what was inflated.
    Stream(PayloadRef),
    /// In the copies that the inspector made.
    Copied(Range<usize>),
}

/// The outcome of one input: [`Inspector::advance`](super::Inspector::advance).
pub struct Step<'a> {
    /// How many bytes of the input were consumed. Pass the rest again: after the other half of the
    /// handshake, or at once if [`Step::more`] is set.
    pub consumed: usize,
    /// How many bytes of payload after the consumed ones needn't be passed. Pass the number of
    /// skipped bytes to the next call. Forward them only up to
    /// [`Inspector::forward_to`](super::Inspector::forward_to), and not beyond the next edit.
    pub skippable: u64,
    /// A hint for how many bytes to read after the skippable ones: those of a header, or of data
    /// that is verified. More may be passed. 0 if further input is ignored.
    pub wanted: u64,
    /// Whether to call again at once with the rest of the input: it was too much to inflate in
    /// one call ([`Limits::inflate_per_call`](crate::Limits::inflate_per_call)), or frames
    /// follow the head of the response.
    pub more: bool,
    pub(super) records: &'a [Record],
    pub(super) input: &'a [u8],
    pub(super) copies: &'a [u8],
    pub(super) stream: &'a Assembler,
}

impl<'a> Step<'a> {
    /// Returns the reported events, in order.
    pub fn seen(&self) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let (input, copies, stream) = (self.input, self.copies, self.stream);
        let bytes = move |place: &Place| match place {
            Place::Stream(place) => stream.payload(input, place),
            Place::Copied(range) => copies.get(range.clone()).unwrap_or_default(),
        };
        self.records.iter().map(move |record| match record {
            Record::Plain(seen) => *seen,
            Record::Text { place, last } => Seen::Text {
                payload: bytes(place),
                last: *last,
            },
            Record::Binary { place, last } => Seen::Binary {
                payload: bytes(place),
                last: *last,
            },
            Record::Ping(place) => Seen::Ping {
                payload: bytes(place),
            },
            Record::Pong(place) => Seen::Pong {
                payload: bytes(place),
            },
            Record::Close { code, reason } => Seen::Close {
                code: *code,
                reason: bytes(reason),
            },
        })
    }
}

/// The records of one input, and the bytes that were copied for them.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) list: Vec<Record>,
    pub(super) copies: Vec<u8>,
}

impl Records {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.copies.clear();
        limits::trim(&mut self.list);
        limits::trim(&mut self.copies);
    }

    pub(super) fn memory(&self) -> usize {
        self.list.capacity() * size_of::<Record>() + self.copies.capacity()
    }

    pub(super) fn plain(&mut self, seen: Seen<'static>) {
        self.list.push(Record::Plain(seen));
    }

    /// Copies bytes that won't stay where they are.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Place {
        let start = self.copies.len();
        self.copies.extend_from_slice(bytes);
        Place::Copied(start..self.copies.len())
    }
}
