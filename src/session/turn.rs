//! One input, and all that follows from it.

use super::clock::Instant;
use super::event::{Event, Kind, Place, Record};
use super::{Life, PongPolicy, Session, pings};
use crate::Rule;
use crate::frame::close;

impl Session {
    /// Takes what was read from the transport. The events come from
    /// [`Turn::next`]; payloads are unmasked in `bytes` itself. No bytes: only the
    /// time is told.
    ///
    /// What is due by `now` is done after the last event: a pong that came late in
    /// the host's time, but came, counts.
    ///
    /// A rule that is broken behind a message of the same input ends the session in
    /// the next call, which is due at once ([`Session::has_more`]): the host may
    /// answer the message before.
    ///
    /// Bytes that were given before and not consumed are no sign of life of the peer's.
    pub fn input<'a>(&'a mut self, bytes: &'a mut [u8], now: Instant) -> Turn<'a> {
        if bytes.is_empty() {
            self.handle_timeout(now);
        } else {
            self.read_clock(now);
            if bytes.len() > self.given - self.taken {
                self.deadlines.input();
            }
            self.fail_as_held();
        }
        self.resume(bytes)
    }

    /// Goes on with bytes that were read before.
    pub(super) fn resume<'a>(&'a mut self, bytes: &'a mut [u8]) -> Turn<'a> {
        self.receiver.begin_turn();
        self.given = bytes.len().max(self.given - self.taken);
        self.taken = 0;
        Turn {
            session: self,
            bytes,
            has_message: false,
            is_over: false,
        }
    }
}

/// The events of one input, one after the other.
///
/// A turn that is dropped early has taken [`Turn::consumed`] bytes; the host gives
/// the rest again.
#[must_use = "events come only from `next`"]
pub struct Turn<'a> {
    session: &'a mut Session,
    bytes: &'a mut [u8],
    /// A message that the host may want to answer has ended in this turn.
    has_message: bool,
    /// There are no more events.
    is_over: bool,
}

impl Turn<'_> {
    /// The next event, or none when all that can be consumed was.
    ///
    /// It borrows from the turn, so this is not [`Iterator::next`].
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let record = self.next_record()?;
        let payload = self.session.receiver.payload(self.bytes, &record.place);
        Some(record.with(payload))
    }

    /// How many bytes of the input were taken so far. After a request that waits
    /// for its answer the rest is not; the host gives it again once it has
    /// answered. What is too much to inflate in one call
    /// ([`Limits::inflate_per_call`](crate::Limits::inflate_per_call)) is not either; the next call
    /// goes on with the rest ([`Session::has_more`]). Nor is a message
    /// that the host wants to come whole ([`Turn::leave_unfinished`]).
    pub fn consumed(&self) -> usize {
        self.session.taken
    }

    /// Leaves a message that is cut by the end of the input where it is: the host gives
    /// it again, with more behind it. So none of it is copied, however long it is.
    ///
    /// It concerns messages in one frame of up to `longest` bytes, its header included;
    /// longer, fragmented and compressed ones are put together by the session as ever,
    /// and with [`Delivery::Streaming`](crate::Delivery::Streaming) all are. A header is checked
    /// as soon as it comes, the text of such a message when all of it has.
    ///
    /// ```
    /// use websocket_component::{Config, Event, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut client = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut buffer = b"\x82\x05Hel".to_vec();
    ///
    /// let mut turn = client.input(&mut buffer, now).leave_unfinished(1 << 20);
    /// assert_eq!(turn.next(), None);
    /// assert_eq!((turn.consumed(), turn.awaited()), (0, Some(7)));
    ///
    /// buffer.extend_from_slice(b"lo");
    /// let mut turn = client.input(&mut buffer, now).leave_unfinished(1 << 20);
    /// assert_eq!(turn.next(), Some(Event::Binary { payload: b"Hello", last: true }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn leave_unfinished(self, longest: usize) -> Self {
        self.session.receiver.leave_unfinished(longest);
        self
    }

    /// How many bytes from [`Turn::consumed`] on will make the message whole that was
    /// left in the input, at least. The host need not wait for all of them.
    pub fn awaited(&self) -> Option<usize> {
        self.session.receiver.awaited()
    }

    #[inline(always)]
    pub(crate) fn next_record(&mut self) -> Option<Record> {
        if self.is_over {
            return None;
        }
        let session = &mut *self.session;
        if matches!(session.life, Life::Open | Life::Closing)
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
                Life::Open | Life::Closing => self.session.read_frames(self.bytes, &mut at),
                Life::Ended => {
                    self.session.taken = self.bytes.len();
                    return self.session.last_piece();
                }
            };
            self.session.taken = at;
            match step {
                Ok(None) => {
                    if let Some(piece) = self.session.late_piece() {
                        return Some(piece);
                    }
                    self.session.do_what_is_due();
                    return self.session.last_piece();
                }
                Ok(Some(record)) => {
                    self.has_message |= record.kind.ends_message();
                    return Some(record);
                }
                Err(rule) if self.has_message => {
                    self.session.hold(rule);
                    self.session.taken = self.bytes.len();
                    return None;
                }
                Err(rule) => self.session.fail(rule),
            }
        }
    }

    pub(super) fn do_what_is_due(&mut self) {
        self.session.do_what_is_due();
    }

    /// The last reading of the clock.
    pub(super) fn now(&self) -> Instant {
        self.session.deadlines.now()
    }

    /// Whether text that comes is UTF-8.
    pub(super) fn checks_utf8(&self) -> bool {
        self.session.config.verify_utf8
    }

    pub(crate) fn payload(&self, place: &Place) -> &[u8] {
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
                if self.receiver.has_gathered() {
                    self.deadlines.piece_held();
                }
                return Ok(None);
            };
            if record.kind.is_of_message() {
                self.deadlines.piece_delivered();
            }
            if !self.receiver.is_in_message() {
                self.deadlines.message_ended();
            }
            let shown = match record.kind {
                Kind::Ping | Kind::Pong | Kind::Close => self.control_frame(record, bytes)?,
                _ => Some(record),
            };
            if shown.is_some() {
                return Ok(shown);
            }
        }
    }

    /// What is held of a message when the session has ended, since no more of it comes.
    fn last_piece(&mut self) -> Option<Record> {
        if self.life != Life::Ended || self.failure == Some(Rule::Aborted) {
            return None;
        }
        self.receiver.release()
    }

    fn control_frame(&mut self, record: Record, bytes: &[u8]) -> Result<Option<Record>, Rule> {
        let payload = self.receiver.payload(bytes, &record.place);
        match record.kind {
            Kind::Ping => {
                pings::answer(payload, &mut self.sender, &self.config)?;
                let manual = self.config.pongs == PongPolicy::Manual;
                Ok((self.config.report_control_frames || manual).then_some(record))
            }
            Kind::Pong => {
                let round_trip = self.pings.answered(payload, self.deadlines.now());
                let detail = round_trip.map_or(Record::UNSOLICITED, |time| {
                    u64::try_from(time.as_nanos()).unwrap_or(Record::UNSOLICITED)
                });
                Ok(self
                    .config
                    .report_control_frames
                    .then_some(Record { detail, ..record }))
            }
            _ => {
                let (code, _) = close::parse(payload)?;
                self.close_received(code);
                Ok(Some(Record {
                    kind: Kind::Close,
                    place: record.place.skip(2),
                    detail: u64::from(code.unwrap_or(close::NO_STATUS)),
                }))
            }
        }
    }
}
