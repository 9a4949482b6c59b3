//! Buffers that a thread lends to the connection it is at, so that an idle connection has none.

use std::cell::RefCell;

use websocket_host::Turn;
use websocket_host::protocol::{CloseCode, Kind, Outgoing};

/// The most that is read from a socket at a time, and that a turn holds of payload and of output.
pub(crate) const CHUNK: u32 = 64 << 10;

/// The most that a relay hands out at a time, beside a frame that was held until it was whole: whatever one read has the
/// other side sent. Headers may get longer on the way, by a mask in front of each frame, but even frames of nothing no
/// more than threefold.
pub(crate) const RELAYED: u32 = 3 * CHUNK;

/// What one thread lends.
pub(crate) struct Scratch {
    /// For what is read.
    pub(crate) input: Box<[u8]>,
    /// For what goes from one side to the other.
    pub(crate) batch: Batch,
}

impl Scratch {
    fn new() -> Self {
        Self {
            input: vec![0; CHUNK as usize].into_boxed_slice(),
            batch: Batch::default(),
        }
    }
}

/// Lends this thread's buffers. They can't be lent twice at a time.
pub(crate) fn lend<R>(borrower: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
    }
    SCRATCH.with_borrow_mut(borrower)
}

/// Messages on their way from one session to the other.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Outgoing>,
    pub(crate) payload: Vec<u8>,
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.payload.clear();
    }

    /// Appends what a turn received: what a session delivers the other can send as it is.
    pub(crate) fn push_turn(&mut self, turn: &Turn<'_>) {
        let events = turn.events.iter().filter(|event| is_message(event.kind));
        let before = self.records.len();
        let offset = index(self.payload.len());
        self.records.extend(events.map(|event| Outgoing {
            kind: event.kind,
            start: event.start.saturating_add(offset),
            length: event.length,
            detail: event.detail,
            context: None,
        }));
        if self.records.len() > before {
            self.payload.extend_from_slice(turn.payload);
        }
    }

    /// Appends a message, a piece of one, or a close frame.
    pub(crate) fn push(&mut self, kind: Kind, detail: u64, bytes: &[u8]) {
        self.records.push(Outgoing {
            kind,
            start: index(self.payload.len()),
            length: index(bytes.len()),
            detail,
            context: None,
        });
        self.payload.extend_from_slice(bytes);
    }

    /// Appends a close frame.
    pub(crate) fn push_close(&mut self, code: CloseCode, reason: &str) {
        self.push(Kind::Close, code.into(), reason.as_bytes());
    }
}

/// A place in a payload, which is never that long.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Whether an event is for the other side.
fn is_message(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text | Kind::TextFragment | Kind::Binary | Kind::BinaryFragment | Kind::Close
    )
}
