//! The loop that drives a connection while both of its sides are open.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;
use websocket_host::CallError;

use crate::report::Report;

/// Forwards what each side of a connection sends to the other.
pub(crate) trait Carrier {
    /// Does what can be done for both sides without waiting. An error is the end of the sandbox.
    fn poll_step(&mut self, report: &mut Report, cx: &mut Context<'_>) -> Result<Step, CallError>;

    /// Closes both sides, because the gate shuts down.
    fn go_away(&mut self, report: &mut Report) -> Result<(), CallError>;
}

/// What has come of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something was done, so more may be possible.
    Progress,
    /// Nothing was, until a socket or the timer wakes the task.
    Pending,
    /// Both sides are closed.
    Over,
}

impl Step {
    /// The result of a step after which the connection isn't over.
    pub(crate) fn progress(is_any: bool) -> Self {
        match is_any {
            true => Self::Progress,
            false => Self::Pending,
        }
    }
}

/// Carries a connection until both sides are closed. An error is the end of the sandbox.
pub(crate) async fn run(
    carrier: &mut impl Carrier,
    report: &mut Report,
    shutdown: &CancellationToken,
) -> Result<(), CallError> {
    let mut shutdown = pin!(shutdown.cancelled());
    let mut going_away = false;
    poll_fn(|cx| {
        loop {
            if !going_away && shutdown.as_mut().poll(cx).is_ready() {
                going_away = true;
                carrier.go_away(report)?;
            }
            match carrier.poll_step(report, cx)? {
                Step::Progress => {}
                Step::Pending => return Poll::Pending,
                Step::Over => return Poll::Ready(Ok(())),
            }
        }
    })
    .await
}
