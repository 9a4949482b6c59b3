//! What a handshake is made of: the native forms of the records in
//! `wit/session.wit` and `wit/types.wit`.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{
    Extension, Header, extensions, subprotocol,
    target::{self, Target},
};
use crate::{
    Rule,
    http::head::{ParsedRequest, ParsedResponse},
};

/// How a handshake in header fields is carried over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HandshakeKind {
    /// An HTTP/1.1 upgrade with a key and status 101 (RFC 6455, section 4).
    #[default]
    Upgrade,
    /// An extended CONNECT over HTTP/2 or HTTP/3 with status 2xx and neither key nor
    /// accept (RFC 8441, section 5; RFC 9220, section 3).
    ExtendedConnect,
}

/// What was negotiated in the handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The subprotocol, if one was chosen (RFC 6455, section 1.9).
    pub subprotocol: Option<String>,
    /// The extensions in use, in the order of the server's answer.
    pub extensions: Vec<Extension>,
}

/// The head of a request for a WebSocket, to be written as bytes (RFC 6455,
/// section 4.1).
///
/// ```
/// use websocket_component::handshake::{Header, Request};
///
/// let request = Request {
///     subprotocols: vec!["chat".into()],
///     headers: vec![Header::new("Origin", "https://example.org")],
///     ..Request::new("example.org", "/chat?room=1")
/// };
/// assert!(request.extensions.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path and query (RFC 6455, section 3), such as `/chat?room=1`: visible
    /// ASCII characters without `#`, of which the first is `/`. Else
    /// [`Rule::TargetInvalid`].
    pub target: String,
    /// The host, with the port unless it is the scheme's default: the Host field (RFC 9110,
    /// section 7.2). Else [`Rule::AuthorityInvalid`].
    pub authority: String,
    /// The subprotocols to offer, most wanted first: tokens, each once. Else
    /// [`Rule::SubprotocolInvalid`].
    pub subprotocols: Vec<String>,
    /// Extensions that the caller implements itself, to offer, most wanted first; or offers of
    /// permessage-deflate, which replace those of [`Config::deflate`](crate::Config::deflate).
    /// Their names and parameters are tokens, else [`Rule::ExtensionInvalid`]. A name may be
    /// repeated, with other parameters each time.
    pub extensions: Vec<Extension>,
    /// Further fields. Those of the handshake itself are refused with
    /// [`Rule::HeaderReserved`], others that are no field with
    /// [`Rule::HeaderNameInvalid`] or [`Rule::HeaderValueInvalid`].
    pub headers: Vec<Header>,
}

impl Request {
    /// Creates a request for the target at the authority that offers nothing.
    pub fn new(authority: impl Into<String>, target: impl Into<String>) -> Self {
        Request {
            target: target.into(),
            authority: authority.into(),
            subprotocols: Vec::new(),
            extensions: Vec::new(),
            headers: Vec::new(),
        }
    }
}

/// The head of a request, as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method, `GET` unless [`RequestHead::violation`] says otherwise.
    pub method: String,
    /// The path and query. Of a target in absolute form (RFC 9112, section 3.2.2)
    /// its path and query; as it was sent, if it is of neither form.
    pub target: String,
    /// The Host field, or of a target in absolute form its authority, which takes the
    /// place of the Host field (RFC 9112, section 3.2.2). Always a host with or without a
    /// port, or empty: if the client has no name for the server, if there is no Host field
    /// or more than one, or if it is malformed.
    pub authority: String,
    /// The subprotocols asked for, most wanted first, each once.
    pub subprotocols: Vec<String>,
    /// The extensions offered, most wanted first. Empty if the field is malformed.
    pub extensions: Vec<Extension>,
    /// All fields, in order, as they were sent.
    pub headers: Vec<Header>,
    /// The rule of the handshake that the request breaks. Such a request can be
    /// refused but not accepted.
    pub violation: Option<Rule>,
    /// Further rules that the request breaks and that the session tolerates:
    /// [`Rule::ExtensionMalformed`], and [`Rule::HostMalformed`] if
    /// [`Config::allow_malformed_host`](crate::Config::allow_malformed_host) is set.
    pub tolerated: Vec<Rule>,
}

