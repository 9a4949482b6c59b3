//! Messages that stay in the input until they are whole, so that no byte of them is copied.

use super::Receiver;
use crate::Rule;
use crate::frame::header::{self, RSV1};

impl Receiver {
    /// A message in one frame of up to so many bytes, its header included, stays in the
    /// input of this turn if it is cut.
    pub(in crate::session) fn leave_unfinished(&mut self, longest: usize) {
        // Who takes pieces wants no byte to wait.
        self.longest_left = if self.piece.is_none() { longest } else { 0 };
    }

    /// The length of the frame that was left in the input, as far as it is known.
    pub(in crate::session) fn awaited(&self) -> Option<usize> {
        self.awaited
    }

    /// Whether something is left in this input, or was in the last.
    #[inline]
    pub(super) fn may_leave(&self) -> bool {
        self.longest_left > 0 || self.awaited.is_some()
    }

    /// Whether the frame that begins at `at` is left there.
    ///
    /// Its header is checked each time that it comes, its payload once.
    pub(super) fn leaves(&mut self, input: &[u8], at: usize) -> Result<bool, Rule> {
        if input.is_empty() {
            return Ok(false);
        }
        self.awaited = None;
        let come = input.get(at..).unwrap_or_default();
        if self.longest_left == 0 || come.is_empty() || !self.is_at_rest() {
            return Ok(false);
        }
        let length = match header::parse(come, &self.between)? {
            None => come.len().saturating_add(1),
            Some((header, length)) => {
                let compressed = self.inflater.is_some() && header.first & RSV1 != 0;
                if header.opcode.is_control() || !header.is_final() || compressed {
                    return Ok(false);
                }
                let payload = usize::try_from(header.payload).unwrap_or(usize::MAX);
                payload.saturating_add(length)
            }
        };
        if length <= come.len() || length > self.longest_left {
            return Ok(false);
        }
        self.awaited = Some(length);
        Ok(true)
    }
}
