//! The heap: dlmalloc, which takes memory page by page, so that an idle instance has touched few.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::{Cell, UnsafeCell};
use core::ptr;

use dlmalloc::Dlmalloc;

/// What a host takes from its system at a time, and what dlmalloc takes from here.
const HOST_PAGE: usize = 4 << 10;
/// What memory grows by.
const PAGE: usize = 64 << 10;

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(
    const {
        let mut heap = Dlmalloc::new_with_allocator(Pages { end: Cell::new(0) });
        assert!(heap.set_granularity(HOST_PAGE));
        heap
    },
));

/// dlmalloc, never inlined: its checks of a block's size would be repeated wherever
/// something is dropped.
struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: a component has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// # Safety
    ///
    /// Not while another reference is in use: no method of dlmalloc comes back here.
    #[expect(
        clippy::mut_from_ref,
        reason = "the allocator is called by a shared reference"
    )]
    unsafe fn dlmalloc(&self) -> &mut Dlmalloc<Pages> {
        // SAFETY: by the contract of this method.
        unsafe { &mut *self.0.get() }
    }
}

// SAFETY: each method passes its arguments on to the same method of dlmalloc.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the contract of this method.
        unsafe { self.dlmalloc().malloc(layout.size(), layout.align()) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the contract of this method.
        unsafe { self.dlmalloc().calloc(layout.size(), layout.align()) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the contract of this method.
        unsafe { self.dlmalloc().free(block, layout.size(), layout.align()) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: by the contract of this method.
        unsafe { self.dlmalloc().realloc(block, size, align, new_size) }
    }
}

/// The memory after the static data.
struct Pages {
    /// Where the heap ends; 0 before it has begun.
    end: Cell<usize>,
}

unsafe extern "C" {
    /// Where the static data ends.
    static __heap_base: u8;
}

// SAFETY: allocated memory is after everything that was allocated before, and within the linear
// memory.
unsafe impl dlmalloc::Allocator for Pages {
    /// Allocates whole pages from the host, except for the rest of the page in which the static
    /// data ends.
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        const NONE: (*mut u8, usize, u32) = (ptr::null_mut(), 0, 0);
        let start = match self.end.get() {
            0 => (&raw const __heap_base).addr().next_multiple_of(16),
            end => end,
        };
        let end = start.checked_add(size);
        // The last page stays unused, so that no end is beyond 32 bits.
        let Some(end) = end.and_then(|end| end.checked_next_multiple_of(HOST_PAGE)) else {
            return NONE;
        };
        let missing = end
            .saturating_sub(wasm32::memory_size(0) * PAGE)
            .div_ceil(PAGE);
        if missing > 0 && wasm32::memory_grow(0, missing) == usize::MAX {
            return NONE;
        }
        self.end.set(end);
        (ptr::with_exposed_provenance_mut(start), end - start, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    /// What was never given out before is as the memory begins.
    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        HOST_PAGE
    }
}
