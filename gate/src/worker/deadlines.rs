//! The deadlines of connections.

use std::collections::BTreeSet;

use websocket_host::protocol::Instant;

/// Deadlines with the keys of connections, at most one for each.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, usize)>);

impl Deadlines {
    /// Brings the deadline of a connection forward to `due`, if it is earlier.
    pub(super) fn bring_forward(&mut self, was: &mut Option<Instant>, due: Instant, key: usize) {
        if was.is_none_or(|was| due < was) {
            self.remove(*was, key);
            self.0.insert((due, key));
            *was = Some(due);
        }
    }

    pub(super) fn remove(&mut self, was: Option<Instant>, key: usize) {
        if let Some(was) = was {
            self.0.remove(&(was, key));
        }
    }

    /// Returns the earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Removes the earliest deadline if it has passed. Returns the key.
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        match self.next()? <= now {
            true => self.0.pop_first().map(|(_, key)| key),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;

    #[test]
    fn they_come_in_order_and_not_before_their_time() {
        let mut deadlines = Deadlines::default();
        for (due, key) in [(30, 3), (10, 1), (20, 2), (10, 4)] {
            deadlines.bring_forward(&mut None, due, key);
        }
        assert_eq!(deadlines.next(), Some(10));
        assert_eq!(deadlines.pop(9), None);
        assert_eq!(deadlines.pop(10), Some(1));
        assert_eq!(deadlines.pop(10), Some(4));
        assert_eq!(deadlines.pop(10), None);
        assert_eq!(deadlines.pop(u64::MAX), Some(2));
        assert_eq!(deadlines.pop(u64::MAX), Some(3));
        assert_eq!((deadlines.pop(u64::MAX), deadlines.next()), (None, None));
    }

    #[test]
    fn a_connection_has_one_which_only_comes_nearer() {
        let (mut deadlines, mut was) = (Deadlines::default(), None);
        for due in [30, 40, 10, 20] {
            deadlines.bring_forward(&mut was, due, 1);
        }
        assert_eq!((was, deadlines.0.len()), (Some(10), 1));
        deadlines.remove(was, 1);
        assert_eq!(deadlines.next(), None);
    }
}
