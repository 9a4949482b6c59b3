//! Time, which the host passes in.

use core::time::Duration;

/// A reading of a monotonic clock of the host's, in nanoseconds from any origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanos: u64,
}

impl Instant {
    /// The reading of this many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant { nanos }
    }

    /// Nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// The reading `span` later, or the clock's last.
    pub fn after(self, span: Duration) -> Instant {
        let last = Instant::from_nanos(u64::MAX);
        self.checked_after(span).unwrap_or(last)
    }

    /// The reading `span` later, if the clock gets that far.
    pub fn checked_after(self, span: Duration) -> Option<Instant> {
        let span = u64::try_from(span.as_nanos()).ok()?;
        Some(Instant::from_nanos(self.nanos.checked_add(span)?))
    }

    /// The time from `earlier` to this reading, or none if it is not earlier.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_the_nanoseconds_that_it_was_made_of() {
        for nanos in [0, 1, 2, u64::MAX] {
            assert_eq!(Instant::from_nanos(nanos).as_nanos(), nanos);
        }
    }
}
