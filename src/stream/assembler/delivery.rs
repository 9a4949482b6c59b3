//! What happens to the bytes of a message: they are checked, then delivered or held
//! (RFC 6455, section 6.2).

use core::ops::Range;

use super::{Assembler, Mode};
use crate::Rule;
use crate::frame::header::Header;
use crate::stream::{EventKind, PayloadRef, Record};

/// The capacity reserved for the rest of a frame, in multiples of its received part.
const EXPECTED_TIMES: usize = 3;

/// Received bytes of a message.
pub(super) struct Chunk {
    /// In the input, or at the end of the assembly.
    pub(super) place: PayloadRef,
    pub(super) ends_frame: bool,
    pub(super) ends_message: bool,
    /// A rule that is broken after them.
    pub(super) broken: Option<Rule>,
}

impl Assembler {
    /// Checks a chunk, then delivers it together with what is held, or holds it too.
    ///
    /// # Errors
    ///
    /// [`Rule::InvalidUtf8`], or the rule that is broken after the chunk.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        input: &[u8],
        header: &Header,
        mut chunk: Chunk,
    ) -> Result<Option<Record>, Rule> {
        self.check_utf8(input, &mut chunk);
        if let Some(rule) = chunk.broken {
            // A host that takes chunks gets what is valid before the error.
            match chunk.place {
                PayloadRef::Input(range) if self.delivers_chunks() => self.hold(input, range),
                PayloadRef::Assembled(range) => self.assembly.truncate(range.end),
                _ => {}
            }
            return Err(rule);
        }
        let is_due = self.is_due(&chunk);
        let place = match chunk.place {
            PayloadRef::Input(range) if is_due && self.held() == 0 => PayloadRef::Input(range),
            place => {
                if let PayloadRef::Input(range) = place {
                    self.hold(input, range);
                }
                let held = self.delivered..self.assembly.len();
                if is_due {
                    self.delivered = held.end;
                }
                PayloadRef::Assembled(held)
            }
        };
        let is_text = self.is_text();
        if chunk.ends_frame {
            self.frame = None;
        } else if let Some(frame) = self.frame.as_mut().filter(|_| is_due) {
            frame.whole_from = None;
        }
        if chunk.ends_message {
            self.message = None;
        }
        let kind = match (&self.mode, is_text, chunk.ends_message) {
            (Mode::Frames, ..) => EventKind::ExtensionFrame(header.first),
            (_, true, true) => EventKind::Text,
            (_, true, false) => EventKind::TextChunk,
            (_, false, true) => EventKind::Binary,
            (_, false, false) => EventKind::BinaryChunk,
        };
        Ok(is_due.then_some(Record { kind, place }))
    }

    fn is_text(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.is_text)
    }

    /// Checks a chunk of a text to be UTF-8. If it isn't, it is cut at the first wrong byte.
    #[inline]
    fn check_utf8(&mut self, input: &[u8], chunk: &mut Chunk) {
        let Some(message) = self.message.as_mut().filter(|message| message.is_text) else {
            return;
        };
        if !self.verify_utf8 {
            return;
        }
        let bytes = match &chunk.place {
            PayloadRef::Input(range) => input.get(range.clone()),
            place => self.assembly.get(self.assembly.len() - place.len()..),
        };
        if let Err(valid) = message.utf8.feed(bytes.unwrap_or_default()) {
            chunk.place.truncate(valid);
            chunk.broken = Some(Rule::InvalidUtf8);
        } else if chunk.ends_message && !message.utf8.is_complete() {
            chunk.broken = Some(Rule::InvalidUtf8);
        }
    }

    /// Whether a chunk is delivered now, together with what is held.
    #[inline]
    fn is_due(&self, chunk: &Chunk) -> bool {
        match &self.mode {
            Mode::Messages => {
                let is_outside = self
                    .message
                    .as_ref()
                    .is_some_and(|message| message.is_outside);
                chunk.ends_message || is_outside
            }
            Mode::Frames => chunk.ends_frame,
            Mode::Chunks(chunks) => {
                let length = match &chunk.place {
                    place @ PayloadRef::Input(_) => self.held() + place.len(),
                    _ => self.held(),
                };
                let whole = self.frame.as_ref().and_then(|frame| frame.whole_from);
                let enough = match whole {
                    Some(_) if !chunk.ends_frame => chunks.max,
                    _ => chunks.min,
                };
                chunk.ends_message || length >= enough
            }
        }
    }

    /// Copies bytes of the message in progress into the assembly.
    fn hold(&mut self, input: &[u8], range: Range<usize>) {
        let bytes = input.get(range).unwrap_or_default();
        // The length in a header is trusted only in proportion to what was received.
        let rest = usize::try_from(self.frames.payload_left()).unwrap_or(usize::MAX);
        let rest = rest.min(bytes.len().saturating_mul(EXPECTED_TIMES));
        self.assembly.reserve(bytes.len().saturating_add(rest));
        self.assembly.extend_from_slice(bytes);
    }

    fn delivers_chunks(&self) -> bool {
        matches!(self.mode, Mode::Chunks(_))
    }

    /// Returns how many bytes are held.
    pub(super) fn held(&self) -> usize {
        self.assembly.len() - self.delivered
    }

    /// Returns how many more bytes the next chunk may have.
    #[inline]
    pub(super) fn room_in_chunk(&self) -> usize {
        match &self.mode {
            Mode::Chunks(chunks) => chunks.max.saturating_sub(self.held()),
            _ => usize::MAX,
        }
    }

    /// Returns the part of the assembly that is held only so that more can be coalesced with
    /// it. A frame that is delivered in one chunk, and has not all come, isn't part of it.
    fn coalesced(&self) -> Range<usize> {
        let frame = self.frame.as_ref().and_then(|frame| frame.whole_from);
        match self.mode {
            Mode::Chunks(_) => self.delivered..frame.unwrap_or(self.assembly.len()),
            _ => 0..0,
        }
    }

    /// Whether a chunk is held only so that more can be coalesced with it.
    pub(crate) fn is_coalescing(&self) -> bool {
        !self.coalesced().is_empty()
    }

    /// Returns that chunk.
    pub(crate) fn release_coalesced(&mut self) -> Option<Record> {
        let range = self.coalesced();
        let message = self.message.as_ref().filter(|_| !range.is_empty())?;
        let kind = match message.is_text {
            true => EventKind::TextChunk,
            false => EventKind::BinaryChunk,
        };
        self.delivered = range.end;
        Some(Record::new(kind, PayloadRef::Assembled(range)))
    }

    /// Whether any part of a message is held that is to be delivered in chunks.
    pub(crate) fn holds_chunk(&self) -> bool {
        self.delivers_chunks() && self.held() > 0
    }

    /// Returns all that is held, even of a frame that was to be delivered in one chunk.
    pub(crate) fn release(&mut self) -> Option<Record> {
        if let Some(frame) = &mut self.frame {
            frame.whole_from = None;
        }
        self.release_coalesced()
    }
}
