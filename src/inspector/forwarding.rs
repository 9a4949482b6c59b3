//! The output of one direction: which of its bytes are forwarded, and the edits.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::limits;

/// A change to the bytes of one direction, at a frame boundary.
///
/// Once all original bytes before `at` were forwarded, write `insert`, and drop the next `skip`
/// original bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The position, from 0 at the first byte of the direction.
    pub at: u64,
    /// Bytes to write there.
    pub insert: Vec<u8>,
    /// How many original bytes from there on to drop.
    pub skip: u64,
}

impl Edit {
    /// The position where forwarding continues.
    fn end(&self) -> u64 {
        self.at.saturating_add(self.skip)
    }

    /// The memory that it counts as.
    fn cost(&self) -> usize {
        self.insert.capacity() + size_of::<Edit>()
    }
}

/// How to end the transport to the receiver of a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum End {
    /// Not yet.
    #[default]
    None,
    /// Once everything was written that may be forwarded, shut down writing to the receiver (a
    /// half-close, TCP's FIN).
    Shutdown,
    /// It ends inside a frame, where nothing can be inserted, or it timed out. Write everything
    /// that was received and may be forwarded, if the receiver accepts it, and then end the
    /// transport. If the receiver accepts nothing
    /// ([`Rule::WriteTimeout`](crate::Rule::WriteTimeout)), drop pending output and reset the
    /// transport.
    Reset,
}

/// The output of one direction.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    /// The position up to which original bytes may be forwarded, including what edits drop.
    to: u64,
    /// In the order of their positions. The host can take those up to `to`.
    edits: VecDeque<Edit>,
    end: End,
}

impl Forwarding {
    pub(super) fn to(&self) -> u64 {
        self.to
    }

    pub(super) fn end(&self) -> End {
        self.end
    }

    /// Whether everything up to a position was released, and no edit is left to take.
    pub(super) fn is_even_with(&self, position: u64) -> bool {
        self.to == position && self.edits.is_empty()
    }

    /// Releases more of the original bytes.
    pub(super) fn advance(&mut self, to: u64) {
        self.to = self.to.max(to);
    }

    /// Ends the transport to the receiver, or ends it more abruptly.
    pub(super) fn finish(&mut self, end: End) {
        self.end = self.end.max(end);
    }

    /// Inserts bytes at a position that was not released yet.
    pub(super) fn insert(&mut self, at: u64, bytes: Vec<u8>) {
        self.add(Edit {
            at,
            insert: bytes,
            skip: 0,
        });
    }

    /// Drops a range of the original bytes that was not released yet.
    pub(super) fn skip(&mut self, from: u64, to: u64) {
        self.add(Edit {
            at: from,
            insert: Vec::new(),
            skip: to.saturating_sub(from),
        });
    }

    fn add(&mut self, edit: Edit) {
        let behind = |other: &Edit| other.at <= edit.at;
        let index = self.edits.partition_point(behind);
        self.edits.insert(index, edit);
    }

    /// Forgets edits after a position.
    pub(super) fn forget_behind(&mut self, at: u64) {
        self.edits.retain(|edit| edit.end() <= at);
    }

    /// Whether something is inserted at a position.
    pub(super) fn has_insertion_at(&self, at: u64) -> bool {
        let first = self.edits.partition_point(|edit| edit.at < at);
        self.edits.get(first).is_some_and(|edit| edit.at == at)
    }

    /// Returns the edits that the host has not taken yet.
    pub(super) fn take_edits(&mut self) -> impl Iterator<Item = Edit> + '_ {
        // Those that were taken the last time are gone.
        limits::trim_queue(&mut self.edits);
        let to = self.to;
        let ready = self.edits.partition_point(|edit| edit.end() <= to);
        self.edits.drain(..ready)
    }

    /// Returns how many bytes wait to be inserted, with the overhead of each edit.
    pub(super) fn waiting(&self) -> usize {
        self.edits.iter().map(Edit::cost).sum()
    }

    /// Returns how many bytes of memory it uses.
    pub(super) fn memory(&self) -> usize {
        let inserts = self.edits.iter().map(|edit| edit.insert.capacity());
        self.edits.capacity() * size_of::<Edit>() + inserts.sum::<usize>()
    }
}
