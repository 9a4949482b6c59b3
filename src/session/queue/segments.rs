//! Bytes that wait, in segments that are freed one by one as they drain.
//!
//! A single buffer would have to hold on to what was drained for as long as anything waits. Segments keep memory near
//! what waits, without moving it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::{iter, mem};

use crate::frame::header;
use crate::limits::{self, KEPT_CAPACITY};

/// How long a segment of several frames gets. What a host takes at a time, 64 KiB in one read from a socket, fits
/// with its headers, so that it can be handed out without a copy.
pub(super) const SEGMENT: usize = 68 << 10;

/// How much shorter a frame may be than the room that it asks for: its header.
const SLACK: usize = header::MAX_LENGTH;

#[derive(Default)]
pub(super) struct Segments {
    /// What comes before `last`. None of them is empty.
    full: VecDeque<Vec<u8>>,
    /// The one that is appended to.
    last: Vec<u8>,
    /// How much of the first one was drained.
    drained: usize,
    /// How many bytes wait, in all of them.
    len: usize,
    /// How large the next segment is at first.
    expected: usize,
}

impl Segments {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first bytes that wait, as many as are contiguous.
    pub(super) fn first(&self) -> &[u8] {
        let first = self.full.front().unwrap_or(&self.last);
        first.get(self.drained..).unwrap_or_default()
    }

    /// All that waits, in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let behind = self.full.iter().chain(iter::once(&self.last)).skip(1);
        iter::once(self.first()).chain(behind.map(Vec::as_slice))
    }

    /// Appends what `write` adds, which is at most `length` bytes. They stay contiguous.
    #[inline]
    pub(super) fn append(&mut self, length: usize, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.last.capacity() - self.last.len() < length {
            self.make_room(length);
        }
        let before = self.last.len();
        write(&mut self.last);
        let added = self.last.len() - before;
        self.len += added;
        added
    }

    /// Appends a few bytes, and a segment that is made of `owned`.
    pub(super) fn push(&mut self, bytes: &[u8], owned: Vec<u8>) {
        if self.last.capacity() - self.last.len() < bytes.len() {
            self.seal();
            self.last.reserve_exact(bytes.len());
        }
        self.last.extend_from_slice(bytes);
        self.len += bytes.len() + owned.len();
        self.seal();
        self.last = owned;
        self.seal();
    }

    /// Grows the last segment, or begins a new one: where growing would move more bytes than are added, and where it
    /// would keep alive what was drained.
    fn make_room(&mut self, length: usize) {
        let is_draining = self.full.is_empty() && self.drained > 0;
        let longest = if is_draining { KEPT_CAPACITY } else { SEGMENT };
        let used = self.last.len();
        let begins = used + length > longest && (is_draining || used >= length);
        let room = if begins {
            self.seal();
            used.min(SEGMENT)
        } else if used == 0 && self.full.is_empty() {
            self.expected
        } else {
            (2 * self.last.capacity()).min(longest)
        };
        let used = self.last.len();
        self.last.reserve_exact(room.max(used + length) - used);
    }

    fn seal(&mut self) {
        if !self.last.is_empty() {
            self.full.push_back(mem::take(&mut self.last));
        }
    }

    /// Drops the first `count` bytes that wait.
    pub(super) fn advance(&mut self, count: usize) {
        let count = count.min(self.len);
        self.len -= count;
        self.drained += count;
        while let Some(first) = self.full.front() {
            if self.drained < first.len() {
                return;
            }
            self.drained -= first.len();
            self.full.pop_front();
            limits::trim_queue(&mut self.full);
        }
        self.free_if_empty();
    }

    /// Lets the next segment begin with room for as many bytes, and for what an append asks for beyond what it adds.
    fn expect(&mut self, length: usize) {
        self.expected = (length + SLACK).min(SEGMENT);
    }

    fn free_if_empty(&mut self) {
        if self.len > 0 {
            return;
        }
        self.drained = 0;
        self.expect(self.last.len());
        self.last.clear();
        if self.last.capacity() > KEPT_CAPACITY {
            self.last = Vec::new();
        }
    }

    /// Moves the first `count` bytes that wait to the end of `output`: without a copy, if that is empty and they begin
    /// with a whole segment.
    pub(super) fn take(&mut self, count: usize, output: &mut Vec<u8>) {
        let mut count = count.min(self.len);
        let first = self.first().len();
        if output.is_empty() && self.drained == 0 && (1..=count).contains(&first) {
            *output = match self.full.pop_front() {
                Some(first) => {
                    limits::trim_queue(&mut self.full);
                    first
                }
                None => {
                    self.expect(first);
                    mem::take(&mut self.last)
                }
            };
            self.len -= first;
            count -= first;
        }
        output.reserve_exact(count);
        while count > 0 {
            let first = self.first();
            let part = first.get(..count).unwrap_or(first);
            let length = part.len();
            output.extend_from_slice(part);
            self.advance(length);
            count -= length;
        }
    }

    /// Drops the last `count` bytes.
    pub(super) fn truncate(&mut self, count: usize) {
        let mut count = count.min(self.len);
        self.len -= count;
        while count > 0 {
            self.unseal();
            let part = count.min(self.last.len());
            self.last.truncate(self.last.len() - part);
            count -= part;
        }
        self.free_if_empty();
    }

    /// Takes the last `count` bytes out.
    pub(super) fn pop(&mut self, count: usize) -> Vec<u8> {
        let mut count = count.min(self.len);
        self.len -= count;
        let mut popped = Vec::new();
        while count > 0 {
            self.unseal();
            let at = self.last.len().saturating_sub(count);
            let mut part = self.last.split_off(at);
            count -= part.len();
            part.append(&mut popped);
            popped = part;
        }
        self.free_if_empty();
        popped
    }

    fn unseal(&mut self) {
        if self.last.is_empty() {
            self.last = self.full.pop_back().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
