//! Masks (RFC 6455, section 5.3), for every length from 0 to 300, and about where long ones begin.
//!
//! The widest step of the transformation is the compiler's: 64 bytes at most on
//! any target, unrolled at most four times. 300 is past that, with a rest of
//! every length. Under Miri, which has no vectors, 36 is.

use alloc::vec::Vec;

use crate::frame::mask::{apply, key_at};

const LONGEST: usize = if cfg!(miri) { 36 } else { 300 };

/// As far apart as cache lines: every alignment that matters is inside.
const ALIGNMENTS: usize = if cfg!(miri) { 3 } else { 64 };

/// Four bytes that differ in all bits that can, so that no phase looks like another.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x9c];

#[repr(align(64))]
struct Aligned([u8; LONGEST + ALIGNMENTS]);

/// The payload before it is masked: no two neighbours alike, and no period of 4.
fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// The formula of the RFC, byte by byte, from `offset` bytes into the payload on.
fn masked(plain: &[u8], key: [u8; 4], offset: usize) -> Vec<u8> {
    let bytes = plain.iter().enumerate();
    bytes
        .map(|(i, byte)| byte ^ key[(offset + i) % 4])
        .collect()
}

/// 301 lengths, 64 alignments, 4 phases, 3 keys: 231,168 cases, each there and back.
#[test]
fn masks_of_every_length_alignment_and_phase() {
    let mut buffer = Aligned([0; LONGEST + ALIGNMENTS]);
    for key in [KEY, [0, 0, 0, 1], [0; 4]] {
        for length in 0..=LONGEST {
            let plain = plain(length);
            for phase in 0..4 {
                let expected = masked(&plain, key, phase);
                let turned = key_at(key, phase as u64);
                for start in 0..ALIGNMENTS {
                    buffer.0.fill(0xee);
                    let place = start..start + length;
                    buffer.0[place.clone()].copy_from_slice(&plain);
                    apply(&mut buffer.0[place.clone()], turned);
                    assert_eq!(buffer.0[place.clone()], expected, "{length} at {start}");
                    let around = [&buffer.0[..start], &buffer.0[start + length..]];
                    assert!(around.concat().iter().all(|byte| *byte == 0xee));
                    apply(&mut buffer.0[place.clone()], turned);
                    assert_eq!(buffer.0[place], plain, "{length} at {start}");
                }
            }
        }
    }
}

/// A long payload is masked up to a border of cache lines first: 131 lengths from the first that is, 64 alignments, 4
/// phases: 33,536 cases.
#[test]
#[cfg_attr(miri, ignore = "takes too long, and no vectors are there")]
fn masks_of_long_payloads_at_every_alignment() {
    const FROM: usize = 4095;
    const TO: usize = FROM + 130;
    let plain = plain(TO);
    let mut buffer = [0xee; TO + 2 * ALIGNMENTS];
    // Of an array on the stack the alignment is unknown, but all of them come.
    for start in 0..ALIGNMENTS {
        for phase in 0..4 {
            let expected = masked(&plain, KEY, phase);
            for length in FROM..=TO {
                let place = start..start + length;
                buffer[place.clone()].copy_from_slice(&plain[..length]);
                apply(&mut buffer[place.clone()], key_at(KEY, phase as u64));
                assert!(buffer[place] == expected[..length], "{length} at {start}");
                let around = [&buffer[..start], &buffer[start + length..]];
                assert!(around.concat().iter().all(|byte| *byte == 0xee));
                buffer.fill(0xee);
            }
        }
    }
}

/// Every length cut at every place: 45,451 cases.
#[test]
fn masks_of_a_payload_that_comes_in_two_pieces() {
    for length in 0..=LONGEST {
        let plain = plain(length);
        let expected = masked(&plain, KEY, 0);
        for cut in 0..=length {
            let mut bytes = plain.clone();
            let (head, tail) = bytes.split_at_mut(cut);
            apply(head, key_at(KEY, 0));
            apply(tail, key_at(KEY, cut as u64));
            assert_eq!(bytes, expected, "{length} cut at {cut}");
        }
    }
}

/// The key's phase is the offset modulo 4, also where the offset doesn't fit in 32 bits.
#[test]
fn masks_far_into_a_payload() {
    for base in [0, (1 << 32) - 2, 1 << 32, (1 << 63) - 4, u64::MAX - 8] {
        for offset in base..base + 8 {
            let phase = (offset % 4) as usize;
            let expected: Vec<u8> = (0..4).map(|i| KEY[(phase + i) % 4]).collect();
            assert_eq!(key_at(KEY, offset)[..], expected, "{offset}");
        }
    }
}
