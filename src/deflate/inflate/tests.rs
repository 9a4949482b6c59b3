use alloc::string::String;

use proptest::prelude::*;

use super::*;
use crate::Deflate;
use crate::deflate::Compressor;

const NO_LIMIT: usize = usize::MAX;

fn direction(window_bits: u8, takeover: bool) -> Direction {
    Direction {
        window_bits,
        takeover,
    }
}

fn inflater(takeover: bool) -> Inflater {
    Inflater::new(direction(15, takeover)).unwrap()
}

/// A message, given in pieces of at most `cut` bytes, of which at most `limit` bytes
/// come out at a time.
fn message_in(
    inflater: &mut Inflater,
    payload: &[u8],
    cut: usize,
    limit: usize,
) -> Result<Vec<u8>, Rule> {
    let mut out = Vec::new();
    for mut piece in payload.chunks(cut) {
        loop {
            let before = out.len();
            let taken = inflater.inflate(piece, limit, &mut { NO_LIMIT }, &mut out)?;
            piece = &piece[taken..];
            assert!(out.len() - before <= limit);
            if piece.is_empty() && out.len() - before < limit {
                break;
            }
        }
    }
    loop {
        let before = out.len();
        let ends = inflater.finish(limit, &mut out)?;
        assert!(out.len() - before <= limit);
        if ends {
            return Ok(out);
        }
    }
}

