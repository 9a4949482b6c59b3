//! Buffers that the connections of a thread share, so that an idle connection has none.

use std::cell::RefCell;

use websocket_host::Exchanged;
use websocket_host::protocol::{CloseCode, NO_CODE, Outgoing, OutgoingKind};

/// The most that is read from a socket at a time, and that a result holds of payload and of output.
pub(crate) const CHUNK: u32 = 64 << 10;

/// The most that a relay hands out at a time, beside a frame that was held until it was whole: whatever one read has the
/// other side sent. Headers may get longer on the way, by a mask in front of each frame, but even frames of nothing no
/// more than threefold.
pub(crate) const RELAYED: u32 = 3 * CHUNK;

/// The buffers of a thread.
pub(crate) struct Buffers {
    /// For what is read.
    pub(crate) input: Box<[u8]>,
    /// For what goes from one side to the other.
    pub(crate) batch: Batch,
}

impl Buffers {
    fn new() -> Self {
        Self {
            input: vec![0; CHUNK as usize].into_boxed_slice(),
            batch: Batch::default(),
        }
    }
}

/// Calls with the buffers of this thread, which may not be used twice at a time.
pub(crate) fn with<R>(borrower: impl FnOnce(&mut Buffers) -> R) -> R {
    thread_local! {
        static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers::new());
    }
    BUFFERS.with_borrow_mut(borrower)
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

    /// Appends what a session received: what it delivers the other can send as it is.
    pub(crate) fn push_received(&mut self, result: &Exchanged<'_>) {
        let before = self.records.len();
        let offset = index(self.payload.len());
        let records = result.events.iter().filter_map(|event| {
            Some(Outgoing {
                kind: event.kind.to_outgoing()?,
                start: event.start.saturating_add(offset),
                length: event.length,
                context: None,
            })
        });
        self.records.extend(records);
        if self.records.len() > before {
            self.payload.extend_from_slice(result.payload);
        }
    }

    /// Appends a close frame, without a code if this is the one that stands for none.
    pub(crate) fn push_close(&mut self, code: CloseCode, reason: &str) {
        self.records.push(Outgoing {
            kind: OutgoingKind::Close((code != NO_CODE).then_some(code)),
            start: index(self.payload.len()),
            length: index(reason.len()),
            context: None,
        });
        self.payload.extend_from_slice(reason.as_bytes());
    }
}

/// A place in a payload, which is never that long.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
