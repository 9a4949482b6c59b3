use alloc::vec;

use super::*;

fn compressor(takeover: bool) -> Compressor {
    compressor_with(takeover, &Deflate::default())
}

fn compressor_with(takeover: bool, settings: &Deflate) -> Compressor {
    let direction = Direction {
        window_bits: settings.send_window_bits,
        takeover,
    };
    Compressor::new(direction, settings).unwrap()
}

/// Bytes that don't compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    core::iter::repeat_with(next).take(length).collect()
}

const TEXT: &[u8] = b"a text that repeats itself: a text that repeats itself, and repeats itself";

#[test]
fn the_example_of_rfc_7692_section_7_2_3_1() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(compressor(true).compress(b"Hello", true), hello);
}

#[test]
fn with_takeover_a_message_refers_to_those_before_it() {
    let mut kept = compressor(true);
    let first = kept.compress_if_worth_it(TEXT, true).unwrap();
    let second = kept.compress_if_worth_it(TEXT, true).unwrap();
    assert!(second.len() < 10 && second.len() < first.len());
    let mut alone = compressor(false);
    assert_eq!(alone.compress_if_worth_it(TEXT, true).unwrap(), first);
    assert_eq!(alone.compress_if_worth_it(TEXT, true).unwrap(), first);
}

#[test]
fn without_takeover_nothing_is_kept_between_messages() {
    let mut alone = compressor(false);
    alone.compress(TEXT, false);
    assert!(alone.encoder.is_some());
    alone.compress(TEXT, true);
    assert!(alone.encoder.is_none());
}

#[test]
fn short_messages_go_as_they_are() {
    let mut compressor = compressor(true);
    assert_eq!(compressor.compress_if_worth_it(b"", true), None);
    assert_eq!(compressor.compress_if_worth_it(&[b'x'; 63], true), None);
    assert!(compressor.compress_if_worth_it(&[b'x'; 64], true).is_some());
}

#[test]
fn a_message_that_gets_longer_does_not_cost_the_context() {
    let mut compressor = compressor(true);
    compressor.compress_if_worth_it(TEXT, true).unwrap();
    let noise = noise(200);
    let longer = compressor.compress_if_worth_it(&noise, true).unwrap();
    assert_eq!(longer.len(), 206);
    let again = compressor.compress_if_worth_it(TEXT, true).unwrap();
    assert!(again.len() < 10, "{}", again.len());
}

#[test]
fn without_a_context_a_message_that_would_get_longer_goes_as_it_is() {
    let noise = noise(200);
    assert_eq!(compressor(false).compress_if_worth_it(&noise, true), None);
    let settings = Deflate {
        level: 0,
        ..Deflate::default()
    };
    let mut none = compressor_with(true, &settings);
    assert_eq!(none.compress_if_worth_it(TEXT, true), None);
}

#[test]
fn a_message_that_fills_the_window_and_would_get_longer_goes_as_it_is() {
    let settings = Deflate {
        send_window_bits: 9,
        ..Deflate::default()
    };
    let mut compressor = compressor_with(true, &settings);
    let noise = noise(512);
    assert!(compressor.compress_if_worth_it(&noise[1..], true).is_some());
    assert_eq!(compressor.compress_if_worth_it(&noise, true), None);
    // The peer's window doesn't have the noise: nothing may refer to it.
    let end = &noise[400..];
    let fresh = compressor_with(true, &settings).compress(end, true);
    assert_eq!(compressor.compress(end, true), fresh);
}

#[test]
fn no_message_gets_longer_by_more_than_an_eighth_and_10_bytes() {
    let (lengths, levels): (&[usize], _) = if cfg!(miri) {
        (&[64, 1000], 1..=1)
    } else {
        (&[64, 200, 1000, 4096, 16_384, 32_767], 1..=9)
    };
    let noise = noise(32_767);
    // Of these each takes nine bits at level 1.
    let high: Vec<u8> = noise.iter().map(|byte| byte | 0x90).collect();
    for level in levels {
        for memory_level in [1, 8] {
            let settings = Deflate {
                level,
                memory_level,
                ..Deflate::default()
            };
            for message in [&noise, &high] {
                for &length in lengths {
                    let mut compressor = compressor_with(true, &settings);
                    let compressed = compressor.compress(&message[..length], true);
                    let most = length + length / 8 + 10;
                    assert!(compressed.len() <= most, "{length} at level {level}");
                }
            }
        }
    }
}

#[test]
fn a_message_as_long_as_the_minimum_is_compressed() {
    let minimum = Deflate::default().min_length as usize;
    let text = vec![b'x'; minimum];
    let mut compressor = compressor(true);
    assert_eq!(compressor.compress_if_worth_it(&text[1..], true), None);
    assert!(compressor.compress_if_worth_it(&text, true).is_some());
}

#[test]
fn with_a_minimum_of_0_every_message_is_compressed() {
    let settings = Deflate {
        min_length: 0,
        ..Deflate::default()
    };
    let mut compressor = compressor_with(true, &settings);
    assert_eq!(
        compressor.compress_if_worth_it(b"", true),
        Some(vec![NOTHING])
    );
    assert!(compressor.compress_if_worth_it(b"x", true).is_some());
}

#[test]
fn fragments_keep_the_tail_but_for_the_last() {
    let mut compressor = compressor(true);
    let first = compressor.compress_if_worth_it(b"Hel", false).unwrap();
    assert!(first.ends_with(&TAIL));
    assert_eq!(compressor.compress(b"", false), b"");
    let last = compressor.compress(b"lo", true);
    assert!(!last.ends_with(&TAIL));
    assert_eq!(compressor.compress(b"", true), [NOTHING]);
}

#[test]
fn a_large_message_is_compressed_whole() {
    let length: u32 = if cfg!(miri) { 20_000 } else { 3_000_000 };
    let noise: Vec<u8> = (0..length)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8)
        .collect();
    for payload in [vec![b'x'; length as usize], noise] {
        let compressed = compressor(true).compress(&payload, true);
        let with_tail = [&compressed[..], &TAIL].concat();
        let mut whole = vec![0; payload.len()];
        let mut decoder = zlib_rs::Inflate::new(false, 15);
        decoder
            .decompress(&with_tail, &mut whole, zlib_rs::InflateFlush::SyncFlush)
            .unwrap();
        assert_eq!(decoder.total_out() as usize, payload.len());
        assert!(whole == payload);
    }
}
