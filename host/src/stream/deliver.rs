//! Turns the events of an exchange into messages.

use std::collections::VecDeque;

use bytes::Bytes;
use websocket_component::{EventKind, EventRecord};

use super::engine::Received;
use super::incoming::{self, Incoming};
use super::message::Message;

/// The maximum allocation that small messages of one exchange share: a message that is kept retains no more.
const SHARED: usize = 4 << 10;

/// Which other events there were.
#[derive(Clone, Copy, Default)]
pub(super) struct Delivered {
    pub(super) has_events: bool,
    pub(super) has_request: bool,
}

/// Turns the events that are messages into messages.
///
/// # Errors
///
/// The endpoint breaks the contract.
pub(super) fn deliver(
    received: &Received<'_>,
    incoming: &mut Option<Incoming>,
    inbox: &mut VecDeque<Message>,
    longest: u64,
) -> Result<Delivered, &'static str> {
    let mut delivered = Delivered::default();
    let mut shared = Bytes::new();
    let mut records = received.records;
    while let Some((record, rest)) = records.split_first() {
        delivered.has_events = true;
        delivered.has_request |= record.kind == EventKind::Request;
        if incoming.is_some() && is_of_message(record.kind) {
            let bytes = bytes(received, record);
            inbox.extend(incoming::add(incoming, record.kind, bytes, longest)?);
        } else {
            if shared.len() < record.length {
                shared = copy(received, records, incoming.is_some());
            }
            let payload = shared.split_to(record.length.min(shared.len()));
            inbox.extend(Message::received(record.kind, payload)?);
        }
        records = rest;
    }
    Ok(delivered)
}

/// Copies the payload of the first record, together with those of the following records that may share the allocation.
fn copy(received: &Received<'_>, records: &[EventRecord], in_message: bool) -> Bytes {
    let (mut count, mut length) = (0, 0);
    for record in records {
        let is_of_another = in_message && is_of_message(record.kind);
        let together = length + record.length;
        if count > 0 && (together > SHARED || is_of_another) {
            break;
        }
        (count, length) = (count + 1, together);
    }
    let mut copy = Vec::with_capacity(length);
    for record in &records[..count] {
        copy.extend_from_slice(bytes(received, record));
    }
    copy.into()
}

fn bytes<'a>(received: &Received<'a>, record: &EventRecord) -> &'a [u8] {
    let end = record.start.saturating_add(record.length);
    received.payload.get(record.start..end).unwrap_or_default()
}

fn is_of_message(kind: EventKind) -> bool {
    use EventKind::{Binary, BinaryChunk, Text, TextChunk};
    matches!(kind, Text | TextChunk | Binary | BinaryChunk)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use websocket_component::{EventKind, EventRecord};

    use super::{Received, SHARED, deliver};
    use crate::stream::Message;

    /// Delivers messages of these lengths from one read.
    fn delivered(lengths: &[usize]) -> Vec<Message> {
        let mut start = 0;
        let record = |&length| {
            let record = EventRecord::new(EventKind::Binary, start, length);
            start += length;
            record
        };
        let records: Vec<_> = lengths.iter().map(record).collect();
        let payload: Vec<u8> = (0..start).map(|index| index as u8).collect();
        let received = Received {
            records: &records,
            payload: &payload,
        };
        let mut inbox = VecDeque::new();
        deliver(&received, &mut None, &mut inbox, u64::MAX).expect("they are messages");
        assert_eq!(inbox.len(), records.len());
        for (message, record) in inbox.iter().zip(&records) {
            let end = record.start + record.length;
            assert_eq!(message.as_bytes(), &payload[record.start..end]);
        }
        inbox.into()
    }

    /// Returns the distance between the bytes of two messages.
    fn distance(one: &Message, other: &Message) -> usize {
        let at = |message: &Message| message.as_bytes().as_ptr() as usize;
        at(other).wrapping_sub(at(one))
    }

    #[test]
    fn small_messages_of_a_read_share_a_copy_that_is_small() {
        let messages = delivered(&[100; 100]);
        let fit = SHARED / 100;
        assert_eq!(distance(&messages[0], &messages[fit - 1]), (fit - 1) * 100);
        assert_ne!(distance(&messages[fit - 1], &messages[fit]), 100);
    }

    #[test]
    fn a_large_message_and_an_empty_one_have_their_bytes() {
        delivered(&[]);
        delivered(&[0, 3, 0, SHARED, 1, 2 * SHARED, 0, 1]);
    }
}
