//! Encoded frames that wait to be written, with their boundaries.

mod segments;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::event::Sent;
use crate::Limits;
use crate::frame::{header, mask};
use crate::limits;
use segments::Segments;

/// How much is masked at a time: whole masks.
const MASKED_AT_ONCE: usize = 8 << 10;

/// What is sent, and on whose behalf. The completion of what the host sends is reported with
/// its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The session's own: the head of a handshake.
    Head,
    /// The session's own: a keepalive ping.
    Ping,
    /// The session's own: an answer to a ping.
    Pong,
    /// The session's own: a close.
    Close,
    /// The host's ping.
    HostPing(Option<u64>),
    /// The host's close.
    HostClose(Option<u64>),
    /// The host's, of any other kind.
    Host(Option<u64>),
}

impl Origin {
    /// The context of what the host sends.
    pub(super) fn host(self) -> Option<Option<u64>> {
        match self {
            Origin::Host(context) | Origin::HostPing(context) | Origin::HostClose(context) => {
                Some(context)
            }
            Origin::Head | Origin::Ping | Origin::Pong | Origin::Close => None,
        }
    }
}

/// A frame that waits, or the rest of one.
struct Frame {
    /// How many of its bytes wait.
    left: usize,
    origin: Origin,
}

/// Sends that are done, in order. Those that are alike are counted rather than
/// kept, so that a host which gives no contexts need not ask.
#[derive(Default)]
pub(super) struct Done {
    runs: VecDeque<(Sent, usize)>,
    /// The last byte of a close frame was handed out.
    pub(super) close: bool,
    /// How many pings were handed out to their last byte.
    pub(super) pings: u64,
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
            limits::trim_queue(&mut self.runs);
        }
        Some(sent)
    }
}

#[derive(Default)]
pub(super) struct Queue {
    bytes: Segments,
    frames: VecDeque<Frame>,
    /// Some bytes of the first frame were handed out.
    begun: bool,
    /// How many bytes at the front are being written. How many of them were written is
    /// reported later.
    in_flight: usize,
    own: Own,
}

/// The session's own frames in a queue.
#[derive(Default)]
struct Own {
    frames: usize,
    /// How many of the bytes that wait are pongs.
    pongs: usize,
}

