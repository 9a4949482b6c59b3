//! What becomes of the bytes of a message: checked, kept or delivered (RFC 6455,
//! section 6.2).

use core::ops::Range;

use super::Receiver;
use crate::Rule;
use crate::session::event::{Kind, Place, Record};

/// For how many times as much as has come of a frame room is made at once.
const EXPECTED_TIMES: usize = 3;

/// Bytes of a message that have come.
pub(super) struct Fresh {
    /// In the input, or at the end of the assembly.
    pub(super) place: Place,
    /// Their frame ends behind them.
    pub(super) frame_ends: bool,
    /// The message does.
    pub(super) message_ends: bool,
    /// A rule that is broken behind them.
    pub(super) broken: Option<Rule>,
}

impl Receiver {
    /// What becomes of bytes of a message that have come.
    #[inline]
    pub(super) fn data_payload(
        &mut self,
        input: &[u8],
        fresh: Fresh,
    ) -> Result<Option<Record>, Rule> {
        let (Some(frame), Some(message)) = (&self.frame, &self.message) else {
            return Ok(None);
        };
        let Fresh {
            place,
            frame_ends,
            message_ends,
            broken,
        } = fresh;
        let bits = frame.header.first;
        let frame_rest = usize::try_from(frame.left()).unwrap_or(usize::MAX);
        let text = message.text;
        let mut utf8 = message.utf8;
        if text && self.verify_utf8 && !self.extension_frames {
            let bytes = self.payload(input, &place);
            if let Err(valid) = utf8.feed(bytes) {
                return self.breaks(Rule::InvalidUtf8, input, place.first(valid));
            }
            if message_ends && !utf8.is_complete() {
                // The bytes before the end were sound.
                return self.breaks(Rule::InvalidUtf8, input, place);
            }
        }
        if let Some(rule) = broken {
            return self.breaks(rule, input, place);
        }
        let is_long_enough = self.piece.is_some_and(|longest| {
            let length = match &place {
                Place::Input(range) => self.held() + range.len(),
                // What is held includes it, if anything is.
                place => self.held().max(place.len()),
            };
            let least = match frame.whole_from {
                Some(_) if !frame_ends => longest,
                _ => self.least_piece,
            };
            length >= least
        });
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(None);
        };
        message.utf8 = utf8;

        let due = if self.extension_frames {
            frame_ends
        } else {
            message_ends || is_long_enough
        };
        if due {
            frame.whole_from = None;
        }
        let place = match place {
            Place::Input(range) if due && message.assembled.is_none() => Place::Input(range),
            place => self.assemble(input, place, frame_rest),
        };
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        if due {
            message.assembled = None;
            if let Place::Assembled(range) = &place {
                self.delivered = range.end;
            }
        }
        if frame_ends {
            self.frame = None;
            self.holds_back = false;
        }
        if message_ends {
            self.message = None;
        }
        let kind = match (self.extension_frames, text, message_ends) {
            (true, ..) => Kind::ExtensionFrame,
            (_, true, true) => Kind::Text,
            (_, true, false) => Kind::TextFragment,
            (_, false, true) => Kind::Binary,
            (_, false, false) => Kind::BinaryFragment,
        };
        Ok(due.then_some(Record {
            kind,
            place,
            detail: if self.extension_frames {
                u64::from(bits)
            } else {
                0
            },
        }))
    }

    /// Puts bytes behind those of their message that are assembled; `rest` more are
    /// expected.
    fn assemble(&mut self, input: &[u8], place: Place, rest: usize) -> Place {
        let Some(message) = &mut self.message else {
            return place;
        };
        match place {
            Place::Input(range) => {
                let start = *message.assembled.get_or_insert(self.assembly.len());
                let bytes = input.get(range).unwrap_or_default();
                // What a header announces is believed as far as a part of it has come.
                let rest = rest.min(bytes.len().saturating_mul(EXPECTED_TIMES));
                self.assembly.reserve(bytes.len().saturating_add(rest));
                self.assembly.extend_from_slice(bytes);
                Place::Assembled(start..self.assembly.len())
            }
            Place::Assembled(range) | Place::Control(range) => {
                let start = *message.assembled.get_or_insert(range.start);
                Place::Assembled(start..range.end)
            }
        }
    }

    /// A rule is broken behind these bytes, which a host that takes pieces gets first.
    fn breaks<T>(&mut self, rule: Rule, input: &[u8], place: Place) -> Result<T, Rule> {
        if self.piece.is_some() {
            if let Place::Assembled(range) = &place {
                self.assembly.truncate(range.end);
            }
            if !place.is_empty() {
                self.assemble(input, place, 0);
            }
        }
        Err(rule)
    }

    /// How many bytes of a message are assembled and not delivered.
    pub(super) fn held(&self) -> usize {
        let start = self.message.as_ref().and_then(|message| message.assembled);
        start.map_or(0, |start| self.assembly.len().saturating_sub(start))
    }

    /// Whether messages are delivered in pieces. Frames of an extension come whole.
    #[inline]
    pub(super) fn delivers_pieces(&self) -> bool {
        self.piece.is_some() && !self.extension_frames
    }

    /// How many more bytes the piece may have that is next.
    #[inline]
    pub(super) fn room_in_piece(&self) -> usize {
        match self.piece {
            Some(longest) if !self.extension_frames => longest.saturating_sub(self.held()),
            _ => usize::MAX,
        }
    }

    /// Whether the frame that has just begun is to be delivered in one piece, and is too
    /// long to be so together with what is held.
    pub(super) fn exceeds_piece(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| {
            frame.whole_from.is_some() && frame.header.payload > self.room_in_piece() as u64
        })
    }

    /// What is held but for a frame that is delivered in one piece: where it is in the
    /// assembly.
    fn gathered(&self) -> Option<Range<usize>> {
        let start = self.message.as_ref()?.assembled?;
        let frame = self.frame.as_ref().and_then(|frame| frame.whole_from);
        let gathered = start..frame.unwrap_or(self.assembly.len());
        (self.delivers_pieces() && !gathered.is_empty()).then_some(gathered)
    }

    /// Whether a piece waits for more of its message, and not only for its own frame.
    pub(in crate::session) fn has_gathered(&self) -> bool {
        self.gathered().is_some()
    }

    /// That piece, which waits no longer.
    pub(in crate::session) fn release_gathered(&mut self) -> Option<Record> {
        let gathered = self.gathered()?;
        let message = self.message.as_mut()?;
        let end = gathered.end;
        message.assembled = (end < self.assembly.len()).then_some(end);
        self.delivered = end;
        Some(Record {
            kind: match message.text {
                true => Kind::TextFragment,
                false => Kind::BinaryFragment,
            },
            place: Place::Assembled(gathered),
            detail: 0,
        })
    }

    /// Whether anything is held back of a message that is delivered in pieces.
    pub(in crate::session) fn holds_piece(&self) -> bool {
        self.delivers_pieces() && self.held() > 0
    }

    /// All that is held, which waits for nothing any more.
    pub(in crate::session) fn release(&mut self) -> Option<Record> {
        if let Some(frame) = &mut self.frame {
            frame.whole_from = None;
        }
        self.release_gathered()
    }
}
