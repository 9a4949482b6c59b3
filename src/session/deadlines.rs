//! What happens though nothing comes.

use super::clock::Instant;
use super::event::Record;
use super::{Life, Session};
use crate::Rule;

/// The times that deadlines count from.
pub(super) struct Deadlines {
    /// The last reading of the clock.
    now: Instant,
    /// When the session was made.
    started: Instant,
    last_input: Instant,
    last_keepalive: Instant,
    /// Since when a message is unfinished.
    message: Option<Instant>,
    /// Since when a piece of it waits for more.
    piece: Option<Instant>,
    closing: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Handshake,
    Idle,
    Message,
    Keepalive,
    Pong,
    Close,
    /// A rule was broken, and is held.
    Failure,
}

impl Deadlines {
    pub(super) fn new(now: Instant) -> Deadlines {
        Deadlines {
            now,
            started: now,
            last_input: now,
            last_keepalive: now,
            message: None,
            piece: None,
            closing: None,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn open(&mut self) {
        self.last_input = self.now;
        self.last_keepalive = self.now;
    }

    pub(super) fn input(&mut self) {
        self.last_input = self.now;
    }

    /// A message was completed.
    pub(super) fn message_ended(&mut self) {
        self.message = None;
    }

    /// The input ends, with or without a message that is unfinished.
    pub(super) fn message_pending(&mut self, pending: bool) {
        match pending {
            true => {
                self.message.get_or_insert(self.now);
            }
            false => self.message = None,
        }
    }

    /// A piece of a message, or the rest of one, was delivered.
    pub(super) fn piece_delivered(&mut self) {
        self.piece = None;
    }

    /// The input ends, and a piece waits for more.
    pub(super) fn piece_held(&mut self) {
        self.piece.get_or_insert(self.now);
    }

    pub(super) fn closing(&mut self) {
        self.closing.get_or_insert(self.now);
    }
}

impl Session {
    /// Does what is due at `now`.
    ///
    /// Call it when [`Session::next_deadline`] has come and there is no input.
    /// [`Session::input`] and [`Session::get_action`] do what is due as well; every other
    /// call that takes `now` leaves that to them, so that input that has come counts first.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.read_clock(now);
        self.do_what_is_due();
    }

    /// Takes a reading of the clock, which never runs backwards.
    #[inline]
    pub(crate) fn read_clock(&mut self, now: Instant) {
        self.deadlines.now = self.deadlines.now.max(now);
    }

    pub(super) fn do_what_is_due(&mut self) {
        while let Some((at, due)) = self.next_due() {
            if at > self.deadlines.now {
                break;
            }
            match due {
                Due::Handshake => self.fail(Rule::HandshakeTimeout),
                Due::Idle => self.fail(Rule::IdleTimeout),
                Due::Message => self.fail(Rule::MessageTimeout),
                Due::Pong => self.fail(Rule::PongTimeout),
                Due::Close => self.give_up(),
                Due::Failure => self.fail_as_held(),
                Due::Keepalive => {
                    self.deadlines.last_keepalive = self.deadlines.now;
                    self.send_keepalive();
                }
            }
        }
    }

    /// When to call next though there is no new input, if ever. At once if there was
    /// too much in the last one to be inflated in one call.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.has_input_left() {
            return Some(self.deadlines.now);
        }
        let due = self.next_due().map(|(at, _)| at);
        due.into_iter().chain(self.piece_due()).min()
    }

    /// When a piece has waited for more long enough.
    fn piece_due(&self) -> Option<Instant> {
        let since = self.deadlines.piece.filter(|_| self.life != Life::Ended)?;
        since.checked_after(self.config.timeouts.gather?)
    }

    /// The piece that has.
    #[inline]
    pub(super) fn late_piece(&mut self) -> Option<Record> {
        self.piece_due().filter(|due| *due <= self.deadlines.now)?;
        self.deadlines.piece_delivered();
        self.receiver.release_gathered()
    }

    /// Whether the input goes on where the last call stopped.
    pub(super) fn has_input_left(&self) -> bool {
        self.life != Life::Ended && self.receiver.is_exhausted()
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let clock = &self.deadlines;
        if self.held.is_some() {
            return Some((clock.now, Due::Failure));
        }
        let limits = &self.config.timeouts;
        // What would be due after the clock's end is never due.
        let due =
            |from: Option<Instant>, span: Option<_>, due| Some((from?.checked_after(span?)?, due));
        match self.life {
            // What the host or its own peers take is not the peer's time.
            Life::Connecting if self.waits_for_host() => None,
            Life::Connecting => due(Some(clock.started), limits.handshake, Due::Handshake),
            Life::Ended if self.sender.is_empty() => None,
            Life::Closing | Life::Ended => due(clock.closing, limits.close, Due::Close),
            Life::Open => {
                let quiet = clock.last_input.max(clock.last_keepalive);
                [
                    due(Some(clock.last_input), limits.idle, Due::Idle),
                    due(clock.message, limits.message, Due::Message),
                    due(self.pings.oldest(), limits.pong, Due::Pong),
                    due(Some(quiet), limits.keepalive, Due::Keepalive),
                ]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at)
            }
        }
    }
}
