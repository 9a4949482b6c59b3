//! permessage-deflate (RFC 7692): messages whose payloads are compressed.
//!
//! What both sides agree on is in [`negotiation`]; the two directions, which know
//! nothing of each other, in [`inflate`] and [`compress`]. Without the feature
//! `deflate` neither of these is there, and no session can be asked for the
//! extension ([`Rule::DeflateUnavailable`](crate::Rule::DeflateUnavailable)).

pub(crate) mod negotiation;
mod parameters;
mod settings;

#[cfg(feature = "deflate")]
mod compress;
#[cfg(feature = "deflate")]
mod inflate;
#[cfg(feature = "deflate")]
pub(crate) use {compress::Compressor, inflate::Inflater};

#[cfg(not(feature = "deflate"))]
mod absent;
#[cfg(not(feature = "deflate"))]
pub(crate) use absent::{Compressor, Inflater};

pub(crate) use parameters::NAME;
pub use settings::Deflate;

/// What each message omits after its last block: the length of an empty
/// block, whose header ends the message (RFC 7692, section 7.2.1).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// How one direction is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    /// The size of the window, as a power of two: 8 to 15.
    pub(crate) window_bits: u8,
    /// Whether a message may refer to those before it.
    pub(crate) takeover: bool,
}

impl Direction {
    /// Returns it within the settings: a sender may always use less than was negotiated.
    pub(crate) fn within(self, settings: &Deflate) -> Direction {
        Direction {
            window_bits: self.window_bits.min(settings.send_window_bits),
            takeover: self.takeover && settings.send_context_takeover,
        }
    }
}
