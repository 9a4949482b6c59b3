//! Which tasks to wake.
//!
//! After a split, one task reads and another writes, and a transport keeps one waker for each direction. But reading
//! makes a session write (pongs, the answer to a close frame), and writing makes it wait for input. So the transport
//! gets one waker that wakes both tasks.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

/// One of the two halves of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

pub(super) struct Wakers {
    both: Arc<Both>,
    waker: Waker,
}

#[derive(Default)]
struct Both {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Both {
    fn of(&self, half: Half) -> &AtomicWaker {
        match half {
            Half::Reader => &self.reader,
            Half::Writer => &self.writer,
        }
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

impl Wakers {
    pub(super) fn new() -> Self {
        let both = Arc::new(Both::default());
        let waker = both.clone().into();
        Self { both, waker }
    }

    /// Sets the task to wake for this half.
    pub(super) fn register(&self, half: Half, cx: &Context<'_>) {
        self.both.of(half).register(cx.waker());
    }

    /// Unregisters the half's task.
    pub(super) fn forget(&self, half: Half) {
        self.both.of(half).take();
    }

    /// Wakes the other half, which may be waiting for what this one found.
    pub(super) fn wake_other(&self, half: Half) {
        match half {
            Half::Reader => self.both.writer.wake(),
            Half::Writer => self.both.reader.wake(),
        }
    }

    /// Returns the waker for the transport and the timer.
    pub(super) fn waker(&self) -> &Waker {
        &self.waker
    }
}
