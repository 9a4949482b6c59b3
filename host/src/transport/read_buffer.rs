//! Buffers to read into, shared by all connections of a thread: an idle one has none.

use std::cell::RefCell;

use crate::sizes::MAX_INPUT;

/// The most that is read at once where most of it goes past the guest.
const LARGE: usize = 256 << 10;

thread_local! {
    /// Those that aren't lent: one, or as many as were lent at a time.
    static BUFFERS: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Lends as much of the thread's buffer as a guest is given at once.
pub(crate) fn with<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    with_large(|buffer| work(buffer.get_mut(..MAX_INPUT).unwrap_or_default()))
}

/// Lends the thread's buffer. A transport that decrypts, or is itself a WebSocket, borrows within a borrow, and gets
/// another.
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
