//! What is logged of a connection: one line, at its end.

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use tracing::{error, info, warn};
use websocket_host::CallError;
use websocket_host::protocol::{CloseCode, Failure, Rule, StatusCode};

use crate::close;
use crate::side::{Tally, Who};

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It was closed by a close frame of this side.
    Closed(Who, CloseCode),
    /// This side broke a rule, or was lost.
    Failed(Who, Box<Failure>),
    /// The client's request broke a rule, and it got this status.
    BadRequest(Box<Failure>, StatusCode),
    /// The client was refused with this status, for this reason.
    Refused(StatusCode, String),
    /// The client left before it was accepted.
    Left,
    /// It was shown a page.
    Page(StatusCode),
    /// The sandbox failed, at input of this side if that is known.
    Fault(Option<Who>, CallError),
    /// The gate shuts down.
    Shutdown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(who, close::NO_CODE) => write!(f, "closed by the {who} without a code"),
            Self::Closed(who, code) => write!(f, "closed by the {who} with {code}"),
            Self::Failed(who, failure) => {
                write!(f, "{who}: {}", Broken(failure))?;
                match failure.close_code {
                    Some(code) => write!(f, ", closed with {code}"),
                    None => Ok(()),
                }
            }
            Self::BadRequest(failure, status) => {
                write!(f, "client: {}, refused with {status}", Broken(failure))
            }
            Self::Refused(status, why) => write!(f, "refused with {status}: {why}"),
            Self::Left => f.write_str("the client left before it was accepted"),
            Self::Page(status) => write!(f, "a plain request, answered with {status}"),
            Self::Fault(who, error) => {
                match error {
                    CallError::Sandbox(error) => write!(f, "sandbox: {error}")?,
                    CallError::Failure(failure) => write!(f, "gate: {}", Broken(failure))?,
                }
                match who {
                    Some(who) => write!(f, ", after input of the {who}"),
                    None => Ok(()),
                }
            }
            Self::Shutdown => f.write_str("closed because the gate shuts down"),
        }
    }
}

/// A rule as it is logged: its name in the contract, where it stands, and what it means.
pub(crate) struct Broken<'a>(pub(crate) &'a Failure);

impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            rule,
            section,
            description,
            ..
        } = self.0;
        write!(f, "{} ({section}: {description})", name(*rule))
    }
}

/// The name of a rule as the contract writes it.
fn name(rule: Rule) -> String {
    let debug = format!("{rule:?}");
    let camel = debug.rsplit("::").next().unwrap_or_default();
    let mut name = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Report {
    peer: SocketAddr,
    started: Instant,
    /// The path asked for, and where it went. Not the query, which may hold secrets.
    route: Box<str>,
    pub(crate) end: Option<End>,
    pub(crate) from_client: Tally,
    pub(crate) from_upstream: Tally,
}

impl Report {
    pub(crate) fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            started: Instant::now(),
            route: "".into(),
            end: None,
            from_client: Tally::default(),
            from_upstream: Tally::default(),
        }
    }

    pub(crate) fn asked_for(&mut self, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        self.route = format!(" {}", path.escape_debug()).into();
    }

    pub(crate) fn goes_to(&mut self, upstream: impl fmt::Display) {
        self.route = format!("{} -> {upstream}", self.route).into();
    }

    /// What happened first is what counts.
    pub(crate) fn ended(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// Whether the sandbox failed.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self.end, Some(End::Fault(..)))
    }

    pub(crate) fn log(&self) {
        let Some(end) = &self.end else { return };
        match end {
            End::Fault(..) => error!("{self}"),
            End::Failed(_, failure) if failure.rule == Rule::ConnectionLost => info!("{self}"),
            End::Failed(..) | End::BadRequest(..) => warn!("{self}"),
            End::Refused(500.., _) => warn!("{self}"),
            _ => info!("{self}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: ", self.peer, self.route)?;
        if let Some(end) = &self.end {
            write!(f, "{end}; ")?;
        }
        let (client, upstream) = (self.from_client, self.from_upstream);
        if client.messages + client.bytes + upstream.messages + upstream.bytes > 0 {
            write!(
                f,
                "from the client {} messages, {} bytes, from the upstream {} messages, {} bytes; ",
                client.messages, client.bytes, upstream.messages, upstream.bytes
            )?;
        }
        write!(f, "{:.3} s", self.started.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use websocket_host::protocol::Rule;

    #[test]
    fn rules_have_the_names_of_the_contract() {
        assert_eq!(super::name(Rule::InvalidUtf8), "invalid-utf8");
        assert_eq!(
            super::name(Rule::ClosePayloadTooShort),
            "close-payload-too-short"
        );
    }
}
