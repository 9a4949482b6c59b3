//! Pins threads to processors, so that a proxy and its load don't share one.

use std::io;

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors of this thread, until this is dropped.
pub(crate) struct Processors {
    all: CpuSet,
    /// One for what is measured, and one for the rest: the same, if there is only one.
    proxy: usize,
    load: usize,
}

impl Processors {
    /// The first two that this thread may use.
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
        let proxy = allowed.next().unwrap_or(0);
        let load = allowed.next().unwrap_or(proxy);
        Ok(Self { all, proxy, load })
    }

    /// Describes which processor runs what.
    pub(crate) fn legend(&self, runs: &str) -> String {
        match self.proxy == self.load {
            true => "There is only one processor, so nothing here is certain.".to_owned(),
            false => format!(
                "{runs} on processor {}, the load on processor {}.",
                self.proxy, self.load
            ),
        }
    }

    /// Starts something on its own processor; this thread has the other one from now on.
    pub(crate) fn started<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        self.pin(self.proxy)?;
        let started = start();
        self.pin(self.load)?;
        started
    }

    /// Keeps this thread on one processor, and what it starts from now on.
    fn pin(&self, processor: usize) -> io::Result<()> {
        let mut one = CpuSet::new();
        one.set(processor);
        Ok(sched_setaffinity(None, &one)?)
    }
}

impl Drop for Processors {
    fn drop(&mut self) {
        // Another part may need both.
        let _ = sched_setaffinity(None, &self.all);
    }
}
