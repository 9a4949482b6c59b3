//! Values of the contract to values of the engine, and back.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use super::bindings::{session as wit_session, types as wit};
use crate::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use crate::{Failure, Fault, Instant, Rule, RuleGroup, State, limits};

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        let rule = failure.rule;
        wit::Failure {
            rule: rule.name().to_string(),
            fault: rule.fault().into(),
            group: rule.group().into(),
            section: rule.section().to_string(),
            description: rule.description().to_string(),
            close_code: rule.close_code(),
            status: rule.status(),
            offset: failure.offset,
            limit: failure.limit,
            value: failure.value,
        }
    }
}

impl From<Rule> for wit::Failure {
    fn from(rule: Rule) -> Self {
        Failure::from(rule).into()
    }
}

impl From<Fault> for wit::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Peer => wit::Fault::Peer,
            Fault::Host => wit::Fault::Host,
            Fault::Transport => wit::Fault::Transport,
        }
    }
}

impl From<RuleGroup> for wit::RuleGroup {
    fn from(group: RuleGroup) -> Self {
        match group {
            RuleGroup::InvalidOperation => wit::RuleGroup::InvalidOperation,
            RuleGroup::InvalidFormat => wit::RuleGroup::InvalidFormat,
            RuleGroup::UnsupportedExtensions => wit::RuleGroup::UnsupportedExtensions,
            RuleGroup::UnsupportedSubprotocol => wit::RuleGroup::UnsupportedSubprotocol,
            RuleGroup::UnsupportedVersion => wit::RuleGroup::UnsupportedVersion,
        }
    }
}

impl From<State> for wit::State {
    fn from(state: State) -> Self {
        match state {
            State::Connecting => wit::State::Connecting,
            State::Open => wit::State::Open,
            State::Closing => wit::State::Closing,
            State::Draining => wit::State::Draining,
            State::Closed => wit::State::Closed,
        }
    }
}

pub(super) fn instant(now: wit::Instant) -> Instant {
    Instant::from_nanos(now)
}

/// A span in nanoseconds; the longest that fits, if it is longer.
pub(super) fn nanos(span: Duration) -> u64 {
    limits::nanos(span).unwrap_or(u64::MAX)
}

/// Each element of a list.
pub(super) fn all<T: Into<U>, U>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(Into::into).collect()
}

impl From<wit::Header> for Header {
    fn from(header: wit::Header) -> Self {
        Header::new(header.name, header.value)
    }
}

impl From<Header> for wit::Header {
    fn from(header: Header) -> Self {
        wit::Header {
            name: header.name,
            value: header.value,
        }
    }
}

impl From<wit::Extension> for Extension {
    fn from(extension: wit::Extension) -> Self {
        let parameters = extension.parameters.into_iter();
        Extension {
            name: extension.name,
            parameters: parameters.map(|p| (p.name, p.value)).collect(),
        }
    }
}

impl From<Extension> for wit::Extension {
    fn from(extension: Extension) -> Self {
        let parameters = extension.parameters.into_iter();
        wit::Extension {
            name: extension.name,
            parameters: parameters
                .map(|(name, value)| wit::ExtensionParameter { name, value })
                .collect(),
        }
    }
}

impl From<wit::HandshakeKind> for HandshakeKind {
    fn from(form: wit::HandshakeKind) -> Self {
        match form {
            wit::HandshakeKind::Upgrade => HandshakeKind::Upgrade,
            wit::HandshakeKind::ExtendedConnect => HandshakeKind::ExtendedConnect,
        }
    }
}

impl From<wit::Negotiated> for Negotiated {
    fn from(negotiated: wit::Negotiated) -> Self {
        Negotiated {
            subprotocol: negotiated.subprotocol,
            extensions: all(negotiated.extensions),
        }
    }
}

impl From<&Negotiated> for wit::Negotiated {
    fn from(negotiated: &Negotiated) -> Self {
        wit::Negotiated {
            subprotocol: negotiated.subprotocol.clone(),
            extensions: all(negotiated.extensions.clone()),
        }
    }
}

impl From<wit_session::Request> for Request {
    fn from(request: wit_session::Request) -> Self {
        Request {
            target: request.target,
            authority: request.authority,
            subprotocols: request.subprotocols,
            extensions: all(request.extensions),
            headers: all(request.headers),
        }
    }
}

impl From<&RequestHead> for wit_session::RequestHead {
    fn from(head: &RequestHead) -> Self {
        wit_session::RequestHead {
            method: head.method.clone(),
            target: head.target.clone(),
            authority: head.authority.clone(),
            subprotocols: head.subprotocols.clone(),
            extensions: all(head.extensions.clone()),
            headers: all(head.headers.clone()),
            violation: head.violation.map(Into::into),
            tolerated: head
                .tolerated
                .iter()
                .map(|rule| rule.name().to_string())
                .collect(),
        }
    }
}

impl From<&ResponseHead> for wit_session::ResponseHead {
    fn from(head: &ResponseHead) -> Self {
        wit_session::ResponseHead {
            status: head.status,
            reason: head.reason.clone(),
            headers: all(head.headers.clone()),
            body: head.body.clone(),
            body_complete: head.body_complete,
        }
    }
}

impl From<wit_session::Acceptance> for Acceptance {
    fn from(acceptance: wit_session::Acceptance) -> Self {
        Acceptance {
            subprotocol: acceptance.subprotocol,
            extensions: all(acceptance.extensions),
            headers: all(acceptance.headers),
        }
    }
}

impl From<wit_session::Refusal> for Refusal {
    fn from(refusal: wit_session::Refusal) -> Self {
        Refusal {
            status: refusal.status,
            headers: all(refusal.headers),
            body: refusal.body,
        }
    }
}

/// The bytes of a frame's header that come as two numbers, the first byte lowest.
pub(super) fn header_bytes(low: u64, high: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}
