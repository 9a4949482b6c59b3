//! The receiving direction: bytes to records (RFC 6455, sections 5 and 6.2).
//!
//! Payloads are unmasked where they stand in the input. A message that is whole
//! in the input stays there; only one that comes in several inputs or frames is
//! put together in a buffer of the receiver's, and of a header that is cut only
//! its bytes are kept.

use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::config::{Config, Delivery, Role};
use super::event::{Kind, Place, Record};
use super::queue::KEPT_CAPACITY;
use crate::Rule;
use crate::frame::header::{self, Expected, Header, Masking, Opcode};
use crate::frame::mask;
use crate::frame::utf8::Utf8;

pub(super) struct Receiver {
    masking: Masking,
    verify_utf8: bool,
    /// The longest piece; `None` to deliver whole messages.
    piece: Option<usize>,
    /// An extension of the host's is in use: frames are its business, whole and
    /// with their reserved bits.
    extension_frames: bool,
    frame_limit: u64,
    message_limit: u64,
    fragment_limit: u32,

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
}

impl OpenFrame {
    fn left(&self) -> u64 {
        self.header.payload - self.taken
    }
}

struct OpenMessage {
    text: bool,
    utf8: Utf8,
    /// By the headers of its frames so far.
    length: u64,
    fragments: u32,
    /// Where its bytes begin in the assembly, if some are there.
    assembled: Option<usize>,
}

impl Receiver {
    pub(super) fn new(role: Role, config: &Config, extension_frames: bool) -> Receiver {
        Receiver {
            masking: match role {
                Role::Client => Masking::Forbidden,
                Role::Server if config.masking => Masking::Required,
                Role::Server => Masking::Either,
            },
            verify_utf8: config.verify_utf8,
            piece: match config.delivery {
                Delivery::Messages => None,
                Delivery::Pieces => Some(config.receive_buffer as usize),
            },
            extension_frames,
            frame_limit: config.limits.frame,
            message_limit: config.limits.message,
            fragment_limit: config.limits.fragments,
            head: PartialHead::default(),
            frame: None,
            message: None,
            control: Vec::new(),
            assembly: Vec::new(),
            delivered: 0,
            broken: None,
            closed: false,
        }
    }

    /// Forgets what the last turn delivered.
    pub(super) fn begin_turn(&mut self) {
        let delivered = mem::take(&mut self.delivered);
        if delivered != 0 {
            self.assembly.drain(..delivered);
            if let Some(start) = self.message.as_mut().and_then(|m| m.assembled.as_mut()) {
                *start -= delivered;
            }
        }
        if self.assembly.is_empty() && self.assembly.capacity() > KEPT_CAPACITY {
            self.assembly = Vec::new();
        }
    }

