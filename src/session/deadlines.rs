//! Deadlines: what happens when no input arrives.

use core::mem;
use core::time::Duration;

use super::Session;
use super::clock::Instant;
use super::lifecycle::{Cause, Life};
use crate::stream::Record;
use crate::{Rule, Timeouts, limits};

/// [`Timeouts`] in nanoseconds, the largest value for one that is off.
struct Spans {
    handshake: u64,
    idle: u64,
    message: u64,
    keepalive: u64,
    pong: u64,
    write: u64,
    close: u64,
}

impl Spans {
    fn new(timeouts: &Timeouts) -> Spans {
        let nanos = |span: Option<Duration>| span.and_then(limits::nanos).unwrap_or(u64::MAX);
        Spans {
            handshake: nanos(timeouts.handshake),
            idle: nanos(timeouts.idle),
            message: nanos(timeouts.message),
            keepalive: nanos(timeouts.keepalive),
            pong: nanos(timeouts.pong),
            write: nanos(timeouts.write),
            close: nanos(timeouts.close),
        }
    }
}

/// The times that deadlines count from.
pub(super) struct Deadlines {
    spans: Spans,
    /// The last reading of the clock.
    now: Instant,
    /// When the session was made.
    started: Instant,
    /// When the last byte was received, or the last keepalive ping sent.
    quiet: Instant,
    /// When the last byte was received, not counting the time in which the host didn't read.
    idle: Instant,
    /// When output was handed out, or when there was none.
    last_output: Instant,
    /// When the transport became blocked.
    blocked: Option<Instant>,
    /// More output was queued after what was handed out last.
    is_backlogged: bool,
    /// When a ping was handed out, if nothing was received since.
    ping: Option<Instant>,
    /// When the wait for the answer to a close frame began, or for the end of the peer's
    /// stream.
    close: Option<Instant>,
    /// Since when a message is unfinished.
    message: Option<Instant>,
    /// Since when a chunk of it waits for more.
    chunk: Option<Instant>,
    /// A chunk has waited long enough, and comes with the next input, or without one.
    chunk_is_late: bool,
    /// Since when the host doesn't read.
    paused: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Write,
    Handshake,
    Idle,
    Message,
    Pong,
    Keepalive,
    Close,
    Drained,
    /// A rule was broken, and is held.
    Failure,
}

impl Deadlines {
    pub(super) fn new(timeouts: &Timeouts, now: Instant) -> Deadlines {
        Deadlines {
            spans: Spans::new(timeouts),
            now,
            started: now,
            quiet: now,
            idle: now,
            last_output: now,
            blocked: None,
            is_backlogged: false,
            ping: None,
            close: None,
            message: None,
            chunk: None,
            chunk_is_late: false,
            paused: None,
        }
    }

    pub(super) fn set_timeouts(&mut self, timeouts: &Timeouts) {
        self.spans = Spans::new(timeouts);
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn open(&mut self) {
        self.quiet = self.now;
        self.idle = self.now;
    }

    /// Something came that had not come before: the peer lives.
    pub(super) fn input(&mut self) {
        self.quiet = self.now;
        self.idle = self.now;
        self.ping = None;
    }

    /// A message was completed.
    #[inline]
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

    /// A chunk of a message, or the rest of one, was delivered.
    pub(super) fn chunk_delivered(&mut self) {
        self.chunk = None;
        self.chunk_is_late = false;
    }

    /// The input ends, and a chunk waits for more.
    pub(super) fn chunk_held(&mut self) {
        if !self.chunk_is_late {
            self.chunk.get_or_insert(self.now);
        }
    }

    /// Records that output was handed out. If more had been queued after the previous output, the
    /// peer has accepted that, so its time for a pong starts again. This doesn't apply to a write
    /// in several parts, which would give a dead peer more time.
    fn output(&mut self, is_backlogged: bool) {
        let (now, wait) = (self.now, self.now.since(self.last_output));
        self.last_output = now;
        if self.is_backlogged && self.blocked.is_none() {
            self.ping = self.ping.map(|ping| ping.after(wait).min(now));
        }
        self.is_backlogged = is_backlogged;
    }

    /// Restarts the time for a pong, because the peer reads and a ping may be on its way to it.
    fn output_taken(&mut self) {
        self.blocked = None;
        self.last_output = self.now;
        self.ping = self.ping.map(|_| self.now);
    }

    /// Starts to wait for the end of the peer's stream. A pause in reading ends: further input needn't
    /// be delivered.
    pub(super) fn drain(&mut self) {
        self.resume();
        self.close = Some(self.now);
    }

    /// The host reads again. The peer gets the time that was left for it when the host
    /// stopped: more would let a host that pauses often never notice a dead one.
    fn resume(&mut self) {
        let Some(since) = self.paused.take() else {
            return;
        };
        let (now, pause) = (self.now, self.now.since(since));
        let begun = [
            Some(&mut self.started),
            Some(&mut self.idle),
            self.message.as_mut(),
            self.ping.as_mut(),
            self.close.as_mut(),
        ];
        for clock in begun.into_iter().flatten() {
            *clock = clock.after(pause).min(now);
        }
    }
}

impl Session {
    /// Handles the timeouts that have passed at `now`.
    ///
    /// Call it at [`Session::next_deadline`] if there is no input. [`Session::input`],
    /// [`Session::exchange`] and [`Session::get_action`] handle timeouts too, after the input.
    /// All other calls that take `now` leave that to them, so that input is processed first.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.read_clock(now);
        self.handle_due();
    }

