//! Errors that end a guest.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The error of a guest that ended or could not start.
///
/// All but [`PoolExhausted`](Self::PoolExhausted) and [`ForeignSession`](Self::ForeignSession) end the guest: every
/// later call returns the same error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxError {
    /// All guests of the pool are in use; try again when one was dropped.
    PoolExhausted,
    /// The guest exceeded its memory limit.
    OutOfMemory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A call exceeded its limit of processor time.
    OutOfTime {
        /// The limit.
        limit: Duration,
    },
    /// The guest trapped.
    Trap {
        /// wasmtime's description of the trap.
        reason: String,
    },
    /// The guest returned something that the contract doesn't allow.
    BrokenContract {
        /// A description of it.
        reason: String,
    },
    /// The future of a suspended call was dropped.
    Cancelled,
    /// The session belongs to another guest. Nothing was called.
    ForeignSession,
}

impl SandboxError {
    #[cfg(any(feature = "sandbox", feature = "stream"))]
    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::BrokenContract {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PoolExhausted => f.write_str("every guest of the sandbox's pool is in use"),
            Self::OutOfMemory { limit } => {
                write!(f, "the guest has reached its memory limit of {limit} bytes")
            }
            Self::OutOfTime { limit } => write!(
                f,
                "a call has reached its limit of {limit:?} of processor time"
            ),
            Self::Trap { reason } => write!(f, "the guest trapped: {reason}"),
            Self::BrokenContract { reason } => write!(f, "the guest broke its contract: {reason}"),
            Self::Cancelled => f.write_str("the future of a suspended call was dropped"),
            Self::ForeignSession => f.write_str("the session belongs to another guest"),
        }
    }
}

impl Error for SandboxError {}
