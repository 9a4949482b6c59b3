//! The processor time of a call into a guest.
//!
//! A guest never waits, so it uses all processor time of its thread. Wall-clock time would include other programs, and
//! on a busy machine end guests that do nothing wrong.

use std::future;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use cpu_time::ThreadTime;
use wasmtime::UpdateDeadline;

/// The time limit of a call, checked at each tick of the epoch; most calls end before the first.
#[derive(Debug)]
pub(crate) struct CallTime {
    limit: Duration,
    /// The thread's time at the call's first tick, or when the call resumed.
    first: Option<Duration>,
    /// The call's time when it was last suspended.
    before: Duration,
    /// For a call that is suspended at each tick: the time of the thread on which it resumed.
    suspends: Option<Resumed>,
}

type Resumed = Arc<Mutex<Option<Duration>>>;

impl CallTime {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            first: None,
            before: Duration::ZERO,
            suspends: None,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Starts a new call, maybe on another thread.
    pub(crate) fn begin(&mut self) {
        self.first = None;
        self.before = Duration::ZERO;
        self.suspends = None;
    }

    /// Suspends the call at each tick.
    pub(crate) fn suspend(&mut self) {
        self.suspends = Some(Resumed::default());
    }

    /// Decides whether the call may continue. If the thread's time isn't known, it may not.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        match used().is_some_and(|used| self.allows(used)) {
            true => match &self.suspends {
                Some(resumed) => UpdateDeadline::YieldCustom(1, Box::pin(pause(resumed.clone()))),
                None => UpdateDeadline::Continue(1),
            },
            false => UpdateDeadline::Interrupt,
        }
    }

    fn allows(&mut self, used: Duration) -> bool {
        let resumed = self.suspends.as_ref().and_then(take);
        let first = *self.first.get_or_insert(resumed.unwrap_or(used));
        let call = self.before + used.saturating_sub(first);
        if self.suspends.is_some() {
            (self.first, self.before) = (None, call);
        }
        call < self.limit
    }
}

/// Returns the processor time of this thread.
fn used() -> Option<Duration> {
    let time = ThreadTime::try_now().ok()?;
    Some(time.as_duration())
}

fn take(resumed: &Resumed) -> Option<Duration> {
    resumed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}

/// Yields to other tasks. The call may resume on another thread.
async fn pause(resumed: Resumed) {
    let mut had_turn = false;
    future::poll_fn(|context| match had_turn {
        true => Poll::Ready(()),
        false => {
            had_turn = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    *resumed.lock().unwrap_or_else(PoisonError::into_inner) = used();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::CallTime;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn only_the_processor_time_of_the_call_counts() {
        let mut time = CallTime::new(millis(100));
        for used in [7000, 7000, 7050, 7050, 7050, 7099] {
            assert!(time.allows(millis(used)), "{used}");
        }
        assert!(!time.allows(millis(7100)));
    }

    #[test]
    fn what_other_tasks_use_while_a_call_is_suspended_is_not_its_own() {
        let mut time = CallTime::new(millis(100));
        time.begin();
        time.suspend();
        let resume = |time: &CallTime, used| {
            let resumed = time.suspends.as_ref().expect("it is suspended");
            *resumed.lock().expect("nobody panics") = Some(millis(used));
        };
        assert!(time.allows(millis(7000)));
        // Twice on another thread: 60 ms, and 39.
        resume(&time, 100);
        assert!(time.allows(millis(160)));
        resume(&time, 9000);
        assert!(time.allows(millis(9039)));
        resume(&time, 9500);
        assert!(!time.allows(millis(9501)));
        time.begin();
        assert!(time.allows(millis(9600)));
    }

    #[test]
    fn each_call_has_its_own() {
        let mut time = CallTime::new(millis(100));
        for call in [1000, 5000, 3000] {
            time.begin();
            assert!(time.allows(millis(call)));
            assert!(time.allows(millis(call + 99)));
        }
    }
}
