//! What the host calls for memory, and panics.

use alloc::alloc::{alloc, handle_alloc_error, realloc};
use core::alloc::Layout;
use core::panic::PanicInfo;
use core::ptr;

/// The component imports nothing, so a panic can't be reported: the call traps, which
/// the host sees.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// How the host places arguments in this memory (Component Model, canonical ABI).
///
/// # Safety
///
/// `old` is null, or was returned from here for `old_size` and `align`.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the canonical ABI passes a power of two, and sizes below 4 GiB.
    let layout = |size| unsafe { Layout::from_size_align_unchecked(size, align) };
    let new = if old_size == 0 {
        // SAFETY: the size is not 0.
        unsafe { alloc(layout(new_size)) }
    } else {
        // SAFETY: by the contract of this function.
        unsafe { realloc(old, layout(old_size), new_size) }
    };
    if new.is_null() {
        handle_alloc_error(layout(new_size));
    }
    new
}
