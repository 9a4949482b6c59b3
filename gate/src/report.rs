//! The log events of a connection: one when it opens, and one when it ends.

use std::fmt;
use std::time::Instant;

use tracing::{Level, info};
use websocket_host::driver::{Cause, Outcome, Sides, Summary, Tally};
use websocket_host::protocol::{Failure, Rule, StatusCode};
use websocket_host::{CallError, Role};

/// The maximum length in bytes of a peer's text in the log.
const MAX_LOGGED: usize = 256;

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// This side sent the first close frame.
    Closed(Role),
    /// This side broke a rule, or was lost.
    Failed(Role, Box<Failure>),
    /// The client's request broke a rule, and it got this status.
    BadRequest(Box<Failure>, StatusCode),
    /// The client was refused.
    Refused(StatusCode, Reason),
    /// The client left before it was accepted.
    Left,
    /// A plain request was answered.
    Answered(StatusCode),
    /// The sandbox failed while it processed input from this side, if that is known.
    Fault(Option<Role>, CallError),
    /// The client's first bytes were not what its listener expects.
    Unusable(String),
    /// The gate shuts down.
    Shutdown,
}

/// Who caused the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Client,
    Upstream,
    Gate,
}

impl Party {
    fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Gate => "gate",
        }
    }
}

impl From<Role> for Party {
    fn from(side: Role) -> Self {
        match side {
            Role::Client => Self::Client,
            Role::Server => Self::Upstream,
        }
    }
}

/// Why a client is refused.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) by: Party,
    pub(crate) rule: Option<String>,
    pub(crate) text: String,
}

/// Formats a broken rule: its section and its description.
pub(crate) struct Broken<'a>(pub(crate) &'a Failure);

impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.section, self.0.description)
    }
}

/// The fields of a `close` event.
#[derive(Debug)]
struct Fields<'a> {
    ended: &'static str,
    by: Option<Party>,
    status: Option<StatusCode>,
    rule: Option<&'a str>,
    /// The offset in all bytes that the party has sent.
    offset: Option<u64>,
    reason: Option<String>,
}

impl<'a> Fields<'a> {
    fn new(ended: &'static str, by: Option<Party>) -> Self {
        Self {
            ended,
            by,
            status: None,
            rule: None,
            offset: None,
            reason: None,
        }
    }

    fn broken(self, failure: &'a Failure) -> Self {
        Self {
            rule: Some(&failure.rule),
            offset: failure.offset,
            reason: Some(Broken(failure).to_string()),
            ..self
        }
    }
}

impl From<Cause> for End {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Closed(side) => Self::Closed(side),
            Cause::Failed(side, failure) => Self::Failed(side, failure),
        }
    }
}

impl End {
    fn fields(&self) -> Fields<'_> {
        let client = Some(Party::Client);
        match self {
            Self::Closed(side) => Fields::new("closed", Some(Party::from(*side))),
            Self::Failed(side, failure) if failure.rule() == Some(Rule::ConnectionLost) => {
                Fields::new("lost", Some(Party::from(*side))).broken(failure)
            }
            Self::Failed(side, failure) => {
                Fields::new("failed", Some(Party::from(*side))).broken(failure)
            }
            Self::BadRequest(failure, status) => Fields {
                status: Some(*status),
                ..Fields::new("refused", client).broken(failure)
            },
            Self::Refused(status, reason) => Fields {
                status: Some(*status),
                rule: reason.rule.as_deref(),
                reason: Some(reason.text.clone()),
                ..Fields::new("refused", Some(reason.by))
            },
            Self::Left => Fields::new("left", client),
            Self::Answered(status) => Fields {
                status: Some(*status),
                ..Fields::new("answered", None)
            },
            Self::Fault(side, CallError::Failure(failure)) => {
                Fields::new("fault", side.map(Party::from)).broken(failure)
            }
            Self::Fault(side, CallError::Sandbox(error)) => Fields {
                reason: Some(error.to_string()),
                ..Fields::new("fault", side.map(Party::from))
            },
            Self::Unusable(why) => Fields {
                reason: Some(why.clone()),
                ..Fields::new("refused", client)
            },
            Self::Shutdown => Fields::new("shutdown", Some(Party::Gate)),
        }
    }

    /// Returns the log level.
    fn level(&self, opened: bool) -> Level {
        match self {
            Self::Fault(..) => Level::ERROR,
            Self::Failed(Role::Server, _) => Level::WARN,
            Self::Refused(500.., reason) if reason.by == Party::Upstream => Level::WARN,
            // With 503 the gate is full or shuts down; any other 5xx is the gate's own failure.
            Self::Refused(500..=502 | 504.., reason) if reason.by == Party::Gate => Level::ERROR,
            Self::Left | Self::Unusable(_) => Level::INFO,
            _ if opened => Level::INFO,
            _ => Level::DEBUG,
        }
    }
}

