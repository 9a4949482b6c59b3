//! From frames to what they carry: messages, chunks of messages, control frames.

mod by_frame;
mod delivery;
mod in_place;
mod inflate;
mod outside;

use alloc::vec::Vec;
use core::ops::Range;

use super::fast_path::FastPath;
use super::{Chunks, EventKind, Extensions, FrameStream, PayloadRef, Record, Settings};
use crate::Rule;
use crate::deflate::Inflater;
use crate::frame::close::NO_STATUS;
use crate::frame::header::{Header, Opcode};
use crate::frame::mask;
use crate::frame::utf8::Utf8;
use crate::limits;
use delivery::Chunk;
pub(crate) use outside::Outside;

/// Delivers what the frames of one direction carry, as [`Record`]s.
///
/// Payloads are unmasked in the input. Each input is one round of calls:
/// [`Assembler::begin_input`], then [`Assembler::next`] until it returns none. What the
/// records point at stays where it is until the next [`Assembler::begin_input`].
pub(crate) struct Assembler {
    frames: FrameStream,
    fast_path: FastPath,
    mode: Mode,
    verify_utf8: bool,
    message_limit: u64,
    inflater: Option<Inflater>,
    /// How much inflating one input may cost, and how much of that is left.
    work_limit: usize,
    work: usize,

    /// The frame and the message in progress, until their last byte is delivered.
    frame: Option<OpenFrame>,
    message: Option<OpenMessage>,
    /// The part of a control frame from earlier inputs.
    control: Vec<u8>,
    /// What was put together and delivered for this input, then what is held of the message
    /// in progress.
    assembly: Vec<u8>,
    /// How many bytes of `assembly` were delivered.
    delivered: usize,
    /// A rule that was broken after a chunk which is delivered first.
    broken: Option<Rule>,
    /// Whether all further input is ignored.
    is_closed: bool,

    /// How long a frame may be, in bytes, to be left in the input until it is whole.
    leave_unfinished: usize,
    /// The least payload that is left in the input to be read elsewhere.
    leave_payloads: u64,
    /// The length of the frame that was left.
    awaited: Option<usize>,
}

/// What is delivered.
enum Mode {
    Messages,
    Chunks(Chunks),
    /// Data frames, see [`Extensions::Custom`].
    Frames,
}

struct OpenFrame {
    /// Where in the assembly it begins, if it is to be delivered in one chunk.
    whole_from: Option<usize>,
    /// The inflater has reached a limit, and may have more although no more input comes.
    is_held_back: bool,
}

struct OpenMessage {
    is_text: bool,
    is_compressed: bool,
    utf8: Utf8,
    /// How many bytes were inflated.
    inflated: u64,
    /// A part of it was read elsewhere: what comes here is delivered in chunks.
    is_outside: bool,
}

impl Assembler {
    pub(crate) fn new(settings: &Settings) -> Assembler {
        let limits = &settings.limits;
        let work = limits.inflate_per_call as usize;
        let mode = match (settings.extensions, settings.chunks) {
            (Extensions::Custom, _) => Mode::Frames,
            (_, Some(chunks)) => Mode::Chunks(chunks),
            (_, None) => Mode::Messages,
        };
        Assembler {
            frames: FrameStream::new(settings.masking, settings.extensions, limits),
            fast_path: FastPath::new(settings),
            // What a custom extension makes of a text is unknown.
            verify_utf8: settings.verify_utf8 && !matches!(mode, Mode::Frames),
            mode,
            message_limit: limits.message,
            inflater: match settings.extensions {
                Extensions::Deflate(direction) if settings.inflate => Inflater::new(direction),
                _ => None,
            },
            leave_unfinished: settings.leave_unfinished,
            leave_payloads: settings.leave_payloads,
            work_limit: work,
            work,
            frame: None,
            message: None,
            control: Vec::new(),
            assembly: Vec::new(),
            delivered: 0,
            broken: None,
            is_closed: false,
            awaited: None,
        }
    }

