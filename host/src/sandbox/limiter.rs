//! The limits of one guest, and whether it has hit them.

use wasmtime::{Error, ResourceLimiter, Result};

use crate::sandbox::call_time::CallTime;
use crate::sandbox::config::SandboxConfig;
use crate::sandbox::places::Place;

/// Enforces a guest's limits. A guest that is refused memory traps; `denied` distinguishes that trap from others.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_limit: usize,
    table_limit: usize,
    memory: usize,
    denied: bool,
    pub(crate) call_time: CallTime,
    _place: Place,
}

impl Limiter {
    pub(crate) fn new(limits: &SandboxConfig, place: Place) -> Self {
        Self {
            memory_limit: limits.memory,
            table_limit: limits.table_elements,
            memory: 0,
            denied: false,
            call_time: CallTime::new(limits.call_time),
            _place: place,
        }
    }

    /// Returns the size of the guest's memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Returns its limit.
    pub(crate) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    /// Whether memory was refused since the last `begin`.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }

    /// Starts a new call, and forgets memory that an earlier call was refused and survived.
    pub(crate) fn begin(&mut self) {
        self.denied = false;
        self.call_time.begin();
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let granted = desired <= self.memory_limit;
        if granted {
            self.memory = desired;
        } else {
            self.denied = true;
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= self.table_limit)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter;

    use super::Limiter;
    use crate::sandbox::config::SandboxConfig;
    use crate::sandbox::places::Places;

    fn limiter(memory: usize, table_elements: usize) -> Limiter {
        let limits = SandboxConfig {
            memory,
            table_elements,
            ..SandboxConfig::default()
        };
        Limiter::new(&limits, Places::new(1).take().expect("a place"))
    }

    #[test]
    fn memory_up_to_the_limit_is_granted_and_beyond_it_remembered_as_denied() {
        let mut limiter = limiter(1 << 20, 8);
        assert!(limiter.memory_growing(0, 1 << 20, None).unwrap());
        assert_eq!((limiter.memory(), limiter.denied()), (1 << 20, false));
        assert!(
            !limiter
                .memory_growing(1 << 20, (1 << 20) + 1, None)
                .unwrap()
        );
        assert_eq!((limiter.memory(), limiter.denied()), (1 << 20, true));
        limiter.begin();
        assert!(!limiter.denied());
    }

    #[test]
    fn a_table_stays_within_its_limit() {
        let mut limiter = limiter(0, 8);
        assert!(limiter.table_growing(0, 8, None).unwrap());
        assert!(!limiter.table_growing(8, 9, None).unwrap());
    }
}
