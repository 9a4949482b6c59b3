//! How long a call into a guest takes, in processor time.
//!
//! A guest waits for nothing, so it has used up whatever time its thread was given. Time on the clock would count what
//! other programs took as well, and on a busy machine end guests that do nothing wrong.

use std::future;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use cpu_time::ThreadTime;
use wasmtime::UpdateDeadline;

/// Asked at each tick of the epoch that a call lives to see; most see none.
#[derive(Debug)]
pub(crate) struct CallTime {
    limit: Duration,
    /// What the thread had used at the call's first tick, or when the call went on.
    first: Option<Duration>,
    /// What the call had used when it was last suspended.
    before: Duration,
    /// Of a call that is suspended at each tick: what the thread on which it goes on has used.
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

    /// A new call starts, maybe on another thread.
    pub(crate) fn begin(&mut self) {
        self.first = None;
        self.before = Duration::ZERO;
        self.suspends = None;
    }

    /// The call is suspended at each tick.
    pub(crate) fn suspend(&mut self) {
        self.suspends = Some(Resumed::default());
    }

    /// Whether the call may go on. If the system can't tell the time of a thread, it may not.
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

/// The processor time of this thread.
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

/// Lets other tasks have their turn. The call may go on in another thread.
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
