//! What is delivered, and where its bytes are.

use core::ops::Range;

/// What an event is.
///
/// Laid out as the canonical ABI has the variant of the contract, so that a component's host
/// reads the records where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, u8)]
#[non_exhaustive]
pub enum EventKind {
    /// A text message, or the last chunk of one.
    Text,
    /// A chunk of a text message, not the last.
    TextChunk,
    /// A binary message, or the last chunk of one.
    Binary,
    /// A chunk of a binary message, not the last.
    BinaryChunk,
    /// A ping.
    Ping,
    /// A pong that answers a ping, with the round-trip time in nanoseconds.
    Pong(u64),
    /// A pong that answers no ping.
    UnsolicitedPong,
    /// A close frame, with its code: 1005 if it holds none. The payload is the reason.
    Close(u16),
    /// A data frame of an extension that the host implements, with the first byte of its
    /// header.
    ExtensionFrame(u8),
    /// The request's head was received; see [`Session::request`](crate::Session::request).
    Request,
    /// A client's session has opened.
    Opened,
    /// The last byte of the send with this context was handed out.
    Sent(u64),
    /// The send with this context was cancelled, because the session has ended.
    Cancelled(u64),
}

impl EventKind {
    /// Whether this completes what the host may answer: a message, an extension frame or a ping.
    pub(crate) fn ends_message(self) -> bool {
        matches!(
            self,
            EventKind::Text | EventKind::Binary | EventKind::ExtensionFrame(_) | EventKind::Ping
        )
    }

    /// Whether this is a message, or a chunk of one.
    pub(crate) fn is_of_message(self) -> bool {
        matches!(
            self,
            EventKind::Text | EventKind::TextChunk | EventKind::Binary | EventKind::BinaryChunk
        )
    }
}

/// Where the bytes of a record are, until the next input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PayloadRef {
    /// In the input, where they were unmasked.
    Input(Range<usize>),
    /// Among the messages that were put together from several inputs or frames.
    Assembled(Range<usize>),
    /// In the payload of a control frame that came in several inputs.
    Control(Range<usize>),
}

impl PayloadRef {
    pub(crate) fn len(&self) -> usize {
        let (PayloadRef::Input(range) | PayloadRef::Assembled(range) | PayloadRef::Control(range)) =
            self;
        range.len()
    }

    fn range_mut(&mut self) -> &mut Range<usize> {
        let (PayloadRef::Input(range) | PayloadRef::Assembled(range) | PayloadRef::Control(range)) =
            self;
        range
    }

    /// Without its first `count` bytes.
    pub(crate) fn skip(mut self, count: usize) -> PayloadRef {
        let range = self.range_mut();
        range.start = range.end.min(range.start + count);
        self
    }

    /// Keeps its first `count` bytes.
    pub(crate) fn truncate(&mut self, count: usize) {
        let range = self.range_mut();
        range.end = range.end.min(range.start + count);
    }
}

/// An event that points at its bytes instead of borrowing them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: EventKind,
    pub(crate) place: PayloadRef,
}

impl Record {
    pub(crate) const fn bare(kind: EventKind) -> Record {
        Record::new(kind, PayloadRef::Input(0..0))
    }

    #[inline(always)]
    pub(crate) const fn new(kind: EventKind, place: PayloadRef) -> Record {
        Record { kind, place }
    }
}
