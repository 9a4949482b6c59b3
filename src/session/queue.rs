//! Encoded frames that wait to be written, with their borders.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use super::event::Sent;
use crate::frame::{header, mask};

/// A buffer that has been larger than this gives its memory back when it is
/// empty, so that an idle session is small.
pub(super) const KEPT_CAPACITY: usize = 4096;

/// Room for so much at most is made at once on the word of what waited before.
const MOST_EXPECTED: usize = 64 << 10;

/// How much is masked at a time: whole masks.
const MASKED_AT_ONCE: usize = 8 << 10;

/// On whose behalf a frame is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The session's own: the head of a handshake.
    Head,
    /// The session's own: a keepalive ping, a close.
    Session,
    /// The session's own: an answer to a ping.
    Pong,
    /// The host's, which is told when it is done.
    Host(Option<u64>),
}

struct Frame {
    /// How many bytes of it wait.
    left: usize,
    /// Some of its bytes were handed out.
    begun: bool,
    /// Some of its bytes are being written: whether they went out shows later.
    lent: bool,
    origin: Origin,
}

impl Frame {
    /// Whether it has to be written to its end before anything else.
    fn is_bound(&self) -> bool {
        self.begun || self.lent
    }
}

/// Sends that are done, in order. Those that are alike are counted rather than
/// kept, so that a host which gives no contexts need not ask.
#[derive(Default)]
pub(super) struct Done {
    runs: VecDeque<(Sent, usize)>,
}

impl Done {
    fn push(&mut self, sent: Sent) {
        match self.runs.back_mut() {
            Some((last, count)) if *last == sent => *count += 1,
            _ => self.runs.push_back((sent, 1)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Sent> {
        let (sent, count) = self.runs.front_mut()?;
        let sent = *sent;
        *count -= 1;
        if *count == 0 {
            self.runs.pop_front();
        }
        Some(sent)
    }
}

#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// How many of the bytes were handed out.
    taken: usize,
    /// How many bytes waited when the buffer was last given away: the next ones may
    /// be as many.
    expected: usize,
    frames: VecDeque<Frame>,
    /// How many of the frames are the session's own.
    own: usize,
    /// How many of the bytes that wait are pongs.
    pongs: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing that waits is the rest of something longer.
    pub(super) fn is_untouched(&self) -> bool {
        self.taken == 0
    }

    pub(super) fn pongs(&self) -> usize {
        self.pongs
    }

    pub(super) fn has_own_frames(&self) -> bool {
        self.own > 0
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    pub(super) fn is_inside_frame(&self) -> bool {
        self.frames.front().is_some_and(Frame::is_bound)
    }

    pub(super) fn rest_of_frame(&self) -> &[u8] {
        let left = self.frames.front().map_or(0, |frame| frame.left);
        self.waiting().get(..left).unwrap_or_default()
    }

    /// Appends a frame.
    pub(super) fn write(
        &mut self,
        first: u8,
        payload: &[u8],
        key: Option<[u8; 4]>,
        origin: Origin,
    ) {
        let start = self.bytes.len();
        let length = header::MAX_LENGTH + payload.len();
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(length.max(self.expected));
        } else {
            self.bytes.reserve(length);
        }
        header::write(first, payload.len(), key, &mut self.bytes);
        match key {
            None => self.bytes.extend_from_slice(payload),
            Some(key) => self.extend_masked(payload, key),
        }
        self.push(self.bytes.len() - start, origin);
    }

    /// In parts that stay in a processor's nearest cache between copy and mask.
    fn extend_masked(&mut self, payload: &[u8], key: [u8; 4]) {
        for part in payload.chunks(MASKED_AT_ONCE) {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(part);
            mask::apply(self.bytes.get_mut(start..).unwrap_or_default(), key);
        }
    }

    /// Appends the head of a handshake, which counts as one frame.
    pub(super) fn write_head(&mut self, head: &[u8]) {
        self.bytes.extend_from_slice(head);
        self.push(head.len(), Origin::Head);
    }

    fn push(&mut self, left: usize, origin: Origin) {
        match origin {
            Origin::Host(_) => {}
            Origin::Head | Origin::Session => self.own += 1,
            Origin::Pong => {
                self.own += 1;
                self.pongs += left;
            }
        }
        self.frames.push_back(Frame {
            left,
            begun: false,
            lent: false,
            origin,
        });
    }

    /// The first `count` bytes that wait are being written.
    pub(super) fn lend(&mut self, count: usize) {
        let mut lent = 0;
        for frame in &mut self.frames {
            if lent >= count {
                break;
            }
            lent += frame.left;
            frame.lent = true;
        }
    }

    /// The first `count` bytes that waited were handed out.
    pub(super) fn advance(&mut self, count: usize, done: &mut Done) {
        let mut count = count.min(self.len());
        self.taken += count;
        while let Some(mut frame) = self.frames.pop_front() {
            let part = frame.left.min(count);
            count -= part;
            frame.left -= part;
            if frame.origin == Origin::Pong {
                self.pongs -= part;
            }
            if frame.left > 0 {
                frame.begun |= part > 0;
                self.frames.push_front(frame);
                break;
            }
            self.complete(&frame, done, true);
        }
        for frame in self.frames.iter_mut().take_while(|frame| frame.lent) {
            frame.lent = false;
        }
        if self.is_empty() {
            self.release();
        }
    }

    /// Hands out all that waits, of a queue that is untouched.
    pub(super) fn take_all(&mut self, done: &mut Done) -> Vec<u8> {
        while let Some(frame) = self.frames.pop_front() {
            self.complete(&frame, done, true);
        }
        self.pongs = 0;
        self.expected = self.bytes.len().min(MOST_EXPECTED);
        mem::take(&mut self.bytes)
    }

    /// Drops the frames that are not begun and that `drop` picks; those of the
    /// host complete as cancelled.
    pub(super) fn drop_frames(&mut self, done: &mut Done, drop: impl Fn(Origin) -> bool) {
        let bytes = mem::take(&mut self.bytes);
        let mut waiting = bytes.get(self.taken..).unwrap_or_default();
        self.taken = 0;
        for _ in 0..self.frames.len() {
            let Some(frame) = self.frames.pop_front() else {
                break;
            };
            let (encoded, rest) = waiting.split_at_checked(frame.left).unwrap_or_default();
            waiting = rest;
            if !frame.is_bound() && drop(frame.origin) {
                if frame.origin == Origin::Pong {
                    self.pongs -= frame.left;
                }
                self.complete(&frame, done, false);
            } else {
                self.bytes.extend_from_slice(encoded);
                self.frames.push_back(frame);
            }
        }
    }

    /// Drops all, also the rest of a frame that was begun.
    pub(super) fn clear(&mut self, done: &mut Done) {
        while let Some(frame) = self.frames.pop_front() {
            self.complete(&frame, done, false);
        }
        *self = Queue::default();
    }

    fn complete(&mut self, frame: &Frame, done: &mut Done, complete: bool) {
        match frame.origin {
            Origin::Host(context) => done.push(Sent { context, complete }),
            Origin::Head | Origin::Session | Origin::Pong => self.own -= 1,
        }
    }

    fn release(&mut self) {
        self.taken = 0;
        if self.bytes.capacity() > KEPT_CAPACITY {
            self.expected = self.bytes.len().min(MOST_EXPECTED);
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        if self.frames.capacity() * mem::size_of::<Frame>() > KEPT_CAPACITY {
            self.frames = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests;
