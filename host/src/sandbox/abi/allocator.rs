//! Allocates guest memory for the arguments of a call.

use wasmtime::{Memory, Result, Store, TypedFunc, format_err};

use crate::sandbox::limiter::Limiter;

/// The guest's allocation function.
pub(super) type Realloc = TypedFunc<(u32, u32, u32, u32), u32>;

/// Allocates guest memory for arguments.
pub(crate) struct Allocator<'a> {
    pub(super) store: &'a mut Store<Limiter>,
    pub(super) memory: Memory,
    pub(super) realloc: &'a Realloc,
}

impl Allocator<'_> {
    /// Allocates memory, which the called function then owns.
    pub(super) fn allocate(&mut self, align: u32, size: u32) -> Result<u32> {
        self.realloc.call(&mut *self.store, (0, 0, align, size))
    }

    /// Returns the memory at an address.
    pub(crate) fn place(&mut self, at: usize, length: usize) -> Result<&mut [u8]> {
        let memory = self.memory.data_mut(&mut *self.store);
        let place = memory.get_mut(at..).and_then(|rest| rest.get_mut(..length));
        place.ok_or_else(|| format_err!("the memory for a list is out of bounds"))
    }

    /// Writes to memory.
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        self.place(at, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }
}