impl Own {
    fn complete(&mut self, frame: &Frame, done: &mut Done, complete: bool) {
        match frame.origin.host() {
            Some(context) => done.push(Sent { context, complete }),
            None => self.frames -= 1,
        }
        match frame.origin {
            Origin::Pong => self.pongs -= frame.left,
            Origin::Ping | Origin::HostPing(_) if complete => done.pings += 1,
            Origin::Close | Origin::HostClose(_) => done.close |= complete,
            _ => {}
        }
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes count toward the limit: those that wait, and what it takes to keep
    /// them as frames.
    pub(super) fn cost(&self) -> u64 {
        let frames = self.frames.len() as u64;
        self.len() as u64 + frames * Limits::FRAME_OVERHEAD
    }

    pub(super) fn pongs(&self) -> usize {
        self.own.pongs
    }

    pub(super) fn has_own_frames(&self) -> bool {
        self.own.frames > 0
    }

    /// The first bytes that wait, as many as are contiguous.
    pub(super) fn first(&self) -> &[u8] {
        self.bytes.first()
    }

    /// The first `count` bytes that wait.
    pub(super) fn slices(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let mut left = count;
        self.bytes.slices().map_while(move |slice| {
            let part = slice.get(..left).unwrap_or(slice);
            left -= part.len();
            (!part.is_empty()).then_some(part)
        })
    }

    /// Whether the first frame has to be written to its end before anything else.
    pub(super) fn is_inside_frame(&self) -> bool {
        self.begun || self.in_flight > 0
    }

    pub(super) fn rest_of_frame(&self) -> usize {
        self.frames.front().map_or(0, |frame| frame.left)
    }

    /// Appends a frame.
    pub(super) fn write(
        &mut self,
        first: u8,
        payload: &[u8],
        key: Option<[u8; 4]>,
        origin: Origin,
    ) {
        let length = header::MAX_LENGTH + payload.len();
        let added = self.bytes.append(length, |bytes| {
            header::write(first, payload.len(), key, bytes);
            match key {
                None => bytes.extend_from_slice(payload),
                Some(key) => extend_masked(bytes, payload, key),
            }
        });
        self.push(added, origin);
    }

    /// Appends a frame whose payload stays where it is.
    pub(super) fn write_owned(
        &mut self,
        first: u8,
        mut payload: Vec<u8>,
        key: Option<[u8; 4]>,
        origin: Origin,
    ) {
        let (header, length) = header::encode(first, payload.len(), key);
        if let Some(key) = key {
            mask::apply(&mut payload, key);
        }
        let left = length + payload.len();
        let header = header.get(..length).unwrap_or_default();
        self.bytes.push(header, payload);
        self.push(left, origin);
    }

    /// Appends the head of a handshake, which counts as one frame.
    pub(super) fn write_head(&mut self, head: &[u8]) {
        let append = |bytes: &mut Vec<u8>| bytes.extend_from_slice(head);
        let added = self.bytes.append(head.len(), append);
        self.push(added, Origin::Head);
    }

    fn push(&mut self, left: usize, origin: Origin) {
        self.own.frames += usize::from(origin.host().is_none());
        if origin == Origin::Pong {
            self.own.pongs += left;
        }
        self.frames.push_back(Frame { left, origin });
    }

    /// The first `count` bytes that wait are being written: they stay what they are until
    /// it is known how many of them were.
    pub(super) fn lend(&mut self, count: usize) {
        self.in_flight = self.in_flight.max(count);
    }

    /// The first `count` bytes that waited were handed out.
    pub(super) fn advance(&mut self, count: usize, done: &mut Done) {
        let count = count.min(self.len());
        self.bytes.advance(count);
        self.complete_first(count, done);
    }

    /// Hands the first `count` bytes that wait out, to the end of `output`.
    pub(super) fn take(&mut self, count: usize, output: &mut Vec<u8>, done: &mut Done) {
        let count = count.min(self.len());
        self.bytes.take(count, output);
        self.complete_first(count, done);
    }

    /// Completes the frames that end within the `count` bytes which were handed out.
    fn complete_first(&mut self, mut count: usize, done: &mut Done) {
        self.in_flight = 0;
        let mut completed = 0;
        for frame in &self.frames {
            if count < frame.left {
                break;
            }
            count -= frame.left;
            completed += 1;
            self.own.complete(frame, done, true);
        }
        self.begun &= completed == 0;
        if completed == self.frames.len() {
            self.frames.clear();
        } else {
            self.frames.drain(..completed);
            self.begin(count);
        }
        limits::trim_queue(&mut self.frames);
    }

    /// The first `count` bytes of the first frame were handed out.
    fn begin(&mut self, count: usize) {
        if let Some(first) = self.frames.front_mut()
            && count > 0
        {
            first.left -= count;
            self.begun = true;
            if first.origin == Origin::Pong {
                self.own.pongs -= count;
            }
        }
    }

    /// Drops the frames that `drop` picks and that need not be written to their end; those
    /// of the host complete as cancelled.
    pub(super) fn drop_frames(&mut self, done: &mut Done, drop: fn(Origin) -> bool) {
        let mut end = 0;
        let bound = self.frames.iter().take_while(|frame| {
            let is_bound = self.is_bound(end);
            end += frame.left;
            is_bound
        });
        self.drop_frames_from(bound.count(), done, drop);
    }

    /// Drops the last pong, unless a part of it was written. Frames after it are moved, none
    /// twice.
    pub(super) fn drop_last_pong(&mut self, done: &mut Done) {
        if self.own.pongs == 0 {
            return;
        }
        let mut start = self.len();
        let behind = self.frames.iter().rev().position(|frame| {
            start -= frame.left;
            frame.origin == Origin::Pong
        });
        if let Some(behind) = behind
            && !self.is_bound(start)
        {
            let index = self.frames.len() - 1 - behind;
            self.drop_frames_from(index, done, |origin| origin == Origin::Pong);
        }
    }

    /// Whether a frame that starts at `start` in the queued bytes has to be written completely.
    fn is_bound(&self, start: usize) -> bool {
        start < self.in_flight || (start == 0 && self.begun)
    }

    fn drop_frames_from(&mut self, index: usize, done: &mut Done, drop: fn(Origin) -> bool) {
        let frames = self.frames.split_off(index);
        let mut kept = Vec::new();
        for frame in frames.iter().rev() {
            match drop(frame.origin) {
                true => self.bytes.truncate(frame.left),
                false => kept.push(self.bytes.pop(frame.left)),
            }
        }
        for frame in frames {
            if drop(frame.origin) {
                self.own.complete(&frame, done, false);
            } else {
                let encoded = kept.pop().unwrap_or_default();
                let append = |bytes: &mut Vec<u8>| bytes.extend_from_slice(&encoded);
                self.bytes.append(encoded.len(), append);
                self.frames.push_back(frame);
            }
        }
    }

    /// Drops all, also the rest of a frame that was begun.
    pub(super) fn clear(&mut self, done: &mut Done) {
        while let Some(frame) = self.frames.pop_front() {
            self.own.complete(&frame, done, false);
        }
        *self = Queue::default();
    }
}

/// Appends in parts that stay in a processor's nearest cache between copy and mask.
fn extend_masked(bytes: &mut Vec<u8>, payload: &[u8], key: [u8; 4]) {
    for part in payload.chunks(MASKED_AT_ONCE) {
        let start = bytes.len();
        bytes.extend_from_slice(part);
        mask::apply(bytes.get_mut(start..).unwrap_or_default(), key);
    }
}

#[cfg(test)]
mod tests;
