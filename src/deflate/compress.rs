//! The sending direction: messages made smaller (RFC 7692, section 7.2.1).

use alloc::vec::Vec;

use zlib_rs::{Deflate as Encoder, DeflateConfig, DeflateFlush, Status};

use super::{Deflate, Direction, TAIL};

/// zlib makes no window of 256 bytes. In its next one no reference reaches further
/// than 250 bytes, so that is what such a window is made with.
const SMALLEST_OF_ZLIB: u8 = 9;

/// The payload of a message, or of its last fragment, that adds nothing: the header
/// of the empty block whose length is left out (RFC 7692, section 7.2.3.6).
const NOTHING: u8 = 0x00;

pub(crate) struct Compressor {
    config: DeflateConfig,
    takeover: bool,
    window: usize,
    minimum: usize,
    encoder: Option<Encoder>,
}

impl Compressor {
    pub(crate) fn new(direction: Direction, settings: &Deflate) -> Option<Compressor> {
        let window_bits = direction.window_bits.max(SMALLEST_OF_ZLIB);
        Some(Compressor {
            config: DeflateConfig {
                // Raw blocks, without a head and a checksum.
                window_bits: -i32::from(window_bits),
                level: i32::from(settings.level),
                mem_level: i32::from(settings.memory_level),
                ..DeflateConfig::default()
            },
            // Level 0 never refers to anything.
            takeover: direction.takeover && settings.level > 0,
            window: 1 << window_bits,
            minimum: settings.min_length as usize,
            encoder: None,
        })
    }

    /// Returns the payload of the first frame of a message, or nothing if the message
    /// is better sent as it is.
    ///
    /// The peer has to see what the encoder has seen. So a message that gets a little
    /// longer is compressed all the same, unless there is no context to lose: none is
    /// kept, or the message fills the window.
    pub(crate) fn compress_if_worth_it(&mut self, payload: &[u8], last: bool) -> Option<Vec<u8>> {
        if payload.len() < self.minimum && last {
            return None;
        }
        let compressed = self.compress(payload, last);
        let keeps_context = self.takeover && payload.len() < self.window;
        let is_shorter = compressed.len() < payload.len();
        if is_shorter || keeps_context || self.minimum == 0 || !last {
            return Some(compressed);
        }
        if let Some(encoder) = &mut self.encoder {
            encoder.reset();
        }
        None
    }

    /// The payload of the next frame of a message.
    pub(crate) fn compress(&mut self, payload: &[u8], last: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if payload.is_empty() {
            // The encoder has nothing to flush.
            if last {
                out.push(NOTHING);
            }
        } else {
            self.encode(payload, &mut out);
            if last && out.ends_with(&TAIL) {
                out.truncate(out.len() - TAIL.len());
            }
        }
        if last && !self.takeover {
            self.encoder = None;
        }
        out
    }

    fn encode(&mut self, mut payload: &[u8], out: &mut Vec<u8>) {
        let config = self.config;
        let encoder = self
            .encoder
            .get_or_insert_with(|| Encoder::new_with_config(config));
        loop {
            let start = out.len();
            // Enough for most messages at once.
            let room = payload.len() / 2 + 64;
            out.resize(start + room, 0);
            let free = out.get_mut(start..).unwrap_or_default();
            let (read, written) = (encoder.total_in(), encoder.total_out());
            let status = encoder.compress(payload, free, DeflateFlush::SyncFlush);
            let read = (encoder.total_in() - read) as usize;
            let written = (encoder.total_out() - written) as usize;
            out.truncate(start + written);
            payload = payload.get(read..).unwrap_or_default();
            // With room left, all was flushed.
            if written < room || !matches!(status, Ok(Status::Ok)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
