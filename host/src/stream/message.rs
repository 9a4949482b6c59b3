//! What is sent and received.

use bytes::Bytes;
use bytestring::ByteString;

use crate::protocol::{CloseFrame, Event, Kind, Outgoing};

/// A message, or a control frame.
///
/// Payloads are shared, not copied, when a message is cloned; those that came in one read share one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
    /// A ping with at most 125 bytes. It is answered without your doing; received ones are shown only if
    /// [`Config::report_control_frames`](crate::protocol::Config::report_control_frames) is set.
    Ping(Bytes),
    /// A pong with at most 125 bytes, shown as pings are. There is no need to send any.
    Pong(Bytes),
    /// The end: the last message that can be sent, and the last that is received. An answer is sent without your doing.
    Close(Option<CloseFrame>),
}

/// In a close frame's record: it holds no code (RFC 6455, section 7.1.5).
const NO_CODE: u64 = 1005;

impl Message {
    /// A text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Whether it is a text or bytes, rather than a control frame.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// The payload as text: of a text message itself, of a close frame the reason, of others if they are UTF-8.
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

    /// How many bytes the payload has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The record to send it by, with its payload at `start`.
    pub(super) fn outgoing(&self, start: u32) -> Outgoing {
        let (kind, detail) = match self {
            Self::Text(_) => (Kind::Text, 0),
            Self::Binary(_) => (Kind::Binary, 0),
            Self::Ping(_) => (Kind::Ping, 0),
            Self::Pong(_) => (Kind::Pong, 0),
            Self::Close(frame) => {
                let code = frame.as_ref().map(|frame| u64::from(frame.code));
                (Kind::Close, code.unwrap_or(NO_CODE))
            }
        };
        Outgoing {
            kind,
            start,
            // A message of 4 GiB or more doesn't fit in the guest, and the call will say so.
            length: u32::try_from(self.len()).unwrap_or(u32::MAX),
            detail,
            context: None,
        }
    }

    /// What an event stands for, if it is a message at all. Text that is no UTF-8 is the guest's fault.
    pub(super) fn received(event: &Event, payload: Bytes) -> Result<Option<Self>, &'static str> {
        const NOT_UTF8: &str = "it delivered text that is not UTF-8";
        Ok(Some(match event.kind {
            Kind::Text => Self::Text(ByteString::try_from(payload).map_err(|_| NOT_UTF8)?),
            Kind::Binary => Self::Binary(payload),
            Kind::Ping => Self::Ping(payload),
            Kind::Pong => Self::Pong(payload),
            Kind::Close if event.detail == NO_CODE => Self::Close(None),
            Kind::Close => Self::Close(Some(CloseFrame {
                code: u16::try_from(event.detail).map_err(|_| "a close code has 16 bits")?,
                reason: String::from_utf8(payload.into()).map_err(|_| NOT_UTF8)?,
            })),
            Kind::Request | Kind::Opened | Kind::Sent | Kind::Cancelled => return Ok(None),
            Kind::TextFragment | Kind::BinaryFragment | Kind::ExtensionFrame => {
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

    use super::{CloseFrame, Event, Kind, Message};

    fn event(kind: Kind, detail: u64) -> Event {
        let (start, length) = (0, 0);
        Event {
            kind,
            start,
            length,
            detail,
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
            let event = event(record.kind, record.detail);
            let received = Message::received(&event, message.clone().into_bytes());
            assert_eq!(received, Ok(Some(message)));
        }
    }

    #[test]
    fn text_that_is_no_text_is_noticed() {
        let bytes = Bytes::from_static(&[0xff]);
        assert!(Message::received(&event(Kind::Text, 0), bytes.clone()).is_err());
        assert!(Message::received(&event(Kind::Close, 1000), bytes).is_err());
        assert!(Message::received(&event(Kind::Close, 70_000), Bytes::new()).is_err());
        assert!(Message::received(&event(Kind::TextFragment, 0), Bytes::new()).is_err());
    }

    #[test]
    fn events_that_are_no_messages_are_none() {
        assert_eq!(
            Message::received(&event(Kind::Opened, 0), Bytes::new()),
            Ok(None)
        );
    }
}
