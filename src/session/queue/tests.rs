//! The memory of what waits.

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