    /// Whether no frame and no message is unfinished.
    pub(super) fn is_at_rest(&self) -> bool {
        self.head.length == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Whether a message is unfinished.
    pub(super) fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// A close frame was the last one that counts (RFC 6455, section 5.5.1).
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn payload<'a>(&'a self, input: &'a [u8], place: &Place) -> &'a [u8] {
        let (bytes, range) = match place {
            Place::Input(range) => (input, range),
            Place::Assembled(range) => (&self.assembly[..], range),
            Place::Control(range) => (&self.control[..], range),
        };
        bytes.get(range.clone()).unwrap_or_default()
    }

    /// The next record in `input` from `at` on, which moves behind what was
    /// taken. Without a record all of the input was.
    #[inline]
    pub(super) fn next(
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
                let Some(header) = self.read_header(input, at)? else {
                    return Ok(None);
                };
                self.open_frame(header);
            }
            let available = input.get_mut(*at..).unwrap_or_default();
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let longest = self.piece.unwrap_or(usize::MAX);
            let count = usize::try_from(frame.left()).unwrap_or(usize::MAX);
            let count = count.min(available.len()).min(longest);
            if count == 0 && frame.left() > 0 {
                return Ok(None);
            }
            let chunk = available.get_mut(..count).unwrap_or_default();
            if let Some(key) = frame.header.key {
                mask::apply(chunk, mask::key_at(key, frame.taken));
            }
            frame.taken += count as u64;
            let range = *at..*at + count;
            *at = range.end;
            let record = if frame.header.opcode.is_control() {
                self.control_payload(chunk, range)
            } else {
                self.data_payload(chunk, range)?
            };
            if record.is_some() {
                return Ok(record);
            }
        }
    }

    #[inline]
    fn read_header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Rule> {
        let expected = self.expected();
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

    #[inline]
    fn expected(&self) -> Expected {
        let (length, fragments) = match &self.message {
            Some(message) => (message.length, message.fragments),
            None => (0, 0),
        };
        Expected {
            masking: self.masking,
            reserved_bits: if self.extension_frames {
                header::RESERVED_BITS
            } else {
                0
            },
            in_message: self.message.is_some(),
            fragment_allowed: fragments < self.fragment_limit,
            frame_limit: self.frame_limit,
            message_room: self.message_limit.saturating_sub(length),
        }
    }

    #[inline]
    fn open_frame(&mut self, header: Header) {
        if header.opcode.is_control() {
            self.control.clear();
        } else {
            let message = self.message.get_or_insert(OpenMessage {
                text: header.opcode == Opcode::Text,
                utf8: Utf8::default(),
                length: 0,
                fragments: 0,
                assembled: None,
            });
            message.length = message.length.saturating_add(header.payload);
            message.fragments = message.fragments.saturating_add(1);
        }
        self.frame = Some(OpenFrame { header, taken: 0 });
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

    #[inline]
    fn data_payload(&mut self, chunk: &[u8], range: Range<usize>) -> Result<Option<Record>, Rule> {
        let (Some(frame), Some(message)) = (&self.frame, &mut self.message) else {
            return Ok(None);
        };
        let bits = frame.header.first;
        let frame_ends = frame.left() == 0;
        let message_ends = frame_ends && frame.header.is_final();
        let text = message.text;
        if text && self.verify_utf8 && !self.extension_frames {
            if let Err(valid) = message.utf8.feed(chunk) {
                if self.piece.is_some() && valid > 0 {
                    self.broken = Some(Rule::InvalidUtf8);
                    return Ok(Some(Record {
                        kind: Kind::TextFragment,
                        place: Place::Input(range.start..range.start + valid),
                        detail: 0,
                    }));
                }
                return Err(Rule::InvalidUtf8);
            }
            if message_ends && !message.utf8.is_complete() {
                return self.incomplete_character(range);
            }
        }

        let due = if self.extension_frames {
            frame_ends
        } else {
            message_ends || (self.piece.is_some() && !range.is_empty())
        };
        let place = if due && message.assembled.is_none() {
            Place::Input(range)
        } else {
            let start = *message.assembled.get_or_insert(self.assembly.len());
            self.assembly.extend_from_slice(chunk);
            Place::Assembled(start..self.assembly.len())
        };
        if due {
            message.assembled = None;
            if let Place::Assembled(range) = &place {
                self.delivered = range.end;
            }
        }
        if frame_ends {
            self.frame = None;
        }
        if message_ends {
            self.message = None;
        }
        let kind = match (self.extension_frames, text, message_ends) {
            (true, ..) => Kind::Frame,
            (_, true, true) => Kind::Text,
            (_, true, false) => Kind::TextFragment,
            (_, false, true) => Kind::Binary,
            (_, false, false) => Kind::BinaryFragment,
        };
        Ok(due.then_some(Record {
            kind,
            place,
            detail: if self.extension_frames {
                u64::from(bits)
            } else {
                0
            },
        }))
    }

    /// The text ends inside a character: the bytes before the end were sound, so
    /// a host that takes pieces gets them.
    fn incomplete_character(&mut self, range: Range<usize>) -> Result<Option<Record>, Rule> {
        if self.piece.is_none() || range.is_empty() {
            return Err(Rule::InvalidUtf8);
        }
        self.broken = Some(Rule::InvalidUtf8);
        Ok(Some(Record {
            kind: Kind::TextFragment,
            place: Place::Input(range),
            detail: 0,
        }))
    }
}

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod tests;
