//! The order of what waits, and its memory.

use super::segments::SEGMENT;
use super::*;
use crate::limits::KEPT_CAPACITY;
use proptest::prelude::*;

const HOST: Origin = Origin::Host(None);

/// A queue that has held frames of these lengths, and is empty again.
fn drained(payloads: impl IntoIterator<Item = usize>) -> Queue {
    let mut queue = Queue::default();
    for length in payloads {
        queue.write(0x82, &vec![7; length], None, HOST);
    }
    queue.advance(usize::MAX, &mut Done::default());
    assert!(queue.is_empty());
    queue
}

#[test]
fn a_frame_takes_no_more_than_its_length_and_a_header() {
    let mut queue = Queue::default();
    queue.write(0x82, &[7; 1000], None, HOST);
    assert!(queue.bytes.capacity() <= 1000 + header::MAX_LENGTH);
}

#[test]
fn an_empty_queue_keeps_little() {
    let most = KEPT_CAPACITY - header::MAX_LENGTH;
    assert_eq!(drained([most]).bytes.capacity(), KEPT_CAPACITY);
    assert_eq!(drained([most + 1]).bytes.capacity(), 0);
    assert_eq!(drained([100_000]).bytes.capacity(), 0);
    assert_ne!(drained([0; 10]).frames.capacity(), 0);
    assert_eq!(drained([0; 1000]).frames.capacity(), 0);
}

#[test]
fn frames_that_went_out_leave_nothing_behind_while_others_wait() {
    let mut queue = Queue::default();
    for _ in 0..100_000 {
        queue.write(0x82, b"", None, HOST);
    }
    while queue.frames.len() > 1 {
        queue.advance(2, &mut Done::default());
    }
    assert!(queue.bytes.capacity() <= SEGMENT + KEPT_CAPACITY);
    assert!(queue.frames.capacity() * size_of::<Frame>() <= KEPT_CAPACITY);
}

/// A queue of pings and pongs, by their payloads.
fn control(frames: &[(&[u8], Origin)]) -> Queue {
    let mut queue = Queue::default();
    for (payload, origin) in frames {
        queue.write(0x8a, payload, None, *origin);
    }
    queue
}

fn waiting(queue: &Queue) -> Vec<u8> {
    queue.slices(usize::MAX).flatten().copied().collect()
}

#[test]
fn the_last_pong_is_dropped_from_among_other_frames() {
    let mut done = Done::default();
    let mut queue = control(&[(b"a", HOST), (b"b", Origin::Pong), (b"c", HOST)]);
    queue.drop_last_pong(&mut done);
    assert_eq!(waiting(&queue), b"\x8a\x01a\x8a\x01c");
    assert_eq!((queue.pongs(), queue.has_own_frames()), (0, false));
    queue.drop_last_pong(&mut done);
    assert_eq!(queue.len(), 6);
    assert_eq!(done.pop(), None);
}

#[test]
fn a_pong_that_is_being_written_is_not_dropped() {
    let mut done = Done::default();
    let mut queue = control(&[(b"a", Origin::Pong), (b"b", Origin::Pong)]);
    queue.lend(4);
    queue.drop_last_pong(&mut done);
    assert_eq!(queue.len(), 6, "one byte of the second is on its way");
    queue.advance(1, &mut done);
    queue.drop_last_pong(&mut done);
    assert_eq!(waiting(&queue), b"\x01a");
    queue.drop_last_pong(&mut done);
    assert_eq!(waiting(&queue), b"\x01a", "it was begun");
}

#[test]
fn frames_that_are_dropped_are_told_in_order() {
    let frames = [1, 2, 3, 4].map(|n| (&b"x"[..], Origin::Host(Some(n))));
    let mut done = Done::default();
    let mut queue = control(&frames);
    queue.advance(4, &mut done);
    queue.drop_frames(&mut done, |origin| origin != Origin::Host(Some(3)));
    let told = core::iter::from_fn(|| done.pop()).map(|sent| (sent.context, sent.complete));
    let expected = [(Some(1), true), (Some(4), false)];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(waiting(&queue), b"\x01x\x8a\x01x");
}

#[test]
fn sends_that_are_done_alike_are_counted() {
    let mut done = Done::default();
    for _ in 0..1000 {
        done.push(Sent {
            context: None,
            complete: true,
        });
    }
    assert_eq!(done.runs.len(), 1);
}

