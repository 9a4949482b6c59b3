//! The records of the batched call, read from guest memory and written to it in one go.
//!
//! wasmtime takes lists of records element by element and field by field, which takes longer than the engine does to
//! parse a small message. The layout of the records is fixed by the canonical ABI, so they can be copied at once.
//!
//! The items of wasmtime that this needs are those that its derive macros expand to; they may change with its version.

use std::mem::MaybeUninit;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail, format_err};

use crate::protocol::{Compression, Event, EventKind, Failure, Outgoing, OutgoingKind};

/// `list<event>`.
#[derive(Debug)]
pub(crate) struct Events(pub(crate) Vec<Event>);

/// `list<outgoing>`, or a `list<u8>`. The guest isn't asked for memory if there is nothing in it: where that would be is
/// of no consequence, but to ask is a call into the guest.
#[derive(Clone, Copy)]
pub(crate) struct List<'call, T>(pub(crate) &'call [T]);

/// `option<failure>`, on the heap: most results have none, and would be moved with room for it.
#[derive(Debug)]
pub(crate) struct MaybeFailure(pub(crate) Option<Box<Failure>>);

/// What such a list holds.
pub(crate) trait Item: Lower + Sized {
    /// Writes items, in the layout of the canonical ABI, to memory of just their size.
    fn write(items: &[Self], memory: &mut [u8]);
}

impl Item for u8 {
    fn write(items: &[Self], memory: &mut [u8]) {
        memory.copy_from_slice(items);
    }
}

impl Item for Outgoing {
    fn write(items: &[Self], memory: &mut [u8]) {
        const { assert!(<Outgoing as ComponentType>::SIZE32 == OUTGOING) };
        let (places, _) = memory.as_chunks_mut::<OUTGOING>();
        for (place, record) in places.iter_mut().zip(items) {
            *place = written(record);
        }
    }
}

/// An `event`: the case of `kind`, seven bytes of padding, eight of its value, `start`, `length`.
const EVENT: usize = 24;
/// An `outgoing`: the case of `kind`, a byte of padding, four of its value, two of padding, `start`, `length`, whether there
/// is a `context`, seven bytes of padding, the context.
const OUTGOING: usize = 32;

// SAFETY: to wasmtime it is a slice of events, in the same layout, by the same checks.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl ComponentType for Events {
    type Lower = <[Event] as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <[Event] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[Event] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: whatever the guest has written is read within the bounds of its memory, by copying.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl Lift for Events {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> Result<Self> {
        Vec::linear_lift_from_flat(cx, ty, src).map(Self)
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        const { assert!(<Event as ComponentType>::SIZE32 == EVENT) };
        let word = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
        let (Some(start), Some(length)) = (word(0), word(4)) else {
            bail!("a list is a pointer and a length");
        };
        let start = u32::from_le_bytes(start) as usize;
        let length = u32::from_le_bytes(length) as usize;
        cx.consume_fuel_array(length, size_of::<Event>())?;
        let memory = cx.memory().get(start..).unwrap_or_default();
        let (records, _) = memory.as_chunks::<EVENT>();
        let Some(records) = records.get(..length) else {
            bail!("the list of events is out of bounds of memory");
        };
        let mut events = Vec::with_capacity(length);
        for record in records {
            events.push(read(record)?);
        }
        Ok(Self(events))
    }
}

// SAFETY: to wasmtime it is an optional failure, in the same layout, by the same checks.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl ComponentType for MaybeFailure {
    type Lower = <Option<Failure> as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <Option<Failure> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <Option<Failure> as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: what an optional failure reads is moved to the heap.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl Lift for MaybeFailure {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> Result<Self> {
        let failure = Option::<Failure>::linear_lift_from_flat(cx, ty, src)?;
        Ok(Self(failure.map(Box::new)))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        if bytes.first() == Some(&0) {
            return Ok(Self(None));
        }
        let failure = Option::<Failure>::linear_lift_from_memory(cx, ty, bytes)?;
        Ok(Self(failure.map(Box::new)))
    }
}

// SAFETY: to wasmtime it is a slice of such items, in the same layout, by the same checks.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl<T: Item> ComponentType for List<'_, T> {
    type Lower = <[T] as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <[T] as ComponentType>::ABI;
    const MAY_REQUIRE_REALLOC: bool = true;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[T] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: a pointer and a length are written to `dst`, of as many items as were written to the memory that the guest
// gave for them; of none, an address that is aligned and not null, as `cabi_realloc` gives for no bytes.
#[expect(unsafe_code, reason = "there is no other way to implement it")]
unsafe impl<T: Item> Lower for List<'_, T> {
    fn linear_lower_to_flat<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        _: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        let mut start = T::ALIGN32 as usize;
        if !self.0.is_empty() {
            let size = self.0.len() * T::SIZE32;
            start = cx.realloc(0, 0, T::ALIGN32, size)?;
            let memory = cx.as_slice_mut().get_mut(start..).unwrap_or_default();
            let Some(memory) = memory.get_mut(..size) else {
                return Err(format_err!("the memory for a list is out of bounds"));
            };
            T::write(self.0, memory);
        }
        dst.write([ValRaw::i64(start as i64), ValRaw::i64(self.0.len() as i64)]);
        Ok(())
    }

    fn linear_lower_to_memory<U>(
        &self,
        cx: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.0.linear_lower_to_memory(cx, ty, offset)
    }
}

