//! One direction of a connection.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use websocket_component::inspector::{Edit, Inspector, Traffic};
use websocket_component::{Instant, Role};

use super::rate::Buckets;
use crate::host::Host;

/// How much is read at a time if frames are small.
const READ: usize = 64 << 10;
/// From this length of payloads on, only headers are read, since payloads needn't be checked: a read costs as much as
/// copying this much.
const BULK: u64 = 8 << 10;
/// The minimum of a read: the longest header, and a little more for one after an empty frame.
const HEADER: u64 = 16;

/// How much of an unused buffer is kept, in bytes.
const KEPT: usize = 1 << 10;

/// The bytes from one side.
///
/// The proxy buffers input until it is told to forward all of it. Bytes that the inspector holds are removed from that
/// buffer, and put back before later input.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How many bytes in the proxy's buffer were not inspected.
    pub(super) unread: usize,
    /// Whether the proxy buffers input until it is told to forward it, so that it can be changed at any time.
    pub(super) is_armed: bool,
    /// How much of the payload in progress needn't be checked.
    skippable: u64,
    /// Whether the last payload was large and needed no check.
    is_bulk: bool,
    /// How much is read next.
    look: usize,
    /// Held bytes, which are not in the proxy's buffer any more.
    held: Vec<u8>,
    /// The position of the first of them, or of the next input.
    base: u64,
    edits: VecDeque<Edit>,
    /// Bytes to forward as soon as the proxy accepts them.
    out: Vec<u8>,
    pub(super) rate: Option<Buckets>,
    /// Until when no more is read, since the side has sent too much.
    pub(super) resume: Option<Instant>,
    /// The traffic that was counted so far.
    pub(super) counted: Traffic,
}

impl Line {
    /// Reads the next input for the inspector from `at` on, which first skips what needn't be checked. Returns how much
    /// was skipped, if there is any input.
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

    /// Records the inspector's answer to a piece: how much to skip after it, and how much it wants then. `has_bytes` is
    /// false if the piece was skipped entirely.
    pub(super) fn seen(&mut self, has_bytes: bool, skippable: u64, wanted: u64) {
        self.skippable = skippable;
        if has_bytes {
            // Only a header changes this: the rest of a large payload says nothing about the next one.
            self.is_bulk = skippable >= BULK;
        }
        let least = match self.is_bulk {
            true => HEADER,
            false => READ as u64,
        };
        let look = wanted.clamp(least, READ as u64);
        self.look = usize::try_from(look).unwrap_or(READ);
    }

    /// Writes what may be forwarded to the proxy's buffer, all of which was inspected. Returns whether there is
    /// anything to forward.
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
            // Further input is ignored.
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

    /// Frees memory that is much larger than needed now, since most connections are idle.
    fn free(&mut self) {
        let capacity = self.held.capacity();
        if capacity > KEPT && capacity / 4 > self.held.len() {
            self.held.shrink_to(KEPT.max(2 * self.held.len()));
        }
    }

    /// Moves held bytes up to a position to the output, and applies edits.
    fn forward(&mut self, to: u64) {
        while let Some(edit) = self.edits.front_mut()
            && edit.at <= to
        {
            let insert = mem::take(&mut edit.insert);
            let (at, end) = (edit.at, edit.at.saturating_add(edit.skip));
            let skipped_to = end.min(to);
            match end <= to {
                true => _ = self.edits.pop_front(),
                // The rest is dropped when it arrives.
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

    /// Forwards bytes up to a position.
    fn take(&mut self, to: u64) {
        let count = self.count_to(to);
        self.out.extend(self.held.drain(..count));
        self.base += count as u64;
    }

    /// Drops bytes up to a position.
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
