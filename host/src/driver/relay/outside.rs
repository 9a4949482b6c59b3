//! Payloads that bypass the guest: their frames are read and written here, by headers that the sessions parse and make.
//!
//! Only binary data: the valid part of a text has to be forwarded before it breaks the rule, and only the session knows
//! where that part ends.

use super::Relay;
use crate::Role;
use crate::clock::nanos;
use crate::driver::batch::Batch;
use crate::driver::pair::Output;
use crate::error::SandboxError;
use crate::protocol::{Compression, IncomingPayload, Instant, Outgoing, OutgoingKind};
use crate::sandbox::CallError;
use crate::sandbox::outside::{WHOLE_BINARY, begins_with_large_message};
use crate::sizes::{LONG, header_lengths};

/// A fragment of at least this many bytes isn't coalesced.
const FRAGMENT: usize = 16 << 10;

/// A frame whose payload bypasses the guest.
#[derive(Debug)]
pub(super) struct Outside {
    payload: IncomingPayload,
    /// Unmasked payload that was not forwarded yet.
    held: Vec<u8>,
    /// It is forwarded whole, once it is complete. Otherwise in fragments.
    is_whole: bool,
    /// When the held payload is forwarded at the latest.
    pub(super) leaves_at: Option<Instant>,
}

impl Relay {
    /// Consumes payload at the start of `input` that bypasses the guest. Returns how many bytes.
    pub(super) fn pass_outside(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<usize, CallError> {
        if self.outside[from].is_some() {
            return self.go_on_outside(from, input, now, output);
        }
        let Some(announced) = stays_outside(input) else {
            return Ok(0);
        };
        let (mut guest, source, _) = self.both(from);
        let begun = guest.begin_payload(source.session(), input, now)?;
        drop(guest);
        let Some((header, payload)) = begun else {
            return Ok(0);
        };
        self.outside[from] = Some(Outside {
            payload,
            held: Vec::new(),
            is_whole: announced <= u64::from(self.options.whole_frame),
            leaves_at: None,
        });
        let rest = input.get_mut(header..).unwrap_or_default();
        Ok(header + self.go_on_outside(from, rest, now, output)?)
    }

    fn go_on_outside(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<usize, CallError> {
        let Some(mut outside) = self.outside[from].take() else {
            return Ok(0);
        };
        let left = usize::try_from(outside.payload.left()).unwrap_or(usize::MAX);
        let come = left.min(input.len());
        let bytes = input.get_mut(..come).unwrap_or_default();
        let (count, is_end) = (bytes.len(), bytes.len() == left);
        let is_enough = is_end || (!outside.is_whole && count >= FRAGMENT);
        let passed = match outside.held.is_empty() && is_enough {
            true => self.pass(from, &mut outside.payload, bytes, now, output),
            false => self.hold(from, &mut outside, bytes, now, output),
        };
        let messages = is_end && outside.payload.ends_message();
        let (mut guest, source, _) = self.both(from);
        match passed {
            Ok(()) => source.received.add(messages.into(), count as u64),
            // The session has ended, and its next exchange says why. Further input is ignored.
            Err(CallError::Failure(_)) => source.more = true,
            Err(error) => return Err(error),
        }
        if !is_end {
            // A message in progress has a deadline.
            source.deadline = guest.next_deadline(source.session())?;
            drop(guest);
            self.outside[from] = Some(outside);
        }
        Ok(count)
    }

    /// Forwards received payload as a frame.
    fn pass(
        &mut self,
        from: Role,
        payload: &mut IncomingPayload,
        bytes: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let (mut guest, source, target) = self.both(from);
        if target.is_done_sending() {
            payload.skip(bytes.len() as u64);
            return guest.payload_read(source.session(), payload, now);
        }
        let (source, target) = (source.session(), target.session());
        let (_, header) = guest.relay_payload(source, target, payload, bytes, now)?;
        drop(guest);
        match header {
            Some(header) => output.write_frame(from.peer(), header.as_bytes(), bytes),
            None => self.send_inside(from, payload, bytes, now, output)?,
        }
        Ok(())
    }

    /// Holds received payload until there is enough of it.
    fn hold(
        &mut self,
        from: Role,
        outside: &mut Outside,
        bytes: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let Outside {
            payload,
            held,
            is_whole,
            leaves_at,
        } = outside;
        // Binary data is always valid.
        payload.read(bytes).ok();
        held.extend_from_slice(bytes);
        let coalesce = nanos(self.options.coalesce);
        let (mut guest, source, _) = self.both(from);
        guest.payload_read(source.session(), payload, now)?;
        drop(guest);
        if payload.left() == 0 || (!*is_whole && held.len() >= FRAGMENT) {
            return self.send_held(from, outside, now, output);
        }
        if !*is_whole {
            leaves_at.get_or_insert(now.saturating_add(coalesce));
        }
        Ok(())
    }

    /// Forwards the held payload of a frame, though more may follow.
    pub(super) fn release(
        &mut self,
        from: Role,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        if let Some(mut outside) = self.outside[from].take() {
            outside.is_whole = false;
            let sent = self.send_held(from, &mut outside, now, output);
            self.outside[from] = Some(outside);
            sent?;
        }
        Ok(())
    }

    fn send_held(
        &mut self,
        from: Role,
        outside: &mut Outside,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let mut held = std::mem::take(&mut outside.held);
        outside.leaves_at = None;
        let payload = &outside.payload;
        let is_last = payload.left() == 0 && payload.ends_message();
        let (mut guest, _, target) = self.both(from);
        if target.is_done_sending() || (held.is_empty() && !is_last) {
            return Ok(());
        }
        let length = held.len() as u64;
        let header = guest.frame_header(target.session(), false, is_last, length)?;
        drop(guest);
        match header {
            Some(header) => {
                header.mask(&mut held, 0);
                output.write_frame(from.peer(), header.as_bytes(), &held);
                Ok(())
            }
            None => self.send_inside(from, payload, &held, now, output),
        }
    }

    /// Sends payload through the other side's session, after its queued output, or compressed.
    fn send_inside(
        &mut self,
        from: Role,
        payload: &IncomingPayload,
        bytes: &[u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError> {
        let compression = Compression::Automatic;
        let kind = match payload.left() == 0 && payload.ends_message() {
            true => OutgoingKind::Binary(compression),
            false => OutgoingKind::BinaryFragment(compression),
        };
        let length = u32::try_from(bytes.len());
        let record = Outgoing {
            kind,
            start: 0,
            length: length.map_err(|_| SandboxError::broken("a frame is too long"))?,
            context: None,
        };
        let batch = Batch::of(record, bytes);
        let to = from.peer();
        let (mut guest, _, target) = self.both(from);
        target.deliver(&mut guest, now, &batch, |bytes| output.write(to, bytes))
    }
}

/// Returns the length of the payload of a binary frame at the start of the input, if it can bypass the guest: if it is
/// long, or a message that is a large part of the input.
fn stays_outside(input: &[u8]) -> Option<u64> {
    const FIN: u8 = 0x80;
    let is_binary = |first: &u8| first | FIN == WHOLE_BINARY;
    let (_, payload) = header_lengths(input).filter(|_| input.first().is_some_and(is_binary))?;
    let stays = payload >= LONG as u64 || (payload > 0 && begins_with_large_message(input));
    stays.then_some(payload)
}
