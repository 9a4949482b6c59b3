//! The end of a transport after the end of its session.
//!
//! A socket that is closed with input unread resets the connection, and a reset can overtake the last bytes that were
//! written. So what is left is written, the direction of writing is closed, and input is read and thrown away until the
//! peer closes too, or time is up. A client whose session ended well lets the server close first (RFC 6455, section
//! 7.1.1), so that the server is not left with ports in TIME_WAIT.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::output::Output;
use super::read_buffer;
use super::timer::Timer;
use crate::clock::Clock;
use crate::protocol::Instant;

pub(super) struct Ending {
    hangs_up_first: bool,
    until: Instant,
    step: Step,
    was_shut_down: bool,
    was_drained: bool,
}

#[derive(PartialEq, Eq)]
enum Step {
    Write,
    ShutDown,
    Drain,
    Over,
}

impl Ending {
    /// An orderly end by `until`. `was_drained`: the peer has closed already.
    pub(super) fn orderly(hangs_up_first: bool, until: Instant, was_drained: bool) -> Self {
        Self {
            hangs_up_first,
            until,
            step: Step::Write,
            was_shut_down: false,
            was_drained,
        }
    }

    /// The transport is gone.
    pub(super) fn at_once() -> Self {
        Self {
            step: Step::Over,
            ..Self::orderly(true, 0, true)
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.step == Step::Over
    }

    /// Takes one step. Errors of the transport no longer concern anyone.
    pub(super) fn poll_step<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        output: &mut Output,
        timer: &mut Timer,
        clock: &Clock,
    ) -> Poll<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if timer.is_due(cx, clock, Some(self.until)) {
            self.step = Step::Over;
            return Poll::Ready(());
        }
        match self.step {
            Step::Write => {
                if ready!(output.poll_write(cx, io)).is_err() {
                    self.step = Step::Over;
                    return Poll::Ready(());
                }
            }
            Step::ShutDown => {
                let _ = ready!(Pin::new(io).poll_shutdown(cx));
                self.was_shut_down = true;
            }
            Step::Drain => {
                let read = read_buffer::with(|buffer| {
                    let mut buffer = ReadBuf::new(buffer);
                    let result = Pin::new(io).poll_read(cx, &mut buffer);
                    result.map_ok(|()| buffer.filled().len())
                });
                self.was_drained = matches!(ready!(read), Ok(0) | Err(_));
            }
            Step::Over => {}
        }
        self.step = self.next();
        Poll::Ready(())
    }

    fn next(&self) -> Step {
        match (self.was_shut_down, self.was_drained) {
            (true, true) => Step::Over,
            (false, false) if self.hangs_up_first => Step::ShutDown,
            (_, false) => Step::Drain,
            (false, true) => Step::ShutDown,
        }
    }
}
