//! Messages and close frames.

use bytes::Bytes;
use bytestring::ByteString;

use websocket_component::{EventKind, Message as Borrowed, Outgoing};

/// The code reported for a close frame without a code (RFC 6455, section 7.1.5).
const NO_CODE: u16 = 1005;

/// The content of a close frame (RFC 6455, section 5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code (RFC 6455, section 7.4).
    pub code: u16,
    /// The reason: at most 123 bytes.
    pub reason: String,
}

/// A message, or a control frame.
///
/// Payloads are shared, not copied, when a message is cloned; small ones that came in one read share an allocation of at
/// most 4 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
    /// A ping with at most 125 bytes. Received pings are answered automatically, and reported only if
    /// [`Config::report_control_frames`](crate::stream::Config::report_control_frames) is set.
    Ping(Bytes),
    /// A pong with at most 125 bytes, reported as pings are. Pings are answered without it.
    Pong(Bytes),
    /// A close frame: the last message that can be sent, and the last one received. It is answered when it is
    /// received, unless [`Config::reply_to_close`](crate::stream::Config::reply_to_close) is off.
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

    /// Returns the payload, or the reason of a close frame, as text. `None` if it isn't UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => std::str::from_utf8(self.as_bytes()).ok(),
        }
    }

    /// Returns the payload, or the reason of a close frame.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(frame) => frame.as_ref().map_or(&[], |frame| frame.reason.as_bytes()),
        }
    }

    /// Returns the payload, or the reason of a close frame.
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

    /// Returns the message as a session sends it.
    pub(super) fn outgoing(&self) -> Outgoing<'_> {
        let message = match self {
            Self::Text(text) => Borrowed::Text(text),
            Self::Binary(bytes) => Borrowed::Binary(bytes),
            Self::Ping(bytes) => Borrowed::Ping(bytes),
            Self::Pong(bytes) => Borrowed::Pong(bytes),
            Self::Close(None) => Borrowed::Close,
            Self::Close(Some(frame)) => Borrowed::CloseWith(frame.code, frame.reason.as_bytes()),
        };
        message.into()
    }

    /// Returns the fragment after the first `begun` bytes, if the message is longer than one fragment.
    pub(super) fn piece(&self, begun: usize, longest: usize) -> Option<Outgoing<'_>> {
        if self.len() <= longest {
            return None;
        }
        let rest = self.as_bytes().get(begun..).unwrap_or_default();
        let piece = rest.get(..longest).filter(|piece| piece.len() < rest.len());
        let message = match (self, piece) {
            (Self::Text(_), Some(piece)) => Borrowed::Utf8Fragment(piece),
            (Self::Text(_), None) => Borrowed::Utf8(rest),
            (Self::Binary(_), Some(piece)) => Borrowed::BinaryFragment(piece),
            (Self::Binary(_), None) => Borrowed::Binary(rest),
            (Self::Ping(_) | Self::Pong(_) | Self::Close(_), _) => return None,
        };
        Some(message.into())
    }

    /// Returns the message of an event, if it is one. Text that isn't UTF-8 breaks the contract.
    pub(super) fn received(kind: EventKind, payload: Bytes) -> Result<Option<Self>, &'static str> {
        const NOT_UTF8: &str = "it delivered text that is not UTF-8";
        Ok(Some(match kind {
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
            | EventKind::Cancelled(_) => return Ok(None),
            _ => return Err("it delivered what nobody asked for"),
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

    use super::{Borrowed, CloseFrame, EventKind, Message, NO_CODE};

    /// Returns the event that a session delivers for a message that another one sends.
    fn delivered(message: Borrowed<'_>) -> EventKind {
        match message {
            Borrowed::Text(_) => EventKind::Text,
            Borrowed::Binary(_) => EventKind::Binary,
            Borrowed::Ping(_) => EventKind::Ping,
            Borrowed::Pong(_) => EventKind::UnsolicitedPong,
            Borrowed::Close => EventKind::Close(NO_CODE),
            Borrowed::CloseWith(code, _) => EventKind::Close(code),
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
            let kind = delivered(message.outgoing().message);
            let received = Message::received(kind, message.clone().into_bytes());
            assert_eq!(received, Ok(Some(message)));
        }
    }

    #[test]
    fn text_that_is_no_text_is_noticed() {
        let bytes = Bytes::from_static(&[0xff]);
        assert!(Message::received(EventKind::Text, bytes.clone()).is_err());
        assert!(Message::received(EventKind::Close(1000), bytes).is_err());
        assert!(Message::received(EventKind::TextChunk, Bytes::new()).is_err());
    }

    #[test]
    fn events_that_are_no_messages_are_none() {
        let received = Message::received(EventKind::Opened, Bytes::new());
        assert_eq!(received, Ok(None));
    }
}
