//! The receiving direction: what was compressed, in as many steps as its limits
//! take (RFC 7692, section 7.2.2).
//!
//! The decoder has a window of exactly the negotiated size, so a reference that reaches
//! further is seen. Between messages there is nothing to know but the window: each message
//! ends at the boundary of a block.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus as Status;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit};

use super::{Direction, TAIL};
use crate::Rule;

/// What the tables of a block cost, in bytes that are decoded in the same time.
const BLOCK: usize = 1024;

pub(crate) struct Inflater {
    direction: Direction,
    window: Window,
    /// Only inside a message.
    message: Option<Box<Message>>,
}

struct Message {
    decoder: DecompressorOxide,
    position: Position,
}

/// Where the decoder is in the message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// At the beginning of the message, or right after a final block.
    StreamStart,
    /// Right after another block.
    BlockBoundary,
    InBlock,
}

/// What was decoded last, in a ring.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    at: usize,
    /// All of it was written, so that every distance reaches something.
    is_full: bool,
}

impl Inflater {
    pub(crate) fn new(direction: Direction) -> Option<Inflater> {
        Some(Inflater {
            direction,
            window: Window::default(),
            message: None,
        })
    }

    /// Inflates the next bytes of a message, and appends them to `out`, up to `limit` bytes or until
    /// `work` is used up. The next call continues.
    ///
    /// Fails with [`Rule::DeflateMalformed`].
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        limit: usize,
        work: &mut usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Rule> {
        self.window.allocate(self.direction.window_bits);
        let message = self.message.get_or_insert_with(Message::new);
        message.decode(&mut self.window, input, limit, work, out)
    }

    /// Ends the message. Returns true once all of it was inflated, which takes several calls if the
    /// limit is reached.
    ///
    /// A message is complete with [`TAIL`] appended. So is an empty one, and one that ends with a
    /// final block: RFC 7692, section 7.2.3.4 requires an octet 00 after it, which some senders
    /// omit. The end of such a message is not ambiguous.
    ///
    /// Fails with [`Rule::DeflateMalformed`] if the message ends inside a block.
    pub(crate) fn finish(&mut self, limit: usize, out: &mut Vec<u8>) -> Result<bool, Rule> {
        self.window.allocate(self.direction.window_bits);
        let message = self.message.get_or_insert_with(Message::new);
        let start = out.len();
        // What is left in the decoder is little, and no work.
        let mut work = usize::MAX;
        message.decode(&mut self.window, &[], limit, &mut work, out)?;
        if out.len() - start == limit {
            return Ok(false);
        }
        if message.position != Position::StreamStart {
            let end = out.len();
            message.decode(&mut self.window, &TAIL, 1, &mut work, out)?;
            if message.position != Position::BlockBoundary || out.len() > end {
                // The tail was taken for data.
                out.truncate(end);
                return Err(Rule::DeflateMalformed);
            }
        }
        self.message = None;
        if !self.direction.takeover {
            self.window = Window::default();
        }
        Ok(true)
    }

    /// Returns how many bytes of memory it has taken.
    pub(crate) fn memory(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |_| size_of::<Message>());
        self.window.bytes.capacity() + message
    }
}

impl Message {
    fn new() -> Box<Message> {
        Box::new(Message {
            decoder: DecompressorOxide::new(),
            position: Position::StreamStart,
        })
    }

    /// Returns how much of the input was taken.
    fn decode(
        &mut self,
        window: &mut Window,
        input: &[u8],
        limit: usize,
        work: &mut usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Rule> {
        let mut taken = 0;
        let mut left = limit;
        while left > 0 && *work > 0 {
            let rest = input.get(taken..).unwrap_or_default();
            let most = left.min(*work);
            let (status, read, came) = window.decode(&mut self.decoder, rest, most, out);
            taken += read;
            left -= came;
            *work -= came;
            match status {
                Status::HasMoreOutput => self.position = Position::InBlock,
                Status::NeedsMoreInput => {
                    if read > 0 {
                        self.position = Position::InBlock;
                    }
                    break;
                }
                Status::BlockBoundary => self.position = Position::BlockBoundary,
                Status::Done => {
                    // A message may continue after a final block (RFC 7692, section
                    // 7.2.3.4): the next one begins with the same window.
                    self.decoder.init();
                    self.position = Position::StreamStart;
                }
                _ => return Err(Rule::DeflateMalformed),
            }
            if self.position != Position::InBlock {
                *work = work.saturating_sub(BLOCK);
            }
        }
        Ok(taken)
    }
}

impl Window {
    fn allocate(&mut self, bits: u8) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; 1 << bits];
        }
    }

    /// Decodes until the input or the room ends, or a block does. Returns how much
    /// was read, and how much came out.
    fn decode(
        &mut self,
        decoder: &mut DecompressorOxide,
        input: &[u8],
        most: usize,
        out: &mut Vec<u8>,
    ) -> (Status, usize, usize) {
        let wrapping = if self.is_full {
            0
        } else {
            // Until the window was filled once, nothing precedes its beginning.
            TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        };
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY | wrapping;
        let (status, read, came) =
            decompress_with_limit(decoder, input, &mut self.bytes, self.at, most, flags);
        let end = self.at + came;
        out.extend_from_slice(self.bytes.get(self.at..end).unwrap_or_default());
        if end == self.bytes.len() {
            self.at = 0;
            self.is_full = true;
        } else {
            self.at = end;
        }
        (status, read, came)
    }
}

#[cfg(test)]
mod tests;
