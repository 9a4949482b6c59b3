//! The records of the batched call, read from guest memory and written to it in one go.
//!
//! wasmtime takes lists of records element by element and field by field, which takes longer than the engine does to
//! parse a small message. The layout of the records is fixed by the canonical ABI, so they can be taken as they stand.
//!
//! The items of wasmtime that this needs are those that its derive macros expand to; they may change with its version.

use std::mem::MaybeUninit;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail, format_err};

use crate::protocol::{Event, Kind, Outgoing};

/// `list<event>`.
#[derive(Debug)]
pub(crate) struct Events(pub(crate) Vec<Event>);

/// `list<outgoing>`, or a `list<u8>`. The guest isn't asked for memory if there is nothing in it: where that would be is
/// of no consequence, but to ask is a call into the guest.
#[derive(Clone, Copy)]
pub(crate) struct List<'call, T>(pub(crate) &'call [T]);

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

/// An `event`: `kind`, three bytes that say nothing, `start`, `length`, four more, `detail`.
const EVENT: usize = 24;
/// An `outgoing`: the same, and whether there is a `context`, seven bytes that say nothing, the context.
const OUTGOING: usize = 40;

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
        records.iter().map(read).collect::<Result<_>>().map(Self)
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

fn read(record: &[u8; EVENT]) -> Result<Event> {
    let [
        kind,
        _,
        _,
        _,
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        _,
        _,
        _,
        _,
        detail @ ..,
    ] = *record;
    Ok(Event {
        kind: match kind {
            0 => Kind::Text,
            1 => Kind::TextFragment,
            2 => Kind::Binary,
            3 => Kind::BinaryFragment,
            4 => Kind::Ping,
            5 => Kind::Pong,
            6 => Kind::Close,
            7 => Kind::ExtensionFrame,
            8 => Kind::Request,
            9 => Kind::Opened,
            10 => Kind::Sent,
            11 => Kind::Cancelled,
            _ => bail!("there is no kind {kind}"),
        },
        start: u32::from_le_bytes([a, b, c, d]),
        length: u32::from_le_bytes([e, f, g, h]),
        detail: u64::from_le_bytes(detail),
    })
}

fn written(record: &Outgoing) -> [u8; OUTGOING] {
    let mut bytes = [0; OUTGOING];
    bytes[0] = record.kind as u8;
    bytes[4..8].copy_from_slice(&record.start.to_le_bytes());
    bytes[8..12].copy_from_slice(&record.length.to_le_bytes());
    bytes[16..24].copy_from_slice(&record.detail.to_le_bytes());
    bytes[24] = u8::from(record.context.is_some());
    bytes[32..].copy_from_slice(&record.context.unwrap_or(0).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{EVENT, read, written};
    use crate::protocol::{Event, Kind, Outgoing};

    #[test]
    fn a_record_is_read_as_it_is_laid_out() {
        let mut record = [0xee; EVENT];
        record[0] = Kind::Pong as u8;
        record[4..8].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
        record[8..12].copy_from_slice(&0x0506_0708_u32.to_le_bytes());
        record[16..].copy_from_slice(&0x090a_0b0c_0d0e_0f10_u64.to_le_bytes());
        let expected = Event {
            kind: Kind::Pong,
            start: 0x0102_0304,
            length: 0x0506_0708,
            detail: 0x090a_0b0c_0d0e_0f10,
        };
        assert_eq!(read(&record).expect("it is one"), expected);
    }

    #[test]
    fn a_record_is_written_as_it_is_laid_out() {
        let bytes = written(&Outgoing {
            kind: Kind::Close,
            start: 1,
            length: 2,
            detail: 3,
            context: Some(4),
        });
        let numbers = bytes.map(u64::from);
        let mut expected = [0; 40];
        for (at, number) in [(0, 6), (4, 1), (8, 2), (16, 3), (24, 1), (32, 4)] {
            expected[at] = number;
        }
        assert_eq!(numbers, expected);
    }

    #[test]
    fn every_kind_has_its_number_and_no_other_has_one() {
        let of = |kind: u8| {
            let mut record = [0; EVENT];
            record[0] = kind;
            read(&record).ok().map(|event| event.kind as u8)
        };
        for kind in 0..=Kind::Cancelled as u8 {
            assert_eq!(of(kind), Some(kind));
        }
        for kind in Kind::Cancelled as u8 + 1..=u8::MAX {
            assert_eq!(of(kind), None);
        }
    }
}
