//! The memory of what was received.

use super::*;
use crate::Limits;
use crate::frame::header::{self, Masking};
use crate::limits::KEPT_CAPACITY;

/// A frame of the client's, with the key 0.
fn frame(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    header::write(first, length, Some([0; 4]), &mut bytes);
    bytes.resize(bytes.len() + length, 7);
    bytes
}

/// One input: what it delivers.
fn hear(assembler: &mut Assembler, mut input: Vec<u8>) -> Vec<Record> {
    assembler.begin_input(&input);
    let mut at = 0;
    let mut records = Vec::new();
    while let Some(record) = assembler.next(&mut input, &mut at).unwrap() {
        records.push(record);
    }
    records
}

fn server(chunks: Option<Chunks>) -> Assembler {
    Assembler::new(&Settings {
        chunks,
        ..settings(Limits::default())
    })
}

fn settings(limits: Limits) -> Settings {
    Settings {
        masking: Masking::Required,
        extensions: Extensions::None,
        limits,
        verify_utf8: true,
        inflate: true,
        leave_unfinished: 0,
        leave_payloads: u64::MAX,
        chunks: None,
    }
}

#[test]
fn what_was_delivered_is_forgotten_by_the_next_input() {
    let mut assembler = server(None);
    let mut input = frame(0x80, 1000);
    input.extend(frame(0x02, 10));
    for _ in 0..100 {
        hear(&mut assembler, frame(0x02, 1000));
        let records = hear(&mut assembler, input.clone());
        assert_eq!(records.len(), 1);
        // The end of one message, and the beginning of the next.
        assert_eq!(assembler.assembly.len(), 2000 + 10);
        assert_eq!(hear(&mut assembler, frame(0x80, 0)).len(), 1);
        assert_eq!(assembler.assembly.len(), 10);
    }
    hear(&mut assembler, Vec::new());
    assert_eq!(assembler.assembly.len(), 0);
}

#[test]
fn an_idle_assembler_keeps_little() {
    for (length, kept) in [
        (100, true),
        (KEPT_CAPACITY, true),
        (KEPT_CAPACITY + 1, false),
    ] {
        let mut assembler = server(None);
        hear(&mut assembler, frame(0x02, length));
        hear(&mut assembler, frame(0x80, 0));
        hear(&mut assembler, Vec::new());
        let capacity = assembler.assembly.capacity();
        assert_eq!(capacity != 0, kept, "{capacity} bytes after {length}");
    }
}

#[test]
fn a_frame_that_was_held_leaves_little_behind() {
    let mut assembler = server(Some(Chunks {
        max: 128 << 10,
        min: 1,
        max_whole_frame: 128 << 10,
    }));
    let mut first = frame(0x82, 100_000);
    let rest = first.split_off(50_000);
    assert_eq!(hear(&mut assembler, first), []);
    // What a header announces is believed as far as a part of it has come.
    assert!(assembler.assembly.capacity() <= 4 * 50_000);
    let records = hear(&mut assembler, rest);
    let lengths: Vec<usize> = records.iter().map(|record| record.place.len()).collect();
    assert_eq!(lengths, [100_000]);
    hear(&mut assembler, Vec::new());
    assert_eq!(assembler.assembly.capacity(), 0);
}

#[test]
fn no_more_is_held_than_the_longest_chunk() {
    const WHOLE: usize = 1000;
    let mut assembler = server(Some(Chunks {
        max: WHOLE,
        min: 256,
        max_whole_frame: WHOLE as u64,
    }));
    let mut said = frame(0x02, 200);
    for length in [900, 1, 255, WHOLE, 5000, 100, WHOLE + 1] {
        said.extend(frame(0x00, length));
    }
    for at_once in [1, 13, 700] {
        for input in said.chunks(at_once) {
            for record in hear(&mut assembler, input.to_vec()) {
                assert!(record.place.len() <= WHOLE);
            }
            assert!(assembler.held() <= WHOLE);
        }
        hear(&mut assembler, frame(0x80, 0));
    }
}

#[cfg(feature = "deflate")]
#[test]
fn class_08_no_more_is_promised_if_the_work_is_used_up_and_nothing_is_held_back() {
    let direction = crate::deflate::Direction {
        window_bits: 15,
        takeover: true,
    };
    let limits = Limits {
        inflate_per_call: *Limits::INFLATE_PER_CALL.start(),
        ..Limits::default()
    };
    let mut assembler = Assembler::new(&Settings {
        extensions: Extensions::Deflate(direction),
        ..settings(limits)
    });
    // A message of one final block (RFC 1951, section 3.2.4), which is all the work.
    let payload = [0x01, 0x01, 0x00, 0xfe, 0xff, 7];
    let mut input = Vec::new();
    header::write(0xc2, payload.len(), Some([0; 4]), &mut input);
    input.extend(payload);
    // A header whose payload is still to come.
    input.extend(&frame(0x02, 10)[..6]);
    assembler.begin_input(&input);
    let mut at = 0;
    assert!(assembler.next(&mut input, &mut at).unwrap().is_some());
    assert!(assembler.next(&mut input, &mut at).unwrap().is_none());
    assert_eq!((assembler.work, at), (0, input.len()));
    assert!(assembler.awaits_more() && !assembler.is_exhausted());
}
