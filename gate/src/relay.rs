//! Two open sides, and what goes from one to the other.
//!
//! What one session receives, the other sends in the same call into the guest, so messages never leave it. A large
//! frame is streamed in fragments and not reassembled. A side is read only while the other side accepts output, so the
//! gate buffers at most the output of one read, or one incomplete frame, in each direction. Pings and pongs are not
//! forwarded: each session answers and sends its own. Close frames are forwarded, so that both sides take part in one
//! closing handshake.

use std::mem;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;
use websocket_host::protocol::{CloseCode, Instant};
use websocket_host::{CallError, Clock, Guest, SandboxError};

use crate::buffers::{self, Batch, Buffers, CHUNK, RELAYED};
use crate::carrier::{self, Carrier, Step};
use crate::gate::Gate;
use crate::report::{End, Report};
use crate::side::{Side, Who};
use crate::socket::Socket;
use crate::timer::Timer;
use crate::units::nanos;
use crate::{close, fault};

/// A connection whose two sides are open.
#[derive(Debug)]
pub(crate) struct Relay {
    guest: Guest,
    client: Side,
    upstream: Side,
    clock: Clock,
    /// The most that is handed out at a time, which is more than one read and a whole frame can come to.
    capacity: u32,
    close_timeout: u64,
    /// Since when the connection closes, on whichever side.
    closing: Option<Instant>,
    /// Whose input the guest was given last.
    last_active: Option<Who>,
    /// Sides that still owed a close frame have sent it.
    closed_for_them: bool,
    /// Time is up.
    cut: bool,
    timer: Timer,
}

impl Relay {
    pub(crate) fn new(
        guest: Guest,
        client: Side,
        upstream: Side,
        clock: Clock,
        gate: &Gate,
    ) -> Self {
        Self {
            guest,
            client,
            upstream,
            clock,
            capacity: RELAYED.saturating_add(gate.sessions.handshake.max_whole_frame),
            close_timeout: nanos(gate.close_timeout),
            closing: None,
            last_active: None,
            closed_for_them: false,
            cut: false,
            timer: Timer::new(&clock),
        }
    }

    /// Relays until the end, and gives back the sockets of the client and the upstream. The sandbox is gone then.
    ///
    /// It stays in its box: the task that waits for it has only room for that.
    pub(crate) async fn carry(
        mut self: Box<Self>,
        report: &mut Report,
        shutdown: &CancellationToken,
    ) -> [Socket; 2] {
        if let Err(error) = carrier::run(&mut *self, report, shutdown).await {
            report.ended(End::Fault(self.last_active, error));
            if self.client.spoke {
                for (who, side) in [
                    (Who::Client, &mut self.client),
                    (Who::Upstream, &mut self.upstream),
                ] {
                    if side.is_at_boundary() {
                        side.close_sent = fault::close(who, &mut side.socket);
                    }
                }
            } else {
                // The response that accepts was still to come.
                fault::refuse(&mut self.client.socket);
            }
        }
        report.sides((&self.client).into(), (&self.upstream).into());
        let Self {
            client, upstream, ..
        } = *self;
        [client.socket, upstream.socket]
    }

    /// The guest, one side, and the other.
    fn both(&mut self, who: Who) -> (&mut Guest, &mut Side, &mut Side) {
        match who {
            Who::Client => (&mut self.guest, &mut self.client, &mut self.upstream),
            Who::Upstream => (&mut self.guest, &mut self.upstream, &mut self.client),
        }
    }

    /// The guest and one side.
    fn pick(&mut self, who: Who) -> (&mut Guest, &mut Side) {
        let (guest, side, _) = self.both(who);
        (guest, side)
    }

    /// Does what can be done for one side. Returns whether anything was.
    fn poll_side(&mut self, who: Who, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let clock = self.clock;
        let (guest, side) = self.pick(who);
        let mut progress = side.poll_flush(guest, &clock, cx)?;
        if side.is_over() {
            side.socket.poll_shut(cx);
            return Ok(progress);
        }
        if side.wants_pump() {
            self.pump(who)?;
            progress = true;
        }
        Ok(progress | self.poll_input(who, cx)?)
    }

    /// Whether to read from one side: only while the other accepts output, and while it takes what it is answered itself.
    ///
    /// What is kept for a side isn't more than can be handed out at a time, since the other side waits; but it may send
    /// pings and not read the pongs.
    fn listens(&self, who: Who) -> bool {
        let (side, other) = match who {
            Who::Client => (&self.client, &self.upstream),
            Who::Upstream => (&self.upstream, &self.client),
        };
        let most_kept = self.capacity as usize + CHUNK as usize;
        side.listens() && side.socket.kept() < most_kept && !other.is_stuck()
    }

    fn poll_input(&mut self, who: Who, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let (reads, clock) = (self.listens(who), self.clock);
        let (guest, side) = self.pick(who);
        side.set_reading(guest, &clock, reads)?;
        if !reads {
            return Ok(false);
        }
        let (_, side) = self.pick(who);
        if !side.kept.is_empty() {
            let kept = mem::take(&mut side.kept);
            self.last_active = Some(who);
            buffers::with(|buffers| self.feed(who, &kept, &mut buffers.batch))?;
            return Ok(true);
        }
        buffers::with(|Buffers { input, batch }| {
            let (_, side) = self.pick(who);
            match side.socket.poll_read(cx, input) {
                Poll::Pending => Ok(false),
                Poll::Ready(0) => self.end_of_input(who, batch).map(|()| true),
                Poll::Ready(count) => {
                    let input = input.get(..count).unwrap_or_default();
                    self.last_active = Some(who);
                    self.feed(who, input, batch).map(|()| true)
                }
            }
        })
    }

