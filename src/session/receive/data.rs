//! What becomes of the bytes of a message: checked, kept or delivered (RFC 6455,
//! section 6.2).

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
        let is_long_enough = self.piece.is_some() && {
            let length = match &place {
                Place::Input(range) => self.held() + range.len(),
                // What is held includes it, if anything is.
                place => self.held().max(place.len()),
            };
            length >= self.least_piece
        };
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        message.utf8 = utf8;

        let due = if self.extension_frames {
            frame_ends
        } else {
            message_ends || is_long_enough
        };
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
            (true, ..) => Kind::Frame,
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

    /// How many more bytes the piece may have that is next. Frames of an extension come
    /// whole.
    #[inline]
    pub(super) fn room_in_piece(&self) -> usize {
        match self.piece {
            Some(longest) if !self.extension_frames => longest.saturating_sub(self.held()),
            _ => usize::MAX,
        }
    }

    /// Whether a piece waits for more of its message.
    pub(in crate::session) fn holds_piece(&self) -> bool {
        self.piece.is_some() && !self.extension_frames && self.held() > 0
    }

    /// That piece, which waits no longer.
    pub(in crate::session) fn release(&mut self) -> Option<Record> {
        if !self.holds_piece() {
            return None;
        }
        let message = self.message.as_mut()?;
        let start = message.assembled.take()?;
        self.delivered = self.assembly.len();
        Some(Record {
            kind: match message.text {
                true => Kind::TextFragment,
                false => Kind::BinaryFragment,
            },
            place: Place::Assembled(start..self.delivered),
            detail: 0,
        })
    }
}