/// The report of a connection.
#[derive(Debug)]
pub(crate) struct Report {
    started: Instant,
    /// The path of the request. Not the query, which may contain secrets.
    path: Option<String>,
    /// The prefix of the route.
    route: Option<String>,
    upstream: Option<String>,
    subprotocol: Option<String>,
    /// The traffic of its sides, once it has opened.
    opened: Option<Sides<Summary>>,
    end: Option<End>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            path: None,
            route: None,
            upstream: None,
            subprotocol: None,
            opened: None,
            end: None,
        }
    }

    /// Ends the report of a client whose first bytes were not what its listener expects.
    pub(crate) fn unusable(why: String) -> Self {
        let mut report = Self::new();
        report.ended(End::Unusable(why));
        report
    }

    pub(crate) fn asked_for(&mut self, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        self.path = Some(bounded(path));
    }

    pub(crate) fn goes_to(&mut self, prefix: impl fmt::Display, upstream: impl fmt::Display) {
        self.route = Some(prefix.to_string());
        self.upstream = Some(upstream.to_string());
    }

    /// Logs that it has opened.
    pub(crate) fn opened(&mut self, subprotocol: Option<&str>) {
        self.opened = Some(Sides::default());
        self.subprotocol = subprotocol.map(bounded);
        info!(
            route = self.route,
            path = self.path,
            upstream = self.upstream,
            subprotocol = self.subprotocol,
            ms = self.millis(),
            "open"
        );
    }

    /// Records how an open connection has ended.
    pub(crate) fn carried(&mut self, outcome: Outcome) {
        let Outcome {
            cause,
            fault,
            last_active,
            sides,
        } = outcome;
        self.opened = Some(sides);
        if let Some(cause) = cause {
            self.ended(cause.into());
        }
        if let Some(error) = fault {
            self.ended(End::Fault(last_active, error));
        }
    }

    /// Records the end. Only the first call counts.
    pub(crate) fn ended(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// Whether the sandbox failed.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self.end, Some(End::Fault(..)))
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Logs how it ended.
    pub(crate) fn log(&self) {
        let Some(end) = &self.end else { return };
        let Fields {
            ended,
            by,
            status,
            rule,
            offset,
            reason,
        } = end.fields();
        let client = self.opened.map(|sides| sides.client);
        let upstream = self.opened.map(|sides| sides.server);
        let received = |side: Option<Summary>| -> Option<Tally> { side?.received };
        let (from_client, from_upstream) = (received(client), received(upstream));
        /// Logs an event at a constant level, as tracing requires.
        macro_rules! close {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    ended,
                    by = by.map(Party::name),
                    status,
                    rule = rule.map(bounded),
                    offset,
                    reason = reason.as_deref().map(bounded),
                    route = self.route,
                    path = self.path,
                    upstream = self.upstream,
                    subprotocol = self.subprotocol,
                    client_close_received = client.and_then(|side| side.close_received),
                    client_close_sent = client.and_then(|side| side.close_sent),
                    upstream_close_received = upstream.and_then(|side| side.close_received),
                    upstream_close_sent = upstream.and_then(|side| side.close_sent),
                    client_messages = from_client.map(|tally| tally.messages),
                    client_bytes = from_client.map(|tally| tally.bytes),
                    upstream_messages = from_upstream.map(|tally| tally.messages),
                    upstream_bytes = from_upstream.map(|tally| tally.bytes),
                    ms = self.millis(),
                    "close"
                )
            };
        }
        match end.level(self.opened.is_some()) {
            Level::ERROR => close!(Level::ERROR),
            Level::WARN => close!(Level::WARN),
            Level::INFO => close!(Level::INFO),
            _ => close!(Level::DEBUG),
        }
    }
}

/// Truncates a text for the log.
fn bounded(text: &str) -> String {
    match text.len() {
        ..=MAX_LOGGED => text.to_owned(),
        _ => {
            let end = text.floor_char_boundary(MAX_LOGGED);
            format!("{}…", text.get(..end).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LOGGED, bounded};

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let fits = "x".repeat(MAX_LOGGED);
        assert_eq!(bounded(&fits), fits);
        assert_eq!(bounded(&format!("{fits}y")), format!("{fits}…"));
        let wide = "é".repeat(MAX_LOGGED);
        assert_eq!(
            bounded(&format!("x{wide}")).len(),
            MAX_LOGGED - 1 + "…".len()
        );
    }
}
