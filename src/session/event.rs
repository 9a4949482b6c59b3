//! What a session reports to its host, and what the host sends.

use core::time::Duration;

use crate::stream::EventKind;

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Of a server: the head of the request is complete, see
    /// [`Session::request`](super::Session::request). Nothing further is consumed until it is
    /// answered.
    Request,
    /// Of a client: the session has opened.
    Opened,
    /// A text message, or a chunk of one. The bytes of the whole message are
    /// UTF-8; a chunk may end inside a character.
    Text {
        /// The bytes, unmasked.
        payload: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
    /// A binary message, or a chunk of one.
    Binary {
        /// The bytes, unmasked.
        payload: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
    /// A data frame of an extension that the host implements.
    ExtensionFrame {
        /// The first byte of its header: FIN, RSV1 to RSV3, opcode.
        bits: u8,
        /// The bytes, unmasked.
        payload: &'a [u8],
    },
    /// A ping; only if [`Config::report_control_frames`](super::Config::report_control_frames) is set
    /// or [`PongPolicy::Manual`](super::PongPolicy::Manual) is chosen.
    Ping {
        /// At most 125 bytes.
        payload: &'a [u8],
    },
    /// A pong; only if [`Config::report_control_frames`](super::Config::report_control_frames) is set.
    Pong {
        /// At most 125 bytes.
        payload: &'a [u8],
        /// The round-trip time: since the last byte of the ping was handed out. None if it
        /// answers no ping.
        round_trip: Option<Duration>,
    },
    /// A close frame.
    Close {
        /// Its code, 1005 if it holds none.
        code: u16,
        /// Its reason: UTF-8, at most 123 bytes.
        reason: &'a [u8],
    },
    /// Only of [`Session::exchange`](super::Session::exchange): the last byte of a send was
    /// handed out.
    Sent {
        /// What was given with it.
        context: u64,
    },
    /// Only of [`Session::exchange`](super::Session::exchange): a send was cancelled, because
    /// the session has ended.
    Cancelled {
        /// What was given with it.
        context: u64,
    },
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A text message, or the last fragment of one.
    Text(&'a str),
    /// A fragment of a text message, not the last.
    TextFragment(&'a str),
    /// A text message, or the last fragment of one, as bytes.
    Utf8(&'a [u8]),
    /// A fragment of a text message as bytes, not the last. It may end inside a
    /// character.
    Utf8Fragment(&'a [u8]),
    /// A binary message, or the last fragment of one.
    Binary(&'a [u8]),
    /// A fragment of a binary message, not the last.
    BinaryFragment(&'a [u8]),
    /// A ping with at most 125 bytes, which its pong returns.
    Ping(&'a [u8]),
    /// A pong that no ping asked for, with at most 125 bytes.
    Pong(&'a [u8]),
    /// A close frame without a code.
    Close,
    /// A close frame: a code (RFC 6455, section 7.4), and a reason of at most 123
    /// bytes of UTF-8.
    CloseWith(u16, &'a [u8]),
    /// A data frame of an extension that the host implements: the first byte of
    /// its header, and its payload.
    ExtensionFrame(u8, &'a [u8]),
}

impl Message<'_> {
    #[inline]
    pub(super) fn is_ping_or_pong(&self) -> bool {
        matches!(self, Message::Ping(_) | Message::Pong(_))
    }
}

/// A send whose last byte was handed out, or that was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// What was given to [`Session::send`](super::Session::send).
    pub context: Option<u64>,
    /// False if it was cancelled before all its bytes were handed out.
    pub complete: bool,
}

impl<'a> Event<'a> {
    pub(super) fn new(kind: EventKind, payload: &'a [u8]) -> Event<'a> {
        match kind {
            EventKind::Text | EventKind::TextChunk => Event::Text {
                payload,
                last: kind == EventKind::Text,
            },
            EventKind::Binary | EventKind::BinaryChunk => Event::Binary {
                payload,
                last: kind == EventKind::Binary,
            },
            EventKind::Ping => Event::Ping { payload },
            EventKind::Pong(nanos) => Event::Pong {
                payload,
                round_trip: Some(Duration::from_nanos(nanos)),
            },
            EventKind::UnsolicitedPong => Event::Pong {
                payload,
                round_trip: None,
            },
            EventKind::Close(code) => Event::Close {
                code,
                reason: payload,
            },
            EventKind::ExtensionFrame(bits) => Event::ExtensionFrame { bits, payload },
            EventKind::Request => Event::Request,
            EventKind::Opened => Event::Opened,
            EventKind::Sent(context) => Event::Sent { context },
            EventKind::Cancelled(context) => Event::Cancelled { context },
        }
    }
}
