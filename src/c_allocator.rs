//! The C names of the allocator, by which zlib-rs asks for memory where there is no
//! standard library.
//!
//! C frees without saying how much, so each block has its size in front.

use alloc::alloc::{alloc, alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::ptr;

/// The alignment of each block, and the room for its size.
const ALIGN: usize = 16;

/// The layout of a block of this size, with its head.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(ALIGN)?, ALIGN).ok()
}

/// Returns a block of this size, which `by` makes, or null.
fn block(size: usize, by: unsafe fn(Layout) -> *mut u8) -> *mut u8 {
    let Some(layout) = layout(size) else {
        return ptr::null_mut();
    };
    // SAFETY: the size is not 0, since there is a head.
    let block = unsafe { by(layout) };
    if block.is_null() {
        return block;
    }
    // SAFETY: the head is within the block, and aligned.
    unsafe {
        block.cast::<usize>().write(size);
        block.add(ALIGN)
    }
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    match count.checked_mul(size) {
        Some(size) => block(size, alloc_zeroed),
        None => ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut u8 {
    block(size, alloc)
}

/// # Safety
///
/// `block` is null, or was returned from here and not freed since.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut u8) {
    if block.is_null() {
        return;
    }
    // SAFETY: by the contract of this function the head is in front.
    unsafe {
        let head = block.sub(ALIGN);
        if let Some(layout) = layout(head.cast::<usize>().read()) {
            dealloc(head, layout);
        }
    }
}
