//! The server's side: examining a request, and accepting it (RFC 6455, section 4.2;
//! RFC 8441, section 5).

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, RESERVED, RequestHead, VERSION,
    check_extra, connect, extensions, key, named_for, subprotocol, target::Target,
};
use crate::{
    Rule,
    http::{
        authority::is_authority,
        head::{ParsedRequest, Version},
        header::{self, Occurrence},
        write,
    },
};

/// What a request asks for that a server can accept.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    form: HandshakeKind,
    /// The value of Sec-WebSocket-Accept that answers the key of an upgrade.
    accept: String,
    subprotocols: Vec<String>,
    extensions: Vec<Extension>,
}

impl Asked {
    /// Examines a request that came as bytes. `allow_malformed_host` lets a Host field
    /// pass that is not a host and port.
    ///
    /// Fails with the first rule that it breaks. The rules of HTTP itself come
    /// first, then those that tell an ordinary request from a handshake, so that the
    /// status is the one that an ordinary client expects: 505 for HTTP/1.0, 400 for two
    /// Host fields, 405 for a POST, 426 for a GET without Upgrade.
    pub(crate) fn from_request(
        request: &ParsedRequest,
        allow_malformed_host: bool,
    ) -> Result<Asked, Rule> {
        if request.version != Version::Http11 {
            return Err(Rule::HttpVersion);
        }
        check_host(&request.headers, allow_malformed_host)?;
        if request.method != "GET" {
            return Err(Rule::MethodNotGet);
        }
        Target::parse(&request.target).ok_or(Rule::TargetMalformed)?;
        Asked::upgrade(&request.headers)
    }

    /// Examines the fields of a request. The method and the target of an upgrade
    /// stay with the caller; those of an extended CONNECT are pseudo-fields.
    /// `allow_malformed_host` is about the Host field of an upgrade.
    ///
    /// Fails with the first rule that it breaks.
    pub(crate) fn from_headers(
        form: HandshakeKind,
        headers: &[Header],
        allow_malformed_host: bool,
    ) -> Result<Asked, Rule> {
        match form {
            HandshakeKind::Upgrade => {
                if headers.iter().any(|header| header.name.starts_with(':')) {
                    return Err(Rule::ConnectForbidden);
                }
                check_host(headers, allow_malformed_host)?;
                Asked::upgrade(headers)
            }
            HandshakeKind::ExtendedConnect => {
                connect::check_request(headers)?;
                Asked::new(form, headers)
            }
        }
    }

    /// An upgrade after its request line and Host field: items 3 to 6, 8 and 9 of
    /// RFC 6455, section 4.2.1.
    fn upgrade(headers: &[Header]) -> Result<Asked, Rule> {
        if !header::contains_token(headers, "Upgrade", "websocket") {
            return Err(Rule::UpgradeMissing);
        }
        if !header::contains_token(headers, "Connection", "upgrade") {
            return Err(Rule::ConnectionMissing);
        }
        let asked = Asked::new(HandshakeKind::Upgrade, headers)?;
        let accept = key::accept(valid_key(headers)?);
        Ok(Asked { accept, ..asked })
    }

    /// What both forms have in common: items 6, 8 and 9 of RFC 6455,
    /// section 4.2.1.
    fn new(form: HandshakeKind, headers: &[Header]) -> Result<Asked, Rule> {
        if header::announces_body(headers) {
            return Err(Rule::BodyNotAllowed);
        }
        match header::single(headers, "Sec-WebSocket-Version") {
            Occurrence::Missing => return Err(Rule::VersionMissing),
            Occurrence::Once(value) if value == VERSION.as_bytes() => {}
            _ => return Err(Rule::VersionUnsupported),
        }
        Ok(Asked {
            form,
            accept: String::new(),
            subprotocols: subprotocol::requested(headers)?,
            // An offer that can't be read offers nothing. Whole families of clients make
            // such offers, and do without extensions.
            extensions: extensions::parse(headers).unwrap_or_default(),
        })
    }

