//! What a session tells its host, and what the host gives it to send.

use core::ops::Range;
use core::time::Duration;

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A server: the request's head has come, see
    /// [`Session::request`](super::Session::request). Nothing further is consumed
    /// before it is answered.
    Request,
    /// A client: the session has opened.
    Opened,
    /// A text message, or a piece of one. The bytes of the whole message are
    /// UTF-8; a piece may end inside a character.
    Text {
        /// The bytes, unmasked.
        payload: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
    /// A binary message, or a piece of one.
    Binary {
        /// The bytes, unmasked.
        payload: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
    /// A data frame of an extension that the host implements.
    Frame {
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
        /// Since the ping that it answers was queued; none if it answers none.
        round_trip: Option<Duration>,
    },
    /// A close frame.
    Close {
        /// Its code, 1005 if it holds none.
        code: u16,
        /// Its reason: UTF-8, at most 123 bytes.
        reason: &'a [u8],
    },
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    Frame(u8, &'a [u8]),
}

impl Message<'_> {
    #[inline]
    pub(super) fn is_ping_or_pong(&self) -> bool {
        matches!(self, Message::Ping(_) | Message::Pong(_))
    }
}

/// A send whose last byte was handed out, or that was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What was given to [`Session::send`](super::Session::send).
    pub context: Option<u64>,
    /// False if it was cancelled before all its bytes were handed out.
    pub complete: bool,
}

/// The kinds of [`Event`], as the contract's records name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    TextFragment,
    Binary,
    BinaryFragment,
    Ping,
    Pong,
    Close,
    Frame,
    Request,
    Opened,
}

impl Kind {
    /// Whether this is a message, or a piece of one.
    pub(crate) fn is_of_message(self) -> bool {
        matches!(
            self,
            Kind::Text | Kind::TextFragment | Kind::Binary | Kind::BinaryFragment
        )
    }

    /// Whether a message ends with this, or a ping that the host may answer.
    pub(super) fn ends_message(self) -> bool {
        matches!(
            self,
            Kind::Text | Kind::Binary | Kind::ExtensionFrame | Kind::Ping
        )
    }
}

/// Where the bytes of a record are until the turn ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the input, where they were unmasked.
    Input(Range<usize>),
    /// Among the messages that were put together from several inputs or frames.
    Assembled(Range<usize>),
    /// In the payload of the control frame that came in several inputs.
    Control(Range<usize>),
}

impl Place {
    pub(crate) const NONE: Place = Place::Input(0..0);

    pub(crate) fn len(&self) -> usize {
        let (Place::Input(range) | Place::Assembled(range) | Place::Control(range)) = self;
        range.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Without its first `count` bytes.
    pub(crate) fn skip(self, count: usize) -> Place {
        self.map(|range| (range.start + count).min(range.end)..range.end)
    }

    /// Its first `count` bytes.
    pub(crate) fn first(self, count: usize) -> Place {
        self.map(|range| range.start..(range.start + count).min(range.end))
    }

    fn map(self, change: impl Fn(Range<usize>) -> Range<usize>) -> Place {
        match self {
            Place::Input(range) => Place::Input(change(range)),
            Place::Assembled(range) => Place::Assembled(change(range)),
            Place::Control(range) => Place::Control(change(range)),
        }
    }
}

/// An [`Event`] that points at its bytes instead of borrowing them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    /// [`Kind::Close`]: the code. [`Kind::ExtensionFrame`]: the bits. [`Kind::Pong`]: the
    /// round-trip time in nanoseconds, or [`Record::UNSOLICITED`].
    pub(crate) detail: u64,
}

impl Record {
    pub(crate) const UNSOLICITED: u64 = u64::MAX;

    pub(crate) const fn bare(kind: Kind) -> Record {
        Record {
            kind,
            place: Place::NONE,
            detail: 0,
        }
    }

    pub(crate) fn with(self, payload: &[u8]) -> Event<'_> {
        match self.kind {
            Kind::Request => Event::Request,
            Kind::Opened => Event::Opened,
            Kind::Text | Kind::TextFragment => Event::Text {
                payload,
                last: self.kind == Kind::Text,
            },
            Kind::Binary | Kind::BinaryFragment => Event::Binary {
                payload,
                last: self.kind == Kind::Binary,
            },
            Kind::ExtensionFrame => Event::ExtensionFrame {
                bits: self.detail as u8,
                payload,
            },
            Kind::Ping => Event::Ping { payload },
            Kind::Pong => Event::Pong {
                payload,
                round_trip: (self.detail != Record::UNSOLICITED)
                    .then(|| Duration::from_nanos(self.detail)),
            },
            Kind::Close => Event::Close {
                code: self.detail as u16,
                reason: payload,
            },
        }
    }
}
