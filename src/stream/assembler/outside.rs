//! Payloads that bypass the assembler: only their headers are processed here.

use super::{Assembler, Mode, OpenFrame};
use crate::frame::header::{Header, RSV1};
use crate::frame::utf8::Utf8;

/// The payload of a frame that is read elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Outside {
    /// How many bytes of it are still to come.
    pub(crate) left: u64,
    /// The key as it applies to the next of them.
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) is_text: bool,
    /// Whether the message ends with the frame.
    pub(crate) is_final: bool,
    /// The state of a text that is checked.
    pub(crate) utf8: Option<Utf8>,
}

impl Assembler {
    /// Reads all payloads here from now on.
    pub(crate) fn leave_no_payloads(&mut self) {
        self.leave_payloads = u64::MAX;
    }

    /// Whether the frame that begins at `at` is left there, to be read elsewhere.
    #[inline]
    pub(super) fn leaves_payload(&self, input: &[u8], at: usize) -> bool {
        if self.leave_payloads == u64::MAX {
            return false;
        }
        let come = input.get(at..).unwrap_or_default();
        self.may_begin_outside(come)
            .is_some_and(|(header, _)| header.payload >= self.leave_payloads)
    }

    /// Returns the header at the start of `input`, with its length, if its payload can bypass the
    /// assembler: nothing held comes before it, and it needs no processing.
    #[inline(never)]
    fn may_begin_outside(&self, input: &[u8]) -> Option<(Header, usize)> {
        let is_between = self.frame.is_none() && !self.frames.is_in_header();
        let holds = self.held() > 0 || self.broken.is_some();
        if self.is_closed || !is_between || holds || matches!(self.mode, Mode::Frames) {
            return None;
        }
        let (header, length) = self.frames.peek(input).ok()??;
        let is_compressed = match &self.message {
            Some(message) => message.is_compressed,
            None => self.inflater.is_some() && header.first & RSV1 != 0,
        };
        let is_outside = !header.opcode.is_control() && !is_compressed && header.payload > 0;
        is_outside.then_some((header, length))
    }

    /// Reads the header at the start of `input` if its payload can bypass the assembler. Returns
    /// its length.
    pub(crate) fn begin_outside(&mut self, input: &[u8]) -> Option<usize> {
        let (header, length) = self.may_begin_outside(input)?;
        self.frames.take(header);
        self.awaited = None;
        // Nothing is held that couldn't wait.
        self.open_frame(&header);
        self.frame = Some(OpenFrame {
            whole_from: None,
            is_held_back: false,
        });
        if let Some(message) = &mut self.message {
            message.is_outside = true;
        }
        Some(length)
    }

    /// Returns the payload that is read elsewhere, if the frame in progress has one.
    pub(crate) fn outside(&self) -> Option<Outside> {
        let message = self.message.as_ref().filter(|message| message.is_outside)?;
        let header = self.frames.frame()?;
        (self.frame.is_some() && !header.opcode.is_control()).then(|| Outside {
            left: self.frames.payload_left(),
            key: self.frames.mask_key(),
            is_text: message.is_text,
            is_final: header.is_final(),
            utf8: (message.is_text && self.verify_utf8).then_some(message.utf8),
        })
    }

    /// Records how far the payload was read, and the UTF-8 state after it if text is checked. Returns
    /// whether that is valid.
    pub(crate) fn read_outside(&mut self, count: u64, utf8: Option<Utf8>) -> bool {
        let ends = count == self.frames.payload_left();
        let ends_message = ends && self.frames.frame().is_some_and(|frame| frame.is_final());
        let verify = self.verify_utf8;
        if let Some(message) = self.message.as_mut().filter(|message| message.is_text)
            && verify
        {
            message.utf8 = utf8.unwrap_or_default();
            if ends_message && !message.utf8.is_complete() {
                self.frames.advance(count);
                return false;
            }
        }
        self.skip(count);
        true
    }
}