    /// The extensions offered.
    pub(crate) fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The fields of the response that accepts the request, those of the acceptance
    /// last, and what was agreed on. The status is 101, or 200 over an extended
    /// CONNECT.
    ///
    /// Fails with the rule that a value of the acceptance breaks.
    pub(crate) fn accept(
        &self,
        acceptance: &Acceptance,
    ) -> Result<(Vec<Header>, Negotiated), Rule> {
        check_extra(&acceptance.headers, &RESERVED)?;
        extensions::check(&acceptance.extensions)?;
        if !extensions::are_chosen_from(&self.extensions, &acceptance.extensions) {
            return Err(Rule::ExtensionNotRequested);
        }
        if let Some(name) = &acceptance.subprotocol
            && !self.subprotocols.contains(name)
        {
            return Err(Rule::SubprotocolNotRequested);
        }

        let mut headers = Vec::new();
        if self.form == HandshakeKind::Upgrade {
            headers.push(Header::new("Upgrade", "websocket"));
            headers.push(Header::new("Connection", "Upgrade"));
            headers.push(Header::new("Sec-WebSocket-Accept", self.accept.as_str()));
        }
        if let Some(name) = &acceptance.subprotocol {
            headers.push(Header::new(subprotocol::FIELD, name.as_str()));
        }
        if !acceptance.extensions.is_empty() {
            headers.push(Header::new(
                extensions::FIELD,
                extensions::write(&acceptance.extensions),
            ));
        }
        headers.extend_from_slice(&acceptance.headers);
        let negotiated = Negotiated {
            subprotocol: acceptance.subprotocol.clone(),
            extensions: acceptance.extensions.clone(),
        };
        Ok((named_for(self.form, headers), negotiated))
    }

    /// The bytes of the response that accepts an upgrade.
    ///
    /// Fails as [`Asked::accept`] does.
    pub(crate) fn response(&self, acceptance: &Acceptance) -> Result<(Vec<u8>, Negotiated), Rule> {
        let (headers, negotiated) = self.accept(acceptance)?;
        Ok((write::response(101, &headers), negotiated))
    }
}

impl RequestHead {
    /// A request as the host sees it, with what [`Asked::from_request`] found wrong.
    pub(crate) fn new(request: ParsedRequest, violation: Option<Rule>) -> Self {
        let ParsedRequest {
            method,
            target,
            headers,
            version: _,
        } = request;
        let parsed = Target::parse(&target);
        let mut tolerated = Vec::new();
        let host = host(&headers).unwrap_or_else(|rule| {
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

/// Checks that there is one Host field, and its form unless that may be malformed.
fn check_host(headers: &[Header], allow_malformed: bool) -> Result<(), Rule> {
    match host(headers) {
        Err(Rule::HostMalformed) if allow_malformed => Ok(()),
        host => host.map(|_| ()),
    }
}

/// The value of the one Host field: a host and port, or nothing, which is what a client
/// sends whose target has no authority (RFC 9112, section 3.2).
fn host(headers: &[Header]) -> Result<&str, Rule> {
    match header::single(headers, "Host") {
        Occurrence::Missing => Err(Rule::HostMissing),
        Occurrence::Repeated => Err(Rule::HostDuplicate),
        Occurrence::Once(value) if value.is_empty() || is_authority(value) => {
            core::str::from_utf8(value).map_err(|_| Rule::HostMalformed)
        }
        Occurrence::Once(_) => Err(Rule::HostMalformed),
    }
}

/// RFC 6455, section 4.2.1, item 5.
fn valid_key(headers: &[Header]) -> Result<&[u8], Rule> {
    match header::single(headers, "Sec-WebSocket-Key") {
        Occurrence::Missing => Err(Rule::KeyMissing),
        Occurrence::Repeated => Err(Rule::KeyDuplicate),
        Occurrence::Once(value) if key::is_valid(value) => Ok(value),
        Occurrence::Once(_) => Err(Rule::KeyMalformed),
    }
}

#[cfg(test)]
mod tests;
