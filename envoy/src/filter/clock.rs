//! A monotonic clock, made from the system's clock.

use websocket_component::Instant;

/// If two readings are further apart than this, the system's clock was set: while there are connections, the filter is
/// called more often.
const LONGEST: u64 = 10_000_000_000;

/// The time since the filter was created, by the system's clock without its jumps.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: u64,
    passed: u64,
}

impl Clock {
    pub(super) fn new(reading: u64) -> Self {
        // Not 0, so that earlier instants can be represented.
        Self {
            last: reading,
            passed: 1,
        }
    }

    /// Advances to a reading of the system's clock. After a pause without connections it may be any.
    pub(super) fn read(&mut self, reading: u64, is_in_use: bool) -> Instant {
        let passed = reading.saturating_sub(self.last);
        self.last = reading;
        if passed <= LONGEST || !is_in_use {
            self.passed = self.passed.saturating_add(passed);
        }
        self.now()
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_nanos(self.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn jumps_of_the_systems_clock_are_left_out() {
        let second = 1_000_000_000;
        let mut clock = Clock::new(5 * second);
        let since = |clock: &mut Clock, reading| clock.read(reading, true).as_nanos();
        let start = clock.now().as_nanos();
        assert_eq!(since(&mut clock, 6 * second), start + second);
        assert_eq!(since(&mut clock, 2 * second), start + second);
        assert_eq!(since(&mut clock, 3 * second), start + 2 * second);
        assert_eq!(since(&mut clock, 900 * second), start + 2 * second);
        assert_eq!(since(&mut clock, 901 * second), start + 3 * second);
    }
}
