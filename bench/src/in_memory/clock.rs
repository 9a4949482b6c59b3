//! What is measured: the processor time of this thread.
//!
//! Nothing here sleeps or waits, so on an idle machine that is the time on the wall; on a busy one the turns of other
//! programs don't count.

pub(crate) use cpu_time::ThreadTime as CpuTime;
