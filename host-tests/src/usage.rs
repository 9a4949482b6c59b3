//! The resource usage of a process, from Linux's /proc.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// The resource usage of a process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The memory that is resident, in bytes.
    pub resident: u64,
    /// Open files, sockets among them.
    pub descriptors: u64,
    pub threads: u64,
    /// Processor time so far, of all threads, in user code and in the kernel.
    pub cpu: Duration,
    /// How long threads were ready to run and others had the processors, so far, all threads added up.
    pub waiting: Duration,
}

impl Usage {
    /// Of the process with this id.
    ///
    /// # Errors
    ///
    /// The process has ended, or /proc is not Linux's.
    pub fn of(process: u32) -> io::Result<Usage> {
        let folder = format!("/proc/{process}");
        let status = fs::read_to_string(format!("{folder}/status"))?;
        Ok(Usage {
            resident: field(&status, "VmRSS:")? * 1024,
            descriptors: fs::read_dir(format!("{folder}/fd"))?.count() as u64,
            threads: field(&status, "Threads:")?,
            cpu: cpu(&fs::read_to_string(format!("{folder}/stat"))?)?,
            waiting: waiting(&folder)?,
        })
    }
}

/// The number behind a name in /proc/…/status.
fn field(status: &str, name: &str) -> io::Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name}")))
}

/// The sum of utime and stime in /proc/…/stat. The name before them may hold anything, but ends with the last bracket.
fn cpu(stat: &str) -> io::Result<Duration> {
    const UTIME: usize = 11;
    const STIME: usize = 12;
    let fields: Vec<&str> = match stat.rsplit_once(") ") {
        Some((_, rest)) => rest.split(' ').collect(),
        None => Vec::new(),
    };
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    match (ticks(UTIME), ticks(STIME)) {
        (Some(user), Some(system)) => {
            let per_second = rustix::param::clock_ticks_per_second().max(1);
            Ok(Duration::from_millis((user + system) * 1000 / per_second))
        }
        _ => Err(io::Error::other("no times in /proc")),
    }
}

/// The sum of the second numbers in /proc/…/task/*/schedstat, in nanoseconds. Systems without that file tell 0.
fn waiting(folder: &str) -> io::Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("{folder}/task"))? {
        // A thread may have ended meanwhile.
        let times = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let waited = times.split(' ').nth(1).and_then(|time| time.parse().ok());
        nanos += waited.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// How many files this process may open at most, if there is a limit.
#[must_use]
pub fn most_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Raises the limit of open files for this process and its children.
///
/// # Errors
///
/// The system doesn't allow it.
pub fn allow_files(count: u64) -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let hardest = limit.maximum;
    if hardest.is_some_and(|hardest| hardest < count) {
        let what = format!(
            "this needs {count} open files, and no more than {hardest:?} are allowed: `ulimit -Hn {count}`"
        );
        return Err(io::Error::other(what));
    }
    if limit.current.is_some_and(|current| current < count) {
        limit.current = Some(count);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_takes_is_told() {
        let files: Vec<_> = (0..10).map(|_| fs::File::open("/proc/self/stat")).collect();
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident > 100_000, "{usage:?}");
        assert!(usage.descriptors > files.len() as u64, "{usage:?}");
        assert!(usage.threads >= 1, "{usage:?}");
    }

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_trouble() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0";
        let ticks = rustix::param::clock_ticks_per_second();
        assert_eq!(cpu(stat).unwrap().as_millis() as u64, 300 * 1000 / ticks);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Usage::of(u32::MAX).is_err());
    }
}
