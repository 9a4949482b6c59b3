//! The settings of permessage-deflate.

use core::ops::RangeInclusive;

use crate::Rule;

/// How a session offers, accepts and uses permessage-deflate (RFC 7692).
///
/// Memory is allocated with the first compressed message, separately for each direction.
///
/// ```
/// use websocket_component::{Config, Deflate};
///
/// let mut deflate = Deflate::default();
/// // Nothing is kept of a message once it is sent.
/// deflate.send_context_takeover = false;
/// let mut config = Config::default();
/// config.deflate = Some(deflate);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// The largest window for what is sent, as a power of two of bytes: 8 to 15.
    /// Default 15.
    pub send_window_bits: u8,
    /// Whether a message that is sent may refer to those before it, so that the
    /// window is kept between them. Default true.
    pub send_context_takeover: bool,
    /// The largest window of the peer, as a power of two of bytes: 8 to 15. A peer that
    /// doesn't let its window be limited (RFC 7692, section 7.1.2) is asked to send without
    /// context takeover. Default 15.
    pub receive_window_bits: u8,
    /// Whether a message that is received may refer to those before it, so that
    /// the window is kept between them. Default true.
    pub receive_context_takeover: bool,
    /// The compression level for what is sent: from 0, which compresses nothing, to 9. Default
    /// 6.
    pub level: u8,
    /// zlib's memory level for what is sent, memory beside the window: 1 to 9. Default 8.
    pub memory_level: u8,
    /// The length in bytes below which a message is not compressed. A longer one that
    /// compression doesn't shorten is sent uncompressed if later messages lose no context by
    /// it: without context takeover, or if it is at least as long as the window. With 0 every
    /// message is compressed. In a fragmented message the first fragment decides, and is
    /// always compressed if it is not the last. Default 64.
    pub min_length: u32,
}

impl Default for Deflate {
    fn default() -> Self {
        Deflate {
            send_window_bits: 15,
            send_context_takeover: true,
            receive_window_bits: 15,
            receive_context_takeover: true,
            level: 6,
            memory_level: 8,
            min_length: 64,
        }
    }
}

impl Deflate {
    /// The range of [`Deflate::send_window_bits`] and [`Deflate::receive_window_bits`].
    pub const WINDOW_BITS: RangeInclusive<u8> = 8..=15;
    /// The range of [`Deflate::level`].
    pub const LEVELS: RangeInclusive<u8> = 0..=9;
    /// The range of [`Deflate::memory_level`].
    pub const MEMORY_LEVELS: RangeInclusive<u8> = 1..=9;

    /// Fails with [`Rule::DeflateUnavailable`] without the feature `deflate`, and with
    /// [`Rule::ConfigOutOfRange`] if a setting is out of its range.
    pub(crate) fn check(&self) -> Result<(), Rule> {
        if !cfg!(feature = "deflate") {
            return Err(Rule::DeflateUnavailable);
        }
        let windows = [self.send_window_bits, self.receive_window_bits];
        let in_range = windows
            .iter()
            .all(|bits| Deflate::WINDOW_BITS.contains(bits))
            && Deflate::LEVELS.contains(&self.level)
            && Deflate::MEMORY_LEVELS.contains(&self.memory_level);
        if in_range {
            Ok(())
        } else {
            Err(Rule::ConfigOutOfRange)
        }
    }
}
