//! UTF-8 that comes in chunks (RFC 6455, section 8.1; RFC 3629).

use core::str;

use crate::faults;

/// The state between two chunks: the bytes of a character that is not whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8 {
    pending: [u8; 4],
    length: u8,
}

/// Whether a text is valid that comes in one chunk.
#[inline]
pub(crate) fn is_whole(text: &[u8]) -> bool {
    faults::utf8() || simdutf8::basic::from_utf8(text).is_ok()
}

impl Utf8 {
    /// Checks the next chunk. The error is the index of the first byte after
    /// which no continuation can make the text valid.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<(), usize> {
        if faults::utf8() {
            return Ok(());
        }
        let carried = if self.length == 0 {
            0
        } else {
            self.complete_pending(chunk)?
        };
        let rest = chunk.get(carried..).unwrap_or_default();
        let Err(error) = simdutf8::compat::from_utf8(rest) else {
            return Ok(());
        };
        let tail = rest.get(error.valid_up_to()..).unwrap_or_default();
        match error.error_len() {
            None => {
                for (slot, byte) in self.pending.iter_mut().zip(tail) {
                    *slot = *byte;
                }
                self.length = tail.len() as u8;
                Ok(())
            }
            // The error's length counts the bytes that could still have become a
            // character, or is 1 for a byte that can't begin one.
            Some(length) => {
                let good = match tail.first() {
                    Some(0xc2..=0xf4) => length,
                    _ => 0,
                };
                Err(carried + error.valid_up_to() + good)
            }
        }
    }

    /// Returns the state as a number of 26 bits: the bytes of the character that is cut from the
    /// lowest bits on, and in the highest two how many they are.
    pub(crate) fn to_bits(self) -> u32 {
        let [first, second, third, _] = self.pending;
        let bytes = match self.length {
            0 => [0; 4],
            1 => [first, 0, 0, 0],
            2 => [first, second, 0, 0],
            _ => [first, second, third, 0],
        };
        u32::from_le_bytes(bytes) | u32::from(self.length) << 24
    }

    /// Returns the state that [`Utf8::to_bits`] has written. Others can be completed to no
    /// character.
    pub(crate) fn from_bits(bits: u32) -> Utf8 {
        let [first, second, third, length] = bits.to_le_bytes();
        Utf8 {
            pending: [first, second, third, 0],
            length: length & 3,
        }
    }

    /// Whether the text may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.length == 0
    }

    /// Takes bytes from `chunk` until the pending character is whole, and tells
    /// how many.
    fn complete_pending(&mut self, chunk: &[u8]) -> Result<usize, usize> {
        for (taken, byte) in chunk.iter().enumerate() {
            let length = usize::from(self.length);
            let Some(slot) = self.pending.get_mut(length) else {
                return Err(taken);
            };
            *slot = *byte;
            self.length += 1;
            match str::from_utf8(self.pending.get(..=length).unwrap_or_default()) {
                Ok(_) => {
                    self.length = 0;
                    return Ok(taken + 1);
                }
                Err(error) if error.error_len().is_some() => return Err(taken),
                Err(_) => {}
            }
        }
        Ok(chunk.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::exhaustive::utf8::{feed, of_core};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn fails_at_the_very_byte() {
        assert_eq!(feed(&[b"ab\xffcd"]), Err(2));
        assert_eq!(feed(&[b"ab\xc3\x28"]), Err(3));
        assert_eq!(feed(&[b"\xed\xa0\x80"]), Err(1));
        assert_eq!(feed(&[b"\xf4\x90"]), Err(1));
        assert_eq!(feed(&[b"\xce\xba\xe1\xbd"]), Ok(false));
        assert_eq!(feed(&[b"\xce\xba\xe1\xbd", b"\xb9"]), Ok(true));
        assert_eq!(feed(&[b"\xe1", b"\xbd", b"\x28"]), Err(2));
    }

    proptest! {
        #[test]
        fn long_text_agrees_with_core_at_every_cut(
            text in "\\PC{0,90}",
            junk in proptest::collection::vec(any::<u8>(), 0..3),
            cut in any::<proptest::sample::Index>(),
        ) {
            let bytes: Vec<u8> = [text.as_bytes(), &junk, text.as_bytes()].concat();
            let expected = of_core(&bytes);
            let cut = cut.index(bytes.len() + 1);
            prop_assert_eq!(feed(&[&bytes]), expected);
            prop_assert_eq!(feed(&[&bytes[..cut], &bytes[cut..]]), expected);
        }
    }
}
