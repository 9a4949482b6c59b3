//! The results of the batched calls, and how they are read.
//!
//! A result borrows its byte lists from the guest's memory. They stay valid because nothing runs in the guest before
//! the result is dropped, which the borrow checker ensures, and because the component has no function that frees them,
//! which is checked when it is loaded.

use crate::protocol::{Event, Failure, Instant, State};
use crate::sandbox::abi::{Place, Reader, record};
use crate::sandbox::records::Events;

/// The result of [`Guest::exchange`](crate::Guest::exchange). It borrows from the guest's memory, so the guest can't be
/// called until it is dropped.
#[derive(Debug)]
pub struct Exchanged<'guest> {
    /// How many bytes of the input were consumed. Pass the rest again in the next call: at once if `more` is set, or
    /// after answering a request.
    pub consumed: usize,
    /// The received events, in order, then the sends that were completed or cancelled.
    pub events: Vec<Event>,
    /// The bytes that the events point into.
    pub payload: &'guest [u8],
    /// The bytes to write now, before those of any later result.
    pub output: &'guest [u8],
    /// How many of the outgoing records were queued.
    pub accepted: usize,
    /// Why the next one was refused, if it was.
    pub refused: Option<Box<Failure>>,
    /// Whether another call with the same `now` would bring more.
    pub more: bool,
    /// The session's state.
    pub state: State,
    /// When to call again if no input arrives first.
    pub next_deadline: Option<Instant>,
    /// The rule that ended the session, in this call or an earlier one.
    pub failure: Option<Box<Failure>>,
}

impl<'guest> Exchanged<'guest> {
    /// Returns the bytes of an event of this result. For an event of another result, they are meaningless.
    #[must_use]
    pub fn bytes(&self, event: &Event) -> &'guest [u8] {
        let start = index(event.start);
        let range = start..start.saturating_add(index(event.length));
        self.payload.get(range).unwrap_or_default()
    }
}

/// The result of [`Guest::relay`](crate::Guest::relay). It borrows from the guest's memory, as an [`Exchanged`] does.
#[derive(Debug)]
pub struct Relayed<'guest> {
    /// The result of the session that received. Its events don't include messages and chunks.
    pub source: Exchanged<'guest>,
    /// The result of the session that sends. Its events are the sends that were completed or cancelled.
    pub target: Exchanged<'guest>,
    /// How many complete messages were received.
    pub messages: u64,
    /// How many bytes of payload were received.
    pub bytes: u64,
}

/// The record `exchange-result` of the contract.
pub(crate) struct Answer {
    consumed: u32,
    events: Events,
    pub(crate) payload: Place,
    pub(crate) output: Place,
    accepted: u32,
    refused: Option<Box<Failure>>,
    more: bool,
    state: State,
    next_deadline: Option<Instant>,
    failure: Option<Box<Failure>>,
}

record!(Answer {
    consumed: u32,
    events: Events,
    payload: Place,
    output: Place,
    accepted: u32,
    refused: Option<Box<Failure>>,
    more: bool,
    state: State,
    next_deadline: Option<u64>,
    failure: Option<Box<Failure>>,
});

/// The record `relay-result` of the contract.
pub(crate) struct RelayAnswer {
    pub(crate) source: Answer,
    pub(crate) target: Answer,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

record!(RelayAnswer {
    source: Answer,
    target: Answer,
    messages: u64,
    bytes: u64,
});

impl RelayAnswer {
    /// Checks that the results refer only to bytes that exist.
    pub(crate) fn check(&self, input: usize) -> Result<(), &'static str> {
        self.source.check(input, 0)?;
        self.target.check(0, 0)
    }

    /// Converts the record, with the payload and output of each session.
    pub(crate) fn into_relayed<'guest>(
        self,
        source: (&'guest [u8], &'guest [u8]),
        target: (&'guest [u8], &'guest [u8]),
    ) -> Relayed<'guest> {
        Relayed {
            source: self.source.into_exchanged(source.0, source.1),
            target: self.target.into_exchanged(target.0, target.1),
            messages: self.messages,
            bytes: self.bytes,
        }
    }
}

impl Answer {
    /// Checks that the payload and the output are in bounds.
    pub(crate) fn is_there(&self, reader: &Reader<'_>) -> wasmtime::Result<()> {
        for place in [self.payload, self.output] {
            reader.bytes(index(place.start), index(place.length))?;
        }
        Ok(())
    }

    /// Checks that the results refer only to bytes that exist.
    pub(crate) fn check(&self, input: usize, outgoing: usize) -> Result<(), &'static str> {
        if index(self.consumed) > input {
            return Err("it took more input than there was");
        }
        if index(self.accepted) > outgoing {
            return Err("it queued more records than there were");
        }
        let inside = |event: &Event| {
            let end = index(event.start).checked_add(index(event.length));
            end.is_some_and(|end| end <= index(self.payload.length))
        };
        if !self.events.0.iter().all(inside) {
            return Err("an event points outside the payload");
        }
        // Each byte belongs to one event at most, so it is copied at most once.
        let lengths = self.events.0.iter().map(|event| u64::from(event.length));
        if lengths.sum::<u64>() > self.payload.length.into() {
            return Err("events share bytes");
        }
        Ok(())
    }

    pub(crate) fn into_exchanged<'guest>(
        self,
        payload: &'guest [u8],
        output: &'guest [u8],
    ) -> Exchanged<'guest> {
        Exchanged {
            consumed: index(self.consumed),
            events: self.events.0,
            payload,
            output,
            accepted: index(self.accepted),
            refused: self.refused,
            more: self.more,
            state: self.state,
            next_deadline: self.next_deadline,
            failure: self.failure,
        }
    }
}

/// Converts a 32-bit size to an index.
fn index(size: u32) -> usize {
    size as usize
}

#[cfg(test)]
mod tests {
    use super::{Answer, Event, Events, Place};
    use crate::protocol::{EventKind, State};

    fn answer(consumed: u32, accepted: u32, start: u32, length: u32) -> Answer {
        let event = Event {
            kind: EventKind::Text,
            start,
            length,
        };
        Answer {
            consumed,
            events: Events(vec![event]),
            payload: Place {
                start: 7,
                length: 10,
            },
            output: Place::default(),
            accepted,
            refused: None,
            more: false,
            state: State::Open,
            next_deadline: None,
            failure: None,
        }
    }

    #[test]
    fn what_points_at_bytes_that_exist_passes() {
        assert_eq!(answer(3, 2, 4, 6).check(3, 2), Ok(()));
        assert_eq!(answer(0, 0, 10, 0).check(3, 2), Ok(()));
    }

    #[test]
    fn what_points_beyond_them_is_a_broken_contract() {
        for (consumed, accepted, start, length) in [
            (4, 2, 0, 0),
            (3, 3, 0, 0),
            (3, 2, 4, 7),
            (3, 2, 11, 0),
            (3, 2, u32::MAX, u32::MAX),
        ] {
            let answer = answer(consumed, accepted, start, length);
            assert!(
                answer.check(3, 2).is_err(),
                "{consumed} {accepted} {start} {length}"
            );
        }
    }

    #[test]
    fn an_events_bytes_are_found() {
        let answer = answer(0, 0, 1, 2);
        let result = answer.into_exchanged(b"abcd", b"");
        assert_eq!(result.bytes(&result.events[0]), b"bc");
    }
}
