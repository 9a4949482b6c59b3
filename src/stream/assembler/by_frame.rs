//! Reading frame by frame, for the inspector: it gets each header, and skips the payloads that
//! it doesn't need.
//!
//! It replaces [`Assembler::next`] for a direction that is delivered in chunks of any length, so
//! that nothing is held.

use super::Assembler;
use crate::Rule;
use crate::frame::header::Header;
use crate::stream::{FrameStream, Record};

impl Assembler {
    /// Reads the next header, as [`FrameStream::header`] does. Only between frames.
    #[inline]
    pub(crate) fn open(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Rule> {
        let header = self.frames.header(input, at)?;
        if let Some(header) = &header {
            // Nothing is held that couldn't wait.
            self.open_frame(header);
        }
        Ok(header)
    }

    /// Returns the lengths of the header and of the payload of the binary message that `bytes` begin with, if it is in one
    /// frame with a short header, and nothing else is in progress. It may be passed over as if it had not been there.
    #[inline]
    pub(crate) fn binary_message(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        if !self.is_idle() {
            return None;
        }
        self.fast_path.binary(bytes)
    }

    /// Reads the received payload of the frame in progress, and returns what is delivered of it. If
    /// there is nothing, all of the input was consumed, unless the allowed work is used up
    /// ([`Assembler::is_exhausted`]).
    ///
    /// # Errors
    ///
    /// The rule that the payload breaks. All that is valid before it was delivered.
    #[inline]
    pub(crate) fn piece(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        if let Some(rule) = self.broken {
            return Err(rule);
        }
        let piece = self.read_payload(input, at);
        self.after_what_is_held(piece)
    }

    /// Passes over `count` bytes of the payload of the data frame in progress.
    #[inline]
    pub(crate) fn skip(&mut self, count: u64) {
        self.frames.advance(count);
        if self.frames.payload_left() == 0 {
            self.frame = None;
            if self
                .frames
                .message()
                .is_some_and(|message| message.is_final)
            {
                self.message = None;
            }
        }
    }

    /// Returns the walk over the frames.
    #[inline]
    pub(crate) fn frames(&self) -> &FrameStream {
        &self.frames
    }

    /// Whether a frame is in progress whose last byte was not delivered or skipped.
    #[inline]
    pub(crate) fn is_in_frame(&self) -> bool {
        self.frame.is_some()
    }

    /// Whether a rule was broken after what was delivered last.
    #[inline]
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Returns how many bytes of memory it has taken.
    pub(crate) fn memory(&self) -> usize {
        let inflater = self
            .inflater
            .as_ref()
            .map_or(0, |inflater| inflater.memory());
        self.control.capacity() + self.assembly.capacity() + inflater
    }
}
