//! Messages that one session has received, for another one to send.

use crate::protocol::{CloseCode, NO_CODE, Outgoing, OutgoingKind};
use crate::sandbox::Exchanged;

/// Messages that a session received, as records that another one can send.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Outgoing>,
    pub(super) payload: Vec<u8>,
}

impl Batch {
    /// Creates a batch of one message or fragment.
    pub(super) fn of(record: Outgoing, payload: &[u8]) -> Self {
        Self {
            records: vec![record],
            payload: payload.to_vec(),
        }
    }

    /// Appends the messages that a session received.
    pub(super) fn push_received(&mut self, result: &Exchanged<'_>) {
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

    /// Appends a close frame, without a code if `code` is 1005.
    pub(super) fn push_close(&mut self, code: CloseCode, reason: &str) {
        self.records.push(Outgoing {
            kind: OutgoingKind::Close((code != NO_CODE).then_some(code)),
            start: index(self.payload.len()),
            length: index(reason.len()),
            context: None,
        });
        self.payload.extend_from_slice(reason.as_bytes());
    }
}

/// Converts an offset in a payload, which is never longer than 4 GiB.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
