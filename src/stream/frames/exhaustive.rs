//! Every frame header, against a decoder that reads it bit by bit.
//!
//! Sound: nothing is accepted that the decoder refuses, and it is refused for the
//! same rule at the same byte. Complete: nothing is refused that it accepts; the
//! fields are the same, and so is the number of bytes.
//!
//! What is gone through:
//! * all 65,536 values of the first two bytes;
//! * after 126 and 127 the lengths of [`lengths`]: a length is only compared with
//!   borders, so both sides of each border and every single bit stand for all of them;
//! * one mask key, of four different bytes, which only has to come through;
//! * the streams of [`contexts`]: both roles, masks not asked for, between
//!   messages, inside a text and a binary one, limits, permessage-deflate and an
//!   extension of the host's in use;
//! * each header whole with bytes behind it, byte by byte, and cut in two at every
//!   place.

mod decoder;

use super::*;
use crate::deflate::Direction;
use alloc::vec::Vec;
use decoder::{Context, Extension, Fields, Verdict, decode};

const KEY: [u8; 4] = [0x9c, 0x01, 0xfe, 0x33];

/// How long the payload is of the frame that begins a message.
const BEGUN: usize = 3;

/// A stream, and what the decoder has to know of it.
struct Case {
    stream: FrameStream,
    context: Context,
}

/// The limits of frames, messages and fragments.
const LIMITS: [(u64, u64, u32); 6] = [
    (u64::MAX, u64::MAX, u32::MAX),
    (u64::MAX, u64::MAX, 1),
    (125, 126, 2),
    (65_536, 65_535, 2),
    ((1 << 32) + 4, 1 << 32, 2),
    ((1 << 63) - 1, (1 << 63) - 2, 2),
];

/// A context for each role, state and limit; with extensions, which take reserved
/// bits, for each role and state.
fn contexts() -> Vec<Case> {
    let mut cases = Vec::new();
    for mask in [Some(true), Some(false), None] {
        for opening in [None, Some(Opcode::Text), Some(Opcode::Binary)] {
            cases.extend(LIMITS.map(|limits| case(mask, opening, limits, Extension::None)));
            let limits = [LIMITS[0], LIMITS[2]];
            cases.extend(limits.map(|limits| case(mask, opening, limits, Extension::Custom)));
            cases.extend(limits.map(|limits| case(mask, opening, limits, Extension::Deflate)));
        }
    }
    if cfg!(miri) {
        cases = cases.into_iter().step_by(23).collect();
    }
    cases
}

fn case(
    mask: Option<bool>,
    opening: Option<Opcode>,
    (frame, message, fragments): (u64, u64, u32),
    extension: Extension,
) -> Case {
    let masking = match mask {
        Some(true) => Masking::Required,
        Some(false) => Masking::Forbidden,
        None => Masking::Either,
    };
    let limits = Limits {
        frame,
        message,
        fragments,
        ..Limits::default()
    };
    let extensions = match extension {
        Extension::None => Extensions::None,
        Extension::Deflate => Extensions::Deflate(Direction {
            window_bits: 15,
            takeover: true,
        }),
        Extension::Custom => Extensions::Custom,
    };
    let mut stream = FrameStream::new(masking, extensions, &limits);
    if let Some(opcode) = opening {
        let key = mask.unwrap_or(true).then_some([0; 4]);
        let mut bytes = Vec::new();
        header::write(opcode.bits(), BEGUN, key, &mut bytes);
        stream.header(&bytes, &mut 0).unwrap();
        stream.advance(BEGUN as u64);
        assert!(stream.is_between_frames() && !stream.is_between_messages());
    }
    let context = Context {
        mask,
        extension,
        message: opening.map(|_| (1, BEGUN as u64)),
        fragment_limit: fragments,
        frame_limit: frame,
        message_limit: message,
    };
    Case { stream, context }
}

