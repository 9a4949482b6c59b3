//! The walk over many frames, however it is driven.

use super::*;
use crate::deflate::Direction;
use crate::frame::header::FIN;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Where a header begins or a rule is broken, and what that is.
type Step = (usize, Result<Header, Rule>);

/// Who walks.
#[derive(Clone, Copy, Debug)]
enum Payload {
    /// Is given to the walk as it comes.
    Fed,
    /// Goes by unseen, as soon as its header has come.
    Skipped,
}

/// All that is found in `wire`, which comes in inputs that end at `cuts` and at its end.
fn walk(stream: &FrameStream, wire: &[u8], cuts: &[usize], how: Payload) -> Vec<Step> {
    let mut stream = stream.clone();
    let mut steps = Vec::new();
    let (mut at, mut start) = (0, 0);
    for end in cuts.iter().copied().chain([wire.len()]) {
        let input = &wire[..end];
        while at < end {
            let left = usize::try_from(stream.payload_left()).unwrap_or(usize::MAX);
            let count = match how {
                Payload::Fed => left.min(end - at),
                Payload::Skipped => left.min(wire.len() - at),
            };
            stream.advance(count as u64);
            at += count;
            if at >= end {
                break;
            }
            if !stream.is_in_header() {
                start = at;
            }
            match stream.header(input, &mut at) {
                Ok(None) => assert_eq!(at, end),
                Ok(Some(header)) => steps.push((start, Ok(header))),
                Err(rule) => {
                    steps.push((at, Err(rule)));
                    return steps;
                }
            }
        }
    }
    steps
}

/// That neither cuts nor skipping make a difference. Returns what is found.
#[track_caller]
fn walk_in_every_way(stream: &FrameStream, wire: &[u8]) -> Vec<Step> {
    let steps = walk(stream, wire, &[], Payload::Fed);
    let single: Vec<usize> = (0..wire.len()).collect();
    for how in [Payload::Fed, Payload::Skipped] {
        assert_eq!(walk(stream, wire, &[], how), steps, "{how:?}");
        assert_eq!(walk(stream, wire, &single, how), steps, "{how:?}, bytes");
        for cut in 0..wire.len() {
            assert_eq!(walk(stream, wire, &[cut], how), steps, "{how:?}, {cut}");
        }
    }
    steps
}

fn limits() -> Limits {
    Limits {
        frame: 300,
        message: 400,
        fragments: 3,
        ..Limits::default()
    }
}

fn client() -> FrameStream {
    FrameStream::new(Masking::Forbidden, Extensions::None, &limits())
}

const DEFLATE: Extensions = Extensions::Deflate(Direction {
    window_bits: 15,
    takeover: true,
});

fn frame(first: u8, payload: usize, key: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    header::write(first, payload, key, &mut bytes);
    // It looks like a header, to those who take it for one.
    bytes.resize(bytes.len() + payload, FIN | 9);
    bytes
}

fn frames(frames: &[(u8, usize)]) -> Vec<u8> {
    let frames = frames.iter();
    frames
        .flat_map(|(first, payload)| frame(*first, *payload, None))
        .collect()
}

/// Where headers begin, and where the rule is broken.
fn offsets(steps: &[Step]) -> (Vec<usize>, Option<(usize, Rule)>) {
    let headers = steps.iter().filter(|(_, step)| step.is_ok());
    let error = steps.iter().find_map(|&(at, step)| Some((at, step.err()?)));
    (headers.map(|(at, _)| *at).collect(), error)
}

#[test]
fn each_way_to_walk_finds_the_same_headers() {
    let wire = frames(&[
        (FIN | 1, 0),
        (0x02, 126),
        (FIN | 9, 125),
        (0x00, 0),
        (FIN, 5),
        (FIN | 2, 300),
    ]);
    let (headers, error) = offsets(&walk_in_every_way(&client(), &wire));
    assert_eq!(headers, [0, 2, 132, 259, 261, 268]);
    assert_eq!(error, None);
}

#[test]
fn each_way_to_walk_fails_at_the_same_byte() {
    let cases = [
        (&[(FIN, 3)][..], 0, Rule::UnexpectedContinuation),
        (&[(0x01, 9), (FIN | 2, 3)], 11, Rule::MessageInterleaved),
        (&[(0x01, 9), (FIN | 0x40, 3)], 11, Rule::ReservedBits),
        (&[(FIN | 3, 3)], 0, Rule::ReservedOpcode),
        (&[(0x01, 9), (0x09, 3)], 11, Rule::ControlFragmented),
        (&[(FIN | 9, 126)], 1, Rule::ControlTooLong),
        (&[(FIN | 1, 4), (FIN | 2, 301)], 9, Rule::FrameTooBig),
        (&[(0x01, 300), (FIN, 101)], 305, Rule::MessageTooBig),
        (
            &[(0x01, 0), (0x00, 0), (0x00, 0), (FIN, 0)],
            6,
            Rule::TooManyFragments,
        ),
    ];
    for (wire, at, rule) in cases {
        let (_, error) = offsets(&walk_in_every_way(&client(), &frames(wire)));
        assert_eq!(error, Some((at, rule)), "{wire:?}");
    }
    let server = FrameStream::new(Masking::Required, Extensions::None, &limits());
    let wire = [
        frame(FIN | 1, 7, Some([1, 2, 3, 4])),
        frame(FIN | 1, 7, None),
    ]
    .concat();
    let (_, error) = offsets(&walk_in_every_way(&server, &wire));
    assert_eq!(error, Some((14, Rule::FrameNotMasked)));
}

