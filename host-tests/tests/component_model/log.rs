//! The results of the same calls in both APIs, as debug output, which has all fields.

use std::fmt::Debug;

use websocket_host::CallError;
use websocket_host::protocol::Failure;

/// The results of calls.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Vec<String>);

impl Log {
    pub(crate) fn note(&mut self, result: impl Debug) {
        self.0.push(format!("{result:?}"));
    }
}

/// The result of a call of the host, without sandbox errors, which don't occur.
pub(crate) fn outcome<T>(result: Result<T, CallError>) -> Result<T, Box<Failure>> {
    result.map_err(|error| match error {
        CallError::Failure(failure) => failure,
        CallError::Sandbox(error) => panic!("{error}"),
    })
}

/// The fields of a result of the batched call, except those that say how to continue.
macro_rules! fields {
    ($result:ident) => {
        (
            &$result.events,
            &$result.payload[..],
            &$result.output[..],
            &$result.refused.as_ref().map(|failure| failure.rule.clone()),
            &$result
                .failure
                .as_ref()
                .map(|failure| format!("{failure:?}")),
            ($result.state, $result.next_deadline),
        )
    };
}

pub(crate) use fields;
