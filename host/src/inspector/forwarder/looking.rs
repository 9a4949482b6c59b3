//! Decides which input is passed to the guest.

use super::Forwarder;
use crate::Role;
use crate::bindings::exports::websocket::protocol::types::Instant;
use crate::error::SandboxError;
use crate::inspector::contract::Seen;
use crate::inspector::one_way::OneWay;
use crate::sandbox::CallError;
use crate::sandbox::outside::begins_with_large_message;
use crate::sizes::MAX_INPUT;

/// A frame whose payload needn't be checked is long if it has more bytes than this: a call for its header alone costs
/// less than copying it into the guest. After a long frame, only the header of the next one is passed; if that isn't
/// possible, at most this many bytes are, or as many as the guest wants.
const LONG: usize = 4096;

/// The maximum number of calls in a row that consume no input. Only data that inflates to a thousand times its size
/// needs more than a few.
const MAX_STALLS: u32 = 4096;

impl Forwarder {
    /// Passes the guest what has to be checked.
    pub(super) fn look_at(
        &mut self,
        from: Role,
        input: &[u8],
        now: Instant,
    ) -> Result<(), CallError> {
        let mut rest = input;
        let mut stalls = 0;
        // The guest need not be queried unless it was called.
        let mut is_told = !input.is_empty();
        let mut more = false;
        loop {
            rest = self.ways[from].skip(rest);
            if rest.is_empty() && !more {
                break;
            }
            if let Some(length) = self.pass_message(from, input.len() - rest.len(), rest, now)? {
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            let OneWay {
                by_header, wanted, ..
            } = self.ways[from];
            let mut look = rest.get(..MAX_INPUT).unwrap_or(rest);
            if by_header && !rest.is_empty() {
                if let Some(length) = self.pass_header(from, rest, now)? {
                    rest = rest.get(length..).unwrap_or_default();
                    is_told = false;
                    continue;
                }
                let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                look = rest.get(..wanted.max(LONG)).unwrap_or(rest);
            }
            let (consumed, again) = self.advance(from, look, now)?;
            is_told = true;
            rest = rest.get(consumed..).unwrap_or_default();
            more = again;
            if consumed == 0 {
                // The rest is not checked any more.
                if !more {
                    break;
                }
                stalls += 1;
                if stalls > MAX_STALLS {
                    let reason = SandboxError::broken("it makes no progress");
                    return Err(self.inspection.end_with(reason).into());
                }
            }
        }
        if self.ways[from].skipped > 0 {
            self.advance(from, &[], now)?;
        } else if !is_told {
            self.ask_again(now)?;
        }
        Ok(())
    }

    /// Passes the header of a message to the guest, if the message is a large part of the input. `ahead` bytes came
    /// before `rest`. Returns the message's length.
    ///
    /// This only postpones deadlines, so the guest is asked for the next one when the old one has passed.
    fn pass_message(
        &mut self,
        from: Role,
        ahead: usize,
        rest: &[u8],
        now: Instant,
    ) -> Result<Option<usize>, CallError> {
        if !begins_with_large_message(rest) || !self.ways[from].is_even(ahead) {
            return Ok(None);
        }
        let passed = self.inspection.ask(now, |guest, inspector| {
            inspector.pass_message(guest, from, rest, now)
        })?;
        if let Some(length) = passed {
            self.ways[from].pass_on(length);
        }
        Ok(passed)
    }

    /// Passes a frame header whose payload needn't be checked. Returns its length.
    fn pass_header(
        &mut self,
        from: Role,
        header: &[u8],
        now: Instant,
    ) -> Result<Option<usize>, CallError> {
        let skipped = self.ways[from].skipped;
        let passed = self.inspection.ask(now, |guest, inspector| {
            inspector.pass_header(guest, from, skipped, header, now)
        })?;
        let way = &mut self.ways[from];
        let Some((length, payload)) = passed else {
            way.by_header = false;
            return Ok(None);
        };
        way.skipped = 0;
        way.skippable = payload;
        way.by_header = payload > LONG as u64;
        Ok(Some(length))
    }

    /// Passes these bytes to the guest. Returns how many it consumed, and whether it asks for another call.
    pub(super) fn advance(
        &mut self,
        from: Role,
        input: &[u8],
        now: Instant,
    ) -> Result<(usize, bool), CallError> {
        let skipped = self.ways[from].skipped;
        let step = self.inspection.ask(now, |guest, inspector| {
            inspector.advance(guest, from, skipped, input, now)
        })?;
        let way = &mut self.ways[from];
        way.skipped = 0;
        way.skippable = step.skippable;
        way.wanted = step.wanted;
        way.by_header = step.skippable > 0;
        let closes = |seen: &Seen| matches!(seen, Seen::Close(_));
        let is_first = self.closed_by.is_none() && self.violation.is_none();
        if is_first && step.seen.iter().any(closes) {
            self.closed_by = Some(from);
        }
        self.note(step.progress)?;
        Ok((step.consumed as usize, step.more))
    }
}
