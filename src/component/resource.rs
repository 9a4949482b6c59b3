//! What both resources with a clock are: one thing of the engine, with what the host reads of it.

use core::cell::RefCell;

/// A resource. A component is never entered twice at once, so a borrow of a cell never meets
/// another.
pub(super) struct Resource<T, B> {
    inner: RefCell<T>,
    borrowed: RefCell<B>,
}

impl<T, B: Default> Resource<T, B> {
    pub(super) fn new(inner: T) -> Self {
        Resource {
            inner: RefCell::new(inner),
            borrowed: RefCell::default(),
        }
    }

    pub(super) fn with<R>(&self, call: impl FnOnce(&mut T) -> R) -> R {
        call(&mut self.inner.borrow_mut())
    }

    /// With what the host reads after the call.
    pub(super) fn with_borrowed<R>(&self, call: impl FnOnce(&mut T, &mut B) -> R) -> R {
        call(
            &mut self.inner.borrow_mut(),
            &mut self.borrowed.borrow_mut(),
        )
    }
}