    /// Takes a reading of the clock, which never runs backwards.
    #[inline]
    pub(crate) fn read_clock(&mut self, now: Instant) {
        self.deadlines.now = self.deadlines.now.max(now);
        // Whatever the call queues waits from here on.
        if self.sender.is_empty() {
            self.deadlines.last_output = self.deadlines.now;
            self.deadlines.is_backlogged = false;
        }
    }

    /// Reports that the transport doesn't accept the output that was handed out. For hosts
    /// that buffer output themselves.
    ///
    /// Until [`Session::output_taken`], [`Timeouts::write`](crate::Timeouts::write) runs
    /// from here, and handing out more is no progress.
    pub fn output_blocked(&mut self, now: Instant) {
        self.read_clock(now);
        self.deadlines.blocked.get_or_insert(self.deadlines.now);
    }

    /// Reports that the transport accepted some output after it had been blocked. If it is still
    /// blocked, call [`Session::output_blocked`] again.
    ///
    /// [`Timeouts::write`](crate::Timeouts::write) and
    /// [`Timeouts::pong`](crate::Timeouts::pong) start again, since a ping may be queued
    /// after data that the peer is still reading.
    pub fn output_taken(&mut self, now: Instant) {
        self.read_clock(now);
        self.deadlines.output_taken();
    }

    /// Reports that the host has stopped reading (backpressure).
    ///
    /// Until [`Session::resume_reading`], the handshake, idle, message, pong and close
    /// timeouts are suspended, and so is [`Timeouts::coalesce`](crate::Timeouts::coalesce).
    /// Keepalive pings are still sent, and [`Timeouts::write`](crate::Timeouts::write) still
    /// applies. When a session becomes [`State::Draining`](crate::State::Draining), the pause ends:
    /// a host that still doesn't read has to call this again.
    pub fn pause_reading(&mut self, now: Instant) {
        self.read_clock(now);
        self.deadlines.paused.get_or_insert(self.deadlines.now);
    }

    /// The host reads again.
    ///
    /// The suspended deadlines are extended by the length of the pause.
    pub fn resume_reading(&mut self, now: Instant) {
        self.read_clock(now);
        self.deadlines.resume();
    }

    /// Output was handed out, if less waits than before: the clocks of pings and of a close
    /// start when the last byte of their frames was.
    pub(super) fn handed_out(&mut self, waited: usize) {
        let waits = self.sender.len();
        if waits == waited {
            return;
        }
        let clock = &mut self.deadlines;
        clock.output(waits > 0);
        if self
            .pings
            .handed_out(self.sender.pings_handed_out(), clock.now)
        {
            clock.ping.get_or_insert(clock.now);
        }
        if self.sender.is_close_handed_out() {
            clock.close.get_or_insert(clock.now);
        }
        self.note_drained();
    }

    pub(super) fn handle_due(&mut self) {
        self.note_late_chunk();
        while let Some((at, due)) = self.next_due() {
            if at > self.deadlines.now {
                break;
            }
            match due {
                Due::Write => self.give_up(Rule::WriteTimeout, Cause::WriteTimeout),
                Due::Handshake => self.fail(Rule::HandshakeTimeout),
                Due::Idle => self.fail(Rule::IdleTimeout),
                Due::Message => self.fail(Rule::MessageTimeout),
                Due::Pong => self.fail(Rule::PongTimeout),
                Due::Close => self.give_up(Rule::CloseTimeout, Cause::CloseTimeout),
                Due::Drained => self.transition(Cause::CloseTimeout),
                Due::Failure => self.fail_as_held(),
                Due::Keepalive => {
                    self.deadlines.quiet = self.deadlines.now;
                    self.send_keepalive();
                }
            }
        }
    }

