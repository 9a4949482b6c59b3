//! What good connections send: numbered, unique messages of all sizes.

use websocket_component::Message;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub is_text: bool,
    /// In pieces of how many bytes it is sent, if not whole.
    pub piece: Option<usize>,
}

impl Content {
    /// Returns the message of a connection with this number.
    #[must_use]
    pub fn new(connection: usize, number: usize) -> Content {
        // Connections that send in step would have all their large messages at once.
        let size = match (number + connection) % 50 {
            7 => 100_000,
            17 | 37 => 17_000,
            kind if kind % 5 == 1 => 2_000,
            kind => kind * 5,
        };
        let is_text = !number.is_multiple_of(3);
        let mut bytes = format!("{connection} {number} ").into_bytes();
        let mut state = (connection as u64) << 32 | number as u64;
        while bytes.len() < size {
            // Knuth's MMIX generator: it has to differ from message to message, and no more.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match is_text {
                true => bytes.extend(
                    "aé水🙂"
                        .chars()
                        .nth(state as usize >> 33 & 3)
                        .map(String::from)
                        .unwrap_or_default()
                        .bytes(),
                ),
                false => bytes.push((state >> 33) as u8),
            }
        }
        Content {
            piece: number.is_multiple_of(4).then_some(size / 3 + 1),
            bytes,
            is_text,
        }
    }

    /// As it is sent.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        let piece = self.piece.unwrap_or(self.bytes.len());
        let last = self.bytes.len().div_ceil(piece);
        let pieces = self.bytes.chunks(piece).enumerate();
        pieces.map(
            move |(index, bytes)| match (self.is_text, index + 1 == last) {
                (true, true) => Message::Utf8(bytes),
                (true, false) => Message::Utf8Fragment(bytes),
                (false, true) => Message::Binary(bytes),
                (false, false) => Message::BinaryFragment(bytes),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_alike_only_if_they_are_the_same() {
        assert_eq!(Content::new(3, 7), Content::new(3, 7));
        for other in [Content::new(3, 57), Content::new(4, 7)] {
            assert_ne!(Content::new(3, 7).bytes, other.bytes);
        }
    }

    #[test]
    fn pieces_make_up_the_message_and_text_is_text() {
        for number in 0..100 {
            let content = Content::new(1, number);
            let mut whole = Vec::new();
            for message in content.messages() {
                whole.extend_from_slice(match message {
                    Message::Utf8(bytes)
                    | Message::Utf8Fragment(bytes)
                    | Message::Binary(bytes)
                    | Message::BinaryFragment(bytes) => bytes,
                    other => panic!("{other:?}"),
                });
            }
            assert_eq!(whole, content.bytes);
            assert!(!content.is_text || String::from_utf8(whole).is_ok());
        }
    }
}
