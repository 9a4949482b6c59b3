//! What a host has sent, and what the other side has to receive.

use host_tests::Event;
use websocket_component::{Config, Message, Rule};

use crate::said::{PONG_MARK, Said};

/// What the session has taken.
#[derive(Default)]
pub(super) struct Told {
    /// Whole messages, in order.
    pub(super) messages: Vec<Event>,
    /// The fragments of the message that has no end yet; whether it is text.
    pub(super) begun: Option<(bool, Vec<u8>)>,
    pub(super) pings: Vec<Vec<u8>>,
    pub(super) pongs: Vec<Vec<u8>>,
    pub(super) close: Option<(u16, Vec<u8>)>,
    /// How many sends were taken, whose contexts are the numbers below; and those that were not.
    pub(super) contexts: Vec<u64>,
    next: u64,
    pub(super) longest_frame: u64,
    pub(super) longest_message: u64,
    pub(super) most_fragments: u32,
    fragments: u32,
}

impl Told {
    pub(super) fn count(&self) -> usize {
        self.contexts.len()
    }

    pub(super) fn has_closed(&self) -> bool {
        self.close.is_some()
    }

    pub(super) fn next_context(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The send with the last context was taken.
    pub(super) fn accepted(&mut self, message: Message<'_>) {
        self.contexts.push(self.next);
        match message {
            Message::Text(text) => self.data(true, text.as_bytes(), true),
            Message::TextFragment(text) => self.data(true, text.as_bytes(), false),
            Message::Utf8(bytes) => self.data(true, bytes, true),
            Message::Utf8Fragment(bytes) => self.data(true, bytes, false),
            Message::Binary(bytes) => self.data(false, bytes, true),
            Message::BinaryFragment(bytes) => self.data(false, bytes, false),
            Message::Ping(payload) => self.pings.push(payload.into()),
            // Others answer pings.
            Message::Pong(payload) if payload.first() == Some(&PONG_MARK) => {
                self.pongs.push(payload.into());
            }
            Message::Pong(_) => {}
            Message::Close => self.closed(1005, b""),
            Message::CloseWith(code, reason) => self.closed(code, reason),
            other => panic!("not to be taken: {other:?}"),
        }
    }

    fn data(&mut self, text: bool, bytes: &[u8], last: bool) {
        let (is_text, payload) = self.begun.get_or_insert_with(|| (text, Vec::new()));
        assert_eq!(*is_text, text, "a fragment of another kind was taken");
        payload.extend_from_slice(bytes);
        self.fragments += 1;
        self.longest_frame = self.longest_frame.max(bytes.len() as u64);
        self.longest_message = self.longest_message.max(payload.len() as u64);
        self.most_fragments = self.most_fragments.max(self.fragments);
        if last && let Some((text, payload)) = self.begun.take() {
            self.fragments = 0;
            self.messages.push(match text {
                true => Event::text(payload),
                false => Event::binary(payload),
            });
        }
    }

    fn closed(&mut self, code: u16, reason: &[u8]) {
        assert!(!self.has_closed(), "a second close was taken");
        self.close = Some((code, reason.into()));
    }

    /// The send with the last context was refused, which takes a reason.
    pub(super) fn refused(&self, what: Said<'_>, config: &Config, rule: Rule, ended: bool) {
        let in_text = self.begun.as_ref().map(|(text, _)| *text);
        let is_text = match what {
            Said::Text(_) | Said::TextFragment(_) | Said::Utf8(_) | Said::Utf8Fragment(_) => {
                Some(true)
            }
            Said::Binary(_) | Said::BinaryFragment(_) => Some(false),
            _ => None,
        };
        let has_reason = match rule {
            Rule::AlreadyClosing | Rule::Aborted => ended,
            Rule::QueueFull => config.limits.queued_output < 32 << 20 || self.count() > 100,
            Rule::FragmentMismatch => in_text.is_some() && is_text.is_some() && in_text != is_text,
            // A text that continues one which has ended inside a character can be wrong, too.
            Rule::TextNotUtf8 => {
                let bytes = matches!(what, Said::Utf8(_) | Said::Utf8Fragment(_));
                config.verify_utf8 && (bytes || (is_text == Some(true) && in_text.is_some()))
            }
            Rule::ControlPayloadTooLong => {
                matches!(
                    what,
                    Said::Ping(126..) | Said::Pong(126..) | Said::CloseWith(_, 124..)
                )
            }
            Rule::CloseCodeForbidden => {
                matches!(what, Said::CloseWith(code, _)
                    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999))
            }
            Rule::FrameHeaderInvalid => matches!(what, Said::Frame(..)),
            _ => false,
        };
        assert!(has_reason, "{what:?} was refused with {rule:?}");
    }
}
