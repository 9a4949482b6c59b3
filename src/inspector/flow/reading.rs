//! Reading headers, and payloads that need checking.

use super::{Flow, Open, Reach, Told};
use crate::frame::close;
use crate::frame::header::{Header, MAX_LENGTH, Opcode, RSV1, WHOLE_BINARY};
use crate::inspector::options::Payload;
use crate::inspector::seen::{Frame, Record as SeenRecord, Records, Seen};
use crate::stream::{EventKind, Extensions, Record};
use crate::{Failure, Instant, Rule};

impl Flow {
    /// Reads bytes, and returns how many were consumed.
    ///
    /// # Errors
    ///
    /// The rule that the sender breaks.
    pub(in crate::inspector) fn read(
        &mut self,
        input: &mut [u8],
        records: &mut Records,
        now: Instant,
    ) -> Result<usize, Failure> {
        let mut at = 0;
        let read = if self.is_dead {
            at = input.len();
            Ok(())
        } else {
            self.stream.begin_input(input);
            self.read_frames(input, &mut at, records, now)
        };
        self.base = self.base.saturating_add(at as u64);
        read.map_err(|rule| self.locate(rule))?;
        self.settle();
        Ok(at)
    }

    fn read_frames(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
        records: &mut Records,
        now: Instant,
    ) -> Result<(), Rule> {
        loop {
            let goes_on = match &self.frame {
                None => {
                    let rest = input.get(*at..).unwrap_or_default();
                    // A header that is passed alone was checked for this before.
                    if rest.first() == Some(&WHOLE_BINARY) && rest.len() > MAX_LENGTH {
                        self.pass_messages(input, at);
                    }
                    self.read_header(input, at, records)?
                }
                Some(Open {
                    reach: Reach::All, ..
                }) => self.pass_over(input, at, records),
                Some(_) => self.read_piece(input, at, records, now)?,
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Skips complete binary messages in the input that needn't be checked.
    #[inline(never)]
    fn pass_messages(&mut self, input: &[u8], at: &mut usize) {
        let mut passes = None;
        while let Some(rest) = input.get(*at..)
            && let Some((header, payload)) = self.stream.binary_message(rest)
            && header + payload <= rest.len()
            && *passes.get_or_insert_with(|| self.passes_binary())
        {
            *at += header + payload;
            self.message_passed(header, payload);
        }
    }

    /// Releases a complete binary message that needn't be checked, by its header, and returns the lengths of header
    /// and payload. Otherwise changes nothing.
    pub(in crate::inspector) fn pass_message(&mut self, header: &[u8]) -> Option<(usize, usize)> {
        let (length, payload) = self
            .passes_binary()
            .then(|| self.stream.binary_message(header))??;
        self.message_passed(length, payload);
        self.base = self.base.saturating_add((length + payload) as u64);
        self.settle();
        Some((length, payload))
    }

    /// Whether binary messages pass without a check.
    fn passes_binary(&self) -> bool {
        let is_between = self.frame.is_none() && self.message.is_none();
        is_between && self.options.view.payload == Payload::Nothing && self.tells_nothing()
    }

    /// Whether frames needn't be reported, and nothing waits for a boundary.
    fn tells_nothing(&self) -> bool {
        let view = &self.options.view;
        let is_told = view.frames || view.messages || self.options.hold_messages;
        let is_inserting = !self.insertions.is_empty() || !self.placed_pings.is_empty();
        let goes_on = !self.is_dead && self.cut.is_none() && self.close.is_none();
        goes_on && !is_told && !is_inserting
    }

    /// Records a message in one frame that was released.
    fn message_passed(&mut self, header: usize, payload: usize) {
        self.traffic.frames = self.traffic.frames.saturating_add(1);
        self.traffic.messages = self.traffic.messages.saturating_add(1);
        self.payload_came(payload as u64);
        self.boundary = self.boundary.saturating_add((header + payload) as u64);
        self.message_moved = true;
        self.message_ended = true;
    }

    fn read_header(
        &mut self,
        input: &[u8],
        at: &mut usize,
        records: &mut Records,
    ) -> Result<bool, Rule> {
        let Some(header) = self.stream.open(input, at)? else {
            return Ok(false);
        };
        let begin = self.boundary;
        let payload_at = begin.saturating_add(header.length() as u64);
        let end = payload_at.saturating_add(header.payload);
        if self.options.view.frames && self.reports(begin) {
            records.plain(Seen::Frame(Frame {
                offset: begin,
                first: header.first,
                masked: header.key.is_some(),
                header: header.length() as u8,
                payload: header.payload,
            }));
        }
        if !header.opcode.is_control() {
            self.message_moved = true;
            self.begin_frame_of_message(begin)?;
            self.traffic.frames = self.traffic.frames.saturating_add(1);
        }
        if self.options.hold_messages {
            self.limit_held(end)?;
        }
        let reach = self.reach_of(&header, payload_at, end);
        let is_control = header.opcode.is_control();
        self.frame = Some(Open {
            end,
            reach,
            is_control,
        });
        Ok(true)
    }

    /// Returns the lengths of the header at the start of `bytes` and of its payload, if the payload
    /// needn't be checked and there is nothing to report. `skipped` bytes of the previous frame
    /// come first.
    pub(in crate::inspector) fn unseen_frame(
        &self,
        skipped: u64,
        bytes: &[u8],
    ) -> Option<(usize, u64)> {
        let frames = self.stream.frames();
        let follows = skipped == self.skippable() && frames.payload_left() == skipped;
        if !self.tells_nothing() || !follows || frames.is_in_header() {
            return None;
        }
        let (header, length) = frames.peek(bytes).ok()??;
        let compresses = matches!(self.extensions, Extensions::Deflate(_));
        let (is_text, is_compressed) = match header.opcode {
            Opcode::Text | Opcode::Binary => {
                let is_compressed = compresses && header.first & RSV1 != 0;
                (header.opcode == Opcode::Text, is_compressed)
            }
            Opcode::Continuation => {
                let message = frames.message()?;
                (message.is_text, message.is_compressed)
            }
            _ => return None,
        };
        // The limit of compressed messages that aren't inflated is checked elsewhere.
        // A frame of 2^60 bytes or more takes the slow path, which reports it.
        let is_short = header.payload < 1 << 60;
        let passes = is_short && !is_compressed && !self.looks_at(is_text, is_compressed);
        passes.then_some((length, header.payload))
    }

    /// Returns how much of a frame may be forwarded, once its header was received.
    fn reach_of(&self, header: &Header, payload_at: u64, end: u64) -> Reach {
        let is_short = end - self.boundary <= self.options.hold_frame.into();
        if header.opcode.is_control() {
            Reach::Nothing
        } else if !self.looks_at_payload() {
            Reach::All
        } else if is_short || self.held().is_some() {
            Reach::Nothing
        } else {
            Reach::Verified(payload_at)
        }
    }

    /// Whether the payload of the message in progress has to be checked.
    fn looks_at_payload(&self) -> bool {
        let message = self.stream.frames().message();
        message.is_none_or(|message| self.looks_at(message.is_text, message.is_compressed))
    }

    fn looks_at(&self, is_text: bool, is_compressed: bool) -> bool {
        let view = &self.options.view;
        let is_shown = view.payload != Payload::Nothing;
        let is_read = is_shown || is_compressed || (is_text && view.verify_utf8);
        is_read && !self.is_opaque(is_compressed)
    }

    /// Skips payload that needn't be checked. Returns whether its frame ends.
    fn pass_over(&mut self, input: &[u8], at: &mut usize, records: &mut Records) -> bool {
        let left = self.stream.frames().payload_left();
        let count = left.min((input.len() - *at) as u64);
        *at += count as usize;
        self.payload_came(count);
        self.stream.skip(count);
        if count < left {
            return false;
        }
        let message = self.stream.frames().message();
        let is_last = message.is_some_and(|message| message.is_final);
        self.end_frame();
        if is_last {
            self.end_message(None, records);
        }
        true
    }

    /// Reads the received part of a payload. Returns whether there is more to read.
    fn read_piece(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
        records: &mut Records,
        now: Instant,
    ) -> Result<bool, Rule> {
        let before = *at;
        let piece = self.stream.piece(input, at);
        if self.frame.as_ref().is_some_and(|frame| !frame.is_control) {
            self.traffic.bytes = self.traffic.bytes.saturating_add((*at - before) as u64);
        }
        let piece = piece?;
        let position = self.base.saturating_add(*at as u64);
        if let Some(Open {
            reach: Reach::Verified(to),
            ..
        }) = &mut self.frame
            && !self.stream.is_broken()
        {
            *to = position;
        }
        #[cfg(websocket_misbehave)]
        if let Some(record) = &piece {
            crate::misbehave::on(self.stream.payload(input, &record.place));
        }
        let Some(record) = piece else {
            let ends = !self.stream.is_in_frame();
            if ends {
                self.end_frame();
            }
            return Ok(ends || (*at > before && *at < input.len()));
        };
        match record.kind {
            EventKind::Ping | EventKind::UnsolicitedPong | EventKind::Close(_) => {
                self.control(&record, input, records, now)?;
                self.end_frame();
                self.message_ended |= self.message.is_none();
            }
            kind => {
                self.message_moved = true;
                let last = matches!(kind, EventKind::Text | EventKind::Binary);
                if !self.stream.is_in_frame() {
                    self.end_frame();
                }
                self.show(record, last, input, records);
            }
        }
        Ok(true)
    }

    fn control(
        &mut self,
        record: &Record,
        input: &[u8],
        records: &mut Records,
        now: Instant,
    ) -> Result<(), Rule> {
        if let EventKind::Close(_) = record.kind {
            self.release_close();
        }
        let payload = self.stream.payload(input, &record.place);
        let reports = self.reports(self.boundary);
        let shows = self.options.view.control && reports;
        match record.kind {
            EventKind::Ping if shows => {
                let place = records.copy(payload);
                records.list.push(SeenRecord::Ping(place));
            }
            EventKind::UnsolicitedPong => {
                if let Some(time) = self.pings.answered(payload, now) {
                    let end = self.frame.as_ref().map_or(self.boundary, |frame| frame.end);
                    if reports {
                        self.forwarding.skip(self.boundary, end);
                        records.plain(Seen::RoundTrip(time));
                    }
                } else if shows {
                    let place = records.copy(payload);
                    records.list.push(SeenRecord::Pong(place));
                }
            }
            EventKind::Close(_) => {
                let (code, reason) = close::parse(payload)?;
                let code = code.unwrap_or(close::NO_STATUS);
                let reason = records.copy(reason.as_bytes());
                records.list.push(SeenRecord::Close { code, reason });
                self.close = Some(code);
                if reports {
                    let at = self.frame.as_ref().map_or(self.boundary, |frame| frame.end);
                    self.told = Some(Told { code, at });
                }
                self.insertions.clear();
                // An incomplete held message is dropped.
                if let Some(held) = self.message.take().and_then(|message| message.held) {
                    self.leave_out_message(held);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a frame that begins at `position` is reported, because it is forwarded.
    pub(super) fn reports(&self, position: u64) -> bool {
        self.cut.is_none_or(|cut| cut.is_behind(position))
    }

    fn end_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.end_frame_of_message(frame.end);
            self.boundary = frame.end;
        }
        self.place_insertions();
    }
}
