//! The records of the batched call, each read and written as a whole: field by field takes longer than the engine needs
//! to parse a small message.

use wasmtime::{Result, bail};

use crate::protocol::{Compression, Event, EventKind, Outgoing, OutgoingKind};
use crate::sandbox::abi::{Allocator, Element, Place, Reader, Value};

/// `list<event>`.
#[derive(Debug)]
pub(crate) struct Events(pub(crate) Vec<Event>);

/// An `event`: the case of `kind`, seven bytes of padding, eight of its value, `start`, `length`.
const EVENT: usize = 24;
/// An `outgoing`: the case of `kind`, a byte of padding, four of its value, two of padding, `start`, `length`, whether there
/// is a `context`, seven bytes of padding, the context.
const OUTGOING: usize = 32;

/// How many bytes an event counts towards the copy budget of a guest: it may become a message, too.
const COST: usize = 4 * size_of::<Event>();

impl Value for Events {
    const SIZE: usize = Place::SIZE;
    const ALIGN: usize = Place::ALIGN;

    fn load(guest: &mut Reader<'_>, at: usize) -> Result<Self> {
        const { assert!(<Event as Value>::SIZE == EVENT) };
        let Place { start, length } = Place::load(guest, at)?;
        let (start, length) = (start as usize, length as usize);
        guest.spend(length.saturating_mul(COST))?;
        let (records, _) = guest
            .bytes(start, length.saturating_mul(EVENT))?
            .as_chunks::<EVENT>();
        let mut events = Vec::with_capacity(length);
        for record in records {
            events.push(read(record)?);
        }
        Ok(Self(events))
    }
}

impl Element for Outgoing {
    const SIZE: usize = OUTGOING;
    const ALIGN: usize = 8;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        Self::store_all(&[*self], guest, at)
    }

    fn store_all(values: &[Self], guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        let memory = guest.place(at, values.len() * OUTGOING)?;
        let (places, _) = memory.as_chunks_mut::<OUTGOING>();
        for (place, record) in places.iter_mut().zip(values) {
            *place = written(record);
        }
        Ok(())
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

    /// Returns a record with padding that is not zero.
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
