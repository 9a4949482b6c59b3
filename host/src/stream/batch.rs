//! The messages that one exchange sends.

use std::collections::VecDeque;

use websocket_component::{Message as Borrowed, Outgoing};

use super::message::Message;

/// The maximum length of a fragment: one call compresses it, which takes time and memory in proportion. A longer
/// message is sent in several.
pub(super) const PIECE: usize = 256 << 10;

/// Messages to send, which borrow their payloads.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) outgoing: Vec<Outgoing<'a>>,
}

impl<'a> Batch<'a> {
    /// Takes messages from the front of the outbox: one, or as many as fit in `most` bytes together and are each
    /// shorter than `long`. Of a message longer than [`PIECE`], takes the fragment after its first `begun` bytes.
    pub(super) fn of(outbox: &'a VecDeque<Message>, begun: usize, most: u32, long: usize) -> Self {
        if let Some(piece) = outbox
            .front()
            .and_then(|message| message.piece(begun, PIECE))
        {
            return Self {
                outgoing: vec![piece],
            };
        }
        let (mut outgoing, mut length) = (Vec::new(), 0_usize);
        for message in outbox {
            length = length.saturating_add(message.len());
            let is_too_long = length > most as usize || message.len() >= long;
            if is_too_long && !outgoing.is_empty() {
                break;
            }
            outgoing.push(message.outgoing());
        }
        Self { outgoing }
    }

    /// Returns the length of a fragment that isn't the last.
    pub(super) fn piece(&self) -> Option<usize> {
        match self.outgoing.first()?.message {
            Borrowed::Utf8Fragment(bytes) | Borrowed::BinaryFragment(bytes) => Some(bytes.len()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Batch, Borrowed, Message, PIECE};

    #[test]
    fn a_message_that_is_longer_than_a_piece_goes_in_fragments() {
        let text = "x".repeat(2 * PIECE + 1);
        let outbox = VecDeque::from([Message::text(text.as_str()), Message::text("next")]);
        let piece = |begun| match Batch::of(&outbox, begun, 10, 1000).outgoing[..] {
            [alone] => alone.message,
            _ => panic!("there is more than one"),
        };
        let fragment = Borrowed::Utf8Fragment(&text.as_bytes()[..PIECE]);
        assert_eq!(piece(0), fragment);
        assert_eq!(piece(PIECE), fragment);
        assert_eq!(piece(2 * PIECE), Borrowed::Utf8(b"x"));
        // The rest is one fragment, the last.
        let last = Borrowed::Utf8(&text.as_bytes()[..PIECE]);
        assert_eq!(piece(PIECE + 1), last);
    }

    /// Returns how many messages a batch takes, and their bytes.
    fn batch(sizes: &[usize], most: u32) -> (usize, usize) {
        let message = |&size| Message::binary(vec![1; size]);
        let outbox: VecDeque<_> = sizes.iter().map(message).collect();
        let outgoing = Batch::of(&outbox, 0, most, 1000).outgoing;
        let length = |message| match message {
            Borrowed::Binary(bytes) => bytes.len(),
            other => panic!("a binary message became {other:?}"),
        };
        let lengths = outgoing.iter().map(|outgoing| length(outgoing.message));
        (outgoing.len(), lengths.sum())
    }

    #[test]
    fn those_that_fit_go_together() {
        assert_eq!(batch(&[3, 0, 4, 5], 10), (3, 7));
        assert_eq!(batch(&[3, 7, 0], 10), (3, 10));
    }

    #[test]
    fn a_long_one_goes_alone() {
        assert_eq!(batch(&[1, 1000, 1], 2000), (1, 1));
        assert_eq!(batch(&[1000, 1], 2000), (2, 1001));
    }

    #[test]
    fn a_big_one_goes_alone() {
        assert_eq!(batch(&[11, 1], 10), (1, 11));
        assert_eq!(batch(&[1, 11], 10), (1, 1));
        assert_eq!(batch(&[], 10), (0, 0));
    }
}
