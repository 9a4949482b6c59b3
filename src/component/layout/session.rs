//! The records of the interface `session`.

use super::{FailureRecord, List, Maybe, laid_out};
use crate::component::bindings::types;
use crate::{EventRecord, Exchanged, Instant, Message, Outgoing, Relayed, Rule};

/// `exchange-result`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(in crate::component) struct ResultRecord {
    consumed: u32,
    events: List<EventRecord>,
    payload: List<u8>,
    output: List<u8>,
    accepted: u32,
    refused: Maybe<FailureRecord>,
    more: bool,
    state: u8,
    next_deadline: Maybe<u64>,
    failure: Maybe<FailureRecord>,
}

impl ResultRecord {
    /// Writes a result over the last one.
    pub(in crate::component) fn set(&mut self, exchanged: &Exchanged<'_>) {
        self.consumed = exchanged.consumed as u32;
        self.events = List::of(exchanged.records);
        self.payload = List::of(exchanged.payload);
        self.output = List::of(exchanged.output);
        self.accepted = exchanged.accepted as u32;
        self.refused.set(exchanged.refused);
        self.more = exchanged.more;
        self.state = types::State::from(exchanged.state) as u8;
        let next_deadline = exchanged.next_deadline.map(Instant::as_nanos);
        self.next_deadline.set(next_deadline);
        self.failure.set(exchanged.failure);
    }
}

/// `relay-result`, which begins with what `exchange` gives back.
#[derive(Default)]
#[repr(C)]
pub(in crate::component) struct RelayRecord {
    source: ResultRecord,
    target: ResultRecord,
    messages: u64,
    bytes: u64,
}

impl RelayRecord {
    /// Writes the result of a call in which nothing happened, to one session.
    pub(in crate::component) fn set_refused(&mut self, refused: &Exchanged<'_>) {
        self.source.set(refused);
        self.target.set(refused);
        (self.messages, self.bytes) = (0, 0);
    }

    /// Writes a result over the last one.
    pub(in crate::component) fn set(&mut self, relayed: &Relayed<'_>) {
        self.source.set(&relayed.source);
        self.target.set(&relayed.target);
        (self.messages, self.bytes) = (relayed.messages, relayed.bytes);
    }
}

/// `outgoing`, with its kind as the host has written it: the discriminant of a variant, and
/// the bytes of its value.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct OutgoingRecord {
    kind: u8,
    /// A `compression`, a `frame-bits`, or whether there is a close code.
    byte: [u8; 2],
    /// The close code.
    code: u16,
    start: u32,
    length: u32,
    has_context: u8,
    context: u64,
}

impl OutgoingRecord {
    /// Returns the message of the record.
    pub(in crate::component) fn outgoing<'a>(
        &self,
        payload: &'a [u8],
    ) -> Result<Outgoing<'a>, Rule> {
        let start = self.start as usize;
        let bytes = payload
            .get(start..)
            .and_then(|rest| rest.get(..self.length as usize))
            .ok_or(Rule::PayloadOutOfBounds)?;
        let [_, byte] = self.byte;
        let message = match self.kind {
            0 => Message::Utf8(bytes),
            1 => Message::Utf8Fragment(bytes),
            2 => Message::Binary(bytes),
            3 => Message::BinaryFragment(bytes),
            4 => Message::Ping(bytes),
            5 => Message::Pong(bytes),
            6 if byte != 0 => Message::CloseWith(self.code, bytes),
            6 if bytes.is_empty() => Message::Close,
            6 => return Err(Rule::CloseReasonWithoutCode),
            // The host's lowering lets no other discriminant pass.
            _ => Message::ExtensionFrame(byte, bytes),
        };
        Ok(Outgoing {
            message,
            compress: self.kind > 3 || byte == 0,
            context: (self.has_context != 0).then_some(self.context),
        })
    }
}

laid_out!("exchange-result", ResultRecord, 248, {
    consumed: 0,
    events: 4,
    payload: 12,
    output: 20,
    accepted: 28,
    refused: 32,
    more: 128,
    state: 129,
    next_deadline: 136,
    failure: 152,
});

laid_out!("relay-result", RelayRecord, 512, {
    source: 0,
    target: 248,
    messages: 496,
    bytes: 504,
});

laid_out!("event", EventRecord, 24, {
    kind: 0,
    start: 16,
    length: 20,
});

laid_out!("outgoing", OutgoingRecord, 32, {
    kind: 0,
    start: 8,
    length: 12,
    has_context: 16,
});

#[cfg(test)]
mod tests {
    use super::super::tests::Contract;
    use super::*;
    use crate::EventKind;

    #[test]
    fn records_are_laid_out_as_the_contract_says() {
        let contract = Contract::read();
        contract.compare::<ResultRecord>();
        contract.compare::<RelayRecord>();
        contract.compare::<EventRecord>();
        contract.compare::<OutgoingRecord>();
    }

    /// The first byte of an event's kind, the discriminant of the case.
    fn discriminant(kind: EventKind) -> usize {
        // SAFETY: the enumeration is `repr(C, u8)`, so it begins with its discriminant.
        let byte = unsafe { *core::ptr::from_ref(&kind).cast::<u8>() };
        byte.into()
    }

    #[test]
    fn kinds_of_events_are_numbered_as_the_contract_says() {
        let contract = Contract::read();
        let (cases, offset) = contract.variant("event-kind");
        assert_eq!(offset, 8);
        let kinds = [
            (EventKind::Text, "text"),
            (EventKind::TextChunk, "text-chunk"),
            (EventKind::Binary, "binary"),
            (EventKind::BinaryChunk, "binary-chunk"),
            (EventKind::Ping, "ping"),
            (EventKind::Pong(0), "pong"),
            (EventKind::UnsolicitedPong, "unsolicited-pong"),
            (EventKind::Close(0), "close"),
            (EventKind::ExtensionFrame(0), "extension-frame"),
            (EventKind::Request, "request"),
            (EventKind::Opened, "opened"),
            (EventKind::Sent(0), "sent"),
            (EventKind::Cancelled(0), "cancelled"),
        ];
        for (kind, name) in kinds {
            assert_eq!(cases.get(discriminant(kind)), Some(&name));
        }
        assert_eq!(cases.len(), kinds.len() + 1, "and `other`");
    }

    #[test]
    fn kinds_of_outgoing_records_are_numbered_as_the_contract_says() {
        let contract = Contract::read();
        let (cases, offset) = contract.variant("outgoing-kind");
        assert_eq!(offset, 2);
        let expected = [
            "text",
            "text-fragment",
            "binary",
            "binary-fragment",
            "ping",
            "pong",
            "close",
            "extension-frame",
        ];
        assert_eq!(cases, expected);
    }
}
