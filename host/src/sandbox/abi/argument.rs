//! Lowers values to the arguments of a call, and to guest memory.

use wasmtime::{Result, Val, format_err};

use super::allocator::Allocator;
use super::{Resource, align};
use crate::bindings::exports::websocket::protocol::inspector::{Parked, ParkedSide, Traffic};
use crate::protocol::{
    Acceptance, Completion, Extension, ExtensionParameter, Header, Message, Negotiated, Refusal,
    Request,
};

/// The maximum number of core parameters (`MAX_FLAT_PARAMS`). No function of the contract has more.
const MOST: usize = 16;

/// The core values of a call, and the memory of the guest that is called.
pub(crate) struct Arguments<'a> {
    slots: [Val; MOST],
    count: usize,
    guest: Allocator<'a>,
}

/// A value that is passed to a function.
pub(crate) trait Argument {
    /// Appends its core values.
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()>;
}

/// An element of a list argument, as the canonical ABI lays it out in memory.
pub(crate) trait Element: Sized {
    const SIZE: usize;
    const ALIGN: usize;

    /// Writes the value to an address.
    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()>;

    /// Writes several values, one after the other.
    fn store_all(values: &[Self], guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        for (index, value) in values.iter().enumerate() {
            value.store(guest, at + index * Self::SIZE)?;
        }
        Ok(())
    }
}

impl<'a> Arguments<'a> {
    pub(super) fn new(guest: Allocator<'a>) -> Self {
        Self {
            slots: [const { Val::I32(0) }; MOST],
            count: 0,
            guest,
        }
    }

    /// Returns the values, and how many of them are used.
    pub(super) fn into_values(self) -> ([Val; MOST], usize) {
        (self.slots, self.count)
    }

    fn push(&mut self, value: Val) -> Result<()> {
        let slot = self.slots.get_mut(self.count);
        *slot.ok_or_else(|| format_err!("a call takes {MOST} values at most"))? = value;
        self.count += 1;
        Ok(())
    }

    fn word(&mut self, value: u32) -> Result<()> {
        self.push(Val::I32(value.cast_signed()))
    }

    /// Pads for larger cases of a variant.
    fn pad(&mut self, words: usize) -> Result<()> {
        (0..words).try_for_each(|_| self.word(0))
    }

    fn list<T: Element>(&mut self, values: &[T]) -> Result<()> {
        let start = self.guest.list(values)?;
        self.word(start)?;
        self.word(length(values.len())?)
    }
}

fn length(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| format_err!("4 GiB and more don't fit in a guest"))
}

impl Allocator<'_> {
    /// Writes a list to new memory of the guest. An empty list needs no memory, which saves a call into the guest.
    pub(crate) fn list<T: Element>(&mut self, values: &[T]) -> Result<u32> {
        if values.is_empty() {
            return length(T::ALIGN);
        }
        let size = length(values.len().saturating_mul(T::SIZE))?;
        let start = self.allocate(length(T::ALIGN)?, size)?;
        T::store_all(values, self, start as usize)?;
        Ok(start)
    }

    fn store_list<T: Element>(&mut self, values: &[T], at: usize) -> Result<()> {
        let start = self.list(values)?;
        self.write(at, &start.to_le_bytes())?;
        self.write(at + 4, &length(values.len())?.to_le_bytes())
    }
}

macro_rules! words {
    ($($type:ident)+) => {$(
        impl Argument for $type {
            fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
                call.word(u32::from(*self))
            }
        }
    )+};
}

words!(bool u8 u16 u32);

impl Argument for u64 {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        call.push(Val::I64(self.cast_signed()))
    }
}

impl Argument for Resource {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        call.word(self.0)
    }
}

impl Argument for Option<u64> {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        self.is_some().pass(call)?;
        self.unwrap_or_default().pass(call)
    }
}

impl Argument for Option<String> {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        self.is_some().pass(call)?;
        match self {
            Some(text) => text.as_str().pass(call),
            None => call.pad(2),
        }
    }
}

impl Argument for str {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        call.list(self.as_bytes())
    }
}

