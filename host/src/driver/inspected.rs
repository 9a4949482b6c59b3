//! An inspected connection: bytes are forwarded unchanged once an inspector has released them.

use std::time::Duration;

use websocket_component::inspector::Sides;

use super::pair::{Cause, Output, Pair, SideEnd, Summary, Tally};
use crate::Role;
use crate::clock::nanos;
use crate::error::SandboxError;
use crate::inspector::{End, Forwarder};
use crate::protocol::{CloseCode, Instant, Rule, State};
use crate::sandbox::CallError;

/// A [`Pair`] with a [`Forwarder`], which is parked while the connection is idle.
///
/// A side is read only while the other one accepts output, so at most one read is buffered in each direction, plus what
/// the inspector holds.
#[derive(Debug)]
pub struct Inspected {
    forwarder: Forwarder,
    /// How many bytes each side had sent before the inspector was created.
    before: Sides<u64>,
    /// Which sides have reached the end of input.
    eof: Sides<bool>,
    /// The idle time after which the guest is dropped, if any.
    park_after: Option<u64>,
    /// When the last byte was received, or the last attempt to park failed.
    active: Instant,
}

impl Inspected {
    /// Forwards the frames of an open connection. `before` is how many bytes each side has sent so far, and
    /// `park_after` the idle time after which the connection is parked, if the forwarder supports
    /// [parking](Forwarder::parking).
    #[must_use]
    pub fn new(
        forwarder: Forwarder,
        before: Sides<u64>,
        park_after: Option<Duration>,
        now: Instant,
    ) -> Self {
        Self {
            forwarder,
            before,
            eof: Sides::default(),
            park_after: park_after.map(nanos),
            active: now,
        }
    }

    /// Returns when the guest is dropped, unless input comes first.
    fn parks_at(&self) -> Option<Instant> {
        let after = self.park_after.filter(|_| !self.forwarder.is_parked())?;
        Some(self.active.saturating_add(after))
    }
}

impl Pair for Inspected {
    fn input(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        self.active = now;
        let write = |to, bytes: &[u8]| output.write(to, bytes);
        self.forwarder.input(from, input, now, write)
    }

    fn end_of_input(
        &mut self,
        from: Role,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        self.eof[from] = true;
        let write = |to, bytes: &[u8]| output.write(to, bytes);
        self.forwarder.end_of_input(from, now, write)
    }

    fn output_moved(
        &mut self,
        to: Role,
        took: bool,
        is_blocked: bool,
        now: Instant,
        _: &mut dyn Output,
    ) -> Result<(), CallError> {
        if took {
            self.forwarder.output_taken(to, now)?;
        }
        if is_blocked {
            self.forwarder.output_blocked(to, now)?;
        }
        Ok(())
    }

    /// Once nothing is forwarded any more, all input is read.
    fn reads(&self, from: Role, output: &dyn Output) -> bool {
        let is_over = self.forwarder.state().has_ended();
        !self.eof[from] && (is_over || output.kept(from.peer()) == 0)
    }

    fn set_reading(&mut self, from: Role, reads: bool, now: Instant) -> Result<(), CallError> {
        self.forwarder.set_reading(from, reads, now)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let due = self.forwarder.next_deadline();
        due.into_iter().chain(self.parks_at()).min()
    }

    fn handle_timeout(&mut self, now: Instant, output: &mut dyn Output) -> Result<(), CallError> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.parks_at()) && !self.forwarder.park()? {
            self.active = now;
        }
        if is_due(self.forwarder.next_deadline()) {
            let write = |to, bytes: &[u8]| output.write(to, bytes);
            self.forwarder.handle_timeout(now, write)?;
            if is_due(self.forwarder.next_deadline()) {
                return Err(SandboxError::broken("its deadline doesn't pass").into());
            }
        }
        Ok(())
    }

    fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let write = |to, bytes: &[u8]| output.write(to, bytes);
        self.forwarder.close(code, reason, now, write)
    }

    fn end(&self, to: Role) -> SideEnd {
        let takes_nothing = self.forwarder.violation().is_some_and(|violation| {
            Role::from(violation.from) == to && violation.failure.rule() == Some(Rule::WriteTimeout)
        });
        match self.forwarder.end(to) {
            End::None => SideEnd::Open,
            End::Reset if takes_nothing => SideEnd::Reset,
            // A reset could lose forwarded messages. The peer sees that the output ends inside a frame.
            End::Shutdown | End::Reset => SideEnd::Shut,
        }
    }

    fn fault(&mut self) -> Option<SandboxError> {
        self.forwarder.fault()
    }

    fn is_over(&self) -> bool {
        self.forwarder.state() == State::Closed
    }

    fn is_at_boundary(&self, to: Role) -> bool {
        self.forwarder.is_at_boundary(to)
    }

    fn last_active(&self) -> Option<Role> {
        self.forwarder.last_active()
    }

    fn cause(&self) -> Option<Cause> {
        if let Some(by) = self.forwarder.closed_by() {
            return Some(Cause::Closed(by));
        }
        let violation = self.forwarder.violation()?;
        let from = Role::from(violation.from);
        let mut failure = violation.failure.clone();
        let place = |offset: u64| offset.saturating_add(self.before[from]);
        failure.offset = failure.offset.map(place);
        Some(Cause::Failed(from, Box::new(failure)))
    }

    fn summary(&mut self, side: Role) -> Summary {
        // A guest that has ended can't be asked.
        let traffic = self.forwarder.traffic(side).ok();
        let codes = self.forwarder.close_codes(side);
        let (close_received, close_sent) = codes.unwrap_or_default();
        Summary {
            received: traffic.map(|traffic| Tally {
                messages: traffic.messages,
                bytes: traffic.bytes,
            }),
            close_received,
            close_sent,
        }
    }
}
