//! The records of the batched calls, as the canonical ABI lays them out in memory, which is
//! how C does for these types where an address has 32 bits.
//!
//! A test compares the offsets with those of the contract; where the component is built, the
//! compiler compares the structures with the offsets.

use super::bindings::types;
use crate::{EventRecord, Exchanged, Failure, Instant, Message, Outgoing, Relayed, Rule};

/// `list<T>`, and a `string`.
#[derive(Clone, Copy)]
#[repr(C)]
struct List<T> {
    start: *const T,
    length: usize,
}

impl<T> List<T> {
    fn of(items: &[T]) -> List<T> {
        List {
            start: items.as_ptr(),
            length: items.len(),
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List::of(&[])
    }
}

/// `option<T>`: a discriminant, then the value.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Maybe<T> {
    some: bool,
    value: T,
}

impl<T: Default> Maybe<T> {
    fn of(value: Option<impl Into<T>>) -> Maybe<T> {
        let mut maybe = Maybe::default();
        maybe.set(value);
        maybe
    }
}

impl<T> Maybe<T> {
    /// Without a value the old one stays, which nobody reads.
    #[inline]
    fn set(&mut self, value: Option<impl Into<T>>) {
        self.some = value.is_some();
        if let Some(value) = value {
            self.value = value.into();
        }
    }
}

/// `failure`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct FailureRecord {
    rule: List<u8>,
    fault: u8,
    group: u8,
    section: List<u8>,
    description: List<u8>,
    close_code: Maybe<u16>,
    status: Maybe<u16>,
    offset: Maybe<u64>,
    limit: Maybe<u64>,
    value: Maybe<u64>,
}

impl From<Failure> for FailureRecord {
    fn from(failure: Failure) -> Self {
        let rule = failure.rule;
        FailureRecord {
            rule: List::of(rule.name().as_bytes()),
            fault: types::Fault::from(rule.fault()) as u8,
            group: types::RuleGroup::from(rule.group()) as u8,
            section: List::of(rule.section().as_bytes()),
            description: List::of(rule.description().as_bytes()),
            close_code: Maybe::of(rule.close_code()),
            status: Maybe::of(rule.status()),
            offset: Maybe::of(failure.offset),
            limit: Maybe::of(failure.limit),
            value: Maybe::of(failure.value),
        }
    }
}

/// `exchange-result`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct ResultRecord {
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
    pub(super) fn set(&mut self, exchanged: &Exchanged<'_>) {
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
pub(super) struct RelayRecord {
    source: ResultRecord,
    target: ResultRecord,
    messages: u64,
    bytes: u64,
}

impl RelayRecord {
    /// Writes the result of a call in which nothing happened, to one session.
    pub(super) fn set_refused(&mut self, refused: &Exchanged<'_>) {
        self.source.set(refused);
        self.target.set(refused);
        (self.messages, self.bytes) = (0, 0);
    }

    /// Writes a result over the last one.
    pub(super) fn set(&mut self, relayed: &Relayed<'_>) {
        self.source.set(&relayed.source);
        self.target.set(&relayed.target);
        (self.messages, self.bytes) = (relayed.messages, relayed.bytes);
    }
}

/// `outgoing`, with its kind as the host has written it: the discriminant of a variant, and
/// the bytes of its value.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct OutgoingRecord {
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
    pub(super) fn outgoing<'a>(&self, payload: &'a [u8]) -> Result<Outgoing<'a>, Rule> {
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

/// States the size of a record, and where its fields are; `$name` is its name in the contract.
macro_rules! laid_out {
    ($name:literal, $record:ident, $size:literal, { $($field:ident: $offset:literal),* $(,)? }) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            assert!(size_of::<$record>() == $size);
            $(assert!(core::mem::offset_of!($record, $field) == $offset);)*
        };
        #[cfg(test)]
        impl tests::LaidOut for $record {
            const NAME: &'static str = $name;
            const SIZE: usize = $size;
            const FIELDS: &'static [(&'static str, usize)] = &[$((stringify!($field), $offset)),*];
        }
    };
}

laid_out!("failure", FailureRecord, 88, {
    rule: 0,
    fault: 8,
    group: 9,
    section: 12,
    description: 20,
    close_code: 28,
    status: 32,
    offset: 40,
    limit: 56,
    value: 72,
});

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
    use std::path::Path;

    use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind, TypeId};

    use super::*;
    use crate::EventKind;

    pub(super) trait LaidOut {
        const NAME: &'static str;
        const SIZE: usize;
        const FIELDS: &'static [(&'static str, usize)];
    }

    struct Contract {
        resolve: Resolve,
        sizes: SizeAlign,
    }

    impl Contract {
        fn read() -> Contract {
            let mut resolve = Resolve {
                all_features: true,
                ..Resolve::default()
            };
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
            resolve.push_dir(folder).unwrap();
            let mut sizes = SizeAlign::default();
            sizes.fill(&resolve);
            Contract { resolve, sizes }
        }

        fn named(&self, name: &str) -> TypeId {
            let types = self.resolve.types.iter();
            let is_named = |id: &TypeId| match &self.resolve.types[*id] {
                ty if ty.name.as_deref() != Some(name) => false,
                // Not where another interface uses it.
                ty => !matches!(ty.kind, TypeDefKind::Type(_)),
            };
            types.map(|(id, _)| id).find(is_named).unwrap()
        }

        fn compare<T: LaidOut>(&self) {
            let id = self.named(T::NAME);
            let TypeDefKind::Record(record) = &self.resolve.types[id].kind else {
                panic!("{} is a record", T::NAME);
            };
            let types = record.fields.iter().map(|field| &field.ty);
            let offsets = self.sizes.field_offsets(types);
            let names = record
                .fields
                .iter()
                .map(|field| field.name.replace('-', "_"));
            let contract: Vec<(String, usize)> = names
                .zip(offsets.iter().map(|(offset, _)| offset.size_wasm32()))
                .collect();
            let ours: Vec<(String, usize)> = T::FIELDS
                .iter()
                .map(|(name, offset)| (name.replace("has_", ""), *offset))
                .collect();
            assert_eq!(ours, contract, "{}", T::NAME);
            let size = self.sizes.size(&Type::Id(id)).size_wasm32();
            assert_eq!(T::SIZE, size, "{}", T::NAME);
        }

        /// The cases of a variant, and where their values are.
        fn variant(&self, name: &str) -> (Vec<&str>, usize) {
            let id = self.named(name);
            let TypeDefKind::Variant(variant) = &self.resolve.types[id].kind else {
                panic!("{name} is a variant");
            };
            let values = variant.cases.iter().map(|case| case.ty.as_ref());
            let offset = self.sizes.payload_offset(variant.tag(), values);
            let names = variant.cases.iter().map(|case| case.name.as_str());
            (names.collect(), offset.size_wasm32())
        }
    }

    #[test]
    fn records_are_laid_out_as_the_contract_says() {
        let contract = Contract::read();
        contract.compare::<FailureRecord>();
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
