//! Forwards an inspected connection, without transports.

mod looking;

use websocket_component::inspector::Sides;

use super::contract::{End, Progress, Violation};
use super::inspection::Inspection;
use super::one_way::OneWay;
use super::{Inspector, Traffic};
use crate::Role;
use crate::bindings::exports::websocket::protocol::types::{CloseCode, Instant, State};
use crate::error::SandboxError;
use crate::sandbox::{CallError, Seat};

/// Forwards a connection between a client and a server that an [`Inspector`] checks.
///
/// It takes the input from each side, passes the guest as much of it as needs checking, and calls a closure with what
/// may be written to the other side: `write(to, bytes)`. It does no I/O, holds only what may not be forwarded yet, and
/// has no buffers while the connection is idle. It doesn't report what a [`View`](super::View) shows, and doesn't
/// decide on held messages: a program that needs these calls the inspector itself.
///
/// ```no_run
/// use websocket_host::inspector::{Forwarder, Inspector, Options};
/// use websocket_host::protocol::Negotiated;
/// use websocket_host::{Clock, Role, Sandbox, SandboxConfig};
///
/// # fn read_from_client() -> Vec<u8> { Vec::new() }
/// # fn write_to(side: Role, bytes: &[u8]) {}
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let entropy = [7; 32];
/// let sandbox = Sandbox::bundled(SandboxConfig::default())?;
/// let clock = Clock::start();
/// let mut guest = sandbox.guest()?;
/// // Something else has made the handshake.
/// let negotiated = Negotiated::default();
/// let options = Options::default();
/// let inspector = Inspector::open(&mut guest, &options, &entropy, &negotiated, clock.now())?;
/// let mut forwarder = Forwarder::new(guest, inspector);
///
/// let input = read_from_client();
/// forwarder.input(Role::Client, &input, clock.now(), write_to)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Forwarder {
    inspection: Inspection,
    /// The memory limit of each guest, which bounds the bytes that can be waiting to be inserted.
    memory_limit: usize,
    ways: Sides<OneWay>,
    state: State,
    next_deadline: Option<Instant>,
    violation: Option<Violation>,
    /// The side that sent the first close frame, if no rule was broken before.
    closed_by: Option<Role>,
    /// The side whose input was processed last.
    last_active: Option<Role>,
}

impl Forwarder {
    /// Forwards the frames of an open connection. The inspector must not have had any input yet.
    #[must_use]
    pub fn new(seat: impl Into<Seat>, inspector: Inspector) -> Self {
        let mut seat = seat.into();
        let memory_limit = seat.lock().memory_limit();
        Self {
            memory_limit,
            inspection: Inspection::new(seat, inspector),
            ways: Sides {
                client: OneWay::new(),
                server: OneWay::new(),
            },
            state: State::Open,
            // Due at once: the first call asks for the real one.
            next_deadline: Some(0),
            violation: None,
            closed_by: None,
            last_active: None,
        }
    }

    /// Allows the connection to be [parked](Self::park): `make` creates another guest, and opens an inspector in it
    /// with the same options and what was negotiated.
    #[must_use]
    pub fn parking<G: Into<Seat>>(
        mut self,
        make: impl Fn(Instant) -> Result<(G, Inspector), CallError> + Send + Sync + 'static,
    ) -> Self {
        let make = move |now| make(now).map(|(guest, inspector)| (guest.into(), inspector));
        self.inspection.set_make(Box::new(make));
        self
    }