    /// Forgets what was delivered for the last input, and what was left in it if it comes
    /// again.
    pub(crate) fn begin_input(&mut self, input: &[u8]) {
        self.work = self.work_limit;
        if !input.is_empty() {
            self.awaited = None;
        }
        self.forget_delivered();
    }

    /// Frees what was delivered for the last input, which isn't used any more.
    pub(crate) fn forget_delivered(&mut self) {
        if self.delivered != 0 {
            self.assembly.drain(..self.delivered);
            if let Some(OpenFrame {
                whole_from: Some(start),
                ..
            }) = &mut self.frame
            {
                *start -= self.delivered;
            }
            self.delivered = 0;
        }
        // The memory of a long message is freed, even if the next one has begun.
        limits::trim(&mut self.assembly);
    }

    /// Returns how many bytes of the frame in progress have been consumed.
    pub(crate) fn consumed_of_frame(&self) -> u64 {
        self.frames.consumed_of_frame()
    }

    /// Returns the value that is beyond a limit of frames or messages.
    pub(crate) fn beyond_limit(&self, rule: Rule) -> Option<u64> {
        self.frames.beyond_limit(rule)
    }

    /// Ignores all further input.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.fast_path.turn_off();
    }

    /// Whether no frame and no message is unfinished.
    #[inline]
    fn is_idle(&self) -> bool {
        self.frame.is_none() && self.message.is_none() && !self.frames.is_in_header()
    }

    /// Whether more of a frame or of a message is to come.
    pub(crate) fn awaits_more(&self) -> bool {
        !self.is_idle() || self.awaited.is_some()
    }

    /// Whether a message is unfinished.
    pub(crate) fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// Whether the work for this input is done, and some of the input is left.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.work == 0 && self.frame.as_ref().is_some_and(|frame| frame.is_held_back)
    }

    /// Returns the bytes that a record of this input points at.
    pub(crate) fn payload<'a>(&'a self, input: &'a [u8], place: &PayloadRef) -> &'a [u8] {
        let (bytes, range) = match place {
            PayloadRef::Input(range) => (input, range),
            PayloadRef::Assembled(range) => (&self.assembly[..], range),
            PayloadRef::Control(range) => (&self.control[..], range),
        };
        bytes.get(range.clone()).unwrap_or_default()
    }

    /// Returns what [`PayloadRef::Assembled`] points into.
    pub(crate) fn assembled(&self) -> &[u8] {
        &self.assembly
    }

    /// Returns the next record if it can take the fast path.
    #[inline(always)]
    pub(crate) fn whole_message(&self, input: &mut [u8], at: &mut usize) -> Option<Record> {
        if !self.is_idle() {
            return None;
        }
        self.fast_path.take(input, at)
    }

    /// Returns the next record in `input` from `at` on, and moves `at` past what was taken.
    /// If there is none, all of the input was taken, except for what is too much work
    /// ([`Assembler::is_exhausted`]) or left in it ([`Settings::leave_unfinished`],
    /// [`Settings::leave_payloads`]).
    ///
    /// # Errors
    ///
    /// The rule that the input breaks. All that is valid before it was delivered.
    pub(crate) fn next(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        if let Some(record) = self.whole_message(input, at) {
            return Ok(Some(record));
        }
        let next = self.next_by_slow_path(input, at);
        self.after_what_is_held(next)
    }

    /// What is valid before a broken rule is delivered first.
    fn after_what_is_held(
        &mut self,
        next: Result<Option<Record>, Rule>,
    ) -> Result<Option<Record>, Rule> {
        if let Err(rule) = next
            && let Some(chunk) = self.release()
        {
            self.broken = Some(rule);
            return Ok(Some(chunk));
        }
        next
    }

    fn next_by_slow_path(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        if self.is_closed {
            *at = input.len();
            return Ok(None);
        }
        if let Some(rule) = self.broken {
            return Err(rule);
        }
        loop {
            if self.frame.is_none() {
                if self.leaves(input, *at) || self.leaves_payload(input, *at) {
                    return Ok(None);
                }
                let Some(header) = self.frames.header(input, at)? else {
                    return Ok(None);
                };
                if let Some(chunk) = self.open_frame(&header) {
                    return Ok(Some(chunk));
                }
            }
            let record = self.read_payload(input, at)?;
            // Of a compressed payload no more is taken at a time than a chunk may have.
            let is_stuck = self.frame.is_some() && (*at == input.len() || self.work == 0);
            if record.is_some() || is_stuck {
                return Ok(record);
            }
        }
    }

    /// Begins a frame. Returns what is held if it can't wait for this frame.
    #[inline]
    fn open_frame(&mut self, header: &Header) -> Option<Record> {
        let is_control = header.opcode.is_control();
        let whole_from = match &self.mode {
            Mode::Chunks(chunks) if !is_control && header.payload <= chunks.max_whole_frame => {
                Some(self.assembly.len())
            }
            _ => None,
        };
        self.frame = Some(OpenFrame {
            whole_from,
            is_held_back: false,
        });
        if is_control {
            self.control.clear();
        } else if self.message.is_none() {
            let message = self.frames.message()?;
            self.message = Some(OpenMessage {
                is_text: message.is_text,
                is_compressed: message.is_compressed && self.inflater.is_some(),
                utf8: Utf8::default(),
                inflated: 0,
                is_outside: false,
            });
        }
        // Nothing of a message follows a close frame, and a frame that is delivered in one
        // chunk isn't cut because of what is held before it.
        let cant_wait = header.opcode == Opcode::Close
            || (whole_from.is_some() && header.payload > self.room_in_chunk() as u64);
        cant_wait.then(|| self.release_coalesced()).flatten()
    }

    /// Reads the part of the frame's payload that is in the input.
    #[inline]
    fn read_payload(&mut self, input: &mut [u8], at: &mut usize) -> Result<Option<Record>, Rule> {
        let (Some(frame), Some(header)) = (&self.frame, self.frames.frame()) else {
            return Ok(None);
        };
        let is_control = header.opcode.is_control();
        let longest = match is_control {
            true => usize::MAX,
            false => self.room_in_chunk(),
        };
        let left = usize::try_from(self.frames.payload_left()).unwrap_or(usize::MAX);
        let available = input.get_mut(*at..).unwrap_or_default();
        let count = left.min(available.len()).min(longest);
        if count == 0 && left > 0 && !frame.is_held_back {
            return Ok(None);
        }
        let payload = available.get_mut(..count).unwrap_or_default();
        let key = self.frames.mask_key();
        if let Some(key) = key {
            mask::apply(payload, key);
        }
        if !is_control && self.message.as_ref().is_some_and(|m| m.is_compressed) {
            let (taken, chunk) = self.inflate(payload, header.is_final());
            if let (Some(key), Some(rest)) = (key, payload.get_mut(taken..)) {
                // What is left is given again as it came.
                mask::apply(rest, mask::key_at(key, taken as u64));
            }
            *at += taken;
            return self.deliver(input, &header, chunk);
        }
        let range = *at..*at + count;
        *at = range.end;
        self.frames.advance(count as u64);
        let ends = count == left;
        if is_control {
            return Ok(self.control_payload(header.opcode, payload, range, ends));
        }
        let chunk = Chunk {
            place: PayloadRef::Input(range),
            ends_frame: ends,
            ends_message: ends && header.is_final(),
            broken: None,
        };
        self.deliver(input, &header, chunk)
    }

    fn control_payload(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        range: Range<usize>,
        ends_frame: bool,
    ) -> Option<Record> {
        let place = if ends_frame && self.control.is_empty() {
            PayloadRef::Input(range)
        } else {
            self.control.extend_from_slice(payload);
            PayloadRef::Control(0..self.control.len())
        };
        if !ends_frame {
            return None;
        }
        self.frame = None;
        let kind = match opcode {
            Opcode::Ping => EventKind::Ping,
            Opcode::Pong => EventKind::UnsolicitedPong,
            _ => {
                self.close();
                // Its code is still in the payload.
                EventKind::Close(NO_STATUS)
            }
        };
        Some(Record::new(kind, place))
    }
}

#[cfg(test)]
mod tests;