impl RequestHead {
    /// Returns a request as the host sees it, with the rule that it breaks, if any.
    pub(crate) fn new(request: ParsedRequest, violation: Option<Rule>) -> Self {
        let ParsedRequest {
            method,
            target,
            headers,
            version: _,
        } = request;
        let parsed = Target::parse(&target);
        let mut tolerated = Vec::new();
        let host = target::host(&headers).unwrap_or_else(|rule| {
            if rule == Rule::HostMalformed && violation != Some(rule) {
                tolerated.push(rule);
            }
            ""
        });
        let authority = parsed
            .as_ref()
            .and_then(|target| target.authority)
            .unwrap_or(host)
            .to_owned();
        let extensions = extensions::parse(&headers).unwrap_or_else(|rule| {
            tolerated.push(rule);
            Vec::new()
        });
        RequestHead {
            authority,
            subprotocols: subprotocol::requested(&headers).unwrap_or_default(),
            extensions,
            target: match parsed {
                Some(parsed) => parsed.resource_name(),
                None => target,
            },
            method,
            headers,
            violation,
            tolerated,
        }
    }
}

/// A response, as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The status, 100 to 999 (RFC 9110, section 15).
    pub status: u16,
    /// The reason phrase, which may be empty and need not be UTF-8.
    pub reason: Vec<u8>,
    /// All fields, in order.
    pub headers: Vec<Header>,
    /// The body of a response that refuses the handshake, without transfer coding, as much as
    /// was received.
    pub body: Vec<u8>,
    /// Whether [`ResponseHead::body`] is all of the body. If not, it has not ended yet, was
    /// cut by the end of the connection, is malformed or longer than
    /// [`Limits::refusal_body`](crate::Limits::refusal_body), or the fields contradict each
    /// other about where it ends (RFC 9112, section 6.3).
    pub body_complete: bool,
}

impl From<ParsedResponse> for ResponseHead {
    /// The response whose body has not come yet.
    fn from(response: ParsedResponse) -> Self {
        let ParsedResponse {
            status,
            reason,
            headers,
            version: _,
        } = response;
        ResponseHead {
            status,
            reason,
            headers,
            body: Vec::new(),
            body_complete: false,
        }
    }
}

/// A server's answer to a request that it accepts (RFC 6455, section 4.2.2). The
/// default chooses nothing and adds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// One of the subprotocols asked for, or none. Else
    /// [`Rule::SubprotocolNotRequested`].
    pub subprotocol: Option<String>,
    /// Extensions that the caller implements itself, each once and each offered by the
    /// request; or an answer to an offer of permessage-deflate, which replaces that of
    /// [`Config::deflate`](crate::Config::deflate). Else [`Rule::ExtensionNotRequested`], or
    /// [`Rule::ExtensionInvalid`] for one whose parameters are not tokens.
    pub extensions: Vec<Extension>,
    /// Further fields. Those of the handshake itself are refused with
    /// [`Rule::HeaderReserved`], others that are no field with
    /// [`Rule::HeaderNameInvalid`] or [`Rule::HeaderValueInvalid`].
    pub headers: Vec<Header>,
}

/// A server's answer to a request that it refuses (RFC 6455, section 4.2.2).
///
/// ```
/// use websocket_component::handshake::{Header, Refusal};
///
/// let refusal = Refusal {
///     headers: vec![Header::new("Location", "https://example.org/login")],
///     ..Refusal::new(302)
/// };
/// assert!(refusal.body.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status, 200 to 999. Else [`Rule::StatusInvalid`].
    pub status: u16,
    /// Further fields. Content-Length and Connection are added, and with
    /// Transfer-Encoding they are refused with [`Rule::HeaderReserved`].
    pub headers: Vec<Header>,
    /// The body, which may be empty. It is left out where HTTP has none: in an
    /// answer to HEAD, and with the statuses 204, 205 and 304.
    pub body: Vec<u8>,
}

impl Refusal {
    /// Creates a refusal with this status and an empty body.
    pub fn new(status: u16) -> Self {
        Refusal {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}
