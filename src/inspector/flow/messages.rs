//! Messages: reporting and holding them, and the host's decisions.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Flow, Reach};
use crate::inspector::options::Payload;
use crate::inspector::seen::{Place, Record as SeenRecord, Records, Seen, Summary};
use crate::stream::{Extensions, Record};
use crate::{Rule, limits};

/// How many bytes may be held for a message beyond its own maximum: headers of its frames,
/// control frames between them, and compressed data that inflates to little.
const HELD_BESIDE: u64 = 65_536;

/// The message in progress.
pub(super) struct Message {
    /// Its length so far, inflated.
    length: u64,
    /// It is too long to be reported.
    is_too_long: bool,
    /// It is held from its first byte on.
    pub(super) held: Option<Held>,
    /// The position of its frame in progress.
    frame: u64,
}

/// A message that is held until the host decides.
pub(super) struct Held {
    start: u64,
    /// Its frames, without the control frames between them.
    ranges: Vec<Range<u64>>,
    is_compressed: bool,
}

impl Held {
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Returns how many bytes of memory it uses, beside its own size.
    pub(super) fn memory(&self) -> usize {
        self.ranges.capacity() * size_of::<Range<u64>>()
    }
}

impl Flow {
    /// Begins a data frame.
    pub(super) fn begin_frame_of_message(&mut self, begin: u64) -> Result<(), Rule> {
        let Some(header) = self.stream.frames().message() else {
            return Ok(());
        };
        let (wire, is_compressed) = (header.length, header.is_compressed);
        if is_compressed && !self.options.view.inflate && wire > self.options.limits.message {
            return Err(Rule::MessageTooBig);
        }
        let is_open = self.cut.is_none() && !self.is_opaque(is_compressed);
        let holds = self.options.hold_messages && is_open;
        let message = self.message.get_or_insert_with(|| Message {
            length: 0,
            is_too_long: false,
            held: holds.then(|| Held {
                start: begin,
                ranges: Vec::new(),
                is_compressed,
            }),
            frame: begin,
        });
        message.frame = begin;
        if let Payload::Messages { up_to } = self.options.view.payload
            && !is_compressed
            && wire > up_to.into()
        {
            self.release_message();
        }
        Ok(())
    }

    /// Begins a frame that ends at `end`. Releases a message that would take too much memory to
    /// hold, if messages too long to be reported may pass.
    ///
    /// # Errors
    ///
    /// [`Rule::MessageTooBig`]: it may not.
    pub(super) fn limit_held(&mut self, end: u64) -> Result<(), Rule> {
        let (Payload::Messages { up_to }, Some(held)) = (self.options.view.payload, self.held())
        else {
            return Ok(());
        };
        let up_to = u64::from(up_to);
        if end.saturating_sub(held.start) > up_to.saturating_add(HELD_BESIDE) {
            if self.options.limits.message <= up_to {
                return Err(Rule::MessageTooBig);
            }
            self.release_message();
        }
        Ok(())
    }

    /// Ends a frame at `end`.
    pub(super) fn end_frame_of_message(&mut self, end: u64) {
        let is_control = self
            .stream
            .frames()
            .frame()
            .is_none_or(|header| header.opcode.is_control());
        let Some(message) = self.message.as_mut().filter(|_| !is_control) else {
            return;
        };
        let begin = message.frame;
        let is_apart = self.forwarding.has_insertion_at(begin);
        if let Some(held) = &mut message.held {
            match held.ranges.last_mut() {
                Some(last) if last.end == begin && !is_apart => last.end = end,
                _ => held.ranges.push(begin..end),
            }
        }
    }

    /// Releases a message that is too long to be reported.
    fn release_message(&mut self) {
        if let Some(message) = &mut self.message {
            message.is_too_long = true;
            message.held = None;
        }
        self.whole.clear();
        limits::trim(&mut self.whole);
        let longest = self.options.hold_frame.into();
        if let Some(frame) = &mut self.frame
            && frame.end - self.boundary > longest
        {
            frame.reach = Reach::Verified(self.boundary);
        }
    }

