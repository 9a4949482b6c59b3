//! A connection that is inspected: what one side sends goes on to the other as it is, as far as an inspector lets it.
//!
//! A side is read only while the other one takes what is written to it, so the gate buffers at most one read in each
//! direction, and what the inspector holds. Pings, pongs and close frames of the two sides go from end to end; the gate
//! inserts its own between them.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use websocket_host::inspector::{End as Ends, Forwarder, Inspector};
use websocket_host::protocol::{Instant, Negotiated, Rule, State};
use websocket_host::{CallError, Clock, Guest, Role, SandboxError};

use crate::buffers::{self, Buffers};
use crate::carrier::{self, Carrier, Step};
use crate::gate::Gate;
use crate::report::{End, Report, SideReport};
use crate::side::{Side, Tally, Who};
use crate::socket::Socket;
use crate::timer::Timer;
use crate::{close, fault, units};

/// One side, as far as an inspector isn't concerned with it.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Socket,
    /// What was read before the inspector was there.
    kept: Vec<u8>,
    /// How many bytes the side had sent before that.
    before: u64,
    /// Nothing more can be read.
    eof: bool,
    /// The inspector knows that nothing is read for now.
    is_paused: bool,
    /// The inspector knows that the socket takes nothing.
    is_blocked: bool,
}

impl Line {
    /// Takes over from the session that has made the handshake.
    pub(crate) fn new(guest: &mut Guest, side: Side) -> Self {
        let (socket, session, kept, before) = side.into_parts();
        // If the guest has ended, the next call says so.
        let _ = guest.drop_session(session);
        Self {
            socket,
            kept,
            before,
            eof: false,
            is_paused: false,
            is_blocked: false,
        }
    }
}

/// A connection whose two sides are open.
#[derive(Debug)]
pub(crate) struct Inspection {
    forwarder: Forwarder,
    client: Line,
    upstream: Line,
    clock: Clock,
    /// That a side has closed, or broken a rule, is in the report.
    is_noted: bool,
    timer: Timer,
    /// After how long without a byte the sandbox is given back, if it is.
    park_after: Option<Duration>,
    /// When something came last, or it could not be given back.
    active: Instant,
}

/// Makes another guest with an inspector of a connection that was parked.
pub(crate) fn another(
    gate: &Gate,
    negotiated: Negotiated,
) -> impl Fn(Instant) -> Result<(Guest, Inspector), CallError> + Send + Sync + 'static {
    let (sandbox, options) = (gate.sandbox.clone(), Arc::clone(&gate.inspector));
    move |now| {
        let mut guest = sandbox.guest()?;
        let mut entropy = [0; 32];
        // Without any, no inspector is made.
        let entropy = match getrandom::fill(&mut entropy) {
            Ok(()) => &entropy[..],
            Err(_) => &[],
        };
        let inspector = Inspector::open(&mut guest, &options, entropy, &negotiated, now)?;
        Ok((guest, inspector))
    }
}

impl Inspection {
    pub(crate) fn new(
        forwarder: Forwarder,
        client: Line,
        upstream: Line,
        clock: Clock,
        gate: &Gate,
    ) -> Self {
        Self {
            forwarder,
            client,
            upstream,
            clock,
            is_noted: false,
            timer: Timer::new(&clock),
            park_after: gate.park_after,
            active: clock.now(),
        }
    }

    /// Forwards until the end, and gives back the sockets of the client and the upstream. The sandbox is gone then.
    ///
    /// It stays in its box: the task that waits for it has only room for that.
    pub(crate) async fn carry(
        mut self: Box<Self>,
        report: &mut Report,
        shutdown: &CancellationToken,
    ) -> [Socket; 2] {
        let result = carrier::run(&mut *self, report, shutdown).await;
        let [mut client, mut upstream] =
            [Who::Client, Who::Upstream].map(|who| self.report_of(who));
        if let Err(error) = result {
            let last_active = self.forwarder.last_active().map(Who::from);
            report.ended(End::Fault(last_active, error));
            client.close_sent = self.close_after_fault(Who::Client);
            upstream.close_sent = self.close_after_fault(Who::Upstream);
        }
        report.sides(client, upstream);
        let Self {
            client, upstream, ..
        } = *self;
        [client.socket, upstream.socket]
    }

