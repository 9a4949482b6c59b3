//! Time, which the host passes in.

use core::time::Duration;

use crate::limits::nanos;

/// A reading of the host's monotonic clock, in nanoseconds since any origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanos: u64,
}

impl Instant {
    /// The largest reading, which means never.
    pub(super) const NEVER: Instant = Instant::from_nanos(u64::MAX);

    /// Returns the reading of this many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant { nanos }
    }

    /// Returns the nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// Returns the reading `span` later, or the largest one.
    pub fn after(self, span: Duration) -> Instant {
        self.checked_after(span).unwrap_or(Instant::NEVER)
    }

    /// Returns the reading `span` later, if it doesn't overflow.
    pub fn checked_after(self, span: Duration) -> Option<Instant> {
        let span = nanos(span)?;
        Some(Instant::from_nanos(self.nanos.checked_add(span)?))
    }

    /// The reading this many nanoseconds later, or [`Instant::NEVER`].
    pub(super) const fn plus(self, nanos: u64) -> Instant {
        Instant::from_nanos(self.nanos.saturating_add(nanos))
    }

    /// Returns the time from `earlier` to this reading, or zero if it is not earlier.
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
