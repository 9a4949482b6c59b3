//! Masking (RFC 6455, section 5.3).

#[cfg(feature = "std")]
mod vectors;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Rule;

/// From this length on it is worth detecting which vector instructions the processor has.
#[cfg(feature = "std")]
const WORTH_ASKING: usize = 256;

/// Returns the key rotated for a part that begins `offset` bytes into a payload.
pub(crate) fn key_at(key: [u8; 4], offset: u64) -> [u8; 4] {
    let mut key = key;
    key.rotate_left((offset % 4) as usize);
    key
}

/// Masks or unmasks `payload`: the transformation is its own inverse.
#[inline]
pub(crate) fn apply(payload: &mut [u8], key: [u8; 4]) {
    if key == [0; 4] {
        return;
    }
    #[cfg(feature = "std")]
    if payload.len() >= WORTH_ASKING {
        return vectors::apply(payload, key);
    }
    apply_word_by_word(payload, key);
}

#[inline(always)]
fn apply_word_by_word(payload: &mut [u8], key: [u8; 4]) {
    let word = u32::from_ne_bytes(key);
    let (blocks, rest) = payload.as_chunks_mut::<64>();
    for block in blocks {
        // As many as fill the vectors of every processor.
        for bytes in block.as_chunks_mut::<4>().0 {
            *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(key) {
        *byte ^= mask;
    }
}

/// A source of mask keys that a peer can't predict (RFC 6455, section 10.3):
/// a CSPRNG, seeded by the host.
pub(crate) struct KeySource(ChaCha20Rng);

impl KeySource {
    /// How much entropy a source takes at least, in bytes.
    pub(crate) const ENTROPY: usize = 32;

    /// All of `entropy` counts; [`Rule::EntropyTooShort`] if it is less than
    /// [`KeySource::ENTROPY`].
    pub(crate) fn new(entropy: &[u8]) -> Result<KeySource, Rule> {
        if entropy.len() < KeySource::ENTROPY {
            return Err(Rule::EntropyTooShort);
        }
        let mut seed = [0; KeySource::ENTROPY];
        for (index, block) in entropy.chunks(KeySource::ENTROPY).enumerate() {
            if index > 0 {
                // Stirred, so that blocks which are alike don't cancel out.
                ChaCha20Rng::from_seed(seed).fill_bytes(&mut seed);
            }
            for (seed, byte) in seed.iter_mut().zip(block) {
                *seed ^= byte;
            }
        }
        Ok(KeySource(ChaCha20Rng::from_seed(seed)))
    }

    pub(crate) fn mask_key(&mut self) -> [u8; 4] {
        self.0.next_u32().to_ne_bytes()
    }

    /// The value of `Sec-WebSocket-Key` (RFC 6455, section 4.1).
    pub(crate) fn handshake_key(&mut self) -> [u8; 16] {
        self.bytes()
    }

    pub(crate) fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_example_of_section_5_7() {
        let mut hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        apply(&mut hello, [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(&hello, b"Hello");
    }

    #[test]
    fn class_17_keys_are_distinct_and_follow_from_the_entropy() {
        let count = if cfg!(miri) { 20 } else { 1000 };
        let keys = |entropy: &[u8]| {
            let mut source = KeySource::new(entropy).unwrap();
            (0..count).map(|_| source.mask_key()).collect::<Vec<_>>()
        };
        let mut first = keys(&[1; 32]);
        assert_eq!(first, keys(&[1; 32]));
        assert_ne!(first, keys(&[2; 32]));
        assert_ne!(first, keys(&[&[1u8; 32][..], &[9]].concat()));
        assert_ne!(keys(&[1; 64]), keys(&[2; 64]));
        first.sort_unstable();
        first.dedup();
        assert!(
            first.len() > count * 99 / 100,
            "{} keys differ",
            first.len()
        );
    }

    #[test]
    fn class_17_too_little_entropy_is_an_error() {
        for length in 0..KeySource::ENTROPY {
            let entropy = alloc::vec![7; length];
            assert_eq!(KeySource::new(&entropy).err(), Some(Rule::EntropyTooShort));
        }
    }
}
