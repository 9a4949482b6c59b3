//! Pieces of a message that are too small to be a fragment of their own.
//!
//! A session delivers what has come of a message at the end of each read, and what is delivered leaves as a fragment. A
//! large message that comes in small segments would leave in thousands of them, and many servers have a limit on that.
//! So small pieces wait for more, but not for long: a peer may well send a message bit by bit, and mean it.

use std::time::Duration;

use websocket_host::protocol::{Instant, Kind};

use crate::scratch::Batch;
use crate::units::nanos;

/// A piece of this many bytes doesn't wait.
const ENOUGH: usize = 16 << 10;

/// How long a smaller one may wait for the next.
const PATIENCE: Duration = Duration::from_millis(20);

/// The small piece that waits, of one direction.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    held: Option<Box<Held>>,
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    bytes: Vec<u8>,
    due: Instant,
}

impl Gather {
    /// Puts what waits in front of what comes now, and keeps a small piece at its end.
    pub(crate) fn pass(&mut self, batch: &mut Batch, now: Instant) {
        if batch.records.is_empty() {
            return;
        }
        let mut due = now.saturating_add(nanos(PATIENCE));
        if let Some(held) = self.held.take() {
            if batch.records.len() == 1 {
                due = held.due;
            }
            put_in_front(batch, *held);
        }
        let Some(last) = batch.records.last().filter(|last| is_fragment(last.kind)) else {
            return;
        };
        let bytes = batch.bytes(last);
        if bytes.len() < ENOUGH {
            self.held = Some(Box::new(Held {
                kind: last.kind,
                bytes: bytes.to_vec(),
                due,
            }));
            batch.records.pop();
        }
    }

    /// When what waits has waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.due)
    }

    /// Gives back what has waited long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Batch> {
        let held = self.held.take_if(|held| held.due <= now)?;
        let mut batch = Batch::default();
        batch.push(held.kind, 0, &held.bytes);
        Some(batch)
    }
}

/// What follows a piece is the rest of its message, or a close frame.
fn put_in_front(batch: &mut Batch, held: Held) {
    let Some(first) = batch.records.first().copied() else {
        return;
    };
    let rest = match first.kind {
        Kind::Close => Vec::new(),
        _ => batch.bytes(&first).to_vec(),
    };
    let kind = match first.kind {
        Kind::Close => held.kind,
        kind => kind,
    };
    let mut bytes = held.bytes;
    bytes.extend_from_slice(&rest);
    batch.push(kind, 0, &bytes);
    // It was appended, and belongs to the front.
    batch.records.rotate_right(1);
    if first.kind != Kind::Close {
        batch.records.remove(1);
    }
}

fn is_fragment(kind: Kind) -> bool {
    matches!(kind, Kind::TextFragment | Kind::BinaryFragment)
}

#[cfg(test)]
mod tests {
    use websocket_host::protocol::Outgoing;

    use super::*;

    const NOW: Instant = 1_000_000_000;
    const DUE: Instant = NOW + 20_000_000;

    fn batch(records: &[(Kind, &[u8])]) -> Batch {
        let mut batch = Batch::default();
        // As after a read: what the records don't point at is there too.
        batch.payload.extend_from_slice(b"head");
        for (kind, bytes) in records {
            batch.push(*kind, 0, bytes);
        }
        batch
    }

    fn passed(
        gather: &mut Gather,
        now: Instant,
        records: &[(Kind, &[u8])],
    ) -> Vec<(Kind, Vec<u8>)> {
        let mut batch = batch(records);
        gather.pass(&mut batch, now);
        content(&batch)
    }

    fn content(batch: &Batch) -> Vec<(Kind, Vec<u8>)> {
        let content = |record: &Outgoing| (record.kind, batch.bytes(record).to_vec());
        batch.records.iter().map(content).collect()
    }

    #[test]
    fn whole_messages_and_large_pieces_dont_wait() {
        let mut gather = Gather::default();
        let large = vec![7; ENOUGH];
        let records: [(Kind, &[u8]); 3] = [
            (Kind::Text, b"a"),
            (Kind::Binary, b""),
            (Kind::BinaryFragment, &large),
        ];
        let passed = passed(&mut gather, NOW, &records);
        assert_eq!(passed, records.map(|(kind, bytes)| (kind, bytes.to_vec())));
        assert_eq!(gather.due(), None);
    }

    #[test]
    fn a_small_piece_waits_for_the_rest_of_its_message() {
        let mut gather = Gather::default();
        let first = passed(
            &mut gather,
            NOW,
            &[(Kind::Text, b"a"), (Kind::TextFragment, b"b")],
        );
        assert_eq!(first, [(Kind::Text, b"a".to_vec())]);
        assert_eq!(gather.due(), Some(DUE));
        assert_eq!(
            passed(&mut gather, NOW + 5, &[(Kind::TextFragment, b"c")]),
            []
        );
        assert_eq!(gather.due(), Some(DUE), "since the first of them");
        let rest = passed(
            &mut gather,
            NOW + 6,
            &[(Kind::Text, b"d"), (Kind::Binary, b"e")],
        );
        assert_eq!(
            rest,
            [(Kind::Text, b"bcd".to_vec()), (Kind::Binary, b"e".to_vec())]
        );
        assert_eq!(gather.due(), None);
    }

    #[test]
    fn small_pieces_go_when_they_are_enough_together() {
        let mut gather = Gather::default();
        let half = vec![7; ENOUGH / 2];
        assert_eq!(
            passed(&mut gather, NOW, &[(Kind::BinaryFragment, &half)]),
            []
        );
        let both = passed(&mut gather, NOW, &[(Kind::BinaryFragment, &half)]);
        assert_eq!(both, [(Kind::BinaryFragment, vec![7; ENOUGH])]);
        assert_eq!(gather.due(), None);
    }

    #[test]
    fn nothing_waits_for_long() {
        let mut gather = Gather::default();
        passed(&mut gather, NOW, &[(Kind::TextFragment, b"b")]);
        assert!(gather.take_due(DUE - 1).is_none());
        let due = gather.take_due(DUE).unwrap();
        assert_eq!(content(&due), [(Kind::TextFragment, b"b".to_vec())]);
        assert!(gather.take_due(DUE).is_none());
    }

    #[test]
    fn a_close_frame_in_the_middle_of_a_message_stays_behind_its_pieces() {
        let mut gather = Gather::default();
        passed(&mut gather, NOW, &[(Kind::TextFragment, b"b")]);
        let passed = passed(&mut gather, NOW, &[(Kind::Close, b"bye")]);
        assert_eq!(
            passed,
            [
                (Kind::TextFragment, b"b".to_vec()),
                (Kind::Close, b"bye".to_vec())
            ]
        );
    }

    #[test]
    fn a_new_piece_behind_a_message_that_ends_has_its_own_time() {
        let mut gather = Gather::default();
        passed(&mut gather, NOW, &[(Kind::TextFragment, b"b")]);
        passed(
            &mut gather,
            NOW + 5,
            &[(Kind::Text, b"c"), (Kind::TextFragment, b"d")],
        );
        assert_eq!(gather.due(), Some(DUE + 5));
    }
}
