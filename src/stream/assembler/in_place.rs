//! Messages that stay in the input until they are whole, so that no byte of them is copied.

use super::Assembler;
use crate::frame::header::RSV1;

impl Assembler {
    /// Returns the length of the frame that was left in the input, as far as it is known.
    pub(crate) fn awaited(&self) -> Option<usize> {
        self.awaited
    }

    /// Whether the frame that begins at `at` is left there.
    ///
    /// Its header is checked each time that it comes, its payload once.
    #[inline]
    pub(super) fn leaves(&mut self, input: &[u8], at: usize) -> bool {
        if self.leave_unfinished == 0 {
            return false;
        }
        let come = input.get(at..).unwrap_or_default();
        if come.is_empty() || !self.frames.is_between_messages() {
            return false;
        }
        let length = match self.frames.peek(come) {
            Ok(None) => come.len().saturating_add(1),
            // Reading it tells the same, and where.
            Err(_) => return false,
            Ok(Some((header, length))) => {
                let is_compressed = self.inflater.is_some() && header.first & RSV1 != 0;
                if header.opcode.is_control() || !header.is_final() || is_compressed {
                    return false;
                }
                let payload = usize::try_from(header.payload).unwrap_or(usize::MAX);
                payload.saturating_add(length)
            }
        };
        if length <= come.len() || length > self.leave_unfinished {
            return false;
        }
        self.awaited = Some(length);
        true
    }
}
