//! The sending direction: messages to queued frames (RFC 6455, section 6.1).
//!
//! Frames wait in two queues, from which [`hand_out`] takes them.

mod hand_out;

use alloc::vec::Vec;

use super::direct::FrameHeader;
use super::event::Message;
use super::owned::{NotSent, OwnedMessage};
use super::queue::{Done, Origin, Queue};
use crate::deflate::{Compressor, Direction};
use crate::frame::header::{self, FIN, Opcode, RSV1};
use crate::frame::mask::KeySource;
use crate::frame::utf8::Utf8;
use crate::limits::MAX_CONTROL_PAYLOAD;
use crate::stream::EventKind;
use crate::{Deflate, Limits, Rule};

/// From this length on it is cheaper to keep a payload where it is than to copy it.
const MOVED: usize = 4096;

/// Whether a message is compressed, if that was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compress {
    IfWorthIt,
    Never,
}

pub(super) struct Sender {
    keys: Option<KeySource>,
    /// A client that doesn't mask still sets the bit, with the key 0.
    zero_keys: bool,
    verify_utf8: bool,
    extension_frames: bool,
    compressor: Option<Compressor>,
    limit: u64,
    data: Queue,
    control: Queue,
    message: Option<OpenMessage>,
    /// A part of that message was not seen: then the rest isn't checked either.
    is_unseen: bool,
    done: Done,
}

struct OpenMessage {
    text: bool,
    compressed: bool,
    utf8: Utf8,
}

/// Whether the bytes of a text need a UTF-8 check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// They have to be checked.
    Due,
    /// They are complete UTF-8.
    Done,
    /// They are not passed, and assumed to be valid.
    Unseen,
}

/// A message to send, or a part of one.
struct Fragment<'a> {
    text: bool,
    bytes: &'a [u8],
    last: bool,
    check: Check,
    /// It is refused if too much waits.
    is_limited: bool,
}

impl<'a> Fragment<'a> {
    #[inline]
    fn of(message: Message<'a>) -> Option<Fragment<'a>> {
        let (text, bytes, last, check) = match message {
            Message::Text(text) => (true, text.as_bytes(), true, Check::Done),
            Message::TextFragment(text) => (true, text.as_bytes(), false, Check::Done),
            Message::Utf8(bytes) => (true, bytes, true, Check::Due),
            Message::Utf8Fragment(bytes) => (true, bytes, false, Check::Due),
            Message::Binary(bytes) => (false, bytes, true, Check::Due),
            Message::BinaryFragment(bytes) => (false, bytes, false, Check::Due),
            _ => return None,
        };
        Some(Fragment {
            text,
            bytes,
            last,
            check,
            is_limited: true,
        })
    }
}

impl Sender {
    pub(super) fn new(keys: Option<KeySource>, config: &super::Config) -> Sender {
        Sender {
            keys,
            zero_keys: !config.masking,
            verify_utf8: config.verify_utf8,
            extension_frames: false,
            compressor: None,
            limit: config.limits.queued_output,
            data: Queue::default(),
            control: Queue::default(),
            message: None,
            is_unseen: false,
            done: Done::default(),
        }
    }

    /// The host's extension frames may be sent from now on.
    pub(super) fn allow_extension_frames(&mut self) {
        self.extension_frames = true;
    }