    /// Gives a session what was read, and the other one what came of it.
    fn feed(&mut self, who: Who, input: &[u8], batch: &mut Batch) -> Result<(), CallError> {
        let now = self.clock.now();
        let capacity = self.capacity;
        let mut rest = input;
        loop {
            batch.clear();
            let (guest, from, to) = self.both(who);
            let result = guest.relay(from.session(), to.session(), rest, now, capacity)?;
            from.received.add(result.messages, result.bytes);
            // What is left for this program to pass on is a close frame.
            batch.push_received(&result.source);
            let done = from.note(result.source, rest)?;
            let passed_on = to.note(result.target, &[])?;
            if let Some(failure) = passed_on.refused {
                return Err(failure.into());
            }
            rest = rest.get(done.consumed..).unwrap_or_default();
            to.deliver(guest, now, batch)?;
            let (_, side) = self.pick(who);
            if rest.is_empty() || !side.more || !self.listens(who) {
                break;
            }
        }
        if !rest.is_empty() {
            self.pick(who).1.kept = rest.to_vec();
        }
        Ok(())
    }

    /// One side can take more, or something is due: goes on with what waits in its session.
    fn pump(&mut self, who: Who) -> Result<(), CallError> {
        buffers::with(|Buffers { batch, .. }| self.feed(who, &[], batch))
    }

    fn end_of_input(&mut self, who: Who, batch: &mut Batch) -> Result<(), CallError> {
        let now = self.clock.now();
        batch.clear();
        let (guest, side, other) = self.both(who);
        side.end_of_input(guest, now, batch)?;
        other.deliver(guest, now, batch)
    }

    /// Takes note of sides that have closed or failed, and tells the other one. Returns whether any has.
    fn note_ends(&mut self, report: &mut Report) -> Result<bool, CallError> {
        let mut any = false;
        for who in [Who::Client, Who::Upstream] {
            let (_, side) = self.pick(who);
            if side.close_received.is_some() && !side.close_noted {
                side.close_noted = true;
                any = true;
                report.ended(End::Closed(who));
            }
            if let Some(failure) = side.failure.take_if(|_| !side.failure_noted) {
                side.failure_noted = true;
                any = true;
                report.ended(End::Failed(who, failure));
                let (code, reason) = close::after_failure_of(who);
                self.close(who.other(), code, reason)?;
            }
        }
        if any {
            self.begin_closing();
        }
        Ok(any)
    }

    fn begin_closing(&mut self) {
        let now = self.clock.now();
        self.closing.get_or_insert(now);
    }

    /// Sends a close frame to a side that was sent none. One that waits for the answer to its own gets that.
    fn close(&mut self, who: Who, code: CloseCode, reason: &str) -> Result<(), CallError> {
        let now = self.clock.now();
        let (guest, side) = self.pick(who);
        let (code, reason) = match side.close_received {
            Some(received) => close::answer_to(received),
            None => (code, reason),
        };
        let mut batch = Batch::default();
        batch.push_close(code, reason);
        side.deliver(guest, now, &batch)
    }

    /// The next time at which something is due though nothing comes.
    fn next_due(&self) -> Option<Instant> {
        let closing = self.closing.map(|since| match self.closed_for_them {
            false => since.saturating_add(self.close_timeout),
            true => since
                .saturating_add(self.close_timeout)
                .saturating_add(nanos(close::GRACE)),
        });
        [closing, self.client.deadline, self.upstream.deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// Handles deadlines that have passed. Returns whether there may have been any.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let due = self.next_due();
        if self.timer.poll(cx, &self.clock, due).is_pending() {
            return Ok(false);
        }
        self.on_deadline(self.clock.now())?;
        Ok(true)
    }

    fn on_deadline(&mut self, now: Instant) -> Result<(), CallError> {
        for who in [Who::Client, Who::Upstream] {
            if self.pick(who).1.deadline.is_some_and(|due| due <= now) {
                self.pump(who)?;
                // It would keep the thread busy.
                if self.pick(who).1.deadline.is_some_and(|due| due <= now) {
                    let reason = "its deadline doesn't pass".into();
                    return Err(SandboxError::BrokenContract { reason }.into());
                }
            }
        }
        let Some(since) = self.closing else {
            return Ok(());
        };
        let over = now.saturating_sub(since);
        if over >= self.close_timeout && !self.closed_for_them {
            self.closed_for_them = true;
            for who in [Who::Client, Who::Upstream] {
                self.close(who, close::GOING_AWAY, "")?;
            }
        }
        self.cut |= over >= self.close_timeout.saturating_add(nanos(close::GRACE));
        Ok(())
    }
}

impl Carrier for Relay {
    fn poll_step(&mut self, report: &mut Report, cx: &mut Context<'_>) -> Result<Step, CallError> {
        let mut progress = self.poll_side(Who::Client, cx)?;
        progress |= self.poll_side(Who::Upstream, cx)?;
        progress |= self.poll_timer(cx)?;
        progress |= self.note_ends(report)?;
        if self.cut || (self.client.is_over() && self.upstream.is_over()) {
            return Ok(Step::Over);
        }
        Ok(Step::progress(progress))
    }

    fn go_away(&mut self, report: &mut Report) -> Result<(), CallError> {
        report.ended(End::Shutdown);
        self.begin_closing();
        for who in [Who::Client, Who::Upstream] {
            self.close(who, close::GOING_AWAY, "the gate shuts down")?;
        }
        Ok(())
    }
}
