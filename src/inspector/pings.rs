//! Inserted pings that wait for their pongs (RFC 6455, section 5.5.3).

use alloc::collections::VecDeque;

use crate::Instant;
use crate::limits::nanos;

/// With more pings than this, the oldest is forgotten: its pong is forwarded.
const MAX_REMEMBERED: usize = 16;

/// The pings that were inserted to one side. Their payloads can't be predicted, so that no other
/// pong is taken for an answer.
#[derive(Default)]
pub(super) struct Pings {
    remembered: VecDeque<([u8; 8], Instant)>,
}

impl Pings {
    /// Whether no pong is awaited.
    pub(super) fn is_empty(&self) -> bool {
        self.remembered.is_empty()
    }

    /// Whether one more ping would make the oldest be forgotten.
    pub(super) fn is_full(&self) -> bool {
        self.remembered.len() == MAX_REMEMBERED
    }

    /// Records an inserted ping.
    pub(super) fn inserted(&mut self, payload: [u8; 8], now: Instant) {
        if self.remembered.len() == MAX_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back((payload, now));
    }

    /// Returns the round-trip time in nanoseconds if this pong answers one of the pings. Those
    /// before it are answered with it: a side may answer only the latest.
    pub(super) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<u64> {
        let answers = |(known, _): &([u8; 8], Instant)| known == payload;
        let index = self.remembered.iter().position(answers)?;
        let (_, since) = self.remembered.drain(..=index).next_back()?;
        nanos(now.since(since))
    }
}
