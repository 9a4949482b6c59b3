//! The monotonic clock for sessions.

use std::time::Duration;

#[cfg(not(feature = "stream"))]
use std::time;
#[cfg(feature = "stream")]
use tokio::time;

/// A reading, in nanoseconds.
pub(crate) type Instant = u64;

/// A monotonic clock that counts nanoseconds from its creation.
///
/// With the feature `stream` it is tokio's clock, so `tokio::time::pause` and `advance` apply to it. It needs no
/// runtime.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: time::Instant,
}

impl Clock {
    /// Creates a clock that starts at 0.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: time::Instant::now(),
        }
    }

    /// Returns the current reading. It saturates after 584 years.
    #[must_use]
    pub fn now(&self) -> Instant {
        nanos(self.origin.elapsed())
    }

    /// Returns the time at which the clock reaches `reading`, for a timer. If it is too far away for the system's
    /// clock, that is 30 years from now.
    #[cfg(feature = "stream")]
    #[must_use]
    pub fn at(&self, reading: Instant) -> time::Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
        self.origin
            .checked_add(Duration::from_nanos(reading))
            .unwrap_or_else(|| time::Instant::now() + FAR)
    }
}

/// Returns a duration in nanoseconds, saturating.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn readings_and_times_are_each_others_inverse() {
        let clock = Clock::start();
        let reading = clock.now();
        let late = clock.at(reading + 5_000_000_000) - clock.at(reading);
        assert_eq!(late.as_secs(), 5);
        assert!(clock.now() >= reading);
    }

    #[test]
    fn the_largest_reading_is_no_panic() {
        let clock = Clock::start();
        assert!(clock.at(u64::MAX) > clock.at(clock.now()));
    }
}
