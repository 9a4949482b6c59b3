//! One direction: what one side sends, and what of it has gone on.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use websocket_component::inspector::{Edit, Inspector, Traffic};
use websocket_component::{Instant, Role};

use super::rate::Buckets;
use crate::host::Host;

/// What is read at a time where frames are small.
const READ: usize = 64 << 10;
/// From this payload on headers are read alone, since what follows them need not be seen: a read costs as much as copying
/// this much.
const BULK: u64 = 8 << 10;
/// What is read at least: the longest header, and a little for one that follows an empty frame.
const HEADER: u64 = 16;

/// How much memory is kept for what may be held later, in bytes.
const KEPT: usize = 1 << 10;

/// What one side sends.
///
/// The proxy keeps what has come until it is told to go on with all of it. What the inspector holds is taken out of that,
/// and put back in front of what comes later.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How many bytes wait in the proxy, and were not looked at.
    pub(super) unread: usize,
    /// Whether the proxy holds what comes until it is told to go on, so that it can be changed at any time.
    pub(super) is_armed: bool,
    /// How much of the payload in progress need not be seen.
    skippable: u64,
    /// Whether the last payload was a large one that need not be seen.
    is_bulk: bool,
    /// How much is read next.
    look: usize,
    /// Bytes that don't go on yet, and are not in the proxy any more.
    held: Vec<u8>,
    /// The position of the first of them, or of what comes next.
    base: u64,
    edits: VecDeque<Edit>,
    /// What goes on as soon as the proxy can take it.
    out: Vec<u8>,
    pub(super) rate: Option<Buckets>,
    /// Until when no more is read, since the side has sent too much.
    pub(super) resume: Option<Instant>,
    /// What was counted so far.
    pub(super) counted: Traffic,
}

impl Line {
    /// Reads what the inspector sees next of what waits, from `at` on, which moves behind what it need not see. Returns how
    /// much that is, if there is anything.
    pub(super) fn piece(
        &mut self,
        from: Role,
        at: &mut usize,
        bytes: &mut Vec<u8>,
        host: &mut dyn Host,
    ) -> Option<u64> {
        let left = self.unread.saturating_sub(*at);
        let skipped = usize::try_from(self.skippable).map_or(left, |count| count.min(left));
        *at += skipped;
        self.skippable -= skipped as u64;
        let length = self.look.max(HEADER as usize).min(left - skipped);
        bytes.clear();
        if length > 0 {
            host.read(from, *at, length, bytes);
        }
        (skipped > 0 || !bytes.is_empty()).then_some(skipped as u64)
    }

    /// The inspector has seen a piece: what need not be seen behind it, and what it wants to see then. `has_bytes` is whether
    /// some were read, rather than all of it skipped.
    pub(super) fn seen(&mut self, has_bytes: bool, skippable: u64, wanted: u64) {
        self.skippable = skippable;
        if has_bytes {
            // Until the next header is read: the end of a large payload, cut as it may be, says nothing of what follows.
            self.is_bulk = skippable >= BULK;
        }
        let least = match self.is_bulk {
            true => HEADER,
            false => READ as u64,
        };
        let look = wanted.clamp(least, READ as u64);
        self.look = usize::try_from(look).unwrap_or(READ);
    }

    /// Writes what goes on of what waits, all of which the inspector has seen, to the proxy. Returns whether there is
    /// anything to go on with.
    pub(super) fn write(
        &mut self,
        from: Role,
        inspector: &mut Inspector,
        host: &mut dyn Host,
    ) -> bool {
        self.take_edits(from, inspector);
        let unread = mem::take(&mut self.unread);
        let come = self.base + (self.held.len() + unread) as u64;
        let to = inspector.forward_to(from).clamp(self.base, come);
        let is_untouched =
            self.edits.is_empty() && self.held.is_empty() && self.out.is_empty() && to == come;
        if is_untouched {
            self.base = come;
            return unread > 0;
        }
        if unread > 0 {
            host.read(from, 0, unread, &mut self.held);
        }
        self.forward(to);
        if inspector.is_final(from) {
            // What follows counts for nothing.
            self.base = come;
            self.held = Vec::new();
        }
        self.free();
        if unread > 0 {
            let out = mem::take(&mut self.out);
            host.replace(from, unread, &out);
            return true;
        }
        if self.out.is_empty() || !self.is_armed || !host.append(from, &self.out) {
            return false;
        }
        self.out = Vec::new();
        true
    }

    fn take_edits(&mut self, from: Role, inspector: &mut Inspector) {
        for edit in inspector.take_edits(from) {
            self.edits.push_back(edit);
        }
    }

    /// Frees memory that was needed for much more than is held now: most connections are idle.
    fn free(&mut self) {
        let capacity = self.held.capacity();
        if capacity > KEPT && capacity / 4 > self.held.len() {
            self.held.shrink_to(KEPT.max(2 * self.held.len()));
        }
    }

    /// Moves bytes up to a position from what is held to what goes on, with the edits on the way.
    fn forward(&mut self, to: u64) {
        while let Some(edit) = self.edits.front_mut()
            && edit.at <= to
        {
            let insert = mem::take(&mut edit.insert);
            let (at, end) = (edit.at, edit.at.saturating_add(edit.skip));
            let skipped_to = end.min(to);
            match end <= to {
                true => _ = self.edits.pop_front(),
                // The rest is left out when it comes.
                false => (edit.at, edit.skip) = (to, end - to),
            }
            self.take(at);
            self.out.extend(insert);
            self.drop_to(skipped_to);
            if end > to {
                break;
            }
        }
        self.take(to);
    }

    /// Bytes up to a position go on.
    fn take(&mut self, to: u64) {
        let count = self.count_to(to);
        self.out.extend(self.held.drain(..count));
        self.base += count as u64;
    }

    /// Bytes up to a position don't go on.
    fn drop_to(&mut self, to: u64) {
        let count = self.count_to(to);
        self.held.drain(..count);
        self.base += count as u64;
    }

    fn count_to(&self, to: u64) -> usize {
        let count = usize::try_from(to.saturating_sub(self.base)).unwrap_or(usize::MAX);
        count.min(self.held.len())
    }

    /// Whether something is left to be written that the proxy could not take.
    pub(super) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether something was to be inserted and was not.
    pub(super) fn has_edits(&mut self, from: Role, inspector: &mut Inspector) -> bool {
        self.take_edits(from, inspector);
        self.has_output() || !self.edits.is_empty()
    }

    /// How much memory it holds.
    pub(super) fn memory(&self) -> usize {
        self.held.capacity() + self.out.capacity()
    }
}