    /// Drops the guest if the connection is idle and [`parking`](Self::parking) was called. The next call that needs a
    /// guest creates another. Returns whether the connection is parked.
    ///
    /// An idle connection is open, between messages in both directions, and has nothing to forward, to insert or to
    /// wait for but [`next_deadline`](Self::next_deadline). A connection that uses context takeover is never idle in
    /// this sense.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn park(&mut self) -> Result<bool, SandboxError> {
        match self.ways.client.is_at_rest() && self.ways.server.is_at_rest() {
            true => self.inspection.park(),
            false => Ok(false),
        }
    }

    /// Returns whether the connection is [parked](Self::park), and so has no guest.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.inspection.is_parked()
    }

    /// Processes input from `from`. Empty input only passes the time.
    ///
    /// # Errors
    ///
    /// The guest has ended; or no guest could be created for a [parked](Self::park) connection: then no input was
    /// consumed, and the same input can be passed again. If `from` breaks a rule, the call doesn't fail: see
    /// [`violation`](Self::violation).
    pub fn input(
        &mut self,
        from: Role,
        input: &[u8],
        now: Instant,
        mut write: impl FnMut(Role, &[u8]),
    ) -> Result<(), CallError> {
        // If there is no guest to check the input, none of it is kept.
        self.inspection.wake(now)?;
        self.last_active = Some(from);
        let looked_at = self.look_at(from, input, now);
        // Bytes that were released are forwarded even if the guest has ended since.
        self.forward(from, input, &mut write);
        self.forward(from.peer(), &[], &mut write);
        looked_at
    }

    /// Handles the timeouts that have passed at `now`. Call it at [`next_deadline`](Self::next_deadline).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        write: impl FnMut(Role, &[u8]),
    ) -> Result<(), CallError> {
        self.advance(Role::Client, &[], now)?;
        self.forward_both(write);
        Ok(())
    }

    /// Reports that `from` sends no more bytes.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn end_of_input(
        &mut self,
        from: Role,
        now: Instant,
        write: impl FnMut(Role, &[u8]),
    ) -> Result<(), CallError> {
        let progress = self.inspection.ask(now, |guest, inspector| {
            inspector.end_of_input(guest, from, now)
        })?;
        self.note(progress)?;
        self.forward_both(write);
        Ok(())
    }

    /// Closes both sides with this code, each at its next frame boundary. A side that is closing already is not
    /// affected.
    ///
    /// # Errors
    ///
    /// `close-code-forbidden`, `control-payload-too-long`, or the guest has ended.
    pub fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
        now: Instant,
        write: impl FnMut(Role, &[u8]),
    ) -> Result<(), CallError> {
        if self.state != State::Open {
            return Ok(());
        }
        let progress = self.inspection.ask(now, |guest, inspector| {
            inspector.close(guest, code, reason, now)
        })?;
        self.note(progress)?;
        self.forward_both(write);
        Ok(())
    }

    /// Reports whether `from` is being read (backpressure).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn set_reading(&mut self, from: Role, reads: bool, now: Instant) -> Result<(), CallError> {
        self.inspection.ask(now, |guest, inspector| match reads {
            true => inspector.resume_reading(guest, from, now),
            false => inspector.pause_reading(guest, from, now),
        })?;
        self.ask_again(now)
    }

    /// Reports that the transport to `to` is blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_blocked(&mut self, to: Role, now: Instant) -> Result<(), CallError> {
        self.inspection.ask(now, |guest, inspector| {
            inspector.output_blocked(guest, to, now)
        })?;
        self.ask_again(now)
    }

    /// Reports that the transport to `to` took some output after it had been blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_taken(&mut self, to: Role, now: Instant) -> Result<(), CallError> {
        self.inspection.ask(now, |guest, inspector| {
            inspector.output_taken(guest, to, now)
        })?;
        self.ask_again(now)
    }

    /// Returns the state of the connection.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) if there is no input first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.next_deadline
    }

    /// Returns how to end the transport to a side once all output was written. If the side broke
    /// [`Rule::WriteTimeout`](crate::protocol::Rule::WriteTimeout), end it at once and drop the pending output.
    #[must_use]
    pub fn end(&self, to: Role) -> End {
        self.ways[to.peer()].end()
    }

    /// Returns the first rule that was broken, and by whom.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Returns the side that sent the first close frame, if no rule was broken before that.
    #[must_use]
    pub fn closed_by(&self) -> Option<Role> {
        self.closed_by
    }

    /// Returns the side whose input was processed last.
    #[must_use]
    pub fn last_active(&self) -> Option<Role> {
        self.last_active
    }

    /// Returns whether the output to a side ends at a frame boundary, without a close frame. If the guest has ended,
    /// the host can then still send one: [`failure_close`](crate::failure_close).
    #[must_use]
    pub fn is_at_boundary(&self, to: Role) -> bool {
        self.ways[to.peer()].is_at_boundary()
    }

    /// Returns how many bytes from `from` are held, because they may not be forwarded yet.
    #[must_use]
    pub fn held(&self, from: Role) -> usize {
        self.ways[from].held()
    }

    /// Returns why the guest has ended, if it has.
    pub(crate) fn fault(&mut self) -> Option<SandboxError> {
        self.inspection.fault()
    }

    /// Returns the traffic from a side.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn traffic(&mut self, from: Role) -> Result<Traffic, SandboxError> {
        self.inspection.traffic(from)
    }

    /// Returns the codes of the close frame that a side has sent, and of the one that was sent to it.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn close_codes(
        &mut self,
        side: Role,
    ) -> Result<(Option<CloseCode>, Option<CloseCode>), SandboxError> {
        self.inspection.close_codes(side)
    }

    fn ask_again(&mut self, now: Instant) -> Result<(), CallError> {
        let progress = self
            .inspection
            .ask(now, |guest, inspector| inspector.progress(guest))?;
        Ok(self.note(progress)?)
    }

    fn note(&mut self, progress: Progress) -> Result<(), SandboxError> {
        let most = self.memory_limit;
        let noted = self.ways.client.note(progress.client, most);
        let noted = noted.and_then(|()| self.ways.server.note(progress.server, most));
        noted.map_err(|reason| self.inspection.end_with(SandboxError::broken(reason)))?;
        self.state = progress.state;
        self.next_deadline = progress.next_deadline;
        if self.violation.is_none() {
            self.violation = progress.violation;
        }
        Ok(())
    }

    fn forward(&mut self, from: Role, input: &[u8], write: &mut impl FnMut(Role, &[u8])) {
        let to = from.peer();
        let way = &mut self.ways[from];
        way.forward(input, |bytes| write(to, bytes));
    }

    fn forward_both(&mut self, mut write: impl FnMut(Role, &[u8])) {
        self.forward(Role::Client, &[], &mut write);
        self.forward(Role::Server, &[], &mut write);
    }
}
