//! The receiving direction: bytes to records (RFC 6455, sections 5 and 6.2).
//!
//! Payloads are unmasked where they stand in the input. A message that is whole
//! in the input stays there; only one that comes in several inputs or frames is
//! put together in a buffer of the receiver's, and of a header that is cut only
//! its bytes are kept. A compressed message is inflated into the same buffer.

mod data;
mod in_place;
mod inflate;
mod whole;

use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::config::{Config, Role};
use super::event::{Kind, Place, Record};
use super::queue::KEPT_CAPACITY;
use crate::Rule;
use crate::deflate::{Direction, Inflater};
use crate::frame::header::{self, Expected, Header, Masking, Opcode, RSV1};
use crate::frame::mask;
use crate::frame::utf8::Utf8;
use data::Fresh;
use whole::Whole;

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extensions {
    None,
    /// The peer may compress messages.
    Deflate(Direction),
    /// Some of the host's: frames are its business, whole and with their reserved
    /// bits.
    Hosts,
}

/// A piece of so many bytes doesn't wait for more.
const GATHERED: usize = 16 << 10;

pub(super) struct Receiver {
    verify_utf8: bool,
    /// The longest piece; `None` to deliver whole messages.
    piece: Option<usize>,
    /// A shorter one waits for more, unless its message ends or its time is up.
    least_piece: usize,
    /// The longest payload of a frame that is delivered in one piece.
    max_whole_frame: u64,
    extension_frames: bool,
    inflater: Option<Inflater>,
    /// The most work of a turn, and what is left of it.
    inflated_limit: usize,
    work: usize,
    /// A limit was reached, and more may come of what the inflater has taken.
    holds_back: bool,
    message_limit: u64,
    fragment_limit: u32,
    /// What a header is held against that begins a message.
    between: Expected,
    whole: Whole,

    head: PartialHead,
    frame: Option<OpenFrame>,
    message: Option<OpenMessage>,
    /// What came of a control frame in earlier inputs.
    control: Vec<u8>,
    /// Messages that were completed in this turn, then the one in progress.
    assembly: Vec<u8>,
    /// How much of `assembly` was delivered.
    delivered: usize,
    /// A rule that was broken behind a piece that is delivered first.
    broken: Option<Rule>,
    closed: bool,
    /// The longest frame that is left in the input until it is whole.
    longest_left: usize,
    /// The length of the frame that was.
    awaited: Option<usize>,
}

#[derive(Default)]
struct PartialHead {
    bytes: [u8; header::MAX_LENGTH],
    length: usize,
}

struct OpenFrame {
    header: Header,
    /// How many bytes of the payload have come.
    taken: u64,
    /// Where its bytes begin in the assembly, if it is delivered in one piece.
    whole_from: Option<usize>,
}

impl OpenFrame {
    fn left(&self) -> u64 {
        self.header.payload - self.taken
    }
}

struct OpenMessage {
    text: bool,
    compressed: bool,
    utf8: Utf8,
    /// By the headers of its frames so far.
    length: u64,
    /// What came out of it so far, if it is compressed.
    inflated: u64,
    fragments: u32,
    /// Where its bytes begin in the assembly, if some are there.
    assembled: Option<usize>,
}

impl Receiver {
    pub(super) fn new(role: Role, config: &Config, extensions: Extensions) -> Receiver {
        let inflated_limit = config.limits.inflate_per_call as usize;
        let limits = &config.limits;
        let between = Expected {
            masking: match role {
                Role::Client => Masking::Forbidden,
                Role::Server if config.masking => Masking::Required,
                Role::Server => Masking::Either,
            },
            reserved_bits: match extensions {
                Extensions::None => 0,
                // The first frame of a message tells whether it is compressed.
                Extensions::Deflate(_) => RSV1,
                Extensions::Hosts => header::RESERVED_BITS,
            },
            in_message: false,
            fragment_allowed: limits.fragments > 0,
            frame_limit: limits.frame,
            message_room: limits.message,
            // Data that don't compress get longer, in small fragments by a lot; how long a
            // compressed message is shows when it is inflated.
            compressed_room: match extensions {
                Extensions::Deflate(_) => u64::MAX,
                _ => limits.message,
            },
        };
        Receiver {
            verify_utf8: config.verify_utf8,
            piece: config.longest_piece(),
            least_piece: match config.timeouts.coalesce {
                None => 1,
                Some(_) => GATHERED.min(config.receive_buffer as usize),
            },
            max_whole_frame: config.max_whole_frame.into(),
            extension_frames: extensions == Extensions::Hosts,
            inflater: match extensions {
                Extensions::Deflate(direction) => Inflater::new(direction),
                _ => None,
            },
            inflated_limit,
            work: inflated_limit,
            holds_back: false,
            message_limit: limits.message,
            fragment_limit: limits.fragments,
            between,
            whole: Whole::new(config, between.masking, extensions),
            head: PartialHead::default(),
            frame: None,
            message: None,
            control: Vec::new(),
            assembly: Vec::new(),
            delivered: 0,
            broken: None,
            closed: false,
            longest_left: 0,
            awaited: None,
        }
    }

