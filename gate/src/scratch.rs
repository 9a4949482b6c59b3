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

    /// What a record points at.
    pub(crate) fn bytes(&self, record: &Outgoing) -> &[u8] {
        let start = record.start as usize;
        let range = start..start.saturating_add(record.length as usize);
        self.payload.get(range).unwrap_or_default()
    }

    /// What is left when the first records were taken.
    pub(crate) fn after(&self, accepted: usize) -> Self {
        let mut rest = Self::default();
        for record in self.records.get(accepted..).unwrap_or_default() {
            rest.push(record.kind, record.detail, self.bytes(record));
        }
        rest
    }

    /// Appends another batch.
    pub(crate) fn append(&mut self, other: &Self) {
        for record in &other.records {
            self.push(record.kind, record.detail, other.bytes(record));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_kept_and_added_to() {
        let mut batch = Batch::default();
        batch.payload.extend_from_slice(b"heads and the like");
        batch.push(Kind::Text, 0, b"one");
        batch.push(Kind::Binary, 0, b"two");
        batch.push_close(1000, "three");
        let mut rest = batch.after(1);
        rest.append(&batch.after(2));
        let content: Vec<_> = rest
            .records
            .iter()
            .map(|record| (record.kind, rest.bytes(record)))
            .collect();
        assert_eq!(
            content,
            [
                (Kind::Binary, &b"two"[..]),
                (Kind::Close, b"three"),
                (Kind::Close, b"three")
            ]
        );
        assert_eq!(rest.payload, b"twothreethree");
        assert_eq!(rest.records[1].detail, 1000);
        assert!(batch.after(3).records.is_empty());
    }
}