/// Each border and each power of two, with two neighbours on each side, as far as
/// the field's bits can hold them.
fn lengths(bits: u32) -> Vec<u64> {
    let borders = [
        0,
        125,
        126,
        65_535,
        65_536,
        1 << 31,
        1 << 32,
        (1 << 32) + 5,
        1 << 63,
        (1 << 63) + 5,
        u64::MAX,
    ];
    let single = (0..64).map(|bit| 1 << bit);
    let all = borders.into_iter().chain(single);
    let mut lengths: Vec<u64> = all
        .flat_map(|border| (0..=4).map(move |near| border.saturating_add(near).saturating_sub(2)))
        .filter(|length| bits == 64 || length >> bits == 0)
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    let step = if cfg!(miri) { 29 } else { 1 };
    lengths.into_iter().step_by(step).collect()
}

/// Calls `check` with each header, whole.
fn for_each_header(mut check: impl FnMut(&[u8])) {
    let [medium, long] = [16, 64].map(lengths);
    let firsts = [0x00, 0x02, 0x08, 0x81, 0x83, 0xc1, 0x89];
    for first in (0..=u8::MAX).filter(|byte| !cfg!(miri) || firsts.contains(byte)) {
        for second in (0..=u8::MAX).filter(|byte| !cfg!(miri) || byte & 0x7f > 124) {
            let mut header = [0; header::MAX_LENGTH];
            let mut whole = |length: &[u8]| {
                header[..2].copy_from_slice(&[first, second]);
                header[2..2 + length.len()].copy_from_slice(length);
                let mut end = 2 + length.len();
                if second & 0x80 != 0 {
                    header[end..end + 4].copy_from_slice(&KEY);
                    end += 4;
                }
                check(&header[..end]);
            };
            match second & 0x7f {
                126 => medium
                    .iter()
                    .for_each(|length| whole(&(*length as u16).to_be_bytes())),
                127 => long.iter().for_each(|length| whole(&length.to_be_bytes())),
                _ => whole(&[]),
            }
        }
    }
}

/// What the stream reads of `bytes` as the next input, and how many of them it takes.
fn read(stream: &mut FrameStream, bytes: &[u8]) -> (Result<Option<Fields>, Rule>, usize) {
    let mut at = 0;
    let outcome = stream.header(bytes, &mut at);
    (outcome.map(|header| header.as_ref().map(fields)), at)
}

fn fields(header: &Header) -> Fields {
    Fields {
        fin: header.is_final(),
        rsv: [0x40, 0x20, 0x10].map(|bit| header.first & bit != 0),
        opcode: u64::from(header.opcode.bits()),
        payload: header.payload,
        key: header.key,
    }
}

/// What comes of `chunks`, the header's with bytes behind it: one verdict, at the
/// byte where the decoder has it.
#[track_caller]
fn check(case: &Case, chunks: &[&[u8]], verdict: &Verdict) {
    let mut stream = case.stream.clone();
    let mut before = 0;
    for chunk in chunks {
        let expected = if before + chunk.len() < verdict.bytes {
            (Ok(None), chunk.len())
        } else {
            let end = verdict.bytes - before;
            // An error is at the last byte that it took to tell.
            let taken = if verdict.outcome.is_ok() {
                end
            } else {
                end - 1
            };
            (verdict.outcome.map(Some), taken)
        };
        let outcome = read(&mut stream, chunk);
        assert_eq!(outcome, expected, "{chunks:02x?} in {:?}", case.context);
        if !matches!(outcome, (Ok(None), _)) {
            return;
        }
        before += chunk.len();
    }
    panic!("no verdict on {chunks:02x?} in {:?}", case.context);
}

/// How many that are, over all contexts.
const HEADERS: u64 = 24_376_320;

#[test]
fn headers_read_as_a_slow_decoder_reads_them() {
    let mut count = 0u64;
    for case in contexts() {
        for_each_header(|header| {
            count += 1;
            let verdict = decode(header, &case.context);
            let mut bytes = [0xff; header::MAX_LENGTH + 2];
            bytes[..header.len()].copy_from_slice(header);
            let bytes = &bytes[..header.len() + 2];

            check(&case, &[bytes], &verdict);
            for cut in 1..verdict.bytes {
                let (head, tail) = bytes.split_at(cut);
                check(&case, &[head, tail], &verdict);
            }
            if verdict.bytes > 2 {
                let single: Vec<&[u8]> = bytes.chunks(1).collect();
                check(&case, &single, &verdict);
            }
        });
    }
    assert!(cfg!(miri) || count == HEADERS, "{count} headers");
}
