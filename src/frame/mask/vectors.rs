//! Masking with the vectors that this processor has.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x64, u32x16};

#[inline(never)]
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    let (blocks, rest) = payload.as_chunks_mut::<64>();
    dispatch!(Level::new(), simd => apply_to_blocks(simd, blocks, key));
    super::apply_word_by_word(rest, key);
}

// Where it is inlined decides which vectors it uses.
#[inline(always)]
fn apply_to_blocks<S: Simd>(simd: S, blocks: &mut [[u8; 64]], key: [u8; 4]) {
    let key = u32x16::splat(simd, u32::from_ne_bytes(key)).to_bytes();
    for block in blocks {
        let masked = u8x64::from_slice(simd, block) ^ key;
        masked.store_slice(block);
    }
}