/// What a host and a session do to a queue.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, Origin),
    WriteOwned(usize),
    Lend(usize),
    Advance(usize),
    Take(usize),
    DropPongs,
    DropLastPong,
    DropAll,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![Just(0), 1..200_usize, 1..9000_usize, 60_000..140_000_usize];
    let origin = prop_oneof![Just(HOST), Just(Origin::Pong), Just(Origin::Close)];
    prop_oneof![
        4 => (length.clone(), origin).prop_map(|(length, origin)| Step::Write(length, origin)),
        1 => (1..9000_usize).prop_map(Step::WriteOwned),
        1 => length.clone().prop_map(Step::Lend),
        2 => length.clone().prop_map(Step::Advance),
        2 => length.prop_map(Step::Take),
        1 => Just(Step::DropPongs),
        2 => Just(Step::DropLastPong),
        1 => Just(Step::DropAll),
    ]
}

/// A queue as simple as can be: frames with their bytes.
#[derive(Default)]
struct Model {
    frames: VecDeque<(Vec<u8>, Origin)>,
    begun: bool,
    in_flight: usize,
}

impl Model {
    fn write(&mut self, payload: &[u8], origin: Origin) {
        let mut bytes = Vec::new();
        header::write(0x82, payload.len(), None, &mut bytes);
        bytes.extend_from_slice(payload);
        self.frames.push_back((bytes, origin));
    }

    fn waiting(&self) -> Vec<u8> {
        let frames = self.frames.iter().map(|(bytes, _)| &bytes[..]);
        frames.collect::<Vec<_>>().concat()
    }

    fn advance(&mut self, mut count: usize) {
        self.in_flight = 0;
        while let Some((bytes, _)) = self.frames.front_mut() {
            let part = bytes.len().min(count);
            bytes.drain(..part);
            count -= part;
            if !bytes.is_empty() {
                self.begun |= part > 0;
                return;
            }
            self.frames.pop_front();
            self.begun = false;
        }
    }

    /// Which frames have not to be written to their end, and are picked.
    fn drop_frames(&mut self, pick: impl Fn(Origin, bool) -> bool) {
        let is_last = |index: usize| {
            let pongs = |(_, origin): &(_, Origin)| *origin == Origin::Pong;
            !self.frames.iter().skip(index + 1).any(pongs)
        };
        let mut start = 0;
        let mut kept = Vec::new();
        for (index, (bytes, origin)) in self.frames.iter().enumerate() {
            let is_bound = start < self.in_flight || (index == 0 && self.begun);
            kept.push(is_bound || !pick(*origin, is_last(index)));
            start += bytes.len();
        }
        let mut kept = kept.into_iter();
        self.frames.retain(|_| kept.next().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 256 }))]
    #[test]
    fn a_queue_is_a_list_of_frames(steps in prop::collection::vec(step(), 1..60)) {
        let mut queue = Queue::default();
        let mut model = Model::default();
        let mut done = Done::default();
        for (number, step) in steps.into_iter().enumerate() {
            let payload = |length| vec![number as u8; length];
            match step {
                Step::Write(length, origin) => {
                    queue.write(0x82, &payload(length), None, origin);
                    model.write(&payload(length), origin);
                }
                Step::WriteOwned(length) => {
                    queue.write_owned(0x82, payload(length), None, HOST);
                    model.write(&payload(length), HOST);
                }
                Step::Lend(count) => {
                    let count = count.min(queue.len());
                    queue.lend(count);
                    model.in_flight = model.in_flight.max(count);
                }
                Step::Advance(count) => {
                    queue.advance(count, &mut done);
                    model.advance(count);
                }
                Step::Take(count) => {
                    let waiting = model.waiting();
                    let mut output = Vec::new();
                    queue.take(count, &mut output, &mut done);
                    prop_assert!(output == waiting[..count.min(waiting.len())]);
                    model.advance(count);
                }
                Step::DropPongs => {
                    queue.drop_frames(&mut done, |origin| origin == Origin::Pong);
                    model.drop_frames(|origin, _| origin == Origin::Pong);
                }
                Step::DropLastPong => {
                    queue.drop_last_pong(&mut done);
                    model.drop_frames(|origin, is_last| origin == Origin::Pong && is_last);
                }
                Step::DropAll => {
                    queue.drop_frames(&mut done, |_| true);
                    model.drop_frames(|_, _| true);
                }
            }
            prop_assert!(waiting(&queue) == model.waiting());
            prop_assert_eq!(queue.first().is_empty(), queue.is_empty());
            prop_assert_eq!(queue.is_inside_frame(), model.begun || model.in_flight > 0);
            let first = model.frames.front().map_or(0, |(bytes, _)| bytes.len());
            prop_assert_eq!(queue.rest_of_frame(), first);
            let of = |kind: fn(Origin) -> bool| {
                let frames = model.frames.iter().filter(move |(_, origin)| kind(*origin));
                frames.map(|(bytes, _)| bytes.len()).sum::<usize>()
            };
            prop_assert_eq!(queue.pongs(), of(|origin| origin == Origin::Pong));
            prop_assert_eq!(queue.has_own_frames(), of(|origin| origin != HOST) > 0);
        }
    }
}