    /// Returns the message in progress, if it is held.
    pub(super) fn held(&self) -> Option<&Held> {
        self.message.as_ref()?.held.as_ref()
    }

    /// Reports bytes of the message in progress, as the view selects.
    pub(super) fn show(&mut self, record: Record, last: bool, input: &[u8], records: &mut Records) {
        let length = record.place.len();
        let is_text = self
            .stream
            .frames()
            .message()
            .is_some_and(|message| message.is_text);
        let shown = |place| match is_text {
            true => SeenRecord::Text { place, last },
            false => SeenRecord::Binary { place, last },
        };
        let Some(message) = &mut self.message else {
            return;
        };
        message.length = message.length.saturating_add(length as u64);
        let total = message.length;
        let frame = message.frame;
        let mut place = None;
        match self.options.view.payload {
            Payload::Chunks if length > 0 || last => place = Some(Place::Stream(record.place)),
            Payload::Messages { up_to } if !message.is_too_long => {
                if total > up_to.into() {
                    self.release_message();
                } else if last && self.whole.is_empty() {
                    place = Some(Place::Stream(record.place));
                } else {
                    let bytes = self.stream.payload(input, &record.place);
                    self.whole.extend_from_slice(bytes);
                    if last {
                        place = Some(records.copy(&self.whole));
                        self.whole.clear();
                        limits::trim(&mut self.whole);
                    }
                }
            }
            _ => {}
        }
        if let Some(place) = place.filter(|_| self.reports(frame)) {
            records.list.push(shown(place));
        }
        if last {
            self.end_message(Some(total), records);
        }
    }

    /// Ends the message, which is forwarded or held; `length` is its inflated length, if known.
    pub(super) fn end_message(&mut self, length: Option<u64>, records: &mut Records) {
        let (Some(message), Some(header)) = (self.message.take(), self.stream.frames().message())
        else {
            return;
        };
        self.traffic.messages = self.traffic.messages.saturating_add(1);
        self.message_ended = true;
        let opaque = self.is_opaque(header.is_compressed);
        let is_shown = matches!(self.options.view.payload, Payload::Messages { .. });
        let summary = Summary {
            text: header.is_text,
            compressed: header.is_compressed,
            frames: header.fragments,
            wire_length: header.length,
            length: length.or((!opaque).then_some(header.length)),
            shown: is_shown && !message.is_too_long && !opaque,
            held: message.held.is_some(),
        };
        if self.reports(message.frame) {
            if self.options.view.messages || summary.held {
                records.plain(Seen::Message(summary));
            }
            self.undecided.extend(message.held);
        }
    }

    /// Drops a held message.
    pub(super) fn leave_out_message(&mut self, held: Held) {
        for range in held.ranges {
            self.forwarding.skip(range.start, range.end);
        }
    }

    /// Returns where the first held message begins.
    pub(super) fn held_from(&self) -> Option<u64> {
        let first = self.undecided.front().or_else(|| self.held())?;
        Some(first.start)
    }

    /// Applies the host's decision to the first held message.
    ///
    /// # Errors
    ///
    /// [`Rule::NothingHeld`], [`Rule::ContextNeeded`].
    pub(in crate::inspector) fn decide(&mut self, forward: bool) -> Result<(), Rule> {
        let first = self.undecided.front().ok_or(Rule::NothingHeld)?;
        if !forward && first.is_compressed && self.has_context() {
            return Err(Rule::ContextNeeded);
        }
        if let Some(held) = self.undecided.pop_front().filter(|_| !forward) {
            self.leave_out_message(held);
        }
        self.settle();
        Ok(())
    }

    /// Whether messages may refer to earlier ones, so that none can be dropped.
    pub(super) fn has_context(&self) -> bool {
        matches!(self.extensions, Extensions::Deflate(direction) if direction.takeover)
    }

    /// Whether the payload of a message is opaque.
    pub(super) fn is_opaque(&self, is_compressed: bool) -> bool {
        let is_unread = is_compressed && !self.options.view.inflate;
        self.extensions == Extensions::Custom || is_unread
    }
}
