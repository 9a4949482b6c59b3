//! Handing out what is queued, in the order in which it is to be written.
//!
//! Control frames overtake data at frame boundaries; a close frame follows the data that
//! was queued before it. What is handed out leaves a queue by [`Sender::advance`], so a short
//! write just resumes.

use alloc::vec::Vec;

use super::Sender;
use crate::session::event::Sent;
use crate::session::queue::{Done, Queue};

/// The queue from which bytes are handed out next.
#[derive(Clone, Copy)]
enum Next {
    Control,
    Data,
}

impl Sender {
    /// From which queue to write next, and how much of it at most.
    fn next(&self) -> (Next, usize) {
        if self.control.is_empty() {
            (Next::Data, self.data.len())
        } else if self.data.is_inside_frame() {
            (Next::Data, self.data.rest_of_frame())
        } else {
            (Next::Control, self.control.len())
        }
    }

    fn queue(&mut self, next: Next) -> (&mut Queue, &mut Done) {
        let queue = match next {
            Next::Data => &mut self.data,
            Next::Control => &mut self.control,
        };
        (queue, &mut self.done)
    }

    /// What to write next, at most `limit` bytes. Nothing overtakes it or drops it until
    /// [`Sender::advance`] reports how much of it was written.
    pub(in crate::session) fn lend(&mut self, limit: usize) -> &[u8] {
        let (next, most) = self.next();
        let (queue, _) = self.queue(next);
        let length = queue.first().len().min(most).min(limit);
        queue.lend(length);
        queue.first().get(..length).unwrap_or_default()
    }

    /// The same as slices, and not only as much as is contiguous.
    pub(in crate::session) fn lend_slices(&mut self) -> impl Iterator<Item = &[u8]> {
        let (next, most) = self.next();
        let (queue, _) = self.queue(next);
        queue.lend(most);
        queue.slices(most)
    }

    /// The first `count` bytes of what is next were handed out.
    pub(in crate::session) fn advance(&mut self, count: usize) {
        let (next, _) = self.next();
        let (queue, done) = self.queue(next);
        queue.advance(count, done);
    }

    /// Hands out at most `limit` bytes.
    pub(in crate::session) fn take(&mut self, limit: usize) -> Vec<u8> {
        let mut output = Vec::new();
        loop {
            let (next, most) = self.next();
            let count = most.min(limit - output.len());
            if count == 0 {
                return output;
            }
            let (queue, done) = self.queue(next);
            queue.take(count, &mut output, done);
        }
    }

    /// How many pings were handed out, to their last byte.
    pub(in crate::session) fn pings_handed_out(&self) -> u64 {
        self.done.pings
    }

    /// Whether a close frame was handed out, to its last byte.
    pub(in crate::session) fn is_close_handed_out(&self) -> bool {
        self.done.close
    }

    /// The next send that is done.
    pub(in crate::session) fn pop_done(&mut self) -> Option<Sent> {
        self.done.pop()
    }
}