    /// Returns when to call [`Session::handle_timeout`] if no input arrives first. Never
    /// before the last `now`, and later than that after a call that handles timeouts.
    pub fn next_deadline(&self) -> Option<Instant> {
        let due = self.next_due().map(|(at, _)| at);
        let at = due.into_iter().chain(self.chunk_due()).min()?;
        Some(at.max(self.deadlines.now))
    }

    /// Returns whether to call [`Session::input`] again at once with the unconsumed input, or
    /// with none: the last input was too much to inflate in one call
    /// ([`Limits::inflate_per_call`](crate::Limits::inflate_per_call)), a chunk has been
    /// coalesced for long enough, or a deadline has passed.
    pub fn has_more(&self) -> bool {
        self.has_more_by(self.next_deadline())
    }

    /// As [`Session::has_more`], where the next deadline is known.
    pub(super) fn has_more_by(&self, deadline: Option<Instant>) -> bool {
        let has_chunk = match self.life {
            life if life.has_ended() => !self.is_aborted() && self.receiver.holds_chunk(),
            _ => self.deadlines.chunk_is_late,
        };
        let is_due = |at| at <= self.deadlines.now;
        self.has_input_left() || has_chunk || deadline.is_some_and(is_due)
    }

    /// When a chunk has waited for more long enough.
    fn chunk_due(&self) -> Option<Instant> {
        let takes = !self.life.has_ended() && self.deadlines.paused.is_none();
        let since = self.deadlines.chunk.filter(|_| takes)?;
        since.checked_after(self.config.timeouts.coalesce?)
    }

    fn note_late_chunk(&mut self) {
        if self
            .chunk_due()
            .is_some_and(|due| due <= self.deadlines.now)
        {
            self.deadlines.chunk = None;
            self.deadlines.chunk_is_late = true;
        }
    }

    /// The chunk that has waited long enough.
    #[inline]
    pub(super) fn late_chunk(&mut self) -> Option<Record> {
        self.note_late_chunk();
        if !mem::take(&mut self.deadlines.chunk_is_late) {
            return None;
        }
        self.receiver.release_coalesced()
    }

    /// Whether the last call has left input unconsumed.
    pub(super) fn has_input_left(&self) -> bool {
        !self.life.has_ended() && self.receiver.is_exhausted()
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let clock = &self.deadlines;
        let spans = &clock.spans;
        let mut next = (Instant::NEVER, Due::Failure);
        let mut consider = |from: Instant, span: u64, due| {
            let at = from.plus(span);
            if at < next.0 {
                next = (at, due);
            }
        };
        // Time that the host takes to answer, or doesn't read in, doesn't count against the peer.
        let waits_for_host = self.life == Life::Connecting && self.waits_for_host();
        let reads = clock.paused.is_none() && !waits_for_host;
        if !self.life.has_ended() || !self.sender.is_empty() {
            if let Some(since) = clock.blocked {
                consider(since, spans.write, Due::Write);
            } else if !self.sender.is_empty() {
                consider(clock.last_output, spans.write, Due::Write);
            }
        }
        if let Some(held) = &self.held {
            // What else the peer may have to do doesn't matter any more.
            consider(held.until, 0, Due::Failure);
            return (next.0 < Instant::NEVER).then_some(next);
        }
        if reads && self.life == Life::Connecting {
            consider(clock.started, spans.handshake, Due::Handshake);
        }
        if self.life == Life::Open {
            if reads {
                consider(clock.idle, spans.idle, Due::Idle);
                if let Some(since) = clock.message {
                    consider(since, spans.message, Due::Message);
                }
                if let Some(since) = clock.ping {
                    consider(since, spans.pong, Due::Pong);
                }
            }
            consider(clock.quiet, spans.keepalive, Due::Keepalive);
        }
        if reads && let Some(since) = clock.close {
            match self.life {
                Life::CloseSent => consider(since, spans.close, Due::Close),
                Life::Draining => consider(since, spans.close, Due::Drained),
                _ => {}
            }
        }
        (next.0 < Instant::NEVER).then_some(next)
    }
}
