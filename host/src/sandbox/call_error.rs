//! The error of a call: a broken rule, or the end of the guest.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::error::SandboxError;
use crate::protocol::Failure;

/// The error of a call into a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// A rule was broken; `Failure::fault` says by whom. The guest can still be used.
    Failure(Box<Failure>),
    /// The guest has ended.
    Sandbox(SandboxError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) => {
                write!(f, "{} ({})", failure.description, failure.section)
            }
            Self::Sandbox(error) => error.fmt(f),
        }
    }
}

impl Error for CallError {}

impl From<SandboxError> for CallError {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

impl From<Box<Failure>> for CallError {
    fn from(failure: Box<Failure>) -> Self {
        Self::Failure(failure)
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl SandboxError {
    /// Converts the error of a call. `denied` says that memory was refused to the guest during it.
    pub(crate) fn of_call(
        error: &wasmtime::Error,
        denied: bool,
        limit: usize,
        call_time: Duration,
    ) -> Self {
        let trap = error.downcast_ref::<Trap>();
        if error.is::<PoolConcurrencyLimitError>() {
            Self::PoolExhausted
        } else if denied {
            Self::OutOfMemory { limit }
        } else if trap == Some(&Trap::Interrupt) {
            Self::OutOfTime { limit: call_time }
        } else if let Some(trap) = trap {
            Self::Trap {
                reason: trap
                    .to_string()
                    .trim_start_matches("wasm trap: ")
                    .to_owned(),
            }
        } else {
            Self::broken(one_line(error))
        }
    }
}

/// Formats a wasmtime error with its causes, without the backtrace.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    let mut causes: Vec<String> = error
        .chain()
        .map(|cause| cause.to_string().replace('\n', " "))
        .collect();
    causes.dedup();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wasmtime::{Trap, format_err};

    use super::{SandboxError, one_line};

    const SECOND: Duration = Duration::from_secs(1);

    fn named(error: wasmtime::Error, denied: bool) -> SandboxError {
        SandboxError::of_call(&error, denied, 7, SECOND)
    }

    #[test]
    fn a_trap_after_refused_memory_is_out_of_memory() {
        let trap = || Trap::UnreachableCodeReached.into();
        assert_eq!(named(trap(), true), SandboxError::OutOfMemory { limit: 7 });
        let SandboxError::Trap { reason } = named(trap(), false) else {
            panic!("not a trap");
        };
        assert!(reason.contains("unreachable"), "{reason}");
    }

    #[test]
    fn an_interrupt_is_out_of_time() {
        let expected = SandboxError::OutOfTime { limit: SECOND };
        assert_eq!(named(Trap::Interrupt.into(), false), expected);
    }

    #[test]
    fn what_is_no_trap_is_a_broken_contract() {
        let error = format_err!("inner\nline").context("outer");
        assert_eq!(one_line(&error), "outer: inner line");
        assert!(matches!(
            named(error, false),
            SandboxError::BrokenContract { .. }
        ));
    }
}
