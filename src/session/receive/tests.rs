//! The memory of what was received.

use core::time::Duration;

use super::*;
use crate::Delivery;

/// A frame of the client's, with the key 0.
fn frame(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    header::write(first, length, Some([0; 4]), &mut bytes);
    bytes.resize(bytes.len() + length, 7);
    bytes
}

/// One turn: what it delivers.
fn turn(receiver: &mut Receiver, mut input: Vec<u8>) -> Vec<Record> {
    receiver.begin_turn();
    let mut at = 0;
    let mut records = Vec::new();
    while let Some(record) = receiver.next(&mut input, &mut at).unwrap() {
        records.push(record);
    }
    records
}

fn server() -> Receiver {
    Receiver::new(Role::Server, &Config::default(), Extensions::None)
}

#[test]
fn what_was_delivered_is_forgotten_in_the_next_turn() {
    let mut receiver = server();
    let mut input = frame(0x80, 1000);
    input.extend(frame(0x02, 10));
    for _ in 0..100 {
        turn(&mut receiver, frame(0x02, 1000));
        let records = turn(&mut receiver, input.clone());
        assert_eq!(records.len(), 1);
        // The end of one message, and the beginning of the next.
        assert_eq!(receiver.assembly.len(), 2000 + 10);
        assert_eq!(turn(&mut receiver, frame(0x80, 0)).len(), 1);
        assert_eq!(receiver.assembly.len(), 10);
    }
    turn(&mut receiver, Vec::new());
    assert_eq!(receiver.assembly.len(), 0);
}

#[test]
fn a_receiver_at_rest_keeps_little() {
    for (length, kept) in [
        (100, true),
        (KEPT_CAPACITY, true),
        (KEPT_CAPACITY + 1, false),
    ] {
        let mut receiver = server();
        turn(&mut receiver, frame(0x02, length));
        turn(&mut receiver, frame(0x80, 0));
        turn(&mut receiver, Vec::new());
        let capacity = receiver.assembly.capacity();
        assert_eq!(capacity != 0, kept, "{capacity} bytes after {length}");
    }
}

#[test]
fn a_frame_that_was_held_leaves_little_behind() {
    let config = Config {
        delivery: Delivery::Streaming,
        max_whole_frame: 128 << 10,
        ..Config::default()
    };
    let mut receiver = Receiver::new(Role::Server, &config, Extensions::None);
    let mut first = frame(0x82, 100_000);
    let rest = first.split_off(50_000);
    assert_eq!(turn(&mut receiver, first), []);
    // What a header announces is believed as far as a part of it has come.
    assert!(receiver.assembly.capacity() <= 4 * 50_000);
    let records = turn(&mut receiver, rest);
    let lengths: Vec<usize> = records.iter().map(|record| record.place.len()).collect();
    assert_eq!(lengths, [100_000]);
    turn(&mut receiver, Vec::new());
    assert_eq!(receiver.assembly.capacity(), 0);
}

#[test]
fn no_more_is_held_than_the_longest_piece() {
    const WHOLE: usize = 1000;
    let mut config = Config {
        delivery: Delivery::Streaming,
        receive_buffer: 256,
        max_whole_frame: WHOLE as u32,
        ..Config::default()
    };
    config.timeouts.coalesce = Some(Duration::from_millis(20));
    let mut receiver = Receiver::new(Role::Server, &config, Extensions::None);
    let mut said = frame(0x02, 200);
    for length in [900, 1, 255, WHOLE, 5000, 100, WHOLE + 1] {
        said.extend(frame(0x00, length));
    }
    for at_once in [1, 13, 700] {
        for input in said.chunks(at_once) {
            for record in turn(&mut receiver, input.to_vec()) {
                assert!(record.place.len() <= WHOLE);
            }
            assert!(receiver.held() <= WHOLE);
        }
        turn(&mut receiver, frame(0x80, 0));
    }
}
