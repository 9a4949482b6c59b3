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
type Verdict = Result<bool, usize>;

/// Both ends of each row and column of Unicode's table 3-7, well-formed byte
/// sequences: bytes between two neighbours are treated alike.
#[rustfmt::skip]
const BORDERS: [u8; 24] = [
    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
    0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

fn feed(pieces: &[&[u8]]) -> Verdict {
    let mut utf8 = Utf8::default();
    let mut before = 0;
    for piece in pieces {
        utf8.feed(piece).map_err(|index| before + index)?;
        before += piece.len();
    }
    Ok(utf8.is_complete())
}

/// What `core` says: the bad byte is the last one of the shortest beginning that
/// is wrong, and not just unfinished.
fn of_core(bytes: &[u8]) -> Verdict {
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

/// Every byte, or the borders of the classes where time is short.
fn bytes(all: bool) -> impl Iterator<Item = u8> + Clone {
    (0..=u8::MAX).filter(move |byte| all || BORDERS.contains(byte))
}

/// All of the 65,792 sequences.
#[test]
fn utf8_of_one_and_two_bytes() {
    for a in bytes(true) {
        check(&[a], of_core(&[a]));
        for b in bytes(!cfg!(miri)) {
            check(&[a, b], of_core(&[a, b]));
        }
    }
}

/// All of the 16,777,216 sequences in an optimised build. Without optimisation all
/// first and second bytes with the third bytes of [`BORDERS`]: 1,572,864.
#[test]
fn utf8_of_three_bytes() {
    for a in bytes(!cfg!(miri)) {
        for b in bytes(!cfg!(miri)) {
            for c in bytes(!cfg!(debug_assertions)) {
                check(&[a, b, c], of_core(&[a, b, c]));
            }
        }
    }
}

/// All first and second bytes, with third and fourth bytes that continue a
/// character (lowest, highest), begin one of each length, or can't occur: 3,211,264
/// sequences.
#[test]
fn utf8_of_four_bytes_by_class() {
    const LAST: [u8; 7] = [0x7f, 0x80, 0xbf, 0xc2, 0xe1, 0xf0, 0xff];
    for a in bytes(!cfg!(miri)) {
        for b in bytes(!cfg!(miri)) {
            for (c, d) in LAST.iter().flat_map(|c| LAST.map(|d| (*c, d))) {
                check(&[a, b, c, d], of_core(&[a, b, c, d]));
            }
        }
    }
}

/// All of the 4,294,967,296 sequences.
#[test]
#[ignore = "minutes: cargo test --release --workspace --lib utf8_of_four_bytes -- --ignored"]
fn utf8_of_four_bytes() {
    for a in bytes(true) {
        for (b, c) in bytes(true).flat_map(|b| bytes(true).map(move |c| (b, c))) {
            let three = of_core(&[a, b, c]);
            for d in bytes(true) {
                let expected = three.and_then(|_| of_core(&[a, b, c, d]));
                check(&[a, b, c, d], expected);
            }
        }
    }
}
