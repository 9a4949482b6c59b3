//! Insertions, decisions and closing by the host.

use alloc::vec::Vec;

use super::Inspector;
use super::flow::{Insertion, Kind, LastBytes};
use crate::frame::header::{self, FIN, Opcode, WHOLE_BINARY, WHOLE_TEXT};
use crate::frame::{close, mask, utf8};
use crate::{Instant, Role, Rule, State};

impl Inspector {
    /// Closes both sides with this code, each at its next frame boundary, and waits for the
    /// answers: for a policy decision or a shutdown. Held messages without a decision are dropped.
    ///
    /// # Errors
    ///
    /// [`Rule::NotOpen`], [`Rule::AlreadyClosing`], [`Rule::CloseCodeForbidden`],
    /// [`Rule::ControlPayloadTooLong`], [`Rule::TextNotUtf8`].
    pub fn close(&mut self, code: u16, reason: &[u8], now: Instant) -> Result<(), Rule> {
        self.clocks.read(now);
        self.check_open()?;
        close::write(Some(code), reason)?;
        self.flows.client.discard_undecided();
        self.flows.server.discard_undecided();
        self.close_both(code, reason);
        self.settle();
        Ok(())
    }

    /// Inserts a ping to a side at its next frame boundary. The pong is not forwarded, but
    /// reported as [`Seen::RoundTrip`](super::Seen::RoundTrip).
    ///
    /// # Errors
    ///
    /// [`Rule::NotOpen`], [`Rule::AlreadyClosing`], [`Rule::QueueFull`].
    pub fn ping(&mut self, to: Role, now: Instant) -> Result<(), Rule> {
        self.clocks.read(now);
        self.check_open()?;
        self.check_room(to, 0)?;
        self.insert_ping(to);
        self.settle();
        Ok(())
    }

    /// Inserts a message to a side, between two messages. It is not compressed.
    ///
    /// # Errors
    ///
    /// [`Rule::NotOpen`], [`Rule::AlreadyClosing`], [`Rule::TextNotUtf8`],
    /// [`Rule::QueueFull`]: [`Limits::queued_output`](crate::Limits::queued_output) of the
    /// direction is reached.
    pub fn insert(
        &mut self,
        to: Role,
        payload: &[u8],
        is_text: bool,
        now: Instant,
    ) -> Result<(), Rule> {
        self.clocks.read(now);
        self.check_open()?;
        if is_text && !utf8::is_whole(payload) {
            return Err(Rule::TextNotUtf8);
        }
        self.check_room(to, payload.len())?;
        let first = if is_text { WHOLE_TEXT } else { WHOLE_BINARY };
        let bytes = self.frame(to, first, payload);
        self.flows[to.peer()].insert(Insertion {
            bytes,
            kind: Kind::Message,
        });
        self.settle();
        Ok(())
    }

    /// Decides whether the first held message of `from` is forwarded or dropped.
    ///
    /// # Errors
    ///
    /// [`Rule::NothingHeld`]; [`Rule::ContextNeeded`] if it can't be dropped because later ones
    /// may refer to it (RFC 7692, section 7.1.1): close the connection instead.
    pub fn decide(&mut self, from: Role, goes_on: bool, now: Instant) -> Result<(), Rule> {
        self.clocks.read(now);
        self.flows[from].decide(goes_on)?;
        self.settle();
        Ok(())
    }

    pub(super) fn insert_ping(&mut self, to: Role) {
        let payload = self.keys.bytes();
        let bytes = self.frame(to, FIN | Opcode::Ping.bits(), &payload);
        self.flows[to.peer()].insert(Insertion {
            bytes,
            kind: Kind::Ping(payload),
        });
    }

    /// Returns the close frame for a side: the answer to its own, if it has sent one, or else
    /// this code and reason, which must be valid.
    pub(super) fn close_frame(&mut self, to: Role, code: u16, reason: &[u8]) -> LastBytes {
        let (code, reason) = match self.flows[to].close_code() {
            Some(own) => (own, &b""[..]),
            None => (code, reason),
        };
        let written = (code != close::NO_STATUS).then_some(code);
        let payload = close::write(written, reason).unwrap_or_default();
        LastBytes {
            bytes: self.frame(to, FIN | Opcode::Close.bits(), &payload),
            code: Some(code),
        }
    }

    /// The bytes of a frame towards a side: masked, if that is the server (RFC 6455, section
    /// 5.1).
    fn frame(&mut self, to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
        let key = (to == Role::Server).then(|| self.keys.mask_key());
        let mut frame = Vec::with_capacity(header::MAX_LENGTH + payload.len());
        header::write(first, payload.len(), key, &mut frame);
        let start = frame.len();
        frame.extend_from_slice(payload);
        if let (Some(key), Some(payload)) = (key, frame.get_mut(start..)) {
            mask::apply(payload, key);
        }
        frame
    }

    fn check_open(&self) -> Result<(), Rule> {
        match self.state() {
            State::Connecting => Err(Rule::NotOpen),
            State::Open => Ok(()),
            _ => Err(Rule::AlreadyClosing),
        }
    }

    /// Checks that there is room in the queue for a frame of this length.
    fn check_room(&self, to: Role, length: usize) -> Result<(), Rule> {
        let waiting = self.flows[to.peer()].waiting();
        let limit = self.options.direction(to.peer()).limits.queued_output;
        match waiting == 0 || waiting.saturating_add(length as u64) <= limit {
            true => Ok(()),
            false => Err(Rule::QueueFull),
        }
    }
}