#[inline]
fn read(record: &[u8; EVENT]) -> Result<Event> {
    let [case, _, _, _, _, _, _, _, rest @ ..] = *record;
    let [a, b, c, d, e, f, g, h, i, j, k, l, length @ ..] = rest;
    let value = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    Ok(Event {
        kind: match case {
            0 => EventKind::Text,
            1 => EventKind::TextChunk,
            2 => EventKind::Binary,
            3 => EventKind::BinaryChunk,
            4 => EventKind::Ping,
            5 => EventKind::Pong(value),
            6 => EventKind::UnsolicitedPong,
            7 => EventKind::Close(u16::from_le_bytes([a, b])),
            8 => EventKind::ExtensionFrame(a),
            9 => EventKind::Request,
            10 => EventKind::Opened,
            11 => EventKind::Sent(value),
            12 => EventKind::Cancelled(value),
            13 => EventKind::Other(u32::from_le_bytes([a, b, c, d])),
            _ => bail!("there is no kind {case} of events"),
        },
        start: u32::from_le_bytes([i, j, k, l]),
        length: u32::from_le_bytes(length),
    })
}

fn written(record: &Outgoing) -> [u8; OUTGOING] {
    let mut bytes = [0; OUTGOING];
    let off = |compression: Compression| u8::from(compression == Compression::Off);
    (bytes[0], bytes[2]) = match record.kind {
        OutgoingKind::Text(compression) => (0, off(compression)),
        OutgoingKind::TextFragment(compression) => (1, off(compression)),
        OutgoingKind::Binary(compression) => (2, off(compression)),
        OutgoingKind::BinaryFragment(compression) => (3, off(compression)),
        OutgoingKind::Ping => (4, 0),
        OutgoingKind::Pong => (5, 0),
        OutgoingKind::Close(code) => {
            bytes[4..6].copy_from_slice(&code.unwrap_or(0).to_le_bytes());
            (6, u8::from(code.is_some()))
        }
        OutgoingKind::ExtensionFrame(bits) => (7, bits),
    };
    bytes[8..12].copy_from_slice(&record.start.to_le_bytes());
    bytes[12..16].copy_from_slice(&record.length.to_le_bytes());
    bytes[16] = u8::from(record.context.is_some());
    bytes[24..].copy_from_slice(&record.context.unwrap_or(0).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{EVENT, read, written};
    use crate::protocol::{Compression, Event, EventKind, Outgoing, OutgoingKind};

    /// Such a record, with padding that is not zero.
    fn record(case: u8, value: u64) -> [u8; EVENT] {
        let mut record = [0xee; EVENT];
        record[0] = case;
        record[8..16].copy_from_slice(&value.to_le_bytes());
        record[16..20].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
        record[20..].copy_from_slice(&0x0506_0708_u32.to_le_bytes());
        record
    }

    #[test]
    fn an_event_is_read_as_it_is_laid_out() {
        let value = 0x090a_0b0c_0d0e_0f10;
        for (case, kind) in [
            (0, EventKind::Text),
            (1, EventKind::TextChunk),
            (2, EventKind::Binary),
            (3, EventKind::BinaryChunk),
            (4, EventKind::Ping),
            (5, EventKind::Pong(value)),
            (6, EventKind::UnsolicitedPong),
            (7, EventKind::Close(0x0f10)),
            (8, EventKind::ExtensionFrame(0x10)),
            (9, EventKind::Request),
            (10, EventKind::Opened),
            (11, EventKind::Sent(value)),
            (12, EventKind::Cancelled(value)),
            (13, EventKind::Other(0x0d0e_0f10)),
        ] {
            let expected = Event {
                kind,
                start: 0x0102_0304,
                length: 0x0506_0708,
            };
            assert_eq!(read(&record(case, value)).expect("it is one"), expected);
        }
        for case in 14..=u8::MAX {
            assert!(read(&record(case, value)).is_err());
        }
    }

    #[test]
    fn an_outgoing_record_is_written_as_it_is_laid_out() {
        let off = Compression::Off;
        for (kind, fields) in [
            (OutgoingKind::Text(Compression::Automatic), &[][..]),
            (OutgoingKind::Text(off), &[(2, 1)]),
            (OutgoingKind::TextFragment(off), &[(0, 1), (2, 1)]),
            (OutgoingKind::Binary(off), &[(0, 2), (2, 1)]),
            (OutgoingKind::BinaryFragment(off), &[(0, 3), (2, 1)]),
            (OutgoingKind::Ping, &[(0, 4)]),
            (OutgoingKind::Pong, &[(0, 5)]),
            (OutgoingKind::Close(None), &[(0, 6)]),
            (
                OutgoingKind::Close(Some(0x0203)),
                &[(0, 6), (2, 1), (4, 3), (5, 2)],
            ),
            (OutgoingKind::ExtensionFrame(0x42), &[(0, 7), (2, 0x42)]),
        ] {
            let bytes = written(&Outgoing {
                kind,
                start: 1,
                length: 2,
                context: Some(4),
            });
            let mut expected = [0; 32];
            for (at, byte) in [(8, 1), (12, 2), (16, 1), (24, 4)].iter().chain(fields) {
                expected[*at] = *byte;
            }
            assert_eq!(bytes, expected, "{kind:?}");
        }
    }
}
