//! The order of what waits, and its memory.

use super::segments::SEGMENT;
use super::*;

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
    assert!(queue.frames.capacity() * mem::size_of::<Frame>() <= KEPT_CAPACITY);
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
