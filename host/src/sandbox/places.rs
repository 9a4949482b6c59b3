//! Counts the guests of a sandbox that are in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The places for guests, up to a limit.
#[derive(Debug)]
pub(crate) struct Places {
    taken: AtomicU32,
    most: u32,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Places>);

impl Places {
    pub(crate) fn new(most: u32) -> Arc<Self> {
        let taken = AtomicU32::new(0);
        Arc::new(Self { taken, most })
    }

    /// Takes a place, if one is free.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Place> {
        let next = |taken| (taken < self.most).then(|| taken + 1);
        // No other memory depends on the number.
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self.taken.fetch_update(set, get, next);
        taken.is_ok().then(|| Place(Arc::clone(self)))
    }

    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Places::new(2);
        let (one, two) = (places.take(), places.take());
        assert!(one.is_some() && two.is_some());
        assert!(places.take().is_none());
        assert_eq!(places.taken(), 2);
        drop(one);
        assert!(places.take().is_some());
        assert_eq!(places.taken(), 1);
    }
}