    /// Messages may be compressed from now on.
    pub(super) fn compress(&mut self, direction: Direction, settings: &Deflate) {
        self.compressor = Compressor::new(direction, settings);
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.data.len() + self.control.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of pongs wait.
    pub(super) fn pongs(&self) -> usize {
        self.control.pongs()
    }

    /// Whether the session's own frames are queued.
    pub(super) fn has_own_frames(&self) -> bool {
        self.control.has_own_frames() || self.data.has_own_frames()
    }

    /// Queues bytes that are not frames: the head of a handshake, which no frame may
    /// overtake.
    pub(super) fn push_head(&mut self, head: &[u8]) {
        self.control.write_head(head);
    }

    /// Queues what the host sends; nothing is queued if it breaks a rule.
    pub(super) fn push(
        &mut self,
        message: Message<'_>,
        compress: Compress,
        context: Option<u64>,
    ) -> Result<(), Rule> {
        let origin = Origin::Host(context);
        if let Some(fragment) = Fragment::of(message) {
            return self.fragment(&fragment, compress, origin);
        }
        match message {
            Message::Ping(payload) => {
                self.control(Opcode::Ping, payload, Origin::HostPing(context))
            }
            Message::Pong(payload) => self.control(Opcode::Pong, payload, origin),
            Message::ExtensionFrame(bits, payload) => self.extension_frame(bits, payload, origin),
            // The session checks a close itself, since it changes its state.
            _ => Err(Rule::AlreadyClosing),
        }
    }

    /// The header of a message whose payload the host writes itself, if nothing has to be
    /// written before and nothing is to be done to the payload but to mask it.
    pub(super) fn head(&mut self, message: Message<'_>) -> Result<Option<FrameHeader>, Rule> {
        match Fragment::of(message) {
            Some(fragment) => self.header_before(&fragment, fragment.bytes.len()),
            None => Ok(None),
        }
    }

    /// The same for a payload that is not here, and valid.
    pub(super) fn head_of(
        &mut self,
        text: bool,
        last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, Rule> {
        let Ok(length) = usize::try_from(length) else {
            return Ok(None);
        };
        let fragment = Fragment {
            text,
            bytes: &[],
            last,
            check: Check::Unseen,
            is_limited: false,
        };
        self.header_before(&fragment, length)
    }

    /// The header of a fragment whose payload, of this length, is not queued.
    #[inline]
    fn header_before(
        &mut self,
        fragment: &Fragment<'_>,
        length: usize,
    ) -> Result<Option<FrameHeader>, Rule> {
        if !self.is_empty() || self.compressor.is_some() {
            return Ok(None);
        }
        let (first, utf8) = self.admit(fragment)?;
        self.keep_open(fragment, false, utf8);
        Ok(Some(FrameHeader::new(first, length, self.next_key())))
    }

    /// Queues the host's message with its payload, which is not copied if it is long and not
    /// transformed.
    pub(super) fn push_owned(
        &mut self,
        message: OwnedMessage,
        context: Option<u64>,
    ) -> Result<(), NotSent> {
        let borrowed = message.as_message();
        let queued = match Fragment::of(borrowed) {
            Some(fragment) if self.compressor.is_none() && fragment.bytes.len() >= MOVED => {
                self.admit(&fragment).map(|(first, utf8)| {
                    self.keep_open(&fragment, false, utf8);
                    Some(first)
                })
            }
            _ => {
                let pushed = self.push(borrowed, Compress::IfWorthIt, context);
                pushed.map(|()| None)
            }
        };
        match queued {
            Ok(Some(first)) => {
                let key = self.next_key();
                let payload = message.into_bytes();
                self.data
                    .write_owned(first, payload, key, Origin::Host(context));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(rule) => Err(NotSent { rule, message }),
        }
    }

    /// Queues what another session has received, however much waits.
    pub(super) fn pass_on(
        &mut self,
        kind: EventKind,
        bytes: &[u8],
        checked: bool,
    ) -> Result<(), Rule> {
        let last = kind.ends_message();
        let fragment = Fragment {
            text: matches!(kind, EventKind::Text | EventKind::TextChunk),
            bytes,
            last,
            // A chunk of a text may end inside a character.
            check: match checked && last && self.message.is_none() {
                true => Check::Done,
                false => Check::Due,
            },
            is_limited: false,
        };
        self.fragment(&fragment, Compress::IfWorthIt, Origin::Host(None))
    }

    #[inline(always)]
    fn fragment(
        &mut self,
        fragment: &Fragment<'_>,
        compress: Compress,
        origin: Origin,
    ) -> Result<(), Rule> {
        let (first, utf8) = self.admit(fragment)?;
        let bytes = fragment.bytes;
        let compressed = match self.compressor {
            None => None,
            Some(_) => self.compressed(bytes, fragment.last, compress),
        };
        let is_compressed = compressed.is_some();
        match compressed {
            None => self.write_data(first, bytes, origin),
            Some((rsv1, shorter)) => self.write_data(first | rsv1, &shorter, origin),
        }
        self.keep_open(fragment, is_compressed, utf8);
        Ok(())
    }

    /// The payload of a compressed fragment's frame, and the bit that says on the first one
    /// that the message is compressed.
    #[inline(never)]
    fn compressed(
        &mut self,
        bytes: &[u8],
        last: bool,
        compress: Compress,
    ) -> Option<(u8, Vec<u8>)> {
        let compressor = self.compressor.as_mut()?;
        match &self.message {
            // Only on the first frame of a message (RFC 7692, section 6).
            Some(message) => message
                .compressed
                .then(|| (0, compressor.compress(bytes, last))),
            None if compress == Compress::Never => None,
            None => Some((RSV1, compressor.compress_if_worth_it(bytes, last)?)),
        }
    }

    /// Checks that the fragment may be queued. Returns the first byte of its frame, and the UTF-8
    /// state after it.
    #[inline(always)]
    fn admit(&self, fragment: &Fragment<'_>) -> Result<(u8, Utf8), Rule> {
        let mut utf8 = self.message.as_ref().map_or(Utf8::default(), |m| m.utf8);
        let is_done = |utf8: &Utf8| fragment.check == Check::Done && utf8.is_complete();
        let is_unseen = || fragment.check == Check::Unseen || self.is_unseen;
        if fragment.text && self.verify_utf8 && !is_done(&utf8) && !is_unseen() {
            utf8.feed(fragment.bytes).map_err(|_| Rule::TextNotUtf8)?;
            if fragment.last && !utf8.is_complete() {
                return Err(Rule::TextNotUtf8);
            }
        }
        let opcode = match &self.message {
            Some(message) if message.text != fragment.text => return Err(Rule::FragmentMismatch),
            Some(_) => Opcode::Continuation,
            None if fragment.text => Opcode::Text,
            None => Opcode::Binary,
        };
        if fragment.is_limited {
            self.check_room(fragment.bytes.len())?;
        }
        Ok((opcode.bits() | if fragment.last { FIN } else { 0 }, utf8))
    }

    /// Remembers the message that a fragment leaves open, if it does.
    #[inline(always)]
    fn keep_open(&mut self, fragment: &Fragment<'_>, compressed: bool, utf8: Utf8) {
        self.message = (!fragment.last).then_some(OpenMessage {
            text: fragment.text,
            compressed,
            utf8,
        });
        self.is_unseen |= fragment.check == Check::Unseen;
        self.is_unseen &= !fragment.last;
    }

    fn extension_frame(&mut self, bits: u8, payload: &[u8], origin: Origin) -> Result<(), Rule> {
        let data = Opcode::from_bits(bits).is_some_and(|opcode| !opcode.is_control());
        if !self.extension_frames || !data || self.message.is_some() {
            return Err(Rule::FrameHeaderInvalid);
        }
        self.check_room(payload.len())?;
        self.write_data(bits, payload, origin);
        Ok(())
    }

    /// Checks that a frame fits in the queue. If nothing waits, it may be of any length.
    fn check_room(&self, payload: usize) -> Result<(), Rule> {
        let frame = header::MAX_LENGTH as u64 + payload as u64 + Limits::FRAME_OVERHEAD;
        let waiting = self.data.cost() + self.control.cost();
        if waiting > 0 && waiting.saturating_add(frame) > self.limit {
            return Err(Rule::QueueFull);
        }
        Ok(())
    }

    /// Queues a ping or pong.
    pub(super) fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        origin: Origin,
    ) -> Result<(), Rule> {
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(Rule::ControlPayloadTooLong);
        }
        if origin.host().is_some() {
            self.check_room(payload.len())?;
        }
        let key = self.next_key();
        self.control
            .write(FIN | opcode.bits(), payload, key, origin);
        Ok(())
    }

    /// Queues a close frame after all data; the limit leaves room for it.
    pub(super) fn close(&mut self, payload: &[u8], origin: Origin) {
        self.write_data(FIN | Opcode::Close.bits(), payload, origin);
    }

    fn write_data(&mut self, first: u8, payload: &[u8], origin: Origin) {
        let key = self.next_key();
        self.data.write(first, payload, key, origin);
    }

    fn next_key(&mut self) -> Option<[u8; 4]> {
        let keys = self.keys.as_mut()?;
        Some(if self.zero_keys {
            [0; 4]
        } else {
            keys.mask_key()
        })
    }

    /// Drops pongs of which no byte was handed out.
    pub(super) fn drop_pongs(&mut self) {
        self.control
            .drop_frames(&mut self.done, |origin| origin == Origin::Pong);
    }

    /// Drops the last pong, if no byte of it was handed out.
    pub(super) fn drop_last_pong(&mut self) {
        self.control.drop_last_pong(&mut self.done);
    }

    /// Drops all, and the rest of a frame that was begun too.
    pub(super) fn clear(&mut self) {
        self.message = None;
        for queue in [&mut self.control, &mut self.data] {
            queue.clear(&mut self.done);
        }
    }
}

#[cfg(test)]
mod tests;
