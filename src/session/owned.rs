//! Messages that are moved into a session, so that their payloads need no copy.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Instant, Message, Session};
use crate::Rule;

/// What to send, with its payload: a [`Message`] that owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnedMessage {
    /// As [`Message::Text`].
    Text(String),
    /// As [`Message::TextFragment`].
    TextFragment(String),
    /// As [`Message::Utf8`].
    Utf8(Vec<u8>),
    /// As [`Message::Utf8Fragment`].
    Utf8Fragment(Vec<u8>),
    /// As [`Message::Binary`].
    Binary(Vec<u8>),
    /// As [`Message::BinaryFragment`].
    BinaryFragment(Vec<u8>),
}

impl OwnedMessage {
    /// Returns the same message, borrowed.
    pub fn as_message(&self) -> Message<'_> {
        match self {
            OwnedMessage::Text(text) => Message::Text(text),
            OwnedMessage::TextFragment(text) => Message::TextFragment(text),
            OwnedMessage::Utf8(bytes) => Message::Utf8(bytes),
            OwnedMessage::Utf8Fragment(bytes) => Message::Utf8Fragment(bytes),
            OwnedMessage::Binary(bytes) => Message::Binary(bytes),
            OwnedMessage::BinaryFragment(bytes) => Message::BinaryFragment(bytes),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            OwnedMessage::Text(text) | OwnedMessage::TextFragment(text) => text.into_bytes(),
            OwnedMessage::Utf8(bytes)
            | OwnedMessage::Utf8Fragment(bytes)
            | OwnedMessage::Binary(bytes)
            | OwnedMessage::BinaryFragment(bytes) => bytes,
        }
    }
}

impl From<String> for OwnedMessage {
    fn from(text: String) -> OwnedMessage {
        OwnedMessage::Text(text)
    }
}

impl From<Vec<u8>> for OwnedMessage {
    fn from(bytes: Vec<u8>) -> OwnedMessage {
        OwnedMessage::Binary(bytes)
    }
}

/// A message that was not queued, which is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotSent {
    /// Why it was not queued.
    pub rule: Rule,
    /// The message, unchanged.
    pub message: OwnedMessage,
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

impl core::error::Error for NotSent {}

impl From<NotSent> for Rule {
    fn from(not_sent: NotSent) -> Rule {
        not_sent.rule
    }
}

impl Session {
    /// Queues a message as [`Session::send`] does, with its payload: a long one is not
    /// copied, but masked where it is, handed out from there by [`Session::output_slices`],
    /// and freed once it has been written.
    ///
    /// Short payloads, and those that may be compressed, are copied all the same. The spare
    /// capacity of a buffer doesn't count toward
    /// [`Limits::queued_output`](crate::Limits::queued_output).
    ///
    /// # Errors
    ///
    /// As [`Session::send`], with the message.
    ///
    /// ```
    /// use websocket_component::{Config, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut server = Session::open_server(Config::default(), Default::default(), now)?;
    /// let payload = vec![7; 100_000];
    /// let address = payload.as_ptr();
    /// server.send_owned(payload, None, now)?;
    /// let slices: Vec<&[u8]> = server.output_slices().collect();
    /// assert_eq!(slices[0], b"\x82\x7f\0\0\0\0\0\x01\x86\xa0");
    /// assert_eq!(slices[1].as_ptr(), address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_owned(
        &mut self,
        message: impl Into<OwnedMessage>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), NotSent> {
        self.read_clock(now);
        let message = message.into();
        match self.check_open(false) {
            Ok(()) => self.sender.push_owned(message, context),
            Err(rule) => Err(NotSent { rule, message }),
        }
    }
}