fn message(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, Rule> {
    message_in(inflater, payload, NO_LIMIT, NO_LIMIT)
}

/// RFC 7692, section 7.2.3: payloads of a message "Hello".
const HELLO: [&[u8]; 4] = [
    // One block with fixed codes.
    &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    // A block that is not compressed.
    &[
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ],
    // A final block, and the header of an empty one.
    &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    // Two blocks.
    &[
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ],
];

/// The same as a final block, without the header of an empty one.
const FINAL: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// "Hello" again, by a reference to the message before.
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

#[test]
fn the_examples_of_rfc_7692_section_7_2_3() {
    for payload in HELLO {
        for cut in 1..=payload.len() {
            for limit in [1, 2, 4, 5, 6, NO_LIMIT] {
                let out = message_in(&mut inflater(true), payload, cut, limit);
                assert_eq!(out.as_deref(), Ok(&b"Hello"[..]), "{payload:x?}");
            }
        }
    }
    let mut kept = inflater(true);
    assert_eq!(message(&mut kept, HELLO[0]).unwrap(), b"Hello");
    assert_eq!(message(&mut kept, &AGAIN).unwrap(), b"Hello");
    assert_eq!(message(&mut kept, &[0x00]).unwrap(), b"");
}

#[test]
fn the_window_goes_on_behind_a_final_block_and_between_messages() {
    let mut kept = inflater(true);
    for payload in HELLO.into_iter().chain([FINAL]) {
        assert_eq!(message(&mut kept, payload).unwrap(), b"Hello");
        assert_eq!(message(&mut kept, &AGAIN).unwrap(), b"Hello");
    }
    let both = [FINAL, &AGAIN].concat();
    assert_eq!(message(&mut inflater(false), &both).unwrap(), b"HelloHello");
}

#[test]
fn without_takeover_each_message_stands_alone_and_nothing_is_kept() {
    let mut alone = inflater(false);
    assert_eq!(message(&mut alone, HELLO[0]).unwrap(), b"Hello");
    assert_eq!(alone.window.bytes.capacity(), 0);
    assert!(alone.message.is_none());
    assert_eq!(message(&mut alone, &AGAIN), Err(Rule::DeflateMalformed));
}

#[test]
fn between_messages_only_the_window_is_kept() {
    for bits in 8..=15 {
        let mut kept = Inflater::new(direction(bits, true)).unwrap();
        assert_eq!(kept.window.bytes.capacity(), 0, "before the first message");
        message(&mut kept, HELLO[0]).unwrap();
        assert_eq!(kept.window.bytes.capacity(), 1 << bits);
        assert!(kept.message.is_none());
    }
}

#[test]
fn class_09_a_message_that_ends_inside_a_block_is_malformed() {
    for payload in HELLO {
        for end in 0..payload.len() {
            let out = message(&mut inflater(true), &payload[..end]);
            // The first of two blocks is a message of its own, and so are a final block,
            // the header of an empty one, and nothing at all.
            let complete: [&[u8]; 4] = [&[0xf2, 0x48, 0x05, 0x00], FINAL, &[0x00], &[]];
            let is_complete = complete.contains(&&payload[..end]);
            assert_eq!(out.is_ok(), is_complete, "{:x?}", &payload[..end]);
        }
    }
    // The four bytes that are added would do for the rest of the block.
    let lacks_four = &HELLO[1][..7];
    assert_eq!(
        message(&mut inflater(true), lacks_four),
        Err(Rule::DeflateMalformed)
    );
    // A block that isn't final needs the header of another behind it.
    let lacks_header = &HELLO[3][..HELLO[3].len() - 1];
    assert_eq!(
        message(&mut inflater(true), lacks_header),
        Err(Rule::DeflateMalformed)
    );
}

#[test]
fn a_final_block_ends_a_message_without_the_octet_behind_it() {
    let twice = [FINAL, FINAL].concat();
    let not_compressed = [0x01, 0x05, 0x00, 0xfa, 0xff, b'H', b'e', b'l', b'l', b'o'];
    for (payload, text) in [
        (FINAL, "Hello"),
        (&not_compressed, "Hello"),
        (&twice, "HelloHello"),
        // An empty final block, with the fixed code and as it is.
        (&[0x03, 0x00], ""),
        (&[0x01, 0x00, 0x00, 0xff, 0xff], ""),
    ] {
        for cut in 1..=payload.len() {
            for limit in [1, 2, 4, 5, 6, NO_LIMIT] {
                for takeover in [true, false] {
                    let out = message_in(&mut inflater(takeover), payload, cut, limit);
                    assert_eq!(out.as_deref(), Ok(text.as_bytes()), "{payload:x?}");
                }
            }
        }
    }
}

#[test]
fn a_payload_of_no_bytes_is_an_empty_message() {
    for takeover in [true, false] {
        let mut inflater = inflater(takeover);
        assert_eq!(message(&mut inflater, &[]).unwrap(), b"");
        assert_eq!(message(&mut inflater, HELLO[0]).unwrap(), b"Hello");
        assert_eq!(message(&mut inflater, &[]).unwrap(), b"");
        let again = message(&mut inflater, &AGAIN);
        match takeover {
            true => assert_eq!(again.unwrap(), b"Hello"),
            false => assert_eq!(again, Err(Rule::DeflateMalformed)),
        }
    }
}

#[test]
fn class_09_what_is_no_block_is_malformed() {
    for bad in [
        // A block of the type that is reserved.
        &[0x06, 0x00][..],
        &[0x07, 0x00],
        // A length that isn't the complement of the other.
        &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48],
        // A reference to before the beginning.
        &[0x4a, 0x04, 0x41, 0x00],
        &AGAIN,
        // Bytes behind a final block that are none.
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x06, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff],
        // Tables that are too full, or empty.
        &[0x04, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
    ] {
        for cut in [1, 2, NO_LIMIT] {
            let out = message_in(&mut inflater(true), bad, cut, NO_LIMIT);
            assert_eq!(out, Err(Rule::DeflateMalformed), "{bad:x?}");
        }
    }
}

fn compressor(window_bits: u8, takeover: bool) -> Compressor {
    Compressor::new(direction(window_bits, takeover), &Deflate::default()).unwrap()
}

#[test]
fn class_10_a_reference_beyond_the_window_is_malformed_wherever_the_input_is_cut() {
    // Two times the same 40 bytes, 300 bytes apart.
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let bytes: Vec<u8> = (0..300).map(|_| noise()).collect();
    let text = [&bytes[..], &bytes[..40]].concat();
    let payload = compressor(15, true).compress(&text, true);
    for cut in [1, 7, 100, NO_LIMIT] {
        for limit in [1, 100, NO_LIMIT] {
            let mut small = Inflater::new(direction(8, true)).unwrap();
            let out = message_in(&mut small, &payload, cut, limit);
            assert_eq!(out, Err(Rule::DeflateMalformed));
            let mut larger = Inflater::new(direction(9, true)).unwrap();
            let out = message_in(&mut larger, &payload, cut, limit);
            assert_eq!(out.as_ref(), Ok(&text));
        }
    }
}

#[test]
fn class_08_no_more_comes_out_than_the_limit() {
    let payload = compressor(15, true).compress(&vec![b'x'; 10_000_000], true);
    assert!(payload.len() < 15_000);
    let mut out = Vec::new();
    let mut bomb = inflater(true);
    let taken = bomb.inflate(&payload, 1000, &mut { NO_LIMIT }, &mut out);
    assert_eq!(out.len(), 1000);
    assert!(taken.unwrap() < 100);
}

