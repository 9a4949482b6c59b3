//! Read buffers that all connections of a thread share: an idle connection has none.

use std::cell::RefCell;

use crate::sizes::MAX_INPUT;

/// The maximum of one read where most of it bypasses the guest.
const LARGE: usize = 256 << 10;

thread_local! {
    /// The buffers that are not in use: one, or as many as were in use at a time.
    static BUFFERS: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Calls a closure with a buffer as large as the maximum input of a guest.
pub(crate) fn with<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    with_large(|buffer| work(buffer.get_mut(..MAX_INPUT).unwrap_or_default()))
}

/// Calls a closure with the thread's buffer. A nested call, from a transport that is TLS or itself a WebSocket, gets
/// another buffer.
pub(crate) fn with_large<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    let lent = BUFFERS.with_borrow_mut(Vec::pop);
    let mut buffer = lent.unwrap_or_else(|| vec![0; LARGE].into_boxed_slice());
    let result = work(&mut buffer);
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::with;

    #[test]
    fn a_borrow_within_a_borrow_has_its_own_buffer() {
        with(|outer| {
            outer[0] = 1;
            with(|inner| inner[0] = 2);
            assert_eq!(outer[0], 1);
        });
    }

    #[test]
    fn one_buffer_serves_again() {
        let first = with(|buffer| buffer.as_ptr() as usize);
        assert_eq!(first, with(|buffer| buffer.as_ptr() as usize));
    }
}
