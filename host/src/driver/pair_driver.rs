//! A connection between a client and a server, with its transports.

use std::fmt;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use websocket_component::inspector::Sides;

use super::pair::{Cause, Outcome, Output, Pair, SideEnd};
use crate::Role;
use crate::failure_close::{self, failure_close};
use crate::protocol::{CloseCode, Instant};
use crate::sandbox::CallError;
use crate::transport::{LINGER, Line, MaybeTlsStream, Order, read_buffer};

/// The maximum number of reads in one poll, so that other connections get their turn.
const MAX_READS: u32 = 16;

/// A transport that can be reset.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Makes dropping the transport reset the connection, and discard unsent data.
    fn reset(&mut self);
}

impl<IO: Transport> Transport for MaybeTlsStream<IO> {
    fn reset(&mut self) {
        self.get_mut().reset();
    }
}

impl Transport for TcpStream {
    fn reset(&mut self) {
        // If it can't be set, the peer sees a normal end of the stream, without a close frame.
        let _ = self.set_zero_linger();
    }
}

/// Drives a [`Pair`] over two transports.
///
/// [Poll](Self::poll) it whenever it is woken, and at [`next_deadline`](Self::next_deadline). It has no timer and no
/// task.
pub struct PairDriver<IO> {
    state: State,
    lines: Sides<Line<IO>>,
    /// Whether the pair was told that a side isn't read, or that a transport is blocked.
    is_paused: Sides<bool>,
    is_blocked: Sides<bool>,
    /// Whether the pair was told of the end of a side's input.
    is_eof: Sides<bool>,
}

enum State {
    Open(Box<dyn Pair>),
    /// All output is known; only the transports have to end.
    Decided(Option<Box<Outcome>>),
}

/// The result of [`PairDriver::poll`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is nothing to do until a transport is ready or the deadline has passed.
    Waiting,
    /// There is more to do. Poll again, after other connections.
    More,
    /// Both transports have ended.
    Over,
}

/// The lines as the [`Output`] of a pair.
struct Lines<'a, 'cx, IO> {
    lines: &'a mut Sides<Line<IO>>,
    cx: &'a mut Context<'cx>,
}

impl<IO> Output for Lines<'_, '_, IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    fn write(&mut self, to: Role, bytes: &[u8]) {
        self.lines[to].write(self.cx, bytes);
    }

    fn write_frame(&mut self, to: Role, header: &[u8], payload: &[u8]) {
        self.lines[to].write_frame(self.cx, header, payload);
    }

    fn kept(&self, to: Role) -> usize {
        let line = &self.lines[to];
        line.kept().max(usize::from(line.is_blocked()))
    }
}

impl<IO> PairDriver<IO> {
    /// Drives a pair over these transports: `lines.client` leads to the client.
    pub fn new(pair: impl Pair + 'static, lines: Sides<Line<IO>>) -> Self {
        Self {
            state: State::Open(Box::new(pair)),
            lines,
            is_paused: Sides::default(),
            is_blocked: Sides::default(),
            is_eof: Sides::default(),
        }
    }

    /// Returns a side's transport.
    pub fn transport(&mut self, side: Role) -> &mut IO {
        self.lines[side].get_mut()
    }

    /// Returns why the connection is ending, if it is and the outcome was not taken yet.
    pub fn cause(&self) -> Option<Cause> {
        match &self.state {
            State::Open(pair) => pair.cause(),
            State::Decided(outcome) => outcome.as_ref()?.cause.clone(),
        }
    }

    /// Returns how the connection has ended, once, when no more output will follow. The guest was dropped by then, and
    /// only the transports have to end.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        match &mut self.state {
            State::Open(_) => None,
            State::Decided(outcome) => outcome.take().map(|outcome| *outcome),
        }
    }

    /// Returns when to call [`poll`](Self::poll) if no transport is ready before.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Open(pair) => pair.next_deadline(),
            State::Decided(_) => {
                let ends = [&self.lines.client, &self.lines.server].map(Line::deadline);
                ends.into_iter().flatten().min()
            }
        }
    }

    fn parts<'a, 'cx>(
        &'a mut self,
        cx: &'a mut Context<'cx>,
    ) -> Option<(&'a mut dyn Pair, Lines<'a, 'cx, IO>)> {
        let Self { state, lines, .. } = self;
        match state {
            State::Open(pair) => Some((&mut **pair, Lines { lines, cx })),
            State::Decided(_) => None,
        }
    }
}

impl<IO: Transport> PairDriver<IO> {
    /// Passes input that was read from a side before the driver was created.
    pub fn give(&mut self, from: Role, mut input: Vec<u8>, now: Instant, cx: &mut Context<'_>) {
        if !input.is_empty() {
            let result = self.tell(cx, |pair, output| pair.input(from, &mut input, now, output));
            self.check(result, now, cx);
        }
    }

