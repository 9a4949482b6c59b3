//! UTF-8 (RFC 3629), against `core::str::from_utf8`.
//!
//! Held against it: whether the bytes are a whole text, the beginning of one, or
//! wrong, and then the very byte at which no continuation can make them right.
//! Each sequence comes whole, cut at every single place, and byte by byte.
//!
//! No character is longer than four bytes, and between characters the checker
//! keeps no state: what goes wrong does so within four bytes.

use core::str;

use crate::frame::utf8::Utf8;

/// Whether the text may end there, or the index of the bad byte.
pub(in crate::frame) type Verdict = Result<bool, usize>;

/// Both ends of each row and column of Unicode's table 3-7, well-formed byte
/// sequences: bytes between two neighbours are treated alike.
#[rustfmt::skip]
const BORDERS: [u8; 24] = [
    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
    0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

/// What the checker says of a text in chunks.
pub(in crate::frame) fn feed(chunks: &[&[u8]]) -> Verdict {
    let mut utf8 = Utf8::default();
    let mut before = 0;
    for chunk in chunks {
        utf8.feed(chunk).map_err(|index| before + index)?;
        before += chunk.len();
    }
    Ok(utf8.is_complete())
}

/// What `core` says: the bad byte is the last one of the shortest beginning that
/// is wrong, and not just unfinished.
pub(in crate::frame) fn of_core(bytes: &[u8]) -> Verdict {
    let error = |end: usize| str::from_utf8(&bytes[..end]).err();
    for end in 1..=bytes.len() {
        if error(end).is_some_and(|error| error.error_len().is_some()) {
            return Err(end - 1);
        }
    }
    Ok(error(bytes.len()).is_none())
}

#[track_caller]
fn check(bytes: &[u8], expected: Verdict) {
    assert_eq!(feed(&[bytes]), expected, "{bytes:02x?}");
    for cut in 1..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(feed(&[head, tail]), expected, "{bytes:02x?} cut at {cut}");
    }
    let mut utf8 = Utf8::default();
    let outcome = bytes.iter().enumerate().try_for_each(|(index, byte)| {
        let outcome = utf8.feed(core::slice::from_ref(byte));
        outcome.map_err(|within| index + within)
    });
    assert_eq!(
        outcome.map(|()| utf8.is_complete()),
        expected,
        "{bytes:02x?}"
    );
}

/// A byte that continues a character (lowest, highest), begins one of each length,
/// or can't occur, and the last one before those.
const KINDS: [u8; 7] = [0x7f, 0x80, 0xbf, 0xc2, 0xe1, 0xf0, 0xff];

/// Every byte; under Miri one of each kind, and those that narrow what may follow.
fn every_byte() -> impl Iterator<Item = u8> {
    let few = |byte: &u8| KINDS.contains(byte) || [0xe0, 0xed, 0xf4].contains(byte);
    (0..=u8::MAX).filter(move |byte| !cfg!(miri) || few(byte))
}

/// All of the 65,792 sequences.
#[test]
fn utf8_of_one_and_two_bytes() {
    for a in every_byte() {
        check(&[a], of_core(&[a]));
        for b in every_byte() {
            check(&[a, b], of_core(&[a, b]));
        }
    }
}

/// All of the 16,777,216 sequences in an optimised build. Without optimisation all
/// first and second bytes with the third bytes of [`BORDERS`]: 1,572,864.
#[test]
fn utf8_of_three_bytes() {
    let all = !cfg!(debug_assertions);
    for (a, b) in every_byte().flat_map(|a| every_byte().map(move |b| (a, b))) {
        for c in every_byte().filter(|c| all || BORDERS.contains(c)) {
            check(&[a, b, c], of_core(&[a, b, c]));
        }
    }
}

/// All first and second bytes, with all pairs of [`KINDS`] behind them: 3,211,264
/// sequences.
#[test]
fn utf8_of_four_bytes_by_kind() {
    let last = if cfg!(miri) { &KINDS[1..4] } else { &KINDS };
    for (a, b) in every_byte().flat_map(|a| every_byte().map(move |b| (a, b))) {
        for (c, d) in last.iter().flat_map(|c| last.iter().map(move |d| (*c, *d))) {
            check(&[a, b, c, d], of_core(&[a, b, c, d]));
        }
    }
}

/// All of the 4,294,967,296 sequences.
#[test]
#[ignore = "minutes: cargo test --release -p websocket-component --lib utf8_of_four_bytes -- --ignored"]
fn utf8_of_four_bytes() {
    for a in every_byte() {
        for (b, c) in every_byte().flat_map(|b| every_byte().map(move |c| (b, c))) {
            let three = of_core(&[a, b, c]);
            for d in every_byte() {
                let expected = three.and_then(|_| of_core(&[a, b, c, d]));
                check(&[a, b, c, d], expected);
            }
        }
    }
}
