//! Compares received frames with the messages that were sent (RFC 6455, section 5.2).

use anyhow::{Result, ensure};
use host_tests::wire::{BINARY, CONTINUATION, FIN, Header};

use super::content::Content;

/// Compares received bytes with the messages. A message may arrive in any number of frames: a proxy may fragment it.
#[derive(Default)]
pub(super) struct Check {
    /// The index of the message within the cycle, and how much of it has arrived.
    message: usize,
    at: usize,
    header: [u8; 14],
    /// How much of the header has arrived.
    filled: usize,
    frame: Option<Frame>,
}

#[derive(Clone, Copy)]
struct Frame {
    is_final: bool,
    left: u64,
    /// The mask key, rotated for the next byte.
    key: [u8; 4],
}

impl Check {
    /// Takes received bytes. Returns how many messages ended in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], content: &Content) -> Result<u64> {
        let mut ended = 0;
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.header(&mut bytes)? {
                    Some(frame) => frame,
                    None => return Ok(ended),
                },
            };
            let count =
                usize::try_from(frame.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (payload, rest) = bytes.split_at(count);
            let start = self.message * content.size + self.at;
            ensure!(count <= content.size - self.at, "a message is too long");
            let expected = &content.payload[start..start + count];
            ensure!(
                are_equal(payload, expected, frame.key),
                "a message is another one"
            );
            bytes = rest;
            self.at += count;
            frame.left -= count as u64;
            frame.key.rotate_left(count % 4);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(ended);
            }
            if frame.is_final {
                ensure!(self.at == content.size, "a message is too short");
                self.at = 0;
                self.message = (self.message + 1) % content.count();
                ended += 1;
            }
        }
    }

    /// Returns the frame whose header begins or continues here, if the header is complete.
    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>> {
        if self.filled == 0
            && let Some(header) = Header::parse(bytes)
        {
            *bytes = &bytes[header.length..];
            return Frame::begin(header).map(Some);
        }
        while let Some((first, rest)) = bytes.split_first() {
            self.header[self.filled] = *first;
            self.filled += 1;
            *bytes = rest;
            if let Some(header) = Header::parse(&self.header[..self.filled]) {
                self.filled = 0;
                return Frame::begin(header).map(Some);
            }
        }
        Ok(None)
    }
}

impl Frame {
    fn begin(header: Header) -> Result<Self> {
        ensure!(
            matches!(header.first & !FIN, CONTINUATION | BINARY),
            "a frame that begins with {:02x}",
            header.first
        );
        Ok(Self {
            is_final: header.first & FIN != 0,
            left: header.payload,
            key: header.key.unwrap_or_default(),
        })
    }
}

/// Whether the bytes are the expected ones once unmasked.
fn are_equal(bytes: &[u8], expected: &[u8], key: [u8; 4]) -> bool {
    if key == [0; 4] {
        return bytes == expected;
    }
    // Without an early exit, so that the compiler vectorizes it.
    let (words, rest) = bytes.as_chunks::<4>();
    let (expected_words, expected_rest) = expected.as_chunks::<4>();
    let key_word = u32::from_ne_bytes(key);
    let differ = words
        .iter()
        .zip(expected_words)
        .fold(0, |differ, (word, expected)| {
            differ | (u32::from_ne_bytes(*word) ^ key_word ^ u32::from_ne_bytes(*expected))
        });
    let tail = rest.iter().zip(key).map(|(byte, key)| byte ^ key);
    differ == 0 && tail.eq(expected_rest.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    fn feed(bytes: &[u8], step: usize, content: &Content) -> Result<u64> {
        let mut check = Check::default();
        bytes
            .chunks(step)
            .map(|part| check.feed(part, content))
            .sum()
    }

    #[test]
    fn frames_of_both_directions_are_their_messages_wherever_reads_cut_them() {
        for size in [1, 125, 126, 70_000] {
            let content = Content::new(Size(size));
            let count = content.count() as u64;
            for step in [1, 3, 1000, usize::MAX] {
                assert_eq!(feed(&content.from_server, step, &content).unwrap(), count);
                assert_eq!(feed(&content.from_client, step, &content).unwrap(), count);
            }
        }
    }

    #[test]
    fn a_message_may_come_in_fragments() {
        let content = Content::new(Size(10));
        let mut bytes = vec![0x02, 3];
        bytes.extend(&content.payload[..3]);
        bytes.extend([0x80, 7]);
        bytes.extend(&content.payload[3..10]);
        assert_eq!(feed(&bytes, 1, &content).unwrap(), 1);
    }

    #[test]
    fn what_is_wrong_is_noticed() {
        let content = Content::new(Size(125));
        for place in [0, 1, 2, 60, 126] {
            for frames in [&content.from_server, &content.from_client] {
                let mut bytes = frames[..2 * 127].to_vec();
                bytes[place] ^= 1;
                assert!(feed(&bytes, usize::MAX, &content).is_err(), "{place}");
            }
        }
    }
}