    /// Closes both sides, unless they are closing already.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Instant, cx: &mut Context<'_>) {
        let result = self.tell(cx, |pair, output| pair.close(code, reason, now, output));
        self.check(result, now, cx);
    }

    /// Ends both sides if the guest has ended, and returns whether it has. If connections
    /// [share](crate::Guests) a guest, that may otherwise not be noticed for long.
    pub fn check_guest(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        let State::Open(pair) = &mut self.state else {
            return false;
        };
        let Some(fault) = pair.fault() else {
            return false;
        };
        self.check::<()>(Err(fault.into()), now, cx);
        if let State::Decided(Some(outcome)) = &mut self.state {
            // This connection's input didn't cause it.
            outcome.last_active = None;
        }
        true
    }

    /// Does all work that is possible without waiting.
    pub fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Progress {
        for _ in 0..MAX_READS {
            if matches!(self.state, State::Decided(_)) {
                return self.poll_lines(cx, now);
            }
            let result = self.poll_pair(cx, now);
            let did_something = self.check(result, now, cx).unwrap_or(true);
            if !self.poll_sides(cx, now) && !did_something {
                return Progress::Waiting;
            }
        }
        Progress::More
    }

    /// Makes progress on both sides, and handles timeouts. Returns whether anything was done.
    fn poll_pair(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, CallError> {
        let mut progress = false;
        for side in [Role::Client, Role::Server] {
            progress |= self.poll_flush(side, cx, now)?;
            progress |= self.poll_input(side, cx, now)?;
        }
        if self.next_deadline().is_some_and(|due| due <= now) {
            self.tell(cx, |pair, output| pair.handle_timeout(now, output))?;
            progress = true;
        }
        Ok(progress)
    }

    /// Writes pending output, and reports to the pair whether the transport took some or is blocked.
    fn poll_flush(
        &mut self,
        to: Role,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<bool, CallError> {
        let line = &mut self.lines[to];
        let took = line.poll_flush(cx);
        let blocked = line.is_blocked();
        if !took && blocked == self.is_blocked[to] {
            return Ok(false);
        }
        self.is_blocked[to] = blocked;
        self.tell(cx, |pair, output| {
            pair.output_moved(to, took, blocked, now, output)
        })?;
        Ok(took)
    }

    fn poll_input(
        &mut self,
        from: Role,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<bool, CallError> {
        if self.is_eof[from] {
            return Ok(false);
        }
        let Some((pair, output)) = self.parts(cx) else {
            return Ok(false);
        };
        let reads = pair.reads(from, &output);
        if reads == self.is_paused[from] {
            self.is_paused[from] = !reads;
            self.tell(cx, |pair, _| pair.set_reading(from, reads, now))?;
        }
        if !reads {
            return Ok(false);
        }
        read_buffer::with_large(|buffer| {
            let Poll::Ready(read) = self.lines[from].poll_read(cx, buffer) else {
                return Ok(false);
            };
            // A read error counts as the end of input.
            let input = buffer.get_mut(..read.unwrap_or(0)).unwrap_or_default();
            self.is_eof[from] = input.is_empty();
            self.tell(cx, |pair, output| match input.is_empty() {
                false => pair.input(from, input, now, output),
                true => pair.end_of_input(from, now, output),
            })?;
            Ok(true)
        })
    }

    /// Starts to end the transports that are done. Returns whether both are, or nothing more will be written.
    fn poll_sides(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let State::Open(pair) = &self.state else {
            return true;
        };
        let mut is_over = pair.is_over();
        let ends = [Role::Client, Role::Server].map(|side| {
            let line = &mut self.lines[side];
            match pair.end(side) {
                SideEnd::Open => false,
                SideEnd::Shut => line.poll_shut(cx).is_ready(),
                SideEnd::Reset => {
                    if !line.is_over() {
                        line.get_mut().reset();
                        line.abandon();
                    }
                    true
                }
            }
        });
        is_over |= ends == [true; 2];
        if is_over {
            self.decided(None, now);
        }
        is_over
    }

    fn poll_lines(&mut self, cx: &mut Context<'_>, now: Instant) -> Progress {
        let ends = [Role::Client, Role::Server].map(|side| self.lines[side].poll_end(cx, now));
        match ends.iter().all(Poll::is_ready) {
            true => Progress::Over,
            false => Progress::Waiting,
        }
    }

    /// Calls the pair, if it is still there.
    fn tell(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut dyn Pair, &mut dyn Output) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        match self.parts(cx) {
            Some((pair, mut output)) => call(pair, &mut output),
            None => Ok(()),
        }
    }

    /// If the guest has ended, sends a close frame to each side that is at a frame boundary.
    fn check<T>(
        &mut self,
        result: Result<T, CallError>,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                for side in [Role::Client, Role::Server] {
                    if let State::Open(pair) = &self.state
                        && pair.is_at_boundary(side)
                    {
                        self.lines[side].write(cx, &failure_close(side.peer()));
                    }
                }
                self.decided(Some(error), now);
                None
            }
        }
    }

    /// Records the outcome; after that only the transports have to end.
    fn decided(&mut self, fault: Option<CallError>, now: Instant) {
        let State::Open(pair) = &mut self.state else {
            return;
        };
        let mut summary = |side| {
            let mut summary = pair.summary(side);
            if fault.is_some() && pair.is_at_boundary(side) {
                summary.close_sent = Some(failure_close::CODE);
            }
            summary
        };
        let outcome = Outcome {
            sides: Sides {
                client: summary(Role::Client),
                server: summary(Role::Server),
            },
            cause: pair.cause(),
            last_active: pair.last_active(),
            fault,
        };
        self.state = State::Decided(Some(Box::new(outcome)));
        for side in [Role::Client, Role::Server] {
            self.lines[side].end(Order::First, now, LINGER);
        }
    }
}

impl<IO: fmt::Debug> fmt::Debug for PairDriver<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairDriver")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
