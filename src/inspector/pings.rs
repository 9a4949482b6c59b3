//! Pings that were inserted, and wait for their pongs (RFC 6455, section 5.5.3).

use alloc::collections::VecDeque;

use crate::Instant;
use crate::limits::nanos;

/// Of more pings than this the oldest is forgotten: its pong passes.
const MAX_REMEMBERED: usize = 16;

/// The pings that were inserted towards one side. Their payloads can't be predicted, so that
/// no other pong is taken for an answer.
#[derive(Default)]
pub(super) struct Pings {
    remembered: VecDeque<([u8; 8], Instant)>,
}

impl Pings {
    /// Whether no pong is awaited.
    pub(super) fn is_empty(&self) -> bool {
        self.remembered.is_empty()
    }

    /// Whether one more would have another forgotten.
    pub(super) fn is_full(&self) -> bool {
        self.remembered.len() == MAX_REMEMBERED
    }

    /// A ping was inserted.
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
