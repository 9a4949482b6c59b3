//! The messages that one exchange sends.

use std::collections::VecDeque;

use super::message::Message;
use crate::protocol::{Outgoing, OutgoingKind};

/// The longest piece of a message that a guest is given at once: it is compressed in the same call, which takes time and
/// memory by its length. A longer message goes in fragments.
pub(super) const PIECE: usize = 256 << 10;

/// Messages as records that point into a payload. One alone is lent to the guest as it is; several are put together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Outgoing>,
    joined: Vec<u8>,
    /// Where the only record begins in its message.
    begin: usize,
}

impl Batch {
    /// The first of the outbox: one, or as many as have no more than `most` bytes together, and each less than `long`. Of
    /// one that is longer than a piece, the piece behind its first `begun` bytes.
    pub(super) fn of(outbox: &VecDeque<Message>, begun: usize, most: u32, long: usize) -> Self {
        let mut batch = Self::default();
        if let Some(record) = outbox
            .front()
            .and_then(|message| message.piece(begun, PIECE))
        {
            (batch.records, batch.begin) = (vec![record], begun);
            return batch;
        }
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

    /// How many bytes of a message these are, if more of it follows.
    pub(super) fn piece(&self) -> Option<usize> {
        use OutgoingKind::{BinaryFragment, TextFragment};
        let record = self.records.first()?;
        let is_piece = matches!(record.kind, TextFragment(_) | BinaryFragment(_));
        is_piece.then_some(record.length as usize)
    }

    /// What the records point into.
    pub(super) fn payload<'a>(&'a self, outbox: &'a VecDeque<Message>) -> &'a [u8] {
        match (&self.records[..], outbox.front()) {
            ([record], Some(message)) => {
                let end = self.begin + record.length as usize;
                message.as_bytes().get(self.begin..end).unwrap_or_default()
            }
            _ => &self.joined,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Batch, Message, PIECE};
    use crate::protocol::{Compression, OutgoingKind};

    #[test]
    fn a_message_that_is_longer_than_a_piece_goes_in_fragments() {
        use OutgoingKind::{Text, TextFragment};
        let text = "x".repeat(2 * PIECE + 1);
        let outbox = VecDeque::from([Message::text(text), Message::text("next")]);
        let piece = |begun| {
            let batch = Batch::of(&outbox, begun, 10, 1000);
            let records: Vec<_> = batch.records.iter().map(|record| record.kind).collect();
            (records, batch.payload(&outbox).len())
        };
        let fragment = vec![TextFragment(Compression::Automatic)];
        assert_eq!(piece(0), (fragment.clone(), PIECE));
        assert_eq!(piece(PIECE), (fragment, PIECE));
        assert_eq!(piece(2 * PIECE), (vec![Text(Compression::Automatic)], 1));
    }

    fn batch(sizes: &[usize], most: u32) -> (Vec<(u32, u32)>, usize) {
        let outbox: VecDeque<_> = sizes
            .iter()
            .map(|&size| Message::binary(vec![1; size]))
            .collect();
        let batch = Batch::of(&outbox, 0, most, 1000);
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
