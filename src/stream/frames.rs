//! The walk over the frames of one direction (RFC 6455, section 5).

use super::Extensions;
use crate::frame::header::{self, Expected, Header, Masking, Opcode, RESERVED_BITS, RSV1};
use crate::frame::mask;
use crate::{Limits, Rule};

/// Walks over the frames of one direction of a connection, and enforces every rule that
/// a header can break: reserved bits and opcodes, masks, lengths in their shortest form,
/// the sequence of fragments, and limits.
///
/// It needs no byte of a payload. The caller says how many have passed, whether it read them,
/// copied them, or moved them from socket to socket:
///
/// ```text
/// loop {
///     while frames.payload_left() > 0 {
///         // Look at the payload that has come, or don't.
///         frames.advance(count);
///     }
///     let Some(header) = frames.header(input, &mut at)? else { break };
/// }
/// ```
///
/// How the input is split affects neither headers nor errors nor their positions. After an
/// error the stream can't be used: the next frame boundary is not known.
#[derive(Clone)]
pub(crate) struct FrameStream {
    extensions: Extensions,
    limits: Limits,
    /// What the next header is checked against.
    expected: Expected,
    partial: PartialHeader,
    frame: Option<Header>,
    payload_left: u64,
    message: Option<Message>,
    /// The header that broke a rule, if one did.
    wrong: Option<WrongHeader>,
}

/// A header that breaks a rule.
#[derive(Clone, Copy)]
struct WrongHeader {
    /// How many of its bytes come before the one that breaks the rule.
    length: u64,
    /// The length of its payload, if that part was received.
    payload: Option<u64>,
}

/// A message, by the headers of its frames so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) is_text: bool,
    pub(crate) is_compressed: bool,
    /// The payloads of its frames, in bytes.
    pub(crate) length: u64,
    pub(crate) fragments: u32,
    /// Whether its last frame has begun.
    pub(crate) is_final: bool,
}

/// The bytes of a header that is cut.
#[derive(Clone, Default)]
struct PartialHeader {
    bytes: [u8; header::MAX_LENGTH],
    length: usize,
}

