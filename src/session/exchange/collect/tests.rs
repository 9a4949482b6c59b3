//! The memory of what a call gives back.

use super::*;
use core::mem;

use crate::Config;
use crate::frame::header::{self, FIN, Opcode};
use crate::handshake::Negotiated;
use crate::limits::KEPT_CAPACITY;

const NOW: Instant = Instant::from_nanos(0);

fn client() -> Session {
    Session::open_client(Config::default(), &[7; 32], Negotiated::default(), NOW).unwrap()
}

/// A message from the server.
fn message(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    header::write(FIN | Opcode::Binary.bits(), length, None, &mut bytes);
    bytes.resize(bytes.len() + length, 7);
    bytes
}

/// A session that is given inputs, then a small message a few times: how many bytes of memory
/// it keeps for results.
fn kept_after(inputs: &mut [Vec<u8>]) -> usize {
    let mut session = client();
    for input in inputs {
        session.exchange(input, [], NOW, usize::MAX);
    }
    for _ in 0..3 {
        session.exchange(&mut message(1), [], NOW, usize::MAX);
    }
    let Exchange {
        records, payload, ..
    } = &session.exchange;
    records.capacity() * mem::size_of::<EventRecord>() + payload.capacity()
}

#[test]
fn a_result_that_was_large_leaves_no_memory_behind() {
    // A message that was cut, and a whole one behind it: both are copied to one place.
    let bytes = [message(1 << 20), message(1)].concat();
    let (begin, rest) = bytes.split_at(1000);
    assert!(kept_after(&mut [begin.to_vec(), rest.to_vec()]) <= 2 * KEPT_CAPACITY);
    let flood = message(0).repeat(MAX_EVENTS);
    assert!(kept_after(&mut [flood]) <= 2 * KEPT_CAPACITY);
}
