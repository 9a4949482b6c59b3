use alloc::vec;

use super::*;

fn compressor(takeover: bool) -> Compressor {
    let direction = Direction {
        window_bits: 15,
        takeover,
    };
    Compressor::new(direction, &Deflate::default()).unwrap()
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
fn short_messages_and_those_that_would_get_longer_go_as_they_are() {
    let mut compressor = compressor(true);
    assert_eq!(compressor.compress_if_worth_it(b"", true), None);
    assert_eq!(compressor.compress_if_worth_it(&[b'x'; 63], true), None);
    assert!(compressor.compress_if_worth_it(&[b'x'; 64], true).is_some());
    let noise: Vec<u8> = (0..200u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    assert_eq!(compressor.compress_if_worth_it(&noise, true), None);
    // The peer has not seen the noise: nothing may refer to it.
    let text = [TEXT, &noise].concat();
    let fresh = self::compressor(true).compress(&text, true);
    assert_eq!(compressor.compress(&text, true), fresh);
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
        minimum: 0,
        ..Deflate::default()
    };
    let direction = Direction {
        window_bits: 15,
        takeover: true,
    };
    let mut compressor = Compressor::new(direction, &settings).unwrap();
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
