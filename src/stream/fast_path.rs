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

    /// Returns the message that begins at `at`, which moves behind it.
    #[inline(always)]
    pub(super) fn take(&self, input: &mut [u8], at: &mut usize) -> Option<Record> {
        let (&[first, second], rest) = input.get(*at..)?.split_first_chunk::<2>()?;
        let kind = match first {
            WHOLE_TEXT => EventKind::Text,
            WHOLE_BINARY => EventKind::Binary,
            _ => return None,
        };
        let (length, mut start) = match second ^ self.mask_bit {
            length @ 0..126 => (usize::from(length), *at + 2),
            126 => {
                let length = u16::from_be_bytes(*rest.first_chunk()?);
                (usize::from(length), *at + 4)
            }
            _ => return None,
        };
        // The longer form is for longer messages only.
        let is_shortest = (length < 126) == (start == *at + 2);
        if !self.is_on || !is_shortest || length > self.longest {
            return None;
        }
        let mut key = [0; 4];
        if self.mask_bit != 0 {
            key = *input.get(start..)?.first_chunk()?;
            start += key.len();
        }
        let end = start + length;
        let payload = input.get_mut(start..end)?;
        mask::apply(payload, key);
        if kind == EventKind::Text && self.verify_utf8 && !utf8::is_whole(payload) {
            mask::apply(payload, key);
            return None;
        }
        *at = end;
        Some(Record::new(kind, PayloadRef::Input(start..end)))
    }
}
