//! What goes on of one direction: which of its bytes, and what is put in between.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::limits;

/// A change to the bytes of one direction, at a boundary of frames.
///
/// When all original bytes before `at` have gone on, `insert` is written, and the next `skip`
/// original bytes are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The position, from 0 at the first byte of the direction.
    pub at: u64,
    /// Bytes to write there.
    pub insert: Vec<u8>,
    /// How many original bytes from there on don't go on.
    pub skip: u64,
}

impl Edit {
    /// Where original bytes go on again.
    fn end(&self) -> u64 {
        self.at.saturating_add(self.skip)
    }

    /// The memory that it counts for.
    fn cost(&self) -> usize {
        self.insert.capacity() + size_of::<Edit>()
    }
}

/// How the transport to the receiver of a direction ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum End {
    /// It doesn't end yet.
    #[default]
    None,
    /// Once all that may go on was written, writing to the receiver is shut down (a
    /// half-close, TCP's FIN).
    Shutdown,
    /// It ends inside a frame, where nothing can be inserted, or its time is up. What goes on
    /// and has come is still written, if the receiver takes it, and then the transport is
    /// ended. If it takes nothing ([`Rule::WriteTimeout`](crate::Rule::WriteTimeout)), what
    /// waits is dropped and the transport is reset.
    Reset,
}

/// What goes on of one direction.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    /// Up to which position original bytes may go on, what the edits skip included.
    to: u64,
    /// In the order of their positions. Those up to `to` are for the host to take.
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

    /// Whether all up to a position has gone on, and no edit is left to take.
    pub(super) fn is_even_with(&self, position: u64) -> bool {
        self.to == position && self.edits.is_empty()
    }

    /// More of the original bytes may go on.
    pub(super) fn advance(&mut self, to: u64) {
        self.to = self.to.max(to);
    }

    /// The transport to the receiver ends, or ends worse.
    pub(super) fn finish(&mut self, end: End) {
        self.end = self.end.max(end);
    }

    /// Inserts bytes at a position that is not behind what may go on already.
    pub(super) fn insert(&mut self, at: u64, bytes: Vec<u8>) {
        self.add(Edit {
            at,
            insert: bytes,
            skip: 0,
        });
    }

    /// Leaves out a range of the original bytes that doesn't go on yet.
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

    /// Forgets what would be inserted or left out behind a position.
    pub(super) fn forget_behind(&mut self, at: u64) {
        self.edits.retain(|edit| edit.end() <= at);
    }

    /// Whether something is inserted at a position.
    pub(super) fn has_insertion_at(&self, at: u64) -> bool {
        let first = self.edits.partition_point(|edit| edit.at < at);
        self.edits.get(first).is_some_and(|edit| edit.at == at)
    }

    /// The edits that the host has not taken yet.
    pub(super) fn take_edits(&mut self) -> impl Iterator<Item = Edit> + '_ {
        // Those that were taken the last time are gone.
        limits::trim_queue(&mut self.edits);
        let to = self.to;
        let ready = self.edits.partition_point(|edit| edit.end() <= to);
        self.edits.drain(..ready)
    }

    /// How many bytes wait to be inserted, and what each of these edits counts for.
    pub(super) fn waiting(&self) -> usize {
        self.edits.iter().map(Edit::cost).sum()
    }

    /// How many bytes of memory it has taken.
    pub(super) fn memory(&self) -> usize {
        let inserts = self.edits.iter().map(|edit| edit.insert.capacity());
        self.edits.capacity() * size_of::<Edit>() + inserts.sum::<usize>()
    }
}
