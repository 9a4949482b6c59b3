//! What is done with the bytes of a message: they are checked, and delivered or held
//! (RFC 6455, section 6.2).

use core::ops::Range;

use super::{Assembler, Delivery};
use crate::Rule;
use crate::frame::header::Header;
use crate::stream::{Kind, PayloadRef, Record};

/// Room is made at once for this many times what has come of a frame.
const EXPECTED_TIMES: usize = 3;

/// Bytes of a message that have come.
pub(super) struct Chunk {
    /// In the input, or at the end of the assembly.
    pub(super) place: PayloadRef,
    pub(super) ends_frame: bool,
    pub(super) ends_message: bool,
    /// A rule that is broken behind them.
    pub(super) broken: Option<Rule>,
}

impl Assembler {
    /// Checks a chunk, and delivers it behind what is held, or holds it.
    ///
    /// # Errors
    ///
    /// [`Rule::InvalidUtf8`], or the rule that is broken behind the chunk. What is valid
    /// before is held.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        input: &[u8],
        header: &Header,
        mut chunk: Chunk,
    ) -> Result<Option<Record>, Rule> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(None);
        };
        let is_text = message.is_text;
        if is_text && self.verify_utf8 {
            let bytes = match &chunk.place {
                PayloadRef::Input(range) => input.get(range.clone()),
                PayloadRef::Assembled(range) | PayloadRef::Control(range) => {
                    self.assembly.get(range.clone())
                }
            };
            if let Err(valid) = message.utf8.feed(bytes.unwrap_or_default()) {
                chunk.place = chunk.place.first(valid);
                chunk.broken = Some(Rule::InvalidUtf8);
            } else if chunk.ends_message && !message.utf8.is_complete() {
                chunk.broken = Some(Rule::InvalidUtf8);
            }
        }
        if let Some(rule) = chunk.broken {
            self.hold_valid(input, &chunk.place);
            return Err(rule);
        }

        let held = self.assembly.len() - self.delivered;
        let is_due = match &self.delivery {
            Delivery::Messages => chunk.ends_message,
            Delivery::Frames => chunk.ends_frame,
            Delivery::Chunks(chunks) => {
                let length = match &chunk.place {
                    place @ PayloadRef::Input(_) => held + place.len(),
                    _ => held,
                };
                let enough = match frame.whole_from {
                    Some(_) if !chunk.ends_frame => chunks.max,
                    _ => chunks.min,
                };
                chunk.ends_message || length >= enough
            }
        };
        if is_due {
            frame.whole_from = None;
        }
        if chunk.ends_frame {
            self.frame = None;
        }
        if chunk.ends_message {
            self.message = None;
        }
        let place = match chunk.place {
            PayloadRef::Input(range) if is_due && held == 0 => PayloadRef::Input(range),
            place => {
                if let PayloadRef::Input(range) = place {
                    self.hold(input.get(range).unwrap_or_default());
                }
                PayloadRef::Assembled(self.delivered..self.assembly.len())
            }
        };
        if !is_due {
            return Ok(None);
        }
        if let PayloadRef::Assembled(range) = &place {
            self.delivered = range.end;
        }
        let (kind, detail) = match (&self.delivery, is_text, chunk.ends_message) {
            (Delivery::Frames, ..) => (Kind::Frame, u64::from(header.first)),
            (_, true, true) => (Kind::Text, 0),
            (_, true, false) => (Kind::TextFragment, 0),
            (_, false, true) => (Kind::Binary, 0),
            (_, false, false) => (Kind::BinaryFragment, 0),
        };
        Ok(Some(Record {
            kind,
            place,
            detail,
        }))
    }

    /// Puts bytes of the open message into the assembly.
    fn hold(&mut self, bytes: &[u8]) {
        // What a header announces is believed as far as a part of it has come.
        let rest = usize::try_from(self.frames.payload_left()).unwrap_or(usize::MAX);
        let rest = rest.min(bytes.len().saturating_mul(EXPECTED_TIMES));
        self.assembly.reserve(bytes.len().saturating_add(rest));
        self.assembly.extend_from_slice(bytes);
    }

    /// Holds what is valid of a chunk behind which a rule is broken: who takes chunks gets
    /// it before the error.
    fn hold_valid(&mut self, input: &[u8], place: &PayloadRef) {
        match place {
            PayloadRef::Input(range) if self.delivers_chunks() => {
                let bytes = input.get(range.clone()).unwrap_or_default();
                self.assembly.extend_from_slice(bytes);
            }
            PayloadRef::Assembled(range) => self.assembly.truncate(range.end),
            _ => {}
        }
    }

    fn delivers_chunks(&self) -> bool {
        matches!(self.delivery, Delivery::Chunks(_))
    }

    /// How many bytes are held.
    pub(super) fn held(&self) -> usize {
        self.assembly.len() - self.delivered
    }

    /// How much longer the chunk that is held may get.
    #[inline]
    pub(super) fn room_in_chunk(&self) -> usize {
        match &self.delivery {
            Delivery::Chunks(chunks) => chunks.max.saturating_sub(self.held()),
            _ => usize::MAX,
        }
    }

    /// Where in the assembly a chunk is that was long enough to be delivered, but for what
    /// may be coalesced with it. A frame that is delivered in one chunk isn't part of it.
    fn coalesced(&self) -> Range<usize> {
        let frame = self.frame.as_ref().and_then(|frame| frame.whole_from);
        match self.delivery {
            Delivery::Chunks(_) => self.delivered..frame.unwrap_or(self.assembly.len()),
            _ => 0..0,
        }
    }

    /// Whether a chunk is held only because more may be coalesced with it.
    pub(crate) fn is_coalescing(&self) -> bool {
        !self.coalesced().is_empty()
    }

    /// Returns that chunk.
    pub(crate) fn release_coalesced(&mut self) -> Option<Record> {
        let range = self.coalesced();
        let message = self.message.as_ref().filter(|_| !range.is_empty())?;
        let kind = match message.is_text {
            true => Kind::TextFragment,
            false => Kind::BinaryFragment,
        };
        self.delivered = range.end;
        Some(Record::new(kind, PayloadRef::Assembled(range)))
    }

    /// Whether any part of a message is held that is delivered in chunks.
    pub(crate) fn holds_chunk(&self) -> bool {
        self.delivers_chunks() && self.held() > 0
    }

    /// Returns all that is held: it need not wait for its frame, since no more of it comes.
    pub(crate) fn release(&mut self) -> Option<Record> {
        if let Some(frame) = &mut self.frame {
            frame.whole_from = None;
        }
        self.release_coalesced()
    }
}
