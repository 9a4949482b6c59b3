//! The one timer of a connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};
use websocket_host::Clock;
use websocket_host::protocol::Instant;

/// A timer for deadlines that mostly move away: it is set anew only if it would go off too late.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    set_for: Option<Instant>,
}

impl Timer {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self {
            sleep: Box::pin(sleep_until(clock.at(Instant::MAX))),
            set_for: None,
        }
    }

    /// Waits for a time, which may be another one in each call. It may be ready too early, never too late.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: &Clock,
        due: Option<Instant>,
    ) -> Poll<()> {
        let Some(due) = due else {
            return Poll::Pending;
        };
        if self.set_for.is_none_or(|set_for| due < set_for) {
            self.sleep.as_mut().reset(clock.at(due));
            self.set_for = Some(due);
        }
        let ready = self.sleep.as_mut().poll(cx);
        if ready.is_ready() {
            self.set_for = None;
        }
        ready
    }
}
