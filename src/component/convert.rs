//! Values of the contract to values of the engine, and back.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use super::bindings::{session as wit_session, types as wit};
use crate::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use crate::{
    Config, Deflate, Delivery, Fault, Limits, PongPolicy, Rule, RuleGroup, State, Timeouts,
};

macro_rules! define_rule_conversion {
    ($(($name:ident, $($rest:tt)*)),* $(,)?) => {
        impl From<Rule> for wit::Rule {
            fn from(rule: Rule) -> Self {
                match rule {
                    $(Rule::$name => wit::Rule::$name,)*
                }
            }
        }
    };
}
crate::error::for_each_rule!(define_rule_conversion);

impl From<Rule> for wit::Failure {
    fn from(rule: Rule) -> Self {
        wit::Failure {
            rule: rule.into(),
            fault: rule.fault().into(),
            group: rule.group().into(),
            section: rule.section().to_string(),
            description: rule.description().to_string(),
            close_code: rule.close_code(),
            status: rule.status(),
        }
    }
}

impl From<Fault> for wit::Fault {
    fn from(party: Fault) -> Self {
        match party {
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
            State::Closed => wit::State::Closed,
        }
    }
}

/// A span in nanoseconds; the longest that fits, if it is longer.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl From<Timeouts> for wit::Timeouts {
    fn from(timeouts: Timeouts) -> Self {
        wit::Timeouts {
            handshake: timeouts.handshake.map(nanos),
            idle: timeouts.idle.map(nanos),
            message: timeouts.message.map(nanos),
            keepalive: timeouts.keepalive.map(nanos),
            pong: timeouts.pong.map(nanos),
            gather: timeouts.coalesce.map(nanos),
            write: timeouts.write.map(nanos),
            close: timeouts.close.map(nanos),
        }
    }
}

impl From<wit::Timeouts> for Timeouts {
    fn from(timeouts: wit::Timeouts) -> Self {
        Timeouts {
            handshake: timeouts.handshake.map(Duration::from_nanos),
            idle: timeouts.idle.map(Duration::from_nanos),
            message: timeouts.message.map(Duration::from_nanos),
            keepalive: timeouts.keepalive.map(Duration::from_nanos),
            pong: timeouts.pong.map(Duration::from_nanos),
            gather: timeouts.coalesce.map(Duration::from_nanos),
            write: timeouts.write.map(Duration::from_nanos),
            close: timeouts.close.map(Duration::from_nanos),
        }
    }
}

impl From<Limits> for wit::Limits {
    fn from(limits: Limits) -> Self {
        wit::Limits {
            head: limits.head,
            headers: limits.headers,
            refusal_body: limits.refusal_body,
            frame: limits.frame,
            message: limits.message,
            inflated: limits.inflate_per_call,
            fragments: limits.fragments,
            queued_output: limits.queued_output,
            queued_pongs: limits.queued_pongs,
        }
    }
}

impl From<wit::Limits> for Limits {
    fn from(limits: wit::Limits) -> Self {
        Limits {
            head: limits.head,
            headers: limits.headers,
            refusal_body: limits.refusal_body,
            frame: limits.frame,
            message: limits.message,
            inflated: limits.inflate_per_call,
            fragments: limits.fragments,
            queued_output: limits.queued_output,
            queued_pongs: limits.queued_pongs,
        }
    }
}

impl From<Deflate> for wit::Deflate {
    fn from(deflate: Deflate) -> Self {
        wit::Deflate {
            send_window_bits: deflate.send_window_bits,
            send_context_takeover: deflate.send_context_takeover,
            receive_window_bits: deflate.receive_window_bits,
            receive_context_takeover: deflate.receive_context_takeover,
            level: deflate.level,
            memory_level: deflate.memory_level,
            minimum: deflate.min_length,
        }
    }
}

impl From<wit::Deflate> for Deflate {
    fn from(deflate: wit::Deflate) -> Self {
        Deflate {
            send_window_bits: deflate.send_window_bits,
            send_context_takeover: deflate.send_context_takeover,
            receive_window_bits: deflate.receive_window_bits,
            receive_context_takeover: deflate.receive_context_takeover,
            level: deflate.level,
            memory_level: deflate.memory_level,
            minimum: deflate.min_length,
        }
    }
}

impl From<Config> for wit::Config {
    fn from(config: Config) -> Self {
        wit::Config {
            receive_buffer: config.receive_buffer,
            max_whole_frame: config.max_whole_frame,
            send_buffer: config.send_buffer,
            masking: config.masking,
            verify_utf8: config.verify_utf8,
            delivery: match config.delivery {
                Delivery::Messages => wit::Delivery::Messages,
                Delivery::Streaming => wit::Delivery::Streaming,
            },
            pongs: match config.pongs {
                PongPolicy::Each => wit::PongPolicy::Each,
                PongPolicy::Latest => wit::PongPolicy::Latest,
                PongPolicy::Manual => wit::PongPolicy::Manual,
            },
            report_control_frames: config.report_control_frames,
            reply_to_close: config.reply_to_close,
            close_on_failure: config.close_on_failure,
            expose_invalid_requests: config.expose_invalid_requests,
            allow_malformed_host: config.allow_malformed_host,
            allow_http10_response: config.allow_http10_response,
            deflate: config.deflate.map(Into::into),
            limits: config.limits.into(),
            timeouts: config.timeouts.into(),
        }
    }
}

impl From<wit::Config> for Config {
    fn from(config: wit::Config) -> Self {
        Config {
            receive_buffer: config.receive_buffer,
            max_whole_frame: config.max_whole_frame,
            send_buffer: config.send_buffer,
            masking: config.masking,
            verify_utf8: config.verify_utf8,
            delivery: match config.delivery {
                wit::Delivery::Messages => Delivery::Messages,
                wit::Delivery::Streaming => Delivery::Streaming,
            },
            pongs: match config.pongs {
                wit::PongPolicy::Each => PongPolicy::Each,
                wit::PongPolicy::Latest => PongPolicy::Latest,
                wit::PongPolicy::Manual => PongPolicy::Manual,
            },
            report_control_frames: config.report_control_frames,
            reply_to_close: config.reply_to_close,
            close_on_failure: config.close_on_failure,
            expose_invalid_requests: config.expose_invalid_requests,
            allow_malformed_host: config.allow_malformed_host,
            allow_http10_response: config.allow_http10_response,
            deflate: config.deflate.map(Into::into),
            limits: config.limits.into(),
            timeouts: config.timeouts.into(),
        }
    }
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
        Extension {
            name: extension.name,
            parameters: extension.parameters,
        }
    }
}

impl From<Extension> for wit::Extension {
    fn from(extension: Extension) -> Self {
        wit::Extension {
            name: extension.name,
            parameters: extension.parameters,
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
            tolerated: all(head.tolerated.clone()),
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
