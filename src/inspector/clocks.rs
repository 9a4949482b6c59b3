//! Deadlines.

use core::time::Duration;

use super::flow::Messages;
use super::sides::Sides;
use super::{Direction, How, Inspector, Parked, ParkedSide};
use crate::limits::nanos;
use crate::{Failure, Instant, Role, Rule, State};

/// The times that deadlines count from.
pub(super) struct Clocks {
    now: Instant,
    started: Instant,
    opened: Option<Instant>,
    /// Nothing is due before this, unless a call other than for a header has changed that.
    quiet_until: Instant,
    /// When the connection began to close, or both transports to end.
    closing: Option<Instant>,
    sides: Sides<Side>,
}

/// The times of one side.
#[derive(Clone, Copy)]
struct Side {
    /// When the last byte was received, or the last ping inserted.
    quiet: Instant,
    /// When the last byte was received.
    idle: Instant,
    /// When the last byte of a message was received.
    message_idle: Instant,
    /// When the message in progress began, or the control frame between two messages.
    message: Option<Instant>,
    /// Whether a message is unfinished.
    is_in_message: bool,
    /// When a ping was inserted, if nothing was received since.
    ping: Option<Instant>,
    /// When the host stopped reading it.
    paused: Option<Instant>,
    /// When its transport became blocked.
    blocked: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Due {
    Handshake(Role),
    Idle(Role),
    MessageIdle(Role),
    Message(Role),
    Pong(Role),
    Keepalive(Role),
    Write(Role),
    Age,
    Answers,
    Close,
}

impl Clocks {
    pub(super) fn new(now: Instant) -> Clocks {
        let side = Side {
            quiet: now,
            idle: now,
            message_idle: now,
            message: None,
            is_in_message: false,
            ping: None,
            paused: None,
            blocked: None,
        };
        Clocks {
            now,
            started: now,
            opened: None,
            quiet_until: now,
            closing: None,
            sides: Sides {
                client: side,
                server: side,
            },
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Takes a reading of the clock, which never runs backwards.
    pub(super) fn read(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Notes that a deadline may have come closer.
    pub(super) fn changed(&mut self) {
        self.quiet_until = self.now;
    }

    pub(super) fn open(&mut self) {
        let now = self.now;
        self.opened = Some(now);
        for side in [&mut self.sides.client, &mut self.sides.server] {
            (side.quiet, side.idle, side.message_idle) = (now, now, now);
        }
    }

    /// Returns when the connection was opened, if both sides are idle.
    pub(super) fn at_rest(&self) -> Option<Instant> {
        let is_idle = |from: Role| {
            let side = &self.sides[from];
            let others = [side.message, side.ping, side.paused, side.blocked];
            // They differ after a pause in reading, which doesn't move the ping.
            side.quiet == side.idle && others.iter().all(Option::is_none)
        };
        let are_idle = Role::BOTH.into_iter().all(is_idle);
        self.opened.filter(|_| are_idle && self.closing.is_none())
    }

    /// Returns when the last byte, and the last byte of a message, was received from a side. For an
    /// idle side, no ping was inserted since.
    pub(super) fn idle_since(&self, from: Role) -> (Instant, Instant) {
        (self.sides[from].idle, self.sides[from].message_idle)
    }

    /// Restores the times of a parked connection.
    pub(super) fn resume_at(&mut self, parked: &Parked) {
        self.read(parked.at);
        self.opened = Some(parked.opened);
        for from in Role::BOTH {
            let ParkedSide {
                idle_since,
                message_idle_since,
                ..
            } = parked.sides[from];
            let side = &mut self.sides[from];
            (side.quiet, side.idle) = (idle_since, idle_since);
            side.message_idle = message_idle_since;
        }
        self.changed();
    }

    /// Starts the close timeout.
    pub(super) fn close(&mut self) {
        self.closing.get_or_insert(self.now);
    }

    /// Restarts the close timeout, while both transports end.
    pub(super) fn drain(&mut self) {
        self.closing = Some(self.now);
    }

    /// Records input from a side.
    pub(super) fn input(&mut self, from: Role) {
        let now = self.now;
        let side = &mut self.sides[from];
        (side.quiet, side.idle) = (now, now);
        side.ping = None;
    }

    /// Records a ping to a side.
    pub(super) fn ping(&mut self, to: Role) {
        let now = self.now;
        let side = &mut self.sides[to];
        side.quiet = now;
        side.ping.get_or_insert(now);
    }

    /// Records the progress of messages.
    pub(super) fn message(&mut self, from: Role, messages: &Messages) {
        let now = self.now;
        let side = &mut self.sides[from];
        if messages.moved {
            side.message_idle = now;
        }
        if messages.ended {
            side.message = None;
        }
        side.is_in_message = messages.is_in_message;
        match messages.is_unfinished {
            true => {
                side.message.get_or_insert(now);
            }
            false => side.message = None,
        }
    }

    /// Extends the deadlines of a side by the length of a pause in reading.
    fn resume(&mut self, from: Role, is_in_handshake: bool) {
        let now = self.now;
        let side = &mut self.sides[from];
        let Some(since) = side.paused.take() else {
            return;
        };
        let pause = now.since(since);
        let begun = [
            is_in_handshake.then_some(&mut self.started),
            Some(&mut side.idle),
            Some(&mut side.message_idle),
            side.message.as_mut(),
            side.ping.as_mut(),
        ];
        for clock in begun.into_iter().flatten() {
            *clock = clock.after(pause).min(now);
        }
    }
}

impl Inspector {
    /// Reports that the host has stopped reading from `from` (backpressure). Until
    /// [`Inspector::resume_reading`], the deadlines for its input are suspended.
    pub fn pause_reading(&mut self, from: Role, now: Instant) {
        self.clocks.read(now);
        let now = self.clocks.now;
        self.clocks.sides[from].paused.get_or_insert(now);
        self.clocks.changed();
    }

    /// Reports that the host has resumed reading. The suspended deadlines are extended by the
    /// length of the pause.
    pub fn resume_reading(&mut self, from: Role, now: Instant) {
        self.clocks.read(now);
        let is_awaited = self.handshake.awaits() == Some(from);
        self.clocks.resume(from, is_awaited);
        self.clocks.changed();
    }

    /// Reports that the transport to `to` is blocked. Until [`Inspector::output_taken`],
    /// [`Direction::write`] of that side runs. If that is none, no pings are inserted meanwhile,
    /// and [`Direction::pong`] doesn't run.
    pub fn output_blocked(&mut self, to: Role, now: Instant) {
        self.clocks.read(now);
        let now = self.clocks.now;
        self.clocks.sides[to].blocked.get_or_insert(now);
        self.clocks.changed();
    }

    /// Reports that the transport to `to` took some output after it had been blocked. If it is
    /// still blocked, call [`Inspector::output_blocked`] again.
    ///
    /// [`Direction::write`] and [`Direction::pong`] of the side start again, since a ping may
    /// be queued after data that it is still reading.
    pub fn output_taken(&mut self, to: Role, now: Instant) {
        self.clocks.read(now);
        let now = self.clocks.now;
        let side = &mut self.clocks.sides[to];
        side.blocked = None;
        side.ping = side.ping.map(|_| now);
        self.clocks.changed();
    }

    /// Returns when to call [`Inspector::handle_timeout`] if there is no input first. Never
    /// before the last `now`, and later than that after a call that handles timeouts.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.next_due().map(|(at, _)| at.max(self.clocks.now))
    }

    pub(super) fn handle_due(&mut self) {
        self.note_messages();
        while let Some((at, due)) = self.next_due() {
            if at > self.clocks.now {
                break;
            }
            match due {
                Due::Handshake(from) => self.fail_handshake(from, Rule::HandshakeTimeout),
                Due::Idle(from) => self.time_out(from, Rule::IdleTimeout, |side| side.idle),
                Due::MessageIdle(from) => {
                    self.time_out(from, Rule::IdleTimeout, |side| side.message_idle);
                }
                Due::Message(from) => {
                    self.time_out(from, Rule::MessageTimeout, |side| side.message);
                }
                Due::Pong(from) => self.time_out(from, Rule::PongTimeout, |side| side.pong),
                Due::Write(to) => {
                    self.clocks.sides[to].blocked = None;
                    // The side would accept neither pending output nor a close frame.
                    self.flows[to.peer()].reset();
                    let failure = self.timeout(to, Rule::WriteTimeout, |side| side.write);
                    self.fail(to, failure, How::AtOnce);
                }
                Due::Keepalive(to) => {
                    self.clocks.sides[to].quiet = at.max(self.clocks.now);
                    // A side that isn't read can't answer, and a forgotten ping's pong would be forwarded.
                    let is_full = self.flows[to].pings.is_full();
                    if !is_full && !self.flows[to.peer()].has_ping_waiting() {
                        self.insert_ping(to);
                    }
                }
                Due::Age => {
                    self.clocks.opened = None;
                    self.close_both(self.options.timeouts.age_code, b"");
                }
                Due::Answers => self.answers_end(),
                Due::Close => self.cut_off(),
            }
        }
    }

    fn time_out(&mut self, from: Role, rule: Rule, limit: fn(&Direction) -> Option<Duration>) {
        let failure = self.timeout(from, rule, limit);
        self.fail(from, failure, How::Silence);
    }

    fn timeout(
        &self,
        side: Role,
        rule: Rule,
        limit: fn(&Direction) -> Option<Duration>,
    ) -> Failure {
        let limit = limit(self.options.direction(side));
        Failure {
            limit: limit.and_then(nanos),
            ..Failure::from(rule)
        }
    }

    fn note_messages(&mut self) {
        for from in Role::BOTH {
            self.note_message(from);
        }
    }

    pub(super) fn note_message(&mut self, from: Role) {
        let messages = self.flows[from].take_messages();
        self.clocks.message(from, &messages);
        if messages.is_unfinished
            && let Some(span) = self.options.direction(from).message
        {
            let due = self.clocks.now.after(span);
            self.clocks.quiet_until = self.clocks.quiet_until.min(due);
        }
    }

    /// Whether something is due at `now`. Skips the individual deadlines if none can be.
    pub(super) fn is_due_at(&mut self, now: Instant) -> bool {
        let now = now.max(self.clocks.now);
        if now < self.clocks.quiet_until {
            return false;
        }
        let never = Instant::from_nanos(u64::MAX);
        self.clocks.quiet_until = self.next_deadline().unwrap_or(never);
        self.clocks.quiet_until <= now
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let clocks = &self.clocks;
        let timeouts = &self.options.timeouts;
        let mut next: Option<(Instant, Due)> = None;
        let mut consider = |from: Instant, span: Option<Duration>, due| {
            if let Some(at) = span.and_then(|span| from.checked_after(span))
                && next.is_none_or(|(next, _)| at < next)
            {
                next = Some((at, due));
            }
        };
        let state = self.state();
        if !matches!(state, State::Connecting | State::Closed) {
            for to in Role::BOTH {
                if let Some(since) = clocks.sides[to].blocked {
                    let span = self.options.direction(to).write;
                    consider(since, span, Due::Write(to));
                }
            }
        }
        match state {
            State::Connecting => {
                if let Some(awaited) = self.handshake.awaits()
                    && clocks.sides[awaited].paused.is_none()
                {
                    consider(clocks.started, timeouts.handshake, Due::Handshake(awaited));
                }
            }
            State::Open => {
                if let Some(opened) = clocks.opened {
                    consider(opened, timeouts.age, Due::Age);
                }
                for from in Role::BOTH {
                    let (side, options) = (&clocks.sides[from], self.options.direction(from));
                    // A blocked side without a write timeout has no pong timeout either.
                    let takes_output = side.blocked.is_none() || options.write.is_some();
                    if takes_output {
                        consider(side.quiet, options.keepalive, Due::Keepalive(from));
                    }
                    if side.paused.is_some() {
                        continue;
                    }
                    consider(side.idle, options.idle, Due::Idle(from));
                    if let Some(since) = side.message {
                        consider(since, options.message, Due::Message(from));
                    }
                    if !side.is_in_message {
                        let due = Due::MessageIdle(from);
                        consider(side.message_idle, options.message_idle, due);
                    }
                    if let Some(since) = side.ping.filter(|_| takes_output) {
                        consider(since, options.pong, Due::Pong(from));
                    }
                }
            }
            State::Closing | State::Draining => {
                if let Some(since) = clocks.closing {
                    consider(since, timeouts.close, Due::Close);
                    if self.flows.client.awaits_answers() || self.flows.server.awaits_answers() {
                        consider(since, timeouts.answer, Due::Answers);
                    }
                }
            }
            State::Closed => {}
        }
        next
    }
}
