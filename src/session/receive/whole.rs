//! Messages that are whole in the input, in one frame with a short header, as most are.
//!
//! Nothing of such a message has to be kept, so the state of the receiver is neither
//! asked nor changed. Whatever is out of the ordinary is left as it came: the
//! receiver, which knows all the rules, reads it again.

use super::Extensions;
use crate::frame::header::{MASKED, Masking, WHOLE_BINARY, WHOLE_TEXT};
use crate::frame::{mask, utf8};
use crate::session::config::Config;
use crate::session::event::{Kind, Place, Record};

/// What an ordinary message looks like.
pub(super) struct Whole {
    /// There are some.
    is_on: bool,
    /// The mask bit of its frame.
    mask_bit: u8,
    longest: usize,
    verify_utf8: bool,
}

impl Whole {
    pub(super) fn new(config: &Config, masking: Masking, extensions: Extensions) -> Whole {
        let limit = config.limits.frame.min(config.limits.message);
        let piece = config.longest_piece().unwrap_or(usize::MAX);
        Whole {
            is_on: masking != Masking::Either && extensions != Extensions::Hosts,
            mask_bit: match masking {
                Masking::Required => MASKED,
                _ => 0,
            },
            longest: usize::try_from(limit).unwrap_or(usize::MAX).min(piece),
            verify_utf8: config.verify_utf8,
        }
    }

    /// There are none from now on.
    pub(super) fn end(&mut self) {
        self.is_on = false;
    }

    /// The message that begins at `at`, which moves behind it.
    #[inline(always)]
    pub(super) fn take(&self, input: &mut [u8], at: &mut usize) -> Option<Record> {
        let (&[first, second], rest) = input.get(*at..)?.split_first_chunk::<2>()?;
        let kind = match first {
            WHOLE_TEXT => Kind::Text,
            WHOLE_BINARY => Kind::Binary,
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
        if kind == Kind::Text && self.verify_utf8 && !utf8::is_whole(payload) {
            mask::apply(payload, key);
            return None;
        }
        *at = end;
        Some(Record {
            kind,
            place: Place::Input(start..end),
            detail: 0,
        })
    }
}
