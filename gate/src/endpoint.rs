//! One side of a connection while it opens: a session and its transport.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};

use websocket_host::driver::{CAPACITY, LINGER, Line, Order, Side, Timer, with_read_buffer};
use websocket_host::{CallError, Clock, Guest, Seat, Session};

use crate::net::channel::Channel;

/// A session and its transport.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) line: Line<Channel>,
    pub(crate) side: Side,
    /// The first byte that was received.
    pub(crate) first: Option<u8>,
}

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request was received, or the session has opened.
    Arrived,
    /// The session has ended.
    Ended,
}

/// What a client does before it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// It has reset the connection or shut down its half. A WebSocket needs both halves.
    Left,
    /// It has sent more than is buffered for it.
    SentTooMuch,
}

impl Endpoint {
    pub(crate) fn new(line: Line<Channel>, session: Session) -> Self {
        Self {
            line,
            side: Side::new(session),
            first: None,
        }
    }

    /// Moves bytes between the transport and the session until the expected head was received. Input after it is kept
    /// in the side.
    ///
    /// The future can be dropped at any time without losing input.
    pub(crate) async fn handshake(
        &mut self,
        seat: &mut Seat,
        clock: &Clock,
    ) -> Result<Outcome, CallError> {
        let mut timer = Timer::default();
        // The first call returns the session's deadline.
        let mut is_due = true;
        poll_fn(|cx| {
            loop {
                self.line.poll_flush(cx);
                if self.side.has_ended() {
                    return Poll::Ready(Ok(Outcome::Ended));
                }
                let wants_more = self.side.has_more() && !self.line.is_blocked();
                if is_due || wants_more {
                    if self.advance(&mut seat.lock(), clock, &[], cx)? {
                        return Poll::Ready(Ok(Outcome::Arrived));
                    }
                    is_due = false;
                    continue;
                }
                if let Poll::Ready(arrived) = self.poll_input(seat, clock, cx) {
                    if arrived? {
                        return Poll::Ready(Ok(Outcome::Arrived));
                    }
                    continue;
                }
                is_due = timer.is_due(cx, clock, self.side.deadline());
                if !is_due {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Reads, and passes the input to the session. Returns whether the head was received.
    fn poll_input(
        &mut self,
        seat: &mut Seat,
        clock: &Clock,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, CallError>> {
        if !self.side.listens() {
            return Poll::Pending;
        }
        with_read_buffer(|buffer| {
            let Self { line, side, .. } = self;
            let read = ready!(line.poll_read(cx, buffer));
            match buffer.get(..read.unwrap_or(0)) {
                Some(input) if !input.is_empty() => {
                    Poll::Ready(self.advance(&mut seat.lock(), clock, input, cx))
                }
                _ => {
                    let guest = &mut seat.lock();
                    side.end_of_input(guest, clock.now(), |bytes| line.write(cx, bytes))?;
                    Poll::Ready(Ok(false))
                }
            }
        })
    }

    /// Passes input to the session. Returns whether the head was received.
    fn advance(
        &mut self,
        guest: &mut Guest,
        clock: &Clock,
        input: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<bool, CallError> {
        let Self { line, side, first } = self;
        *first = first.or(input.first().copied());
        let done = side.advance(guest, clock.now(), input, |bytes| line.write(cx, bytes))?;
        side.keep_unread(input.get(done.consumed..).unwrap_or_default());
        Ok(done.arrived)
    }

    /// Writes the session's output.
    pub(crate) fn hand_out(&mut self, guest: &mut Guest, clock: &Clock) -> Result<(), CallError> {
        let Self { line, side, .. } = self;
        // What the transport doesn't take now stays pending in the line.
        let cx = &mut Context::from_waker(Waker::noop());
        Ok(side.hand_out(guest, clock.now(), |bytes| line.write(cx, bytes))?)
    }

    /// Buffers up to [`CAPACITY`] bytes of early input that the session can't process yet. Returns when the client ends
    /// the connection or exceeds that.
    ///
    /// The input has to be read to notice the end of the connection.
    pub(crate) async fn keep_early(&mut self) -> Early {
        let Self { line, side, .. } = self;
        poll_fn(|cx| {
            with_read_buffer(|buffer| {
                loop {
                    let count = ready!(line.poll_read(cx, buffer)).unwrap_or(0);
                    let input = buffer.get(..count).unwrap_or_default();
                    if input.is_empty() {
                        return Poll::Ready(Early::Left);
                    }
                    if side.unread() + count > CAPACITY as usize {
                        return Poll::Ready(Early::SentTooMuch);
                    }
                    side.keep_unread(input);
                }
            })
        })
        .await
    }
}

/// Writes pending output, then waits a short time for the peer to end the connection, too.
pub(crate) async fn linger(mut line: Line<Channel>, clock: &Clock) {
    line.end(Order::First, clock.now(), LINGER);
    let mut timer = Timer::default();
    poll_fn(|cx| {
        timer.is_due(cx, clock, line.deadline());
        line.poll_end(cx, clock.now())
    })
    .await;
}
