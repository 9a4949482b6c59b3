//! How long a call into a guest takes, in processor time.
//!
//! A guest waits for nothing, so it has used up whatever time its thread was given. Time on the clock would count what
//! other programs took as well, and on a busy machine end guests that do nothing wrong.

use std::time::Duration;

use cpu_time::ThreadTime;
use wasmtime::UpdateDeadline;

/// Asked at each tick of the epoch that a call lives to see; most see none.
#[derive(Debug)]
pub(crate) struct CallTime {
    limit: Duration,
    /// What the thread had used at the call's first tick.
    first: Option<Duration>,
}

impl CallTime {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, first: None }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// A new call starts, maybe on another thread.
    pub(crate) fn begin(&mut self) {
        self.first = None;
    }

    /// Whether the call may go on. If the system can't tell the time of a thread, it may not.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        let used = ThreadTime::try_now().map(|time| time.as_duration());
        match used.is_ok_and(|used| self.allows(used)) {
            true => UpdateDeadline::Continue(1),
            false => UpdateDeadline::Interrupt,
        }
    }

    fn allows(&mut self, used: Duration) -> bool {
        let first = *self.first.get_or_insert(used);
        used.saturating_sub(first) < self.limit
    }
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
    fn each_call_has_its_own() {
        let mut time = CallTime::new(millis(100));
        for call in [1000, 5000, 3000] {
            time.begin();
            assert!(time.allows(millis(call)));
            assert!(time.allows(millis(call + 99)));
        }
    }
}
