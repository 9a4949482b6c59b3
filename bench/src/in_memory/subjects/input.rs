//! Where the native engine reads: large messages to where they stay until they are whole.

use std::io::Read;

use anyhow::{Result, ensure};

use crate::in_memory::transport::Source;

/// The most bytes of one read.
const READ: usize = 64 << 10;
/// From this length on, a message that was cut is worth a read of its own: what comes behind it would have to be moved
/// to the front.
const LARGE: usize = 8 << 10;
/// How much that read brings of what comes behind, so that the next header is there.
const AHEAD: usize = 512;
/// Up to this length, messages are left in the buffer.
pub(super) const LONGEST_LEFT: u32 = 1 << 20;

/// What is read, at the start of a buffer, and what of it waits to become whole.
pub(super) struct Input {
    source: Source,
    buffer: Vec<u8>,
    /// How many bytes are in the buffer.
    filled: usize,
    /// How many will make a message whole.
    awaited: Option<usize>,
}

impl Input {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            filled: 0,
            awaited: None,
        }
    }

    /// Reads more behind what waits: to the end of its message and a little further, so that little has to be moved
    /// afterwards. What a header announces is believed as far as half of it has come.
    pub(super) fn read(&mut self) -> Result<&mut [u8]> {
        let room = match self.awaited {
            Some(length) if length >= LARGE => {
                let rest = length.saturating_sub(self.filled) + AHEAD;
                rest.min(self.filled.max(READ))
            }
            _ => READ,
        };
        let end = self.filled + room;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.filled += self.source.read(&mut self.buffer[self.filled..end])?;
        Ok(&mut self.buffer[..self.filled])
    }

    /// The session took so many bytes. Whether that was all there is.
    pub(super) fn take(&mut self, count: usize, awaited: Option<usize>) -> Result<bool> {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.awaited = awaited;
        let is_end = self.source.is_at_start();
        ensure!(!is_end || self.filled == 0, "input was left over");
        Ok(is_end)
    }
}
