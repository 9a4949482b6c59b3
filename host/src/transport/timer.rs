//! The timer of a connection.

use std::pin::Pin;
use std::task::Context;

use tokio::time::Sleep;

use crate::clock::{Clock, Instant};

/// A timer for a deadline that moves with nearly every message. Resetting a timer costs more than reading the clock, so
/// it is only ever brought forward; if it fires too early it is set again.
#[derive(Default)]
pub struct Timer {
    started: Option<Started>,
}

struct Started {
    sleep: Pin<Box<Sleep>>,
    set_for: Instant,
}

impl Timer {
    /// Returns whether the deadline has passed. If not, the task is woken when it does, or before.
    pub fn is_due(
        &mut self,
        cx: &mut Context<'_>,
        clock: &Clock,
        deadline: Option<Instant>,
    ) -> bool {
        let Some(deadline) = deadline else {
            return false;
        };
        if clock.now() >= deadline {
            return true;
        }
        let timer = self.started.get_or_insert_with(|| Started {
            sleep: Box::pin(tokio::time::sleep_until(clock.at(deadline))),
            set_for: deadline,
        });
        if deadline < timer.set_for {
            timer.set(clock, deadline);
        }
        while timer.sleep.as_mut().poll(cx).is_ready() {
            timer.set(clock, deadline);
            if clock.now() >= deadline {
                return true;
            }
        }
        false
    }
}

impl Started {
    fn set(&mut self, clock: &Clock, deadline: Instant) {
        self.sleep.as_mut().reset(clock.at(deadline));
        self.set_for = deadline;
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tokio::time;

    use super::Timer;
    use crate::clock::Clock;

    const SECOND: u64 = 1_000_000_000;

    async fn at(seconds: u64, timer: &mut Timer, clock: &Clock, deadline: u64) -> bool {
        let now = Duration::from_nanos(clock.now());
        time::advance(Duration::from_secs(seconds).saturating_sub(now)).await;
        let mut cx = Context::from_waker(Waker::noop());
        timer.is_due(&mut cx, clock, Some(deadline * SECOND))
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_due_at_the_deadline_that_holds_then() {
        let (mut timer, clock) = (Timer::default(), Clock::start());
        assert!(!at(1, &mut timer, &clock, 5).await);
        // Postponed: the sleep ends at 5, but the timer is not due before 9.
        assert!(!at(6, &mut timer, &clock, 9).await);
        // Brought forward.
        assert!(!at(7, &mut timer, &clock, 8).await);
        assert!(at(8, &mut timer, &clock, 8).await);
        // And on to the next.
        assert!(!at(8, &mut timer, &clock, 20).await);
        assert!(at(20, &mut timer, &clock, 20).await);
    }
}
