//! The messages that one exchange sends.

use std::collections::VecDeque;

use super::message::Message;
use crate::protocol::Outgoing;

/// Messages as records that point into a payload. One alone is lent to the guest as it is; several are put together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Outgoing>,
    joined: Vec<u8>,
}

impl Batch {
    /// The first of the outbox: one, or as many as have no more than `most` bytes together, and each less than `long`.
    pub(super) fn of(outbox: &VecDeque<Message>, most: u32, long: usize) -> Self {
        let mut batch = Self::default();
        let mut end = 0_u32;
        for message in outbox {
            let record = message.outgoing(end);
            end = end.saturating_add(record.length);
            if (end > most || message.len() >= long) && !batch.records.is_empty() {
                break;
            }
            batch.records.push(record);
        }
        if batch.records.len() > 1 {
            for message in outbox.range(..batch.records.len()) {
                batch.joined.extend_from_slice(message.as_bytes());
            }
        }
        batch
    }

    /// What the records point into.
    pub(super) fn payload<'a>(&'a self, outbox: &'a VecDeque<Message>) -> &'a [u8] {
        match (&self.records[..], outbox.front()) {
            ([_], Some(message)) => message.as_bytes(),
            _ => &self.joined,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Batch, Message};

    fn batch(sizes: &[usize], most: u32) -> (Vec<(u32, u32)>, usize) {
        let outbox: VecDeque<_> = sizes
            .iter()
            .map(|&size| Message::binary(vec![1; size]))
            .collect();
        let batch = Batch::of(&outbox, most, 1000);
        let places = batch
            .records
            .iter()
            .map(|record| (record.start, record.length));
        (places.collect(), batch.payload(&outbox).len())
    }

    #[test]
    fn those_that_fit_go_together() {
        assert_eq!(batch(&[3, 0, 4, 5], 10), (vec![(0, 3), (3, 0), (3, 4)], 7));
        assert_eq!(batch(&[3, 7, 0], 10), (vec![(0, 3), (3, 7), (10, 0)], 10));
    }

    #[test]
    fn a_long_one_goes_alone() {
        assert_eq!(batch(&[1, 1000, 1], 2000), (vec![(0, 1)], 1));
        assert_eq!(batch(&[1000, 1], 2000), (vec![(0, 1000), (1000, 1)], 1001));
    }

    #[test]
    fn a_big_one_goes_alone() {
        assert_eq!(batch(&[11, 1], 10), (vec![(0, 11)], 11));
        assert_eq!(batch(&[1, 11], 10), (vec![(0, 1)], 1));
        assert_eq!(batch(&[], 10), (vec![], 0));
    }
}
