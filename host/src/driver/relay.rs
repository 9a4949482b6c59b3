//! A connection with a session for each side, which relays messages from one to the other.
//!
//! Receiving and sending a message is one call into the guest, so messages never leave it. A large frame is streamed in
//! fragments and not reassembled. A side is read only while the other side accepts output, so at most the output of one
//! read, or one incomplete frame, is buffered in each direction. Pings and pongs are not forwarded: each session
//! answers and sends its own. Close frames are forwarded, so that both sides take part in one closing handshake.

mod outside;

use std::mem;
use std::time::Duration;

use websocket_component::inspector::Sides;

use self::outside::Outside;
use super::batch::Batch;
use super::pair::{Cause, Output, Pair, SideEnd, Summary};
use super::side::Side;
use crate::Role;
use crate::clock::nanos;
use crate::error::SandboxError;
use crate::protocol::{CloseCode, Instant};
use crate::sandbox::{CallError, Seat, SeatGuard};
use crate::sizes::{CAPACITY, MAX_INPUT};

/// The close code for a side whose peer is gone, or whose closing handshake timed out.
const GOING_AWAY: CloseCode = 1001;
/// The close code for a client whose server is gone.
const BAD_GATEWAY: CloseCode = 1014;

/// How long the last output may take after the closing handshake.
pub const GRACE: Duration = Duration::from_secs(1);

/// The maximum output of one call, beside a frame that was held until it was complete: enough for everything that one
/// read makes the other side send. A mask makes headers longer, but even empty frames no more than threefold.
const RELAYED: u32 = 3 * CAPACITY;

/// How messages are relayed.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// Frames of up to this many bytes are forwarded whole, once they are complete; longer ones in fragments.
    pub whole_frame: u32,
    /// How long a fragment of less than 16 KiB is coalesced with more.
    pub coalesce: Duration,
    /// The timeout of the closing handshake of both sides.
    pub close_timeout: Duration,
}

/// Relays between two open sessions of one guest: a server session for the client, and a client session for the server.
#[derive(Debug)]
pub struct Relay {
    seat: Seat,
    sides: Sides<Side>,
    /// Frames whose payloads bypass the guest.
    outside: Sides<Option<Outside>>,
    options: RelayOptions,
    /// The maximum output of one call: more than one read and a whole frame can result in.
    capacity: u32,
    /// When the first side began to close.
    closing: Option<Instant>,
    cause: Option<Cause>,
    /// Whether the other side was told that this one has failed.
    failure_noted: Sides<bool>,
    /// Whose input the guest was given last.
    last_active: Option<Role>,
    /// Whether sides that hadn't answered in time were sent a close frame.
    closed_for_them: bool,
    /// Whether the time for closing is over.
    cut: bool,
}

impl Relay {
    /// Relays between two sides with open sessions, which are named after the peer: `sides.client` receives what the
    /// client sends. The sessions must deliver in chunks, with the same options for whole frames and for coalescing,
    /// and must not reply to close frames.
    #[must_use]
    pub fn new(seat: impl Into<Seat>, mut sides: Sides<Side>, options: &RelayOptions) -> Self {
        // Due at once: the first call continues with what the handshakes have left, and returns the real deadlines.
        for side in [&mut sides.client, &mut sides.server] {
            side.deadline = Some(0);
        }
        Self {
            seat: seat.into(),
            sides,
            outside: Sides::default(),
            options: *options,
            capacity: RELAYED.saturating_add(options.whole_frame),
            closing: None,
            cause: None,
            failure_noted: Sides::default(),
            last_active: None,
            closed_for_them: false,
            cut: false,
        }
    }

    /// Returns the guest, one side, and the other.
    fn both(&mut self, from: Role) -> (SeatGuard<'_>, &mut Side, &mut Side) {
        let Sides { client, server } = &mut self.sides;
        match from {
            Role::Client => (self.seat.lock(), client, server),
            Role::Server => (self.seat.lock(), server, client),
        }
    }

