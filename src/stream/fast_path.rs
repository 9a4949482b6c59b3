//! The fast path: messages that are whole in the input, in one frame with a short header,
//! as most are.
//!
//! Nothing of such a message has to be kept, so no state is read or changed. Whatever is
//! out of the ordinary, broken rules included, is left as it came for the slow path, which
//! knows all the rules.

use super::{EventKind, Extensions, PayloadRef, Record, Settings};
use crate::frame::header::{MASKED, Masking, WHOLE_BINARY, WHOLE_TEXT};
use crate::frame::{mask, utf8};

/// What a message looks like that takes the fast path.
pub(super) struct FastPath {
    is_on: bool,
    /// The mask bit of its frame.
    mask_bit: u8,
    longest: usize,
    verify_utf8: bool,
}

/// A message in one frame, by the beginning of its header.
struct Whole {
    is_text: bool,
    /// Where its key is, or its payload, if it has none.
    key_at: usize,
    length: usize,
}

impl FastPath {
    pub(super) fn new(settings: &Settings) -> FastPath {
        let limit = settings.limits.frame.min(settings.limits.message);
        let limit = limit.min(settings.leave_payloads.saturating_sub(1));
        let chunk = settings.chunks.map_or(usize::MAX, |chunks| chunks.max);
        FastPath {
            is_on: settings.masking != Masking::Either && settings.extensions != Extensions::Custom,
            mask_bit: match settings.masking {
                Masking::Required => MASKED,
                _ => 0,
            },
            longest: usize::try_from(limit).unwrap_or(usize::MAX).min(chunk),
            verify_utf8: settings.verify_utf8,
        }
    }

    /// Sends all messages by the slow path from now on.
    pub(super) fn turn_off(&mut self) {
        self.is_on = false;
    }

    /// Returns the message that begins at `at`, and advances `at` past it.
    #[inline(always)]
    pub(super) fn take(&self, input: &mut [u8], at: &mut usize) -> Option<Record> {
        let Whole {
            is_text,
            key_at,
            length,
        } = self.measure(input.get(*at..)?)?;
        let mut start = *at + key_at;
        let mut key = [0; 4];
        if self.mask_bit != 0 {
            key = *input.get(start..)?.first_chunk()?;
            start += key.len();
        }
        let end = start + length;
        let payload = input.get_mut(start..end)?;
        mask::apply(payload, key);
        if is_text && self.verify_utf8 && !utf8::is_whole(payload) {
            mask::apply(payload, key);
            return None;
        }
        *at = end;
        let kind = match is_text {
            true => EventKind::Text,
            false => EventKind::Binary,
        };
        Some(Record::new(kind, PayloadRef::Input(start..end)))
    }

    /// Returns the lengths of the header and of the payload of the binary message that `bytes` begin with, of which no
    /// more than the header need be there.
    #[inline]
    pub(super) fn binary(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        let whole = self.measure(bytes).filter(|whole| !whole.is_text)?;
        let key = if self.mask_bit != 0 { 4 } else { 0 };
        let header = whole.key_at + key;
        (bytes.len() >= header).then_some((header, whole.length))
    }

    #[inline(always)]
    fn measure(&self, bytes: &[u8]) -> Option<Whole> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let is_text = match first {
            WHOLE_TEXT => true,
            WHOLE_BINARY => false,
            _ => return None,
        };
        let (length, key_at) = match second ^ self.mask_bit {
            length @ 0..126 => (usize::from(length), 2),
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            _ => return None,
        };
        // The longer form is for longer messages only.
        let is_shortest = (length < 126) == (key_at == 2);
        let is_plain = self.is_on && is_shortest && length <= self.longest;
        is_plain.then_some(Whole {
            is_text,
            key_at,
            length,
        })
    }
}
