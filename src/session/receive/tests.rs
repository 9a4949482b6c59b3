//! The memory of what was received.

use super::*;

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