    /// Processes input. Returns how much was consumed.
    fn take(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<usize, CallError> {
        let mut at = 0;
        while let Some(rest) = input.get_mut(at..)
            && !rest.is_empty()
        {
            let passed = self.pass_outside(from, rest, now, output)?;
            let part = rest.get(..MAX_INPUT).unwrap_or(rest);
            let taken = match passed {
                0 => self.feed(from, part, now, output)?,
                passed => passed,
            };
            at += taken;
            if taken == 0 || !self.reads(from, output) {
                break;
            }
        }
        Ok(at)
    }

    /// Passes input to a session, and the messages in it to the other one. Returns how much was consumed.
    fn feed(
        &mut self,
        from: Role,
        input: &[u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<usize, CallError> {
        let (capacity, to) = (self.capacity, from.peer());
        let mut rest = input;
        loop {
            let mut batch = Batch::default();
            let (mut guest, source, target) = self.both(from);
            let result = guest.relay(source.session(), target.session(), rest, now, capacity)?;
            source.received.add(result.messages, result.bytes);
            // Only a close frame is left to pass on.
            batch.push_received(&result.source);
            let write = |bytes: &[u8]| output.write(from, bytes);
            let done = source.note(result.source, rest, write)?;
            let write = |bytes: &[u8]| output.write(to, bytes);
            let passed_on = target.note(result.target, &[], write)?;
            if let Some(failure) = passed_on.refused {
                return Err(failure.into());
            }
            rest = rest.get(done.consumed..).unwrap_or_default();
            target.deliver(&mut guest, now, &batch, |bytes| output.write(to, bytes))?;
            drop(guest);
            if rest.is_empty() || !self.sides[from].more || !self.reads(from, output) {
                return Ok(input.len() - rest.len());
            }
        }
    }

    /// Passes a session its unconsumed input. Returns whether it consumes any of it.
    fn feed_unread(
        &mut self,
        from: Role,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<bool, CallError> {
        let mut unread = mem::take(&mut self.sides[from].unread);
        let taken = self.take(from, &mut unread, now, output)?;
        if taken < unread.len() {
            unread.drain(..taken);
            self.sides[from].unread = unread;
        }
        Ok(taken > 0)
    }

    /// Drains the sessions as far as their output can be written, and handles sides that have closed or failed.
    fn settle(&mut self, now: Instant, output: &mut dyn Output) -> Result<(), CallError> {
        loop {
            let mut progress = false;
            for from in [Role::Client, Role::Server] {
                let side = &self.sides[from];
                if side.more && output.kept(from) == 0 && !side.has_ended() {
                    self.feed(from, &[], now, output)?;
                    progress = true;
                }
                if !self.sides[from].unread.is_empty() && self.reads(from, output) {
                    progress |= self.feed_unread(from, now, output)?;
                }
            }
            progress |= self.note_ends(now, output)?;
            if !progress {
                return Ok(());
            }
        }
    }

    /// Passes the close or failure of a side on to the other one. Returns whether there was any.
    fn note_ends(&mut self, now: Instant, output: &mut dyn Output) -> Result<bool, CallError> {
        let mut any = false;
        for from in [Role::Client, Role::Server] {
            let side = &self.sides[from];
            if side.close_received.is_some() && self.closing.is_none() {
                any = true;
                self.begins_closing(Cause::Closed(from), now);
            }
            let side = &self.sides[from];
            if let Some(failure) = &side.failure
                && !mem::replace(&mut self.failure_noted[from], true)
            {
                any = true;
                let cause = Cause::Failed(from, failure.clone());
                self.begins_closing(cause, now);
                self.release(from, now, output)?;
                let (code, reason) = match from {
                    Role::Client => (GOING_AWAY, "the client is gone"),
                    Role::Server => (BAD_GATEWAY, "the server is gone"),
                };
                self.send_close(from.peer(), code, reason, now, output)?;
            }
        }
        Ok(any)
    }

    fn begins_closing(&mut self, cause: Cause, now: Instant) {
        self.cause.get_or_insert(cause);
        self.closing.get_or_insert(now);
    }

    /// Sends a close frame to a side that was sent none. If it has sent one itself, this is the answer.
    fn send_close(
        &mut self,
        to: Role,
        code: CloseCode,
        reason: &str,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let (mut guest, side, _) = self.both(to);
        let mut batch = Batch::default();
        match side.close_received {
            Some(received) => batch.push_close(received, ""),
            None => batch.push_close(code, reason),
        }
        side.deliver(&mut guest, now, &batch, |bytes| output.write(to, bytes))
    }

    /// Returns when the next step of closing is due.
    fn closing_due(&self) -> Option<Instant> {
        let since = self.closing.filter(|_| !self.cut)?;
        let due = since.saturating_add(nanos(self.options.close_timeout));
        Some(match self.closed_for_them {
            false => due,
            true => due.saturating_add(nanos(GRACE)),
        })
    }
}

impl Pair for Relay {
    fn input(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        self.last_active = Some(from);
        let taken = match self.sides[from].unread.is_empty() {
            true => self.take(from, input, now, output)?,
            false => 0,
        };
        let rest = input.get(taken..).unwrap_or_default();
        self.sides[from].keep_unread(rest);
        self.settle(now, output)
    }

    fn end_of_input(
        &mut self,
        from: Role,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let to = from.peer();
        let mut batch = Batch::default();
        self.release(from, now, output)?;
        let (mut guest, source, target) = self.both(from);
        source.note_eof(&mut guest, now)?;
        let write = |bytes: &[u8]| output.write(from, bytes);
        source.exchange(&mut guest, now, &[], &Batch::default(), &mut batch, write)?;
        target.deliver(&mut guest, now, &batch, |bytes| output.write(to, bytes))?;
        drop(guest);
        self.settle(now, output)
    }

    fn output_moved(
        &mut self,
        to: Role,
        took: bool,
        is_blocked: bool,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let (mut guest, side, _) = self.both(to);
        side.output_moved(&mut guest, took, is_blocked, now)?;
        drop(guest);
        self.settle(now, output)
    }

    /// The pending output to a side is limited because the other side isn't read meanwhile. But a side may also send
    /// pings without reading the pongs.
    fn reads(&self, from: Role, output: &dyn Output) -> bool {
        let (side, other) = (&self.sides[from], &self.sides[from.peer()]);
        let most_kept = self.capacity as usize + CAPACITY as usize;
        let other_waits = output.kept(from.peer()) > 0 || other.more;
        let other_is_stuck = other_waits && !other.is_done_sending();
        side.listens() && output.kept(from) < most_kept && !other_is_stuck
    }

    fn set_reading(&mut self, from: Role, reads: bool, now: Instant) -> Result<(), CallError> {
        let (mut guest, side, _) = self.both(from);
        Ok(side.set_reading(&mut guest, reads, now)?)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let Sides { client, server } = &self.sides;
        let leave = [&self.outside.client, &self.outside.server];
        let leave = leave.map(|outside| outside.as_ref()?.leaves_at);
        let due = [self.closing_due(), client.deadline, server.deadline];
        due.into_iter().chain(leave).flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant, output: &mut dyn Output) -> Result<(), CallError> {
        for from in [Role::Client, Role::Server] {
            let leaves_at = self.outside[from].as_ref().and_then(|it| it.leaves_at);
            if leaves_at.is_some_and(|at| at <= now) {
                self.release(from, now, output)?;
            }
            let is_due = |side: &Side| side.deadline.is_some_and(|due| due <= now);
            if is_due(&self.sides[from]) {
                self.feed(from, &[], now, output)?;
                if is_due(&self.sides[from]) {
                    return Err(SandboxError::broken("its deadline doesn't pass").into());
                }
                // The other side is closed before its own timeout.
                self.settle(now, output)?;
            }
        }
        if self.closing_due().is_none_or(|due| now < due) {
            return Ok(());
        }
        if mem::replace(&mut self.closed_for_them, true) {
            self.cut = true;
            return Ok(());
        }
        for to in [Role::Client, Role::Server] {
            self.send_close(to, GOING_AWAY, "", now, output)?;
        }
        self.settle(now, output)
    }

    fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        self.closing.get_or_insert(now);
        for to in [Role::Client, Role::Server] {
            self.send_close(to, code, reason, now, output)?;
        }
        self.settle(now, output)
    }

    fn end(&self, to: Role) -> SideEnd {
        match self.sides[to].has_ended() {
            true => SideEnd::Shut,
            false => SideEnd::Open,
        }
    }

    fn fault(&mut self) -> Option<SandboxError> {
        self.seat.lock().fault().cloned()
    }

    fn is_over(&self) -> bool {
        self.cut
    }

    fn is_at_boundary(&self, to: Role) -> bool {
        self.sides[to].is_at_boundary()
    }

    fn last_active(&self) -> Option<Role> {
        self.last_active
    }

    fn cause(&self) -> Option<Cause> {
        self.cause.clone()
    }

    fn summary(&mut self, side: Role) -> Summary {
        self.sides[side].summary()
    }
}
