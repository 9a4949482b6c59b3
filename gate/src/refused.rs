//! Why a connection doesn't open, and the response to the client.

use std::fmt;

use websocket_host::protocol::{Failure, Header, Refusal, ResponseHead, Rule, StatusCode};
use websocket_host::{CallError, SandboxError};

use crate::fields::header;
use crate::headers;
use crate::report::{Broken, Party, Reason};

/// Why a connection doesn't open.
pub(crate) enum Stop {
    /// The session has made the response itself.
    Over,
    /// The client has left.
    Left,
    /// The client is refused.
    Refuse(Refused),
    /// The sandbox failed.
    Fault(CallError),
}

/// The response to a refused client, and what is only logged.
pub(crate) struct Refused {
    status: StatusCode,
    text: &'static str,
    by: Party,
    rule: Option<String>,
    detail: String,
    headers: Vec<Header>,
    /// The upstream's body, instead of the text.
    body: Option<Vec<u8>>,
}

impl Refused {
    /// Adds details for the log only.
    pub(crate) fn with(self, detail: impl fmt::Display) -> Self {
        let detail = format!(": {detail}");
        Self { detail, ..self }
    }

    /// Adds the rule that this party has broken, for the log only.
    pub(crate) fn broken(self, by: Party, failure: &Failure) -> Self {
        let rule = Some(failure.rule.clone());
        Self { by, rule, ..self }.with(Broken(failure))
    }

    /// Returns the response to the client if the upstream's session didn't open.
    pub(crate) fn by_upstream(failure: Option<&Failure>, response: Option<ResponseHead>) -> Self {
        let Some(failure) = failure else {
            return refused(502, "the upstream gave no answer");
        };
        match (failure.rule(), response) {
            (Some(Rule::HandshakeTimeout), _) => {
                refused(504, "the upstream doesn't answer in time")
            }
            (Some(Rule::ConnectionLost), _) => refused(502, "the upstream gave no answer"),
            // A 2xx that doesn't switch protocols can't be passed on.
            (Some(Rule::HandshakeRefused), Some(response)) if response.status >= 300 => {
                let body = response.body_complete.then_some(response.body);
                Self {
                    by: Party::Upstream,
                    headers: headers::of_refusal(
                        response.status,
                        &response.headers,
                        body.is_some(),
                    ),
                    body,
                    ..refused(response.status, "the upstream refused")
                }
            }
            _ => refused(502, "the upstream's answer is no handshake")
                .broken(Party::Upstream, failure),
        }
    }

    /// Returns the response, and the reason for the log.
    pub(crate) fn into_parts(self) -> (Refusal, Reason) {
        let Self {
            status,
            text,
            by,
            rule,
            detail,
            mut headers,
            body,
        } = self;
        let body = body.unwrap_or_else(|| {
            headers.push(header("Content-Type", "text/plain; charset=utf-8"));
            format!("{text}\n").into()
        });
        (
            Refusal {
                status,
                headers,
                body,
            },
            Reason {
                by,
                rule,
                text: format!("{text}{detail}"),
            },
        )
    }
}

/// Creates a refusal with this status and body.
pub(crate) fn refused(status: StatusCode, text: &'static str) -> Refused {
    Refused {
        status,
        text,
        by: match status {
            502 | 504 => Party::Upstream,
            500.. => Party::Gate,
            _ => Party::Client,
        },
        rule: None,
        detail: String::new(),
        headers: Vec::new(),
        body: None,
    }
}

/// Returns unpredictable bytes.
pub(crate) fn entropy() -> Result<[u8; 32], Stop> {
    let mut entropy = [0; 32];
    match getrandom::fill(&mut entropy) {
        Ok(()) => Ok(entropy),
        Err(error) => Err(refused(500, "the system gives no randomness")
            .with(error)
            .into()),
    }
}

/// Returns the refusal for a response of the upstream that can't be used.
pub(crate) fn cant_be_passed_on(error: CallError) -> Stop {
    match error {
        CallError::Failure(failure) => {
            let text = "the upstream's answer can't be passed on";
            refused(502, text).broken(Party::Upstream, &failure).into()
        }
        error => error.into(),
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refuse(refused)
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Fault(error)
    }
}

impl From<SandboxError> for Stop {
    fn from(error: SandboxError) -> Self {
        Self::Fault(error.into())
    }
}
