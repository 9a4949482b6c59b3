//! What is delivered, and where its bytes are.

use core::ops::Range;

/// The kinds of events, as the contract's records name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    TextFragment,
    Binary,
    BinaryFragment,
    Ping,
    Pong,
    Close,
    /// A data frame of an extension that is implemented elsewhere.
    Frame,
    /// Of a handshake.
    Request,
    /// Of a handshake.
    Opened,
}

impl Kind {
    /// Whether this is a message, or a chunk of one.
    pub(crate) fn is_of_message(self) -> bool {
        matches!(
            self,
            Kind::Text | Kind::TextFragment | Kind::Binary | Kind::BinaryFragment
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
    pub(crate) kind: Kind,
    pub(crate) place: PayloadRef,
    /// [`Kind::Close`]: the code. [`Kind::ExtensionFrame`]: the first byte of the header.
    /// [`Kind::Pong`]: the round-trip time in nanoseconds, or [`Record::UNSOLICITED`].
    pub(crate) detail: u64,
}

impl Record {
    pub(crate) const UNSOLICITED: u64 = u64::MAX;

    pub(crate) const fn bare(kind: Kind) -> Record {
        Record::new(kind, PayloadRef::Input(0..0))
    }

    #[inline(always)]
    pub(crate) const fn new(kind: Kind, place: PayloadRef) -> Record {
        Record {
            kind,
            place,
            detail: 0,
        }
    }
}