    /// Forgets what the last turn delivered.
    pub(super) fn begin_turn(&mut self) {
        self.longest_left = 0;
        self.work = self.inflated_limit;
        let delivered = mem::take(&mut self.delivered);
        if delivered != 0 {
            self.assembly.drain(..delivered);
            let message = self.message.as_mut().and_then(|m| m.assembled.as_mut());
            let frame = self.frame.as_mut().and_then(|f| f.whole_from.as_mut());
            for start in message.into_iter().chain(frame) {
                *start -= delivered;
            }
        }
        // A message that was long leaves nothing behind, though the next one has begun.
        let length = self.assembly.len();
        if self.assembly.capacity() > KEPT_CAPACITY.max(8 * length) {
            self.assembly.shrink_to(2 * length);
        }
    }

    /// Whether no frame and no message is unfinished.
    pub(super) fn is_at_rest(&self) -> bool {
        self.head.length == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Whether more of a frame or of a message is to come.
    pub(super) fn awaits_more(&self) -> bool {
        !self.is_at_rest() || self.awaited.is_some()
    }

    /// Whether a message is unfinished.
    pub(super) fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// Whether the turn has done its work, and some of its input is left.
    pub(super) fn is_exhausted(&self) -> bool {
        self.work == 0 && self.frame.is_some() && self.message.is_some()
    }

    /// A close frame was the last one that counts (RFC 6455, section 5.5.1).
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.whole.end();
    }

    pub(super) fn payload<'a>(&'a self, input: &'a [u8], place: &Place) -> &'a [u8] {
        let (bytes, range) = match place {
            Place::Input(range) => (input, range),
            Place::Assembled(range) => (&self.assembly[..], range),
            Place::Control(range) => (&self.control[..], range),
        };
        bytes.get(range.clone()).unwrap_or_default()
    }

    /// Messages that were completed in this turn, then the one in progress.
    #[cfg(feature = "component")]
    pub(super) fn assembled(&self) -> &[u8] {
        &self.assembly
    }

    /// The next record, if it is a message that is whole in the input, in one frame.
    #[inline(always)]
    pub(super) fn whole_message(&self, input: &mut [u8], at: &mut usize) -> Option<Record> {
        if !self.is_at_rest() {
            return None;
        }
        self.whole.take(input, at)
    }

    /// The next record in `input` from `at` on, which moves behind what was
    /// taken. Without a record all of the input was.
    ///
    /// A rule that is broken behind a piece is told after it.
    pub(super) fn next(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        if let Some(record) = self.whole_message(input, at) {
            return Ok(Some(record));
        }
        let next = self.next_of_any_form(input, at);
        if let Err(rule) = next
            && let Some(piece) = self.release()
        {
            self.broken = Some(rule);
            return Ok(Some(piece));
        }
        next
    }

