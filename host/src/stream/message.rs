//! What is sent and received.

use bytes::Bytes;
use bytestring::ByteString;

use crate::protocol::{CloseFrame, Compression, Event, EventKind, NO_CODE, Outgoing, OutgoingKind};

/// A message, or a control frame.
///
/// Payloads are shared, not copied, when a message is cloned; those that came in one read share one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
    /// A ping with at most 125 bytes. It is answered automatically; received ones are reported only if
    /// [`Config::report_control_frames`](crate::protocol::Config::report_control_frames) is set.
    Ping(Bytes),
    /// A pong with at most 125 bytes, reported as pings are. There is no need to send any.
    Pong(Bytes),
    /// A close frame: the last message that can be sent, and the last that is received. It is answered when it is
    /// received, unless [`Config::reply_to_close`](crate::protocol::Config::reply_to_close) is off.
    Close(Option<CloseFrame>),
}

impl Message {
    /// Creates a text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Returns whether this is a text or binary message, rather than a control frame.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// Returns the payload as text: that of a text message, the reason of a close frame, and others if they are UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => std::str::from_utf8(self.as_bytes()).ok(),
        }
    }

    /// The payload, of a close frame the reason.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(frame) => frame.as_ref().map_or(&[], |frame| frame.reason.as_bytes()),
        }
    }

    /// The payload, of a close frame the reason.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(frame) => frame.map_or_else(Bytes::new, |frame| frame.reason.into()),
        }
    }

    /// Returns the length of the payload, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The record to send it by, with its payload at `start`.
    pub(super) fn outgoing(&self, start: u32) -> Outgoing {
        let kind = match self {
            Self::Text(_) => OutgoingKind::Text(Compression::Automatic),
            Self::Binary(_) => OutgoingKind::Binary(Compression::Automatic),
            Self::Ping(_) => OutgoingKind::Ping,
            Self::Pong(_) => OutgoingKind::Pong,
            Self::Close(frame) => OutgoingKind::Close(frame.as_ref().map(|frame| frame.code)),
        };
        Outgoing {
            kind,
            start,
            // A message that doesn't fit in 32 bits goes in pieces.
            length: u32::try_from(self.len()).unwrap_or(u32::MAX),
            context: None,
        }
    }

    /// The record to send the piece behind the first `begun` bytes by, if this is longer than one piece.
    pub(super) fn piece(&self, begun: usize, longest: usize) -> Option<Outgoing> {
        let fragment = match self {
            Self::Text(_) => OutgoingKind::TextFragment(Compression::Automatic),
            Self::Binary(_) => OutgoingKind::BinaryFragment(Compression::Automatic),
            Self::Ping(_) | Self::Pong(_) | Self::Close(_) => return None,
        };
        if self.len() <= longest {
            return None;
        }
        let rest = self.len().saturating_sub(begun);
        let whole = self.outgoing(0);
        Some(Outgoing {
            kind: if rest > longest { fragment } else { whole.kind },
            length: rest.min(longest) as u32,
            ..whole
        })
    }

    /// Returns the message of an event, if it is one. Text that isn't UTF-8 is the guest's fault.
    pub(super) fn received(event: &Event, payload: Bytes) -> Result<Option<Self>, &'static str> {
        const NOT_UTF8: &str = "it delivered text that is not UTF-8";
        Ok(Some(match event.kind {
            EventKind::Text => Self::Text(ByteString::try_from(payload).map_err(|_| NOT_UTF8)?),
            EventKind::Binary => Self::Binary(payload),
            EventKind::Ping => Self::Ping(payload),
            EventKind::Pong(_) | EventKind::UnsolicitedPong => Self::Pong(payload),
            EventKind::Close(NO_CODE) => Self::Close(None),
            EventKind::Close(code) => Self::Close(Some(CloseFrame {
                code,
                reason: String::from_utf8(payload.into()).map_err(|_| NOT_UTF8)?,
            })),
            EventKind::Request
            | EventKind::Opened
            | EventKind::Sent(_)
            | EventKind::Cancelled(_)
            | EventKind::Other(_) => return Ok(None),
            EventKind::TextChunk | EventKind::BinaryChunk | EventKind::ExtensionFrame(_) => {
                return Err("it delivered what nobody asked for");
            }
        }))
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{CloseFrame, Event, EventKind, Message, NO_CODE, OutgoingKind};

    fn event(kind: EventKind) -> Event {
        let (start, length) = (0, 0);
        Event {
            kind,
            start,
            length,
        }
    }

    /// What a session delivers of what another sends.
    fn delivered(kind: OutgoingKind) -> EventKind {
        match kind {
            OutgoingKind::Text(_) => EventKind::Text,
            OutgoingKind::Binary(_) => EventKind::Binary,
            OutgoingKind::Ping => EventKind::Ping,
            OutgoingKind::Pong => EventKind::UnsolicitedPong,
            OutgoingKind::Close(code) => EventKind::Close(code.unwrap_or(NO_CODE)),
            other => panic!("a stream doesn't send {other:?}"),
        }
    }

    fn close(code: u16, reason: &str) -> Message {
        let reason = reason.to_owned();
        Message::Close(Some(CloseFrame { code, reason }))
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        for message in [
            Message::text("zażółć"),
            Message::binary(vec![0, 255]),
            Message::Ping(Bytes::from_static(b"ping")),
            Message::Pong(Bytes::new()),
            Message::Close(None),
            close(4000, "enough"),
        ] {
            let record = message.outgoing(7);
            assert_eq!((record.start, record.length as usize), (7, message.len()));
            let event = event(delivered(record.kind));
            let received = Message::received(&event, message.clone().into_bytes());
            assert_eq!(received, Ok(Some(message)));
        }
    }

    #[test]
    fn text_that_is_no_text_is_noticed() {
        let bytes = Bytes::from_static(&[0xff]);
        assert!(Message::received(&event(EventKind::Text), bytes.clone()).is_err());
        assert!(Message::received(&event(EventKind::Close(1000)), bytes).is_err());
        assert!(Message::received(&event(EventKind::TextChunk), Bytes::new()).is_err());
    }

    #[test]
    fn events_that_are_no_messages_are_none() {
        assert_eq!(
            Message::received(&event(EventKind::Opened), Bytes::new()),
            Ok(None)
        );
    }
}
