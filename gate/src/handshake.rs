//! One side's handshake: its socket and its session, until a head has come.

use std::future::poll_fn;
use std::task::{Context, Poll};

use websocket_host::{CallError, Clock, Guest};

use crate::buffers::{self, Batch, Buffers};
use crate::side::Side;
use crate::timer::Timer;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request has come, or the session has opened.
    Arrived,
    /// The session has ended.
    Ended,
}

/// Moves bytes between the socket and the session until the head that it waits for has come. What came right behind it
/// is kept with the side.
///
/// It can be dropped at any time: what was read is with the session.
pub(crate) async fn handshake(
    guest: &mut Guest,
    side: &mut Side,
    clock: &Clock,
) -> Result<Outcome, CallError> {
    // The first exchange tells the session's deadline.
    exchange(guest, side, clock, &[])?;
    let mut timer = Timer::new(clock);
    poll_fn(|cx| {
        loop {
            side.socket.poll_flush(cx);
            if side.has_ended() {
                return Poll::Ready(Ok(Outcome::Ended));
            }
            if side.wants_pump() && exchange(guest, side, clock, &[])? {
                return Poll::Ready(Ok(Outcome::Arrived));
            }
            if let Poll::Ready(arrived) = poll_input(guest, side, clock, cx) {
                if arrived? {
                    return Poll::Ready(Ok(Outcome::Arrived));
                }
                continue;
            }
            if timer.poll(cx, clock, side.deadline).is_pending() {
                return Poll::Pending;
            }
            exchange(guest, side, clock, &[])?;
        }
    })
    .await
}

/// Reads and takes an exchange. Returns whether the head has come.
fn poll_input(
    guest: &mut Guest,
    side: &mut Side,
    clock: &Clock,
    cx: &mut Context<'_>,
) -> Poll<Result<bool, CallError>> {
    if !side.listens() {
        return Poll::Pending;
    }
    buffers::with(|Buffers { input, .. }| {
        side.socket
            .poll_read(cx, input)
            .map(|count| match input.get(..count) {
                Some(input) if count > 0 => exchange(guest, side, clock, input),
                _ => {
                    side.end_of_input(guest, clock.now(), &mut Batch::default())?;
                    Ok(false)
                }
            })
    })
}

/// Takes an exchange. Returns whether the head has come.
fn exchange(
    guest: &mut Guest,
    side: &mut Side,
    clock: &Clock,
    input: &[u8],
) -> Result<bool, CallError> {
    // There are no messages before a session is open, and the call that opens one takes none.
    let none = &mut Batch::default();
    let done = side.exchange(guest, clock.now(), input, &Batch::default(), none)?;
    let rest = input.get(done.consumed..).unwrap_or_default();
    side.kept.extend_from_slice(rest);
    Ok(done.arrived)
}