impl<T: Element> Argument for [T] {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        call.list(self)
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        (*self).pass(call)
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))+) => {$(
        impl<$($name: Argument),*> Argument for ($($name,)*) {
            #[allow(non_snake_case, unused_variables, reason = "a tuple of any length")]
            fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
                let ($($name,)*) = self;
                $($name.pass(call)?;)*
                Ok(())
            }
        }
    )+};
}

tuples! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) }

impl Argument for Request {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        call.list(self.target.as_bytes())?;
        call.list(self.authority.as_bytes())?;
        call.list(&self.subprotocols)?;
        call.list(&self.extensions)?;
        call.list(&self.headers)
    }
}

impl Argument for ParkedSide {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        let Traffic {
            frames,
            messages,
            bytes,
        } = self.traffic;
        let numbers = (self.position, frames, messages, bytes);
        (numbers, self.idle_since, self.message_idle_since).pass(call)
    }
}

impl Argument for Parked {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        (self.at, self.opened).pass(call)?;
        self.client.pass(call)?;
        self.server.pass(call)
    }
}

impl Argument for Acceptance {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        self.subprotocol.pass(call)?;
        call.list(&self.extensions)?;
        call.list(&self.headers)
    }
}

impl Argument for Refusal {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        self.status.pass(call)?;
        call.list(&self.headers)?;
        call.list(&self.body)
    }
}

impl Argument for Negotiated {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        self.subprotocol.pass(call)?;
        call.list(&self.extensions)
    }
}

/// The case, and as much as the largest of them takes: a close frame, which may be none.
impl Argument for Message {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        let (case, bytes) = match self {
            Self::Text(text) => (0, text.as_bytes()),
            Self::TextFragment(text) => (1, text.as_bytes()),
            Self::Utf8(bytes) => (2, &bytes[..]),
            Self::Utf8Fragment(bytes) => (3, &bytes[..]),
            Self::Binary(bytes) => (4, &bytes[..]),
            Self::BinaryFragment(bytes) => (5, &bytes[..]),
            Self::Ping(bytes) => (6, &bytes[..]),
            Self::Pong(bytes) => (7, &bytes[..]),
            Self::Close(frame) => {
                call.word(8)?;
                frame.is_some().pass(call)?;
                return match frame {
                    Some(frame) => (frame.code, frame.reason.as_str()).pass(call),
                    None => call.pad(3),
                };
            }
            Self::ExtensionFrame(frame) => {
                call.word(9)?;
                (frame.bits, &frame.payload[..]).pass(call)?;
                return call.pad(1);
            }
        };
        call.word(case)?;
        call.list(bytes)?;
        call.pad(2)
    }
}

impl Argument for Completion {
    fn pass(&self, call: &mut Arguments<'_>) -> Result<()> {
        match self {
            Self::Sent(count) => {
                call.word(0)?;
                count.pass(call)?;
                call.pad(1)
            }
            Self::Read(bytes) => {
                call.word(1)?;
                call.list(bytes)
            }
            Self::Acknowledged => {
                call.word(2)?;
                call.pad(2)
            }
        }
    }
}

impl Element for u8 {
    const SIZE: usize = 1;
    const ALIGN: usize = 1;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        guest.write(at, &[*self])
    }

    fn store_all(values: &[Self], guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        guest.write(at, values)
    }
}

impl Element for String {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        guest.store_list(self.as_bytes(), at)
    }
}

impl Element for Header {
    const SIZE: usize = 16;
    const ALIGN: usize = 4;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        self.name.store(guest, at)?;
        guest.store_list(&self.value, at + 8)
    }
}

impl Element for ExtensionParameter {
    const SIZE: usize = 20;
    const ALIGN: usize = 4;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        self.name.store(guest, at)?;
        guest.write(at + 8, &[self.value.is_some().into()])?;
        match &self.value {
            Some(value) => value.store(guest, at + align(9, 4)),
            None => Ok(()),
        }
    }
}

impl Element for Extension {
    const SIZE: usize = 16;
    const ALIGN: usize = 4;

    fn store(&self, guest: &mut Allocator<'_>, at: usize) -> Result<()> {
        self.name.store(guest, at)?;
        guest.store_list(&self.parameters, at + 8)
    }
}