#[test]
fn class_08_the_work_of_a_step_is_limited_by_bytes_and_by_blocks() {
    let bomb = compressor(15, true).compress(&vec![b'x'; 1_000_000], true);
    let (mut work, mut out) = (5000, Vec::new());
    let taken = inflater(true).inflate(&bomb, NO_LIMIT, &mut work, &mut out);
    assert!(taken.unwrap() < bomb.len());
    assert!(work == 0 && out.len() <= 5000);

    // Nothing comes out of empty blocks.
    let empty = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(1000);
    let (mut work, mut out) = (10 * BLOCK, Vec::new());
    let taken = inflater(true).inflate(&empty, NO_LIMIT, &mut work, &mut out);
    assert_eq!((taken, work, out.len()), (Ok(50), 0, 0));
}

#[test]
fn class_09_wherever_a_message_ends_and_in_whatever_steps_the_same_comes_out() {
    let payload = compressor(15, true).compress(&[b'x'; 100], true);
    for end in 0..=payload.len() {
        let payload = &payload[..end];
        let in_steps = |work: usize, limit: usize| {
            let (mut inflater, mut out, mut at) = (inflater(true), Vec::new(), 0);
            while at < payload.len() {
                let rest = &payload[at..];
                at += inflater.inflate(rest, NO_LIMIT, &mut { work }, &mut out)?;
            }
            loop {
                let ends = inflater.finish(limit, &mut out);
                if ends != Ok(false) {
                    return Ok::<_, Rule>((ends, out));
                }
            }
        };
        let whole = in_steps(NO_LIMIT, NO_LIMIT);
        for work in (1..=100).step_by(if cfg!(miri) { 49 } else { 1 }) {
            assert_eq!(in_steps(work, 11), whole, "{end} bytes, {work} at a time");
        }
    }
}

#[test]
fn class_26_what_the_decoder_has_read_ahead_is_judged_wherever_the_input_is_cut() {
    // An empty block with the fixed code, and in the same byte the type of no block.
    let payload = [0x02, 0x18];
    for cut in 0..=payload.len() {
        let mut inflater = inflater(true);
        let (head, rest) = payload.split_at(cut);
        let mut fails = false;
        for piece in [head, rest] {
            fails |= inflater
                .inflate(piece, NO_LIMIT, &mut { NO_LIMIT }, &mut Vec::new())
                .is_err();
        }
        assert!(fails, "cut at {cut}");
    }
}

/// Text that refers to itself at all distances, and noise.
fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let word = prop_oneof![
        3 => "[a-d]{1,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..40),
        1 => (any::<u8>(), 1usize..600).prop_map(|(byte, count)| vec![byte; count]),
    ];
    let text = prop::collection::vec(word, 0..120).prop_map(|words| words.concat());
    prop::collection::vec(text, 1..5)
}

proptest! {
    #[test]
    fn what_was_compressed_comes_out_again_however_it_is_cut(
        texts in texts(),
        bits in 8u8..=15,
        takeover: bool,
        level in 0u8..=9,
        memory_level in 1u8..=9,
        fragment in 1usize..2000,
        cut in 1usize..3000,
        limit in 1usize..3000,
    ) {
        let settings = Deflate { level, memory_level, ..Deflate::default() };
        let mut compressor = Compressor::new(direction(bits, takeover), &settings).unwrap();
        let mut inflater = Inflater::new(direction(bits, takeover)).unwrap();
        for text in texts {
            let mut payload = Vec::new();
            let mut fragments = text.chunks(fragment).peekable();
            while let Some(bytes) = fragments.next() {
                payload.extend(compressor.compress(bytes, fragments.peek().is_none()));
            }
            if text.is_empty() {
                payload.extend(compressor.compress(b"", true));
            }
            let out = message_in(&mut inflater, &payload, cut, limit);
            prop_assert_eq!(out, Ok(text));
        }
    }

    #[test]
    fn whatever_comes_it_ends_and_the_cut_makes_no_difference(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        cut in 1usize..300,
        limit in 1usize..3000,
    ) {
        let whole = message(&mut inflater(true), &payload);
        let cut = message_in(&mut inflater(true), &payload, cut, limit);
        prop_assert_eq!(whole, cut);
    }
}