#[test]
fn nothing_counts_behind_a_close_frame() {
    let wire = frames(&[(FIN | 8, 5), (FIN | 3, 1), (FIN | 1, 1)]);
    let (headers, error) = offsets(&walk_in_every_way(&client(), &wire));
    assert_eq!((headers, error), ([0].into(), None));

    let mut stream = client();
    stream.header(&wire, &mut 0).unwrap();
    assert!(!stream.is_closed(), "its payload is to come");
    stream.advance(5);
    assert!(stream.is_closed());
}

#[test]
fn boundaries_of_frames_and_messages_are_known() {
    let mut stream = client();
    let mut next = |wire: &[u8], payload| {
        stream.header(wire, &mut 0).unwrap();
        let inside = (stream.is_between_frames(), stream.is_between_messages());
        stream.advance(payload);
        let behind = (stream.is_between_frames(), stream.is_between_messages());
        (inside, behind)
    };
    let none = (false, false);
    assert_eq!(next(&[0x01, 2], 2), (none, (true, false)));
    assert_eq!(next(&[0x89, 1], 1), (none, (true, false)));
    assert_eq!(next(&[0x80], 0), (none, none), "a header that is cut");
    assert_eq!(next(&[3], 2), (none, none), "a payload that is cut");
    stream.advance(1);
    assert!(stream.is_between_messages());
}

#[test]
fn a_message_is_known_by_the_headers_of_its_frames() {
    let mut stream = FrameStream::new(Masking::Forbidden, DEFLATE, &limits());
    let mut next = |first, payload| {
        stream.header(&frame(first, payload, None), &mut 0).unwrap();
        stream.advance(payload as u64);
        stream.message().copied()
    };
    let begun = Message {
        is_text: true,
        is_compressed: true,
        length: 5,
        fragments: 1,
        is_final: false,
    };
    let complete = Message {
        length: 11,
        fragments: 2,
        is_final: true,
        ..begun
    };
    let other = Message {
        is_text: false,
        is_compressed: false,
        length: 6,
        fragments: 1,
        is_final: true,
    };
    assert_eq!(next(FIN | 9, 0), None);
    assert_eq!(next(0x41, 5), Some(begun));
    assert_eq!(next(FIN | 9, 7), Some(begun));
    assert_eq!(next(FIN, 6), Some(complete));
    assert_eq!(next(FIN | 2, 6), Some(other));
}

#[test]
fn a_compressed_message_may_be_longer_than_its_limit() {
    let wire = frames(&[(0x41, 300), (FIN, 300)]);
    let stream = FrameStream::new(Masking::Forbidden, DEFLATE, &limits());
    assert_eq!(offsets(&walk_in_every_way(&stream, &wire)).1, None);
    let wire = frames(&[(0x01, 300), (FIN, 300)]);
    let error = Some((307, Rule::MessageTooBig));
    assert_eq!(offsets(&walk_in_every_way(&stream, &wire)).1, error);
}

#[test]
fn the_mask_key_is_that_of_the_next_byte() {
    let mut stream = FrameStream::new(Masking::Either, Extensions::None, &limits());
    assert_eq!(stream.mask_key(), None);
    let wire = frame(FIN | 2, 9, Some([1, 2, 3, 4]));
    stream.header(&wire, &mut 0).unwrap();
    assert_eq!(stream.mask_key(), Some([1, 2, 3, 4]));
    stream.advance(5);
    assert_eq!(stream.mask_key(), Some([2, 3, 4, 1]));
    stream.advance(4);
    stream.header(&frame(FIN | 2, 9, None), &mut 0).unwrap();
    assert_eq!(stream.mask_key(), None);
}

#[test]
fn a_header_that_was_peeked_at_is_still_to_come() {
    let wire = frame(FIN | 2, 9, None);
    let mut stream = client();
    let peeked = stream.peek(&wire);
    assert!(stream.is_between_messages());
    assert_eq!(stream.peek(&wire[..1]), Ok(None));
    assert_eq!(stream.peek(&[0xff]), Err(Rule::ReservedBits));
    let mut at = 0;
    let header = stream.header(&wire, &mut at).unwrap();
    assert_eq!(peeked, Ok(header.map(|header| (header, at))));
}

/// First bytes of frames, most of them valid somewhere.
fn first() -> impl Strategy<Value = u8> {
    const VALID: &[u8] = &[0x00, 0x01, 0x02, 0x41, 0x80, 0x81, 0x82, 0xc2, 0x89, 0x8a];
    prop_oneof![9 => proptest::sample::select(VALID), 1 => any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn each_way_to_walk_is_alike(
        said in proptest::collection::vec((first(), 0usize..150, any::<bool>()), 1..7),
        flipped in proptest::option::of((any::<proptest::sample::Index>(), 0u32..8)),
        masking in proptest::sample::select(
            &[Masking::Required, Masking::Forbidden, Masking::Either][..]),
        extensions in proptest::sample::select(
            &[Extensions::None, DEFLATE, Extensions::Custom][..]),
    ) {
        let key = |is_masked| match masking {
            Masking::Required => Some([1, 2, 3, 4]),
            Masking::Forbidden => None,
            Masking::Either if is_masked => Some([9; 4]),
            Masking::Either => None,
        };
        let mut wire: Vec<u8> = said
            .iter()
            .flat_map(|&(first, payload, is_masked)| frame(first, payload, key(is_masked)))
            .collect();
        if let Some((index, bit)) = flipped {
            let index = index.index(wire.len());
            wire[index] ^= 1u8 << bit;
        }
        walk_in_every_way(&FrameStream::new(masking, extensions, &limits()), &wire);
    }
}
