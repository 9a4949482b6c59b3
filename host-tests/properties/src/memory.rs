//! The memory of a session is bounded by its limits and by what the peer has sent, not by the length in a header
//! (hostile classes 6, 14 and 20).

use host_tests::{Engine, Event, Native};

use crate::case::{self, Case, NOW};

/// How much is said in one go: the memory of an exchange is as large as its input.
const CHUNK: usize = 64;

/// A session without input: its request, its own boxes.
const BASE: u64 = 8192;
/// Of a head: its bytes, the fields that borrow from them, the fields that own theirs.
const PER_HEAD_BYTE: u64 = 32;
/// Of the body of a refusal, in a buffer that doubles.
const PER_BODY_BYTE: u64 = 3;
/// Of a message: the bytes as they are put together, in a buffer that doubles, and a copy for the host.
const PER_MESSAGE_BYTE: u64 = 6;
/// Of a window and a decoder (RFC 7692), and of what is being inflated.
const INFLATER: u64 = 48 << 10;
/// No byte of compressed data becomes more than this (RFC 1951: 258 bytes of two bits).
pub(crate) const MAX_INFLATED: u64 = 1032;
/// Of a pong that waits, at least two bytes long: its bytes and its border, in buffers that double.
const PER_PONG_BYTE: u64 = 70;

/// Passes everything to a session that hardly gets to write, and measures the peak memory.
pub(crate) fn is_bounded(case: &Case) {
    let measured = allocation_counter::measure(|| listen(case));
    assert_eq!(measured.bytes_current, 0, "bytes that were not given back");
    let allowed = allowed(case);
    assert!(
        measured.bytes_max <= allowed,
        "{} bytes taken, {allowed} allowed",
        measured.bytes_max
    );
}

fn listen(case: &Case) {
    let mut engine = case.engine::<Native>();
    let mut at = 0;
    let mut given = 0;
    while given < case.said.len() {
        given = case.said.len().min(given + CHUNK);
        loop {
            let result = engine.exchange(&case.said[at..given], &[], NOW, 1);
            at += result.consumed;
            if result.events.contains(&Event::Request)
                && engine.accept(&case::acceptance(), NOW).is_err()
            {
                return;
            }
            if result.events.is_empty() {
                break;
            }
        }
    }
}

fn allowed(case: &Case) -> u64 {
    let said = case.said.len() as u64;
    let limits = &case.config.limits;
    let head = match case.begins_with_heads() {
        true => said.min(limits.head.into()),
        false => 0,
    };
    let body = match case.begins_with_heads() {
        true => said.min(limits.refusal_body.into()),
        false => 0,
    };
    let inflater = u64::from(case.config.deflate.is_some());
    let longest = said * (1 + inflater * MAX_INFLATED);
    // A frame of an extension's is no longer than any frame may be.
    let message = longest.min(limits.message.max(limits.frame)) + CHUNK as u64;
    // A ping of two bytes is answered by a pong of up to six; the last one may exceed the limit.
    let pongs = (3 * said).min(u64::from(limits.queued_pongs) + 131);
    BASE + INFLATER * inflater
        + PER_HEAD_BYTE * head
        + PER_BODY_BYTE * body
        + PER_MESSAGE_BYTE * message
        + PER_PONG_BYTE * pongs
}
