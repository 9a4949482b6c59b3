//! A message that is assembled outside the session.

use bytes::BytesMut;
use bytestring::ByteString;
use websocket_component::{EventKind, IncomingPayload};

use super::message::Message;

/// The capacity reserved for the rest of a payload, in multiples of what was received of the message.
const EXPECTED_TIMES: usize = 3;

/// The received part of a message.
pub(super) struct Incoming {
    pub(super) bytes: BytesMut,
    is_text: bool,
    /// The payload in progress. `None` between two fragments.
    pub(super) payload: Option<IncomingPayload>,
}

impl Incoming {
    pub(super) fn new(is_text: bool) -> Self {
        let bytes = BytesMut::new();
        Self {
            bytes,
            is_text,
            payload: None,
        }
    }

    /// Reserves capacity for `room` more bytes, and for a part of the `missing` payload in proportion to what was
    /// received: the length in a header alone isn't trusted.
    pub(super) fn reserve(&mut self, room: usize, missing: u64) {
        if self.bytes.capacity() - self.bytes.len() >= room {
            return;
        }
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let expected = self.bytes.len().saturating_mul(EXPECTED_TIMES);
        let room = missing.min(expected).max(room);
        // The exact capacity: growing the buffer would double it.
        let mut bytes = BytesMut::with_capacity(self.bytes.len().saturating_add(room));
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
    }

    pub(super) fn into_message(self) -> Result<Message, &'static str> {
        let bytes = self.bytes.freeze();
        Ok(match self.is_text {
            true => {
                let text = ByteString::try_from(bytes);
                Message::Text(text.map_err(|_| "it took text that is not UTF-8")?)
            }
            false => Message::Binary(bytes),
        })
    }
}

/// Adds an event to the message in progress, if it is a part of it. Returns the message if it is complete.
///
/// # Errors
///
/// The guest breaks the contract.
pub(super) fn add(
    incoming: &mut Option<Incoming>,
    kind: EventKind,
    bytes: &[u8],
    longest: u64,
) -> Result<Option<Message>, &'static str> {
    let Some(message) = incoming else {
        return Ok(None);
    };
    let is_text = matches!(kind, EventKind::Text | EventKind::TextChunk);
    if is_text != message.is_text || message.payload.is_some() {
        return Err("it delivered what is no part of the message");
    }
    let room = longest.saturating_sub(message.bytes.len() as u64);
    if bytes.len() as u64 > room {
        return Err("it exceeds the limit of messages");
    }
    message.bytes.extend_from_slice(bytes);
    match kind {
        EventKind::Text | EventKind::Binary => {
            incoming.take().map(Incoming::into_message).transpose()
        }
        _ => Ok(None),
    }
}
