//! Masking with the vectors that this processor has.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x64, u32x16};

/// The longest vector, which is also as long as a line of most caches.
const BLOCK: usize = 64;
/// From this length on, aligning vectors to cache lines pays off.
const WORTH_ALIGNING: usize = 4096;

#[inline(never)]
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    if payload.len() < WORTH_ALIGNING {
        return apply_from_here(payload, key);
    }
    let ahead = payload.as_ptr().align_offset(BLOCK).min(payload.len());
    let (ahead, aligned) = payload.split_at_mut(ahead);
    super::apply_word_by_word(ahead, key);
    apply_from_here(aligned, super::key_at(key, ahead.len() as u64));
}

fn apply_from_here(payload: &mut [u8], key: [u8; 4]) {
    let (blocks, rest) = payload.as_chunks_mut::<BLOCK>();
    dispatch!(Level::new(), simd => apply_to_blocks(simd, blocks, key));
    super::apply_word_by_word(rest, key);
}

// Where it is inlined decides which vectors it uses.
#[inline(always)]
fn apply_to_blocks<S: Simd>(simd: S, blocks: &mut [[u8; BLOCK]], key: [u8; 4]) {
    let key = u32x16::splat(simd, u32::from_ne_bytes(key)).to_bytes();
    for block in blocks {
        let masked = u8x64::from_slice(simd, block) ^ key;
        masked.store_slice(block);
    }
}
