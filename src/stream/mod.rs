//! The receiving direction of a connection: from bytes to messages (RFC 6455, sections 5
//! and 6.2). It knows nothing of sessions, time or output.
//!
//! There are two layers. [`FrameStream`] walks over the frames of one direction. It reads
//! headers, enforces every rule that a header can break, and never looks at a payload.
//! [`Assembler`] is built on it and delivers what the frames carry: messages, chunks of
//! messages and control frames, each as a [`Record`].
//!
//! # How a payload reaches the host
//!
//! There are five ways, and each is there because it saves a copy or time, or because the
//! ones before it can't work:
//!
//! 1. *The fast path* (`fast_path.rs`): a message in one frame that is all in the input is
//!    delivered from there. Most messages are like that, and no state is touched.
//! 2. *In place, by the slow path*: any other payload that can be delivered as soon as it
//!    comes stays in the input too, whatever its header looks like. Nothing is copied.
//!    With [`Settings::leave_unfinished`] a cut frame is left in the input until it is
//!    whole, and then goes this way or the first.
//! 3. *The assembly*: a message that comes in several inputs or frames has to be put
//!    together, and what is inflated has to go somewhere. Both go into one buffer.
//! 4. *Outside*: the host reads the payload itself, and only says how far it has got. A long
//!    payload need not come near the session.
//! 5. *The control buffer*: a control frame that is cut. It can come in the middle of a
//!    message, so it can't share the assembly.

mod assembler;
mod fast_path;
mod frames;
mod record;

pub(crate) use assembler::{Assembler, Outside};
pub(crate) use frames::FrameStream;
pub use record::EventKind;
pub(crate) use record::{PayloadRef, Record};

use crate::Limits;
use crate::deflate::Direction;
use crate::frame::header::Masking;

/// The extension that gives the reserved bits of data frames a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extensions {
    None,
    /// permessage-deflate: RSV1 says that a message is compressed.
    Deflate(Direction),
    /// One that is implemented elsewhere and may use all three. Frames are delivered
    /// whole, with their bits, instead of messages.
    Custom,
}

/// How a direction is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) masking: Masking,
    pub(crate) extensions: Extensions,
    pub(crate) limits: Limits,
    /// Whether text is checked to be UTF-8.
    pub(crate) verify_utf8: bool,
    /// Whether compressed messages are inflated. If not, their payload can only be skipped.
    pub(crate) inflate: bool,
    /// The longest frame that is left in the input while it is cut.
    pub(crate) leave_unfinished: usize,
    /// The least payload that is left in the input to be read elsewhere.
    pub(crate) leave_payloads: u64,
    /// None: messages are delivered whole.
    pub(crate) chunks: Option<Chunks>,
}

/// How messages are delivered as their bytes come. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    /// The longest chunk. From 1.
    pub(crate) max: usize,
    /// A shorter chunk is held, so that more can be coalesced with it, unless its message
    /// ends. At most `max`.
    pub(crate) min: usize,
    /// The longest payload of a frame that is delivered in one chunk. At most `max`.
    pub(crate) max_whole_frame: u64,
}
