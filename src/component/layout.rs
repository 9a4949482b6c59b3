//! The records of the batched calls, as the canonical ABI lays them out in memory, which is
//! how C does for these types where an address has 32 bits.
//!
//! A test compares the offsets with those of the contract; where the component is built, the
//! compiler compares the structures with the offsets.

mod inspector;
mod session;

use alloc::vec::Vec;

use super::bindings::types;
use crate::Failure;

pub(super) use inspector::{EditRecord, ProgressRecord, SeenRecord, StepRecord};
pub(super) use session::{OutgoingRecord, RelayRecord, ResultRecord};

/// `list<T>`, and a `string`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct List<T> {
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

/// A list that the host has placed in this memory, by `cabi_realloc`.
///
/// # Safety
///
/// The list is the host's argument, of this type, and is taken once.
pub(super) unsafe fn take<T>(start: *mut T, length: usize) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: `cabi_realloc` allocates with the alignment of `T` and for `length`
    // of it, from the allocator that frees it.
    unsafe { Vec::from_raw_parts(start, length, length) }
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
    /// Without a value, the old one stays and is not read.
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

/// States the size of a record, and where its fields are; `$name` is its name in the contract.
macro_rules! laid_out {
    ($name:literal, $record:ident, $size:literal, { $($field:ident: $offset:literal),* $(,)? }) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            assert!(size_of::<$record>() == $size);
            $(assert!(core::mem::offset_of!($record, $field) == $offset);)*
        };
        #[cfg(test)]
        impl $crate::component::layout::tests::LaidOut for $record {
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

use laid_out;

#[cfg(test)]
mod tests;
