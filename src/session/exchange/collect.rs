//! What a batched call makes of its input: where the events and their payloads are, in memory
//! that the next call uses again.

use alloc::vec::Vec;

use super::EventRecord;
use crate::Rule;
use crate::limits;
use crate::session::{Events, Instant, Sent, Session};
use crate::stream::{EventKind, PayloadRef, Record};

/// The most events of one call, so that a flood of tiny frames doesn't swell its result.
const MAX_EVENTS: usize = 4096;

/// The result of a call, in memory that the next one reuses.
#[derive(Default)]
pub(in crate::session) struct Exchange {
    pub(super) records: Vec<EventRecord>,
    /// The payload of the records, if it isn't contiguous.
    pub(super) payload: Vec<u8>,
    pub(super) output: Vec<u8>,
}

/// Where the payload of a call's records is.
pub(super) enum Payload {
    /// In the input, up to here.
    Input(usize),
    /// In the session's assembly, up to here.
    Assembled(usize),
    Copied,
}

/// How much payload a call's records refer to.
#[derive(Default)]
struct Used {
    /// Bytes of the input.
    input: usize,
    /// Bytes of the session's assembly.
    assembly: usize,
    /// The payload of the control frame that came in several inputs, which is the first of
    /// them, and its record.
    control: Option<(usize, Vec<u8>)>,
}

/// How far a call came with its input.
pub(super) struct Collected {
    pub(super) consumed: usize,
    /// It stopped because it had enough.
    pub(super) is_full: bool,
    pub(super) payload: Payload,
}

impl Collected {
    pub(super) const NOTHING: Collected = Collected {
        consumed: 0,
        is_full: false,
        payload: Payload::Input(0),
    };
}

/// Where the messages of an input go, if not to the host.
pub(super) struct Relay<'a> {
    pub(super) target: &'a mut Session,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Why the target didn't take one.
    pub(super) refused: Option<Rule>,
}

impl Relay<'_> {
    fn pass_on(&mut self, events: &Events<'_>, record: &Record) {
        let bytes = events.payload(&record.place);
        self.messages += u64::from(record.kind.ends_message());
        self.bytes += bytes.len() as u64;
        if self.target.life.takes_messages() {
            let checked = events.checks_utf8();
            let passed = self.target.sender.pass_on(record.kind, bytes, checked);
            self.refused = passed.err();
        }
    }

    fn is_full(&self, capacity: usize) -> bool {
        let waits = self.target.life.takes_messages() && self.target.buffered_amount() >= capacity;
        self.refused.is_some() || waits
    }
}

impl Exchange {
    /// Clears the result of the last call. The memory of a large one is freed.
    pub(super) fn begin(&mut self) {
        reuse(&mut self.records);
        reuse(&mut self.payload);
    }

    /// Collects the events of the input, or relays its messages.
    ///
    /// Until the end, a record that doesn't point into the input points after it, as if the
    /// session's assembly followed there. In the steady state there is only one of the two: the
    /// input itself, or a message from several inputs.
    pub(super) fn collect(
        &mut self,
        session: &mut Session,
        mut relay: Option<&mut Relay<'_>>,
        input: &mut [u8],
        now: Instant,
        capacity: usize,
    ) -> Collected {
        self.begin();
        let end = input.len();
        let mut used = Used::default();
        let mut held = 0;
        let mut events = session.input(input, now);
        let is_full = loop {
            if held >= capacity || self.records.len() >= MAX_EVENTS {
                if events.consumed() == end {
                    events.handle_due();
                }
                break true;
            }
            if relay.as_ref().is_some_and(|relay| relay.is_full(capacity)) {
                // Timeouts don't wait until the target has room.
                events.handle_due();
                break true;
            }
            let Some(record) = events.next_record() else {
                break false;
            };
            #[cfg(websocket_misbehave)]
            crate::misbehave::on(events.payload(&record.place));
            if let Some(relay) = &mut relay
                && record.kind.is_of_message()
            {
                relay.pass_on(&events, &record);
                continue;
            }
            let length = record.place.len();
            let start = match &record.place {
                // Nothing may point beyond what is handed out.
                _ if length == 0 => 0,
                PayloadRef::Input(range) => {
                    used.input = range.end;
                    range.start
                }
                PayloadRef::Assembled(range) => {
                    used.assembly = range.end;
                    end + range.start
                }
                place @ PayloadRef::Control(_) => {
                    used.control = Some((self.records.len(), events.payload(place).to_vec()));
                    0
                }
            };
            held += length;
            self.records.push(EventRecord {
                kind: record.kind,
                start,
                length,
            });
            // A host may continue with something else, such as an inspector.
            if record.kind == EventKind::Opened && events.consumed() < end {
                events.handle_due();
                break true;
            }
        };
        let consumed = events.consumed();
        let payload = self.join(input, session.assembled(), used);
        Collected {
            consumed,
            is_full,
            payload,
        }
    }

    /// Puts what the records point at into one place, without a copy if it is in one.
    fn join(&mut self, input: &[u8], assembled: &[u8], used: Used) -> Payload {
        let is_copied = used.control.is_some() || (used.input > 0 && used.assembly > 0);
        if used.assembly > 0 {
            let behind = if is_copied { used.input } else { 0 };
            for record in &mut self.records {
                record.start = match record.start.checked_sub(input.len()) {
                    Some(start) => behind + start,
                    // Without a copy, what points into the input has no bytes.
                    None if is_copied => record.start,
                    None => 0,
                };
            }
        }
        if !is_copied {
            return match used.assembly {
                0 => Payload::Input(used.input),
                end => Payload::Assembled(end),
            };
        }
        let parts = [input.get(..used.input), assembled.get(..used.assembly)];
        for part in parts.into_iter().flatten() {
            self.payload.extend_from_slice(part);
        }
        if let Some((index, bytes)) = used.control {
            if let Some(record) = self.records.get_mut(index) {
                record.start = self.payload.len();
            }
            self.payload.extend_from_slice(&bytes);
        }
        Payload::Copied
    }

    /// Adds a send that was completed or cancelled, if the host has given it a context.
    pub(super) fn report(&mut self, sent: Sent) {
        if let Some(context) = sent.context {
            self.records.push(EventRecord {
                kind: match sent.complete {
                    true => EventKind::Sent(context),
                    false => EventKind::Cancelled(context),
                },
                start: 0,
                length: 0,
            });
        }
    }
}

fn reuse<T>(list: &mut Vec<T>) {
    limits::trim(list);
    list.clear();
}

#[cfg(test)]
mod tests;
