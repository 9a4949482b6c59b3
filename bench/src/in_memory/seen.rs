//! What a decoder delivered.

use std::hint::black_box;

use anyhow::{Result, bail, ensure};

use crate::in_memory::workload::Message;

/// Receives a decoder's messages, in measured passes and in the one that is only checked: the decoder runs the same
/// code.
///
/// The kind, the length, and the first and last byte of each message, in order, go into a digest that is compared after
/// every pass. That is cheap enough not to blur the differences between decoders. In the pass before the measurement
/// every byte is compared too.
#[derive(Debug, Default)]
pub(crate) struct Seen<'a> {
    count: usize,
    digest: u64,
    /// The messages to compare with, byte by byte.
    whole: Option<&'a [Message]>,
    /// The first message that differed.
    wrong: Option<usize>,
}

impl<'a> Seen<'a> {
    /// Returns the state after a decoder has delivered these messages.
    pub(crate) fn after(messages: &[Message]) -> Self {
        let mut seen = Self::default();
        for message in messages {
            seen.message(message.is_text(), message.bytes());
        }
        seen
    }

    /// Makes one for a pass whose messages have to equal these, byte for byte.
    pub(crate) fn compare(messages: &'a [Message]) -> Self {
        Self {
            whole: Some(messages),
            ..Self::default()
        }
    }

    /// Takes a message that the decoder delivers.
    #[inline]
    pub(crate) fn message(&mut self, text: bool, payload: &[u8]) {
        let payload = black_box(payload);
        let first = payload.first().copied().unwrap_or(0);
        let last = payload.last().copied().unwrap_or(0);
        let word = u64::from(text) << 63
            | (payload.len() as u64) << 16
            | u64::from(first) << 8
            | u64::from(last);
        self.digest = self.digest.rotate_left(5) ^ word;
        if let Some(messages) = self.whole {
            let message = messages.get(self.count);
            let same = message.is_some_and(|m| m.is_text() == text && m.bytes() == payload);
            if !same && self.wrong.is_none() {
                self.wrong = Some(self.count);
            }
        }
        self.count += 1;
    }

    /// Checks that this is what was expected.
    pub(crate) fn check(&self, expected: &Seen<'_>) -> Result<()> {
        if let Some(number) = self.wrong {
            bail!("message {number} is not the one that was sent");
        }
        ensure!(
            (self.count, self.digest) == (expected.count, expected.digest),
            "other messages were delivered than sent"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use crate::in_memory::workload::Message;

    const SENT: [Message; 2] = [Message::Text("abc"), Message::Binary(b"defg")];

    fn is_right(mut seen: Seen<'_>, messages: &[(bool, &[u8])]) -> bool {
        for (text, payload) in messages {
            seen.message(*text, payload);
        }
        seen.check(&Seen::after(&SENT)).is_ok()
    }

    #[test]
    fn only_the_right_messages_pass() {
        let right: [(bool, &[u8]); 2] = [(true, b"abc"), (false, b"defg")];
        assert!(is_right(Seen::default(), &right));
        assert!(is_right(Seen::compare(&SENT), &right));
        let wrong: [&[(bool, &[u8])]; 5] = [
            &[(true, b"abc")],
            &[(false, b"abc"), (false, b"defg")],
            &[(false, b"defg"), (true, b"abc")],
            &[(true, b"abc"), (false, b"def")],
            &[(true, b"abc"), (false, b"defg"), (true, b"")],
        ];
        for messages in wrong {
            assert!(!is_right(Seen::default(), messages), "{messages:?}");
            assert!(!is_right(Seen::compare(&SENT), messages), "{messages:?}");
        }
        let inside: [(bool, &[u8]); 2] = [(true, b"axc"), (false, b"defg")];
        assert!(!is_right(Seen::compare(&SENT), &inside));
    }
}