    fn report_of(&mut self, who: Who) -> SideReport {
        // A guest that has ended can't be asked.
        let traffic = self.forwarder.traffic(who.into()).ok();
        let codes = self.forwarder.close_codes(who.into());
        let (close_received, close_sent) = codes.unwrap_or_default();
        SideReport {
            received: traffic.map(|traffic| Tally {
                messages: traffic.messages,
                bytes: traffic.bytes,
            }),
            close_received,
            close_sent,
        }
    }

    fn close_after_fault(&mut self, who: Who) -> Option<u16> {
        let may_close = self.forwarder.is_at_boundary(who.into());
        may_close
            .then(|| fault::close(who, &mut self.line(who).socket))
            .flatten()
    }

    fn line(&mut self, who: Who) -> &mut Line {
        match who {
            Who::Client => &mut self.client,
            Who::Upstream => &mut self.upstream,
        }
    }

    /// The inspector, and where it has things written to.
    fn parts(&mut self) -> (&mut Forwarder, impl FnMut(Role, &[u8])) {
        let Self {
            forwarder,
            client,
            upstream,
            ..
        } = self;
        let write = |to, bytes: &[u8]| match Who::from(to) {
            Who::Client => client.socket.write(bytes),
            Who::Upstream => upstream.socket.write(bytes),
        };
        (forwarder, write)
    }

    /// Does what can be done for one side. Returns whether anything was.
    fn poll_side(&mut self, who: Who, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let progress = self.poll_flush(who, cx)?;
        Ok(progress | self.poll_input(who, cx)?)
    }

    /// Ends the transport to a side, if it is time for that. Returns whether it is.
    fn poll_end(&mut self, who: Who, cx: &mut Context<'_>) -> bool {
        let end = self.forwarder.end(who.into());
        let takes_nothing = self.forwarder.violation().is_some_and(|violation| {
            Who::from(Role::from(violation.from)) == who
                && violation.failure.rule() == Some(Rule::WriteTimeout)
        });
        let line = self.line(who);
        match end {
            Ends::None => return false,
            Ends::Reset if takes_nothing => line.socket.reset(),
            // What went on before is not lost: it ends inside a frame, which nobody takes for a whole one.
            _ if line.socket.kept() > 0 => return false,
            _ => line.socket.poll_shut(cx),
        }
        true
    }

    /// Writes what the socket takes of what was kept, and tells the inspector that it does, or that it is blocked.
    /// Returns whether there was any.
    fn poll_flush(&mut self, who: Who, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let line = self.line(who);
        let progress = line.socket.poll_flush(cx);
        let blocked = line.socket.kept() > 0;
        let was_blocked = std::mem::replace(&mut line.is_blocked, blocked);
        if !progress && blocked == was_blocked {
            return Ok(false);
        }
        let now = self.clock.now();
        if progress {
            self.forwarder.output_taken(who.into(), now)?;
        }
        if blocked {
            self.forwarder.output_blocked(who.into(), now)?;
        }
        Ok(progress)
    }

    /// Whether to read from one side: only while the other accepts what is written to it, or once nothing is forwarded
    /// any more.
    fn reads(&self, who: Who) -> bool {
        let (line, other) = match who {
            Who::Client => (&self.client, &self.upstream),
            Who::Upstream => (&self.upstream, &self.client),
        };
        let is_over = self.forwarder.state().has_ended();
        !line.eof && (is_over || other.socket.kept() == 0)
    }

