//! The limit of open files and sockets.

#[cfg(unix)]
use tracing::warn;

/// Files other than those of connections: listeners, the log, the runtime, and clients that are being refused.
#[cfg(unix)]
const OTHERS: u64 = 128;

/// Raises the limit of open files as far as the system allows, since the default is low, and warns if it is still too
/// low for `connections` with `files_each`.
#[cfg(unix)]
pub(crate) fn raise(connections: u32, files_each: u64) {
    // Use the current limit if it can't be raised.
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(_) => match rlimit::Resource::NOFILE.get_soft() {
            Ok(limit) => limit,
            Err(_) => return,
        },
    };
    if let Some(needed) = missing(limit, connections, files_each) {
        warn!(
            limit,
            needed,
            max_connections = connections,
            "the limit of open files is {limit}, and {connections} connections (--max-connections) need {needed}: \
             raise it with `ulimit -n`, or LimitNOFILE= of systemd"
        );
    }
}

#[cfg(not(unix))]
pub(crate) fn raise(_connections: u32, _files_each: u64) {}

/// Returns the limit that is needed, if this one is too low.
#[cfg(unix)]
fn missing(limit: u64, connections: u32, files_each: u64) -> Option<u64> {
    let needed = files_each * u64::from(connections) + OTHERS;
    (limit < needed).then_some(needed)
}

#[cfg(all(test, unix))]
mod tests {
    use super::{OTHERS, missing};

    #[test]
    fn each_connection_needs_its_files_and_the_program_some_more() {
        assert_eq!(missing(200, 10_000, 2), Some(20_000 + OTHERS));
        assert_eq!(
            missing(20_000 + OTHERS - 1, 10_000, 2),
            Some(20_000 + OTHERS)
        );
        assert_eq!(missing(20_000 + OTHERS, 10_000, 2), None);
        assert_eq!(missing(u64::MAX, u32::MAX, 4), None);
    }
}