    fn next_of_any_form(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        if self.closed {
            *at = input.len();
            return Ok(None);
        }
        if let Some(rule) = self.broken {
            return Err(rule);
        }
        loop {
            if self.frame.is_none() {
                if self.may_leave() && self.leaves(input, *at)? {
                    return Ok(None);
                }
                let Some(header) = self.read_header(input, at)? else {
                    return Ok(None);
                };
                let closes = header.opcode == Opcode::Close;
                self.open_frame(header);
                // Nothing of a message follows a close frame, and a frame that fits into a
                // piece isn't cut because of what is held before it.
                if (closes || self.exceeds_piece())
                    && let Some(piece) = self.release_gathered()
                {
                    return Ok(Some(piece));
                }
            }
            let longest = self.room_in_piece();
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let available = input.get_mut(*at..).unwrap_or_default();
            let count = usize::try_from(frame.left()).unwrap_or(usize::MAX);
            let count = count.min(available.len()).min(longest);
            if count == 0 && frame.left() > 0 && !self.holds_back {
                return Ok(None);
            }
            let chunk = available.get_mut(..count).unwrap_or_default();
            let key = frame.header.key.map(|key| mask::key_at(key, frame.taken));
            if let Some(key) = key {
                mask::apply(chunk, key);
            }
            let control = frame.header.opcode.is_control();
            let compressed = !control && self.message.as_ref().is_some_and(|m| m.compressed);
            let record = if compressed {
                let (taken, fresh) = self.inflate(chunk);
                if let (Some(key), Some(rest)) = (key, chunk.get_mut(taken..)) {
                    // What is left is given again as it came.
                    mask::apply(rest, mask::key_at(key, taken as u64));
                }
                *at += taken;
                self.data_payload(input, fresh)?
            } else {
                frame.taken += count as u64;
                let range = *at..*at + count;
                *at = range.end;
                if control {
                    self.control_payload(chunk, range)
                } else {
                    let frame_ends = frame.left() == 0;
                    let fresh = Fresh {
                        place: Place::Input(range),
                        frame_ends,
                        message_ends: frame_ends && frame.header.is_final(),
                        broken: None,
                    };
                    self.data_payload(input, fresh)?
                }
            };
            if record.is_some() || (compressed && self.is_exhausted()) {
                return Ok(record);
            }
        }
    }

    #[inline]
    fn read_header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Rule> {
        let expected = match &self.message {
            None => self.between,
            Some(message) => self.within(message),
        };
        let rest = input.get(*at..).unwrap_or_default();
        if self.head.length == 0
            && let Some((header, length)) = header::parse(rest, &expected)?
        {
            *at += length;
            return Ok(Some(header));
        }
        let before = self.head.length;
        let free = self.head.bytes.get_mut(before..).unwrap_or_default();
        let mut filled = before;
        for (slot, byte) in free.iter_mut().zip(rest) {
            *slot = *byte;
            filled += 1;
        }
        let bytes = self.head.bytes.get(..filled).unwrap_or_default();
        match header::parse(bytes, &expected)? {
            Some((header, length)) => {
                self.head.length = 0;
                *at += length - before;
                Ok(Some(header))
            }
            None => {
                self.head.length = filled;
                *at = input.len();
                Ok(None)
            }
        }
    }

    /// What a header is held against that goes on with a message.
    fn within(&self, message: &OpenMessage) -> Expected {
        Expected {
            reserved_bits: if self.extension_frames {
                header::RESERVED_BITS
            } else {
                0
            },
            in_message: true,
            fragment_allowed: message.fragments < self.fragment_limit,
            message_room: if message.compressed {
                u64::MAX
            } else {
                self.message_limit.saturating_sub(message.length)
            },
            ..self.between
        }
    }

    #[inline]
    fn open_frame(&mut self, header: Header) {
        let mut whole_from = None;
        if header.opcode.is_control() {
            self.control.clear();
        } else {
            if self.delivers_pieces() && header.payload <= self.max_whole_frame {
                whole_from = Some(self.assembly.len());
            }
            let message = self.message.get_or_insert(OpenMessage {
                text: header.opcode == Opcode::Text,
                compressed: self.inflater.is_some() && header.first & RSV1 != 0,
                utf8: Utf8::default(),
                length: 0,
                inflated: 0,
                fragments: 0,
                assembled: None,
            });
            message.length = message.length.saturating_add(header.payload);
            message.fragments = message.fragments.saturating_add(1);
        }
        self.frame = Some(OpenFrame {
            header,
            taken: 0,
            whole_from,
        });
    }

    fn control_payload(&mut self, chunk: &[u8], range: Range<usize>) -> Option<Record> {
        let frame = self.frame.as_ref()?;
        let kind = match frame.header.opcode {
            Opcode::Ping => Kind::Ping,
            Opcode::Pong => Kind::Pong,
            _ => Kind::Close,
        };
        let complete = frame.left() == 0;
        let place = if complete && self.control.is_empty() {
            Place::Input(range)
        } else {
            self.control.extend_from_slice(chunk);
            Place::Control(0..self.control.len())
        };
        if !complete {
            return None;
        }
        self.frame = None;
        Some(Record {
            kind,
            place,
            detail: 0,
        })
    }
}

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod tests;
