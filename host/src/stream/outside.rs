//! Long payloads bypass the session: they are unmasked and checked in the buffer that is delivered.

use bytes::buf::Limit;
use bytes::{BufMut, BytesMut};

use super::conversation::{Conversation, unless_ended};
use super::incoming::Incoming;
use crate::clock::Instant;
use crate::error::SandboxError;
use crate::sizes::{LONG, header_lengths};

/// If at least this many bytes of a payload are missing, they are read directly into its buffer, though the same read
/// can't include what follows them.
const PLACED: u64 = 64 << 10;

/// The maximum of one read into that buffer.
const AT_ONCE: u64 = 256 << 10;

/// Whether a data frame with a long payload begins here.
fn begins_long(input: &[u8]) -> bool {
    /// The opcode bits that are set only in control frames and reserved opcodes.
    const NOT_DATA: u8 = 0x0c;
    let is_data = input.first().is_some_and(|first| first & NOT_DATA == 0);
    is_data && header_lengths(input).is_some_and(|(_, payload)| payload >= LONG as u64)
}

impl Conversation {
    /// Reads long payloads at the start of the input, including one in progress. Returns the rest.
    pub(super) fn read_outside<'a>(
        &mut self,
        mut input: &'a mut [u8],
        now: Instant,
    ) -> Result<&'a mut [u8], SandboxError> {
        while !input.is_empty() {
            let in_payload = self
                .incoming
                .as_ref()
                .is_some_and(|it| it.payload.is_some());
            if in_payload {
                input = self.go_on(input, now)?;
            } else if begins_long(input) {
                let begun = self.endpoint.begin_payload(input, now)?;
                let Some((header, payload)) = begun else {
                    break;
                };
                let is_text = payload.is_text();
                let new = || Incoming::new(is_text);
                let incoming = self.incoming.get_or_insert_with(new);
                if payload.left() > self.longest.saturating_sub(incoming.bytes.len() as u64) {
                    return Err(self.endpoint.broken("it exceeds the limit of messages"));
                }
                incoming.payload = Some(payload);
                input = input.get_mut(header..).unwrap_or_default();
            } else {
                break;
            }
        }
        if self.incoming.is_some() {
            // A message in progress has a deadline.
            self.ask_deadline()?;
        }
        Ok(input)
    }

    /// Continues the payload in progress. Returns the input after it.
    fn go_on<'a>(
        &mut self,
        input: &'a mut [u8],
        now: Instant,
    ) -> Result<&'a mut [u8], SandboxError> {
        let Some(Incoming {
            payload: Some(payload),
            ..
        }) = &self.incoming
        else {
            return Ok(input);
        };
        let missing = payload.left();
        let come = usize::try_from(missing).map_or(input.len(), |left| left.min(input.len()));
        let (come, rest) = input.split_at_mut(come);
        if let Some(incoming) = &mut self.incoming {
            incoming.reserve(come.len(), missing);
            incoming.bytes.extend_from_slice(come);
        }
        let is_accepted = self.has_come(come.len(), now)?;
        // After a broken rule, the rest is ignored.
        Ok(if is_accepted { rest } else { &mut [] })
    }

    /// Returns the buffer for the rest of the payload in progress, if enough of it is missing to read it directly.
    pub(super) fn place(&mut self) -> Option<Limit<&mut BytesMut>> {
        let incoming = self.incoming.as_mut()?;
        let missing = incoming.payload.as_ref()?.left();
        if missing < PLACED {
            return None;
        }
        incoming.reserve(PLACED as usize, missing);
        Some((&mut incoming.bytes).limit(missing.min(AT_ONCE) as usize))
    }

    /// Reports that `count` bytes were read into the buffer of [`place`](Self::place).
    pub(super) fn placed(&mut self, count: usize) -> Result<(), SandboxError> {
        let now = self.clock.now();
        self.has_come(count, now)?;
        if self.incoming.is_some() {
            self.ask_deadline()?;
        }
        Ok(())
    }

    /// Unmasks and checks the last `count` bytes of the message, and delivers it if it is complete. Returns whether the
    /// session accepts them.
    fn has_come(&mut self, count: usize, now: Instant) -> Result<bool, SandboxError> {
        let Some(incoming) = &mut self.incoming else {
            return Ok(false);
        };
        let Some(payload) = &mut incoming.payload else {
            return Ok(false);
        };
        let start = incoming.bytes.len() - count;
        // `payload_read` reports invalid UTF-8 to the session.
        payload.read(&mut incoming.bytes[start..]).ok();
        let accepted = self.endpoint.payload_read(payload, now);
        let is_complete = payload.left() == 0;
        let ends_message = is_complete && payload.ends_message();
        if unless_ended(accepted)?.is_none() {
            // The next exchange reports how the session ends, after the answers to the messages before.
            self.incoming = None;
            self.ask_deadline()?;
            self.more = true;
            return Ok(false);
        }
        if is_complete {
            incoming.payload = None;
        }
        if ends_message && let Some(incoming) = self.incoming.take() {
            let message = incoming.into_message();
            let message = message.map_err(|reason| self.endpoint.broken(reason))?;
            self.inbox.push_back(message);
        }
        Ok(true)
    }
}
