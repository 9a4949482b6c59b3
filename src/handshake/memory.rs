//! How much memory the parts of a handshake take.

use alloc::{string::String, vec::Vec};

use super::{Extension, Header, Negotiated, RequestHead, ResponseHead};

/// A value that keeps a part of itself elsewhere.
pub(crate) trait Memory {
    /// Returns how many bytes it has taken, beside its own size.
    fn memory(&self) -> usize;
}

/// Returns how much memory an allocation of `bytes` takes with what the allocator adds: the length
/// in front, and at least room for two pointers. Of many short names that is most.
fn allocated(bytes: usize) -> usize {
    let word = size_of::<usize>();
    match bytes {
        0 => 0,
        _ => (bytes + word).next_multiple_of(2 * word).max(4 * word),
    }
}

impl Memory for u8 {
    fn memory(&self) -> usize {
        0
    }
}

impl Memory for String {
    fn memory(&self) -> usize {
        allocated(self.capacity())
    }
}

impl<T: Memory> Memory for Option<T> {
    fn memory(&self) -> usize {
        self.as_ref().map_or(0, T::memory)
    }
}

impl<T: Memory> Memory for Vec<T> {
    // Once for each type: it is asked for seldom, and by many.
    #[inline(never)]
    fn memory(&self) -> usize {
        let own = allocated(self.capacity() * size_of::<T>());
        self.iter().fold(own, |sum, element| sum + element.memory())
    }
}

impl<A: Memory, B: Memory> Memory for (A, B) {
    fn memory(&self) -> usize {
        self.0.memory() + self.1.memory()
    }
}

impl Memory for Header {
    fn memory(&self) -> usize {
        self.name.memory() + self.value.memory()
    }
}

impl Memory for Extension {
    fn memory(&self) -> usize {
        self.name.memory() + self.parameters.memory()
    }
}

impl Memory for Negotiated {
    fn memory(&self) -> usize {
        self.subprotocol.memory() + self.extensions.memory()
    }
}

impl Memory for RequestHead {
    fn memory(&self) -> usize {
        self.method.memory()
            + self.target.memory()
            + self.authority.memory()
            + self.subprotocols.memory()
            + self.extensions.memory()
            + self.headers.memory()
    }
}

impl Memory for ResponseHead {
    fn memory(&self) -> usize {
        self.reason.memory() + self.headers.memory() + self.body.memory()
    }
}
