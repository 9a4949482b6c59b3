//! Limits the rate of frequent log events.

use std::time::{Duration, Instant};

/// Admits one event in each interval, and counts the others.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    last: Option<Instant>,
    held_back: u64,
}

impl Throttle {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            held_back: 0,
        }
    }

    /// Returns whether to log an event: if so, the number of events since the last logged one, including this.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        self.held_back += 1;
        let is_early = |last| now.saturating_duration_since(last) < self.interval;
        if self.last.is_some_and(is_early) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_an_interval_is_let_through_with_the_count_of_all() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut throttle = Throttle::new(Duration::from_secs(1));
        assert_eq!(throttle.admit(at(0)), Some(1));
        assert_eq!(throttle.admit(at(1)), None);
        assert_eq!(throttle.admit(at(999)), None);
        assert_eq!(throttle.admit(at(1000)), Some(3));
        assert_eq!(throttle.admit(at(5000)), Some(1));
    }
}
