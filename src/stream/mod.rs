//! The receiving direction of a connection: from bytes to messages (RFC 6455, sections 5
//! and 6.2). It knows nothing of sessions, time or output.
//!
//! There are two layers. [`FrameStream`] walks over the frames of one direction: it reads
//! headers, holds every rule that can be told from headers, and never looks at a payload.
//! [`Assembler`] stands on it and delivers what the frames carry: messages, chunks of
//! messages, and control frames, each as a [`Record`].
//!
//! # Where a payload is when it is delivered
//!
//! Each step that saves a copy or a rule that need not be checked costs code, so these
//! are all there are:
//!
//! 1. *In the input, by the fast path* (`fast_path.rs`): a message in one frame that is
//!    all there and breaks no rule. Most messages are; it costs half of what the next
//!    one does.
//! 2. *In the input, by the slow path*: any other frame, or part of one, that can be
//!    delivered as soon as it comes. Nothing is copied, however long it is. With
//!    [`Assembler::leave_unfinished`] a host makes this the way of frames that are cut as
//!    well: it gives them again when more has come.
//! 3. *In the assembly*: a message that has to be put together, because it came in several
//!    inputs or frames, and one that is inflated.
//! 4. *In the control buffer*: a control frame that is cut. It may come in the middle of a
//!    message, so it can't be put into the assembly.

mod assembler;
mod fast_path;
mod frames;
mod record;

pub(crate) use assembler::Assembler;
pub(crate) use frames::FrameStream;
pub(crate) use record::{Kind, PayloadRef, Record};

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
    pub(crate) whole_frame: u64,
}