impl PartialHeader {
    /// Takes from `input` what may belong to the header. Returns all of it.
    fn extend(&mut self, input: &[u8]) -> &[u8] {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (slot, byte) in free.iter_mut().zip(input) {
            *slot = *byte;
            self.length += 1;
        }
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl FrameStream {
    pub(crate) fn new(masking: Masking, extensions: Extensions, limits: &Limits) -> FrameStream {
        FrameStream {
            extensions,
            limits: *limits,
            expected: expected(masking, extensions, limits, None),
            partial: PartialHeader::default(),
            frame: None,
            payload_left: 0,
            message: None,
            wrong: None,
        }
    }

    /// Reads the next header, which begins at `at` in `input`, and moves `at` past it.
    /// Returns none if the header is cut: then all of the input was taken, and the rest of
    /// the header is expected in the next input. After a close frame all input is taken and
    /// ignored (RFC 6455, section 5.5.1).
    ///
    /// Only when [`FrameStream::payload_left`] is 0.
    ///
    /// # Errors
    ///
    /// The rule that the header breaks. `at` is moved to the first byte that breaks it.
    #[inline]
    pub(crate) fn header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Rule> {
        debug_assert_eq!(self.payload_left, 0, "of the frame before");
        if self.is_closed() {
            *at = input.len();
            return Ok(None);
        }
        let rest = input.get(*at..).unwrap_or_default();
        if !self.is_in_header()
            && let Ok(Some((header, length))) = header::parse(rest, &self.expected)
        {
            *at += length;
            self.open(header);
            return Ok(Some(header));
        }
        self.cut_header(rest, at)
    }

    /// Reads a header that is cut or breaks a rule. All others are read without this.
    fn cut_header(&mut self, rest: &[u8], at: &mut usize) -> Result<Option<Header>, Rule> {
        let before = self.partial.length;
        let bytes = self.partial.extend(rest);
        match header::parse(bytes, &self.expected) {
            Ok(None) => {
                *at += rest.len();
                Ok(None)
            }
            Ok(Some((header, length))) => {
                self.partial.length = 0;
                *at += length - before;
                self.open(header);
                Ok(Some(header))
            }
            Err(rule) => {
                let wrong = first_wrong_byte(bytes, &self.expected);
                *at += wrong.saturating_sub(before);
                self.wrong = Some(WrongHeader {
                    length: wrong as u64,
                    payload: header::announced(bytes),
                });
                Err(rule)
            }
        }
    }

    /// Returns the header at the start of `input` and its length, if all of it is there,
    /// and leaves it to be read. Only between frames.
    ///
    /// # Errors
    ///
    /// The rule that the header breaks.
    pub(crate) fn peek(&self, input: &[u8]) -> Result<Option<(Header, usize)>, Rule> {
        header::parse(input, &self.expected)
    }

    /// Takes a header that [`FrameStream::peek`] has returned, as if it had been read.
    #[inline(never)]
    pub(crate) fn take(&mut self, header: Header) {
        self.open(header);
    }

    #[inline]
    fn open(&mut self, header: Header) {
        self.payload_left = header.payload;
        self.frame = Some(header);
        if header.opcode.is_control() {
            return;
        }
        if header.opcode != Opcode::Continuation {
            self.message = None;
        }
        let is_deflate = matches!(self.extensions, Extensions::Deflate(_));
        let message = self.message.get_or_insert(Message {
            is_text: header.opcode == Opcode::Text,
            is_compressed: is_deflate && header.first & RSV1 != 0,
            length: 0,
            fragments: 0,
            is_final: false,
        });
        message.length = message.length.saturating_add(header.payload);
        message.fragments = message.fragments.saturating_add(1);
        message.is_final = header.is_final();
        let unfinished = (!message.is_final).then_some(&*message);
        let masking = self.expected.masking;
        self.expected = expected(masking, self.extensions, &self.limits, unfinished);
    }

    /// Records that `count` more bytes of the payload have gone by.
    #[inline]
    pub(crate) fn advance(&mut self, count: u64) {
        debug_assert!(count <= self.payload_left, "beyond the end of the frame");
        self.payload_left = self.payload_left.saturating_sub(count);
    }

    /// Returns how many bytes of the frame's payload are still to come.
    #[inline]
    pub(crate) fn payload_left(&self) -> u64 {
        self.payload_left
    }

    /// Returns the mask key as it applies to the next byte of the payload.
    #[inline]
    pub(crate) fn mask_key(&self) -> Option<[u8; 4]> {
        let Header { key, payload, .. } = self.frame?;
        key.map(|key| mask::key_at(key, payload - self.payload_left))
    }

    /// Returns the header that was read last.
    #[inline]
    pub(crate) fn frame(&self) -> Option<Header> {
        self.frame
    }

    /// Returns the message that the last data frame belongs to.
    #[inline]
    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// Returns how many bytes of the frame in progress have been consumed, or of the one
    /// that was read last. Of a header that breaks a rule, as many as come before the byte
    /// that does.
    pub(crate) fn consumed_of_frame(&self) -> u64 {
        match (self.wrong, self.frame) {
            (Some(wrong), _) => wrong.length,
            (None, Some(frame)) if !self.is_in_header() => {
                frame.length() as u64 + frame.payload - self.payload_left
            }
            _ => self.partial.length as u64,
        }
    }

    /// Returns the value that is beyond a limit of frames or messages, as the header that
    /// exceeds it says.
    pub(crate) fn beyond_limit(&self, rule: Rule) -> Option<u64> {
        let payload = self.wrong?.payload;
        let message = self.message.filter(|_| self.expected.in_message);
        match rule {
            Rule::FrameTooBig => payload,
            Rule::MessageTooBig => {
                Some(payload?.saturating_add(message.map_or(0, |message| message.length)))
            }
            Rule::TooManyFragments => {
                let fragments = message.map_or(0, |message| message.fragments);
                Some(u64::from(fragments) + 1)
            }
            _ => None,
        }
    }

    /// Whether a part of a header was received.
    #[inline]
    pub(crate) fn is_in_header(&self) -> bool {
        self.partial.length > 0
    }

    /// Returns the received part of an incomplete header.
    #[inline]
    pub(crate) fn partial_header(&self) -> &[u8] {
        self.partial
            .bytes
            .get(..self.partial.length)
            .unwrap_or_default()
    }

    /// Whether the next data frame continues a message.
    #[inline]
    pub(crate) fn is_in_message(&self) -> bool {
        self.expected.in_message
    }

    /// Whether no frame is unfinished, so that another one could be inserted here.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.payload_left == 0 && !self.is_in_header()
    }

    /// Whether no frame and no message is unfinished.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.is_between_frames() && !self.expected.in_message
    }

    /// Whether a close frame has gone by. It is the last frame that counts.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        let closes = |header: Header| header.opcode == Opcode::Close;
        self.payload_left == 0 && self.frame.is_some_and(closes)
    }
}

/// Returns what a header is checked against: it continues `unfinished`, or begins a message.
#[inline]
fn expected(
    masking: Masking,
    extensions: Extensions,
    limits: &Limits,
    unfinished: Option<&Message>,
) -> Expected {
    let length = unfinished.map_or(0, |message| message.length);
    let room = limits.message.saturating_sub(length);
    // Data that don't compress get longer, in small fragments by a lot; how long a
    // compressed message is shows when it is inflated.
    let (reserved_bits, compressed_room) = match (extensions, unfinished) {
        (Extensions::None, _) => (0, room),
        (Extensions::Deflate(_), None) => (RSV1, u64::MAX),
        (Extensions::Deflate(_), Some(_)) => (0, u64::MAX),
        (Extensions::Custom, _) => (RESERVED_BITS, room),
    };
    Expected {
        masking,
        reserved_bits,
        in_message: unfinished.is_some(),
        fragment_allowed: unfinished.is_none_or(|m| m.fragments < limits.fragments),
        frame_limit: limits.frame,
        message_room: match unfinished {
            Some(message) if message.is_compressed => u64::MAX,
            _ => room,
        },
        compressed_room,
    }
}

/// Returns the index of the byte that breaks a rule: the last of the shortest part of the
/// header that does.
#[cold]
fn first_wrong_byte(bytes: &[u8], expected: &Expected) -> usize {
    let part = |end| bytes.get(..=end).unwrap_or_default();
    let mut ends = 0..bytes.len();
    ends.find(|&end| header::parse(part(end), expected).is_err())
        .unwrap_or_default()
}

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod tests;
