//! How many sockets there may be.

/// Raises the number of open files to what the system allows: a connection takes two, and the usual number is small.
///
/// That it can't be raised is no error yet: connections beyond it fail one by one, and say so.
pub(crate) fn raise() {
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}
