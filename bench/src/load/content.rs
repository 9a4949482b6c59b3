//! The messages, and the frames that carry them.

use std::io::{self, Write};

use host_tests::deflate::noise;
use host_tests::wire::Frame;
use tempfile::NamedTempFile;

use crate::size::Size;

/// Binary messages of one size, in a cycle.
pub(crate) struct Content {
    pub(super) size: usize,
    /// All payloads, one after the other.
    pub(super) payload: Vec<u8>,
    /// A frame for each, without a mask.
    pub(super) from_server: Vec<u8>,
    /// The same with a mask.
    pub(super) from_client: Vec<u8>,
}

/// The length of the whole cycle, unless one message is longer.
const CYCLE: usize = 64 << 10;

impl Content {
    pub(crate) fn new(size: Size) -> Self {
        let Size(size) = size;
        let count = (CYCLE / size.max(1)).clamp(4, 1024);
        let payload = noise(count * size);
        let keys = noise(4 * count);
        let (mut from_server, mut from_client) = (Vec::new(), Vec::new());
        for (message, key) in payload.chunks(size).zip(keys.as_chunks().0) {
            let frame = Frame::binary(message);
            from_server.extend(frame.bytes());
            from_client.extend(frame.masked(*key).bytes());
        }
        Self {
            size,
            payload,
            from_server,
            from_client,
        }
    }

    /// Writes all payloads, one after the other, to a file for other programs.
    pub(crate) fn file(&self) -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        file.write_all(&self.payload)?;
        Ok(file)
    }

    /// How many messages there are.
    pub(super) fn count(&self) -> usize {
        self.payload.len() / self.size
    }
}
