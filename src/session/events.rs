//! The events of one input.

use core::mem;

use super::clock::Instant;
use super::event::Event;
use super::lifecycle::Life;
use super::{PongPolicy, Session, pings};
use crate::frame::close;
use crate::stream::{EventKind, PayloadRef, Record};
use crate::{Rule, limits};

impl Session {
    /// Processes bytes that were read from the transport. [`Events::next`] returns the events;
    /// payloads are unmasked in `bytes` itself. Without bytes the call only passes the time.
    ///
    /// Timeouts are handled after the last event, so a pong that arrived while the host was
    /// busy still counts.
    ///
    /// If a rule is broken after a message in the same input, the session ends in the next
    /// call, so the host can answer the message first. [`Session::has_more`] is true until
    /// then.
    ///
    /// Bytes that were passed before and not consumed don't show that the peer is alive.
    pub fn input<'a>(&'a mut self, bytes: &'a mut [u8], now: Instant) -> Events<'a> {
        if bytes.is_empty() {
            self.handle_timeout(now);
        } else {
            self.read_clock(now);
            if bytes.len() > self.given - self.taken {
                self.deadlines.input();
            }
            self.fail_if_due();
        }
        self.resume(bytes)
    }

    /// Goes on with bytes that were read before.
    pub(super) fn resume<'a>(&'a mut self, bytes: &'a mut [u8]) -> Events<'a> {
        self.receiver.begin_input(bytes);
        self.given = bytes.len().max(self.given - self.taken);
        self.position += self.taken as u64;
        self.taken = 0;
        let has_message = mem::take(&mut self.has_unanswered);
        Events {
            session: self,
            bytes,
            has_message,
            is_over: false,
        }
    }
}

/// The events of one input, one after the other.
///
/// If it is dropped early, [`Events::consumed`] bytes were consumed; the host passes the rest
/// again.
#[must_use = "events come only from `next`"]
pub struct Events<'a> {
    session: &'a mut Session,
    bytes: &'a mut [u8],
    /// A message that the host may want to answer has ended in this input.
    has_message: bool,
    /// There are no more events.
    is_over: bool,
}

impl Events<'_> {
    /// Returns the next event, or none once everything that can be consumed was.
    ///
    /// It borrows from this value, so this is not [`Iterator::next`].
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let record = self.next_record()?;
        let payload = self.session.receiver.payload(self.bytes, &record.place);
        Some(Event::new(record.kind, payload))
    }

    /// Returns how many bytes of the input were consumed so far. Pass the rest again: after
    /// answering a request; at once if it was too much to inflate in one call
    /// ([`Limits::inflate_per_call`](crate::Limits::inflate_per_call), [`Session::has_more`]);
    /// with more bytes if a message was left in the input
    /// ([`Config::leave_unfinished`](crate::Config::leave_unfinished)).
    pub fn consumed(&self) -> usize {
        self.session.taken
    }

    /// Returns how many bytes, from [`Events::consumed`] on, the message that was left in the
    /// input takes at least. The host need not wait for all of them.
    pub fn awaited(&self) -> Option<usize> {
        self.session.receiver.awaited()
    }

    #[inline(always)]
    pub(super) fn next_record(&mut self) -> Option<Record> {
        if self.is_over {
            return None;
        }
        let session = &mut *self.session;
        if session.life.has_frames()
            && let Some(record) = session
                .receiver
                .whole_message(self.bytes, &mut session.taken)
        {
            session.deadlines.message_ended();
            self.has_message = true;
            return Some(record);
        }
        let record = self.next_of_any_kind();
        self.is_over = record.is_none();
        record
    }

    fn next_of_any_kind(&mut self) -> Option<Record> {
        loop {
            let mut at = self.session.taken;
            let step = match self.session.life {
                Life::Connecting => self.session.read_head(self.bytes, &mut at),
                life if life.has_frames() => self.session.read_frames(self.bytes, &mut at),
                _ => {
                    self.session.taken = self.bytes.len();
                    let chunk = self.session.last_chunk();
                    if chunk.is_none() {
                        self.session.handle_due();
                    }
                    return chunk;
                }
            };
            self.session.taken = at;
            match step {
                Ok(None) => {
                    if at < self.bytes.len() {
                        // What is left may break a rule, and the message be answered before.
                        self.session.has_unanswered |= self.has_message;
                    }
                    if let Some(chunk) = self.session.late_chunk() {
                        return Some(chunk);
                    }
                    self.session.handle_due();
                    return self.session.last_chunk();
                }
                Ok(Some(record)) => {
                    self.has_message |= record.kind.ends_message();
                    return Some(record);
                }
                Err(rule) => {
                    let failure = self.session.locate(rule);
                    self.session.fail_behind(failure, self.has_message);
                    if self.session.held.is_some() {
                        self.session.taken = self.bytes.len();
                        return None;
                    }
                }
            }
        }
    }

    pub(super) fn handle_due(&mut self) {
        self.session.handle_due();
    }

    /// Whether received text is checked to be UTF-8.
    pub(super) fn checks_utf8(&self) -> bool {
        self.session.config.verify_utf8
    }

    pub(super) fn payload(&self, place: &PayloadRef) -> &[u8] {
        self.session.receiver.payload(self.bytes, place)
    }
}

impl Session {
    /// The next record that the host sees. A frame that concerns the session only
    /// is dealt with here.
    fn read_frames(&mut self, bytes: &mut [u8], at: &mut usize) -> Result<Option<Record>, Rule> {
        loop {
            let Some(record) = self.receiver.next(bytes, at)? else {
                self.deadlines.message_pending(self.receiver.awaits_more());
                if self.receiver.is_coalescing() {
                    self.deadlines.chunk_held();
                }
                return Ok(None);
            };
            if record.kind.is_of_message() {
                self.deadlines.chunk_delivered();
            }
            self.deadlines
                .message_pending(self.receiver.is_in_message());
            let shown = match record.kind {
                EventKind::Ping | EventKind::UnsolicitedPong | EventKind::Close(_) => {
                    self.control_frame(record, bytes)?
                }
                _ => Some(record),
            };
            if shown.is_some() {
                return Ok(shown);
            }
        }
    }

    /// What is held of a message when the session has ended, since no more of it comes.
    fn last_chunk(&mut self) -> Option<Record> {
        if !self.life.has_ended() || self.is_aborted() {
            return None;
        }
        self.receiver.release()
    }

    fn control_frame(&mut self, record: Record, bytes: &[u8]) -> Result<Option<Record>, Rule> {
        let payload = self.receiver.payload(bytes, &record.place);
        match record.kind {
            EventKind::Ping => {
                pings::answer(payload, &mut self.sender, &self.config)?;
                let manual = self.config.pongs == PongPolicy::Manual;
                Ok((self.config.report_control_frames || manual).then_some(record))
            }
            EventKind::UnsolicitedPong => {
                let round_trip = self.pings.answered(payload, self.deadlines.now());
                let nanos = round_trip.and_then(limits::nanos);
                let kind = nanos.map_or(EventKind::UnsolicitedPong, EventKind::Pong);
                let shown = self.config.report_control_frames;
                Ok(shown.then_some(Record { kind, ..record }))
            }
            _ => {
                let (code, _) = close::parse(payload)?;
                self.close_received(code);
                let kind = EventKind::Close(code.unwrap_or(close::NO_STATUS));
                Ok(Some(Record::new(kind, record.place.skip(2))))
            }
        }
    }
}