    fn poll_input(&mut self, who: Who, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let reads = self.reads(who);
        let line = self.line(who);
        if !line.eof && reads == line.is_paused {
            line.is_paused = !reads;
            let now = self.clock.now();
            self.forwarder.set_reading(who.into(), reads, now)?;
        }
        if !reads {
            return Ok(false);
        }
        let line = self.line(who);
        if !line.kept.is_empty() {
            let kept = std::mem::take(&mut line.kept);
            self.feed(who, &kept)?;
            return Ok(true);
        }
        buffers::with(|Buffers { input, .. }| {
            let line = self.line(who);
            match line.socket.poll_read(cx, input) {
                Poll::Pending => Ok(false),
                Poll::Ready(0) => {
                    line.eof = true;
                    let now = self.clock.now();
                    let (forwarder, write) = self.parts();
                    forwarder.end_of_input(who.into(), now, write)?;
                    Ok(true)
                }
                Poll::Ready(count) => {
                    let input = input.get(..count).unwrap_or_default();
                    self.feed(who, input).map(|()| true)
                }
            }
        })
    }

    fn feed(&mut self, who: Who, input: &[u8]) -> Result<(), CallError> {
        let now = self.clock.now();
        self.active = now;
        let (forwarder, write) = self.parts();
        forwarder.input(who.into(), input, now, write)
    }

    /// When the sandbox is given back, if nothing comes until then.
    fn parks_at(&self) -> Option<Instant> {
        let after = self.park_after.filter(|_| !self.forwarder.is_parked())?;
        Some(self.active.saturating_add(units::nanos(after)))
    }

    /// Handles deadlines that have passed. Returns whether there may have been any.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let (due, parks_at) = (self.forwarder.next_deadline(), self.parks_at());
        let first = due.into_iter().chain(parks_at).min();
        if self.timer.poll(cx, &self.clock, first).is_pending() {
            return Ok(false);
        }
        let now = self.clock.now();
        if parks_at.is_some_and(|at| at <= now) && !self.forwarder.park()? {
            self.active = now;
        }
        if due.is_some_and(|due| due <= now) {
            let (forwarder, write) = self.parts();
            forwarder.handle_timeout(now, write)?;
            // It would keep the thread busy.
            if self.forwarder.next_deadline().is_some_and(|due| due <= now) {
                let reason = "its deadline doesn't pass".into();
                return Err(SandboxError::BrokenContract { reason }.into());
            }
        }
        Ok(true)
    }

    /// Takes note of the first close frame, or the first rule that was broken.
    fn note_end(&mut self, report: &mut Report) {
        if self.is_noted {
            return;
        }
        let closed = self
            .forwarder
            .closed_by()
            .map(|role| End::Closed(role.into()));
        let failed = || {
            let violation = self.forwarder.violation()?;
            let who = Who::from(Role::from(violation.from));
            let before = match who {
                Who::Client => self.client.before,
                Who::Upstream => self.upstream.before,
            };
            let mut failure = violation.failure.clone();
            failure.offset = failure.offset.map(|offset| offset.saturating_add(before));
            Some(End::Failed(who, Box::new(failure)))
        };
        if let Some(end) = closed.or_else(failed) {
            self.is_noted = true;
            report.ended(end);
        }
    }
}

impl Carrier for Inspection {
    fn poll_step(&mut self, report: &mut Report, cx: &mut Context<'_>) -> Result<Step, CallError> {
        let mut progress = self.poll_side(Who::Client, cx)?;
        progress |= self.poll_side(Who::Upstream, cx)?;
        progress |= self.poll_timer(cx)?;
        self.note_end(report);
        let ended = [Who::Client, Who::Upstream].map(|who| self.poll_end(who, cx));
        if ended == [true; 2] || self.forwarder.state() == State::Closed {
            return Ok(Step::Over);
        }
        Ok(Step::progress(progress))
    }

    fn go_away(&mut self, report: &mut Report) -> Result<(), CallError> {
        report.ended(End::Shutdown);
        let now = self.clock.now();
        let (forwarder, write) = self.parts();
        forwarder.close(close::GOING_AWAY, "the gate shuts down", now, write)
    }
}
