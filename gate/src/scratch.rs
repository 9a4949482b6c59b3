//! Buffers that a thread lends to the connection it is at, so that an idle connection has none.

use std::cell::RefCell;

use websocket_host::Turn;
use websocket_host::protocol::{CloseCode, Kind, Outgoing};

/// The most that is read from a socket at a time, and that a turn holds of payload and of output.
pub(crate) const CHUNK: u32 = 64 << 10;

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
        let base = self.payload.len();
        let offset = u32::try_from(base).unwrap_or(u32::MAX);
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

    /// Appends a close frame.
    pub(crate) fn push_close(&mut self, code: CloseCode, reason: &str) {
        let index = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.records.push(Outgoing {
            kind: Kind::Close,
            start: index(self.payload.len()),
            length: index(reason.len()),
            detail: code.into(),
            context: None,
        });
        self.payload.extend_from_slice(reason.as_bytes());
    }

    /// What is left when the first records were taken.
    pub(crate) fn after(&self, accepted: usize) -> Self {
        let mut rest = Self::default();
        for record in self.records.get(accepted..).unwrap_or_default() {
            let start = record.start as usize;
            let range = start..start.saturating_add(record.length as usize);
            let bytes = self.payload.get(range).unwrap_or_default();
            let start = u32::try_from(rest.payload.len()).unwrap_or(u32::MAX);
            rest.records.push(Outgoing { start, ..*record });
            rest.payload.extend_from_slice(bytes);
        }
        rest
    }

    /// Appends another batch.
    pub(crate) fn append(&mut self, other: &Self) {
        let offset = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        self.records
            .extend(other.records.iter().map(|record| Outgoing {
                start: record.start.saturating_add(offset),
                ..*record
            }));
        self.payload.extend_from_slice(&other.payload);
    }
}

/// Whether an event is for the other side.
fn is_message(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text | Kind::TextFragment | Kind::Binary | Kind::BinaryFragment | Kind::Close
    )
}
