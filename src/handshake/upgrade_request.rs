//! A request for a WebSocket, and the responses to it (RFC 6455, sections 4.1 and 4.2;
//! RFC 8441, section 5).

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::iter;

use super::{
    Acceptance, Extension, HandshakeKind, Header, Memory, Negotiated, RESERVED, Request, VERSION,
    check_extra, connect, extensions, key, subprotocol,
    target::{self, Target},
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

/// What a request asks for, which decides what a response may accept.
///
/// A client creates one; a server or an inspector parses one. Either way, it checks a response,
/// and makes the response that accepts it.
#[derive(Clone, Debug)]
pub(crate) struct UpgradeRequest {
    /// The value of Sec-WebSocket-Accept that answers the key of an upgrade. None for an
    /// extended CONNECT, which has no key.
    accept_value: Option<String>,
    /// A list as in the field, so that many short names take no more memory than they did there.
    subprotocols: String,
    extensions: Vec<Extension>,
}

impl UpgradeRequest {
    /// Makes the bytes of a request's head that offers `extensions` in the place of its own.
    /// `nonce` must be unpredictable and used once (RFC 6455, section 4.1, item 7).
    ///
    /// Fails with the rule that a value of the request breaks.
    pub(crate) fn make(
        request: &Request,
        extensions: &[Extension],
        nonce: [u8; 16],
    ) -> Result<(Vec<u8>, Self), Rule> {
        if !target::is_path(&request.target) {
            return Err(Rule::TargetInvalid);
        }
        if !is_authority(request.authority.as_bytes()) {
            return Err(Rule::AuthorityInvalid);
        }
        check_extra(&request.headers, &RESERVED)?;
        if header::values(&request.headers, "Host").next().is_some() {
            return Err(Rule::HeaderReserved);
        }
        let (added, made) = UpgradeRequest::make_added(
            HandshakeKind::Upgrade,
            &request.subprotocols,
            extensions,
            nonce,
        )?;
        let host = ("Host", request.authority.as_bytes());
        let fields: Vec<write::Field<'_>> = iter::once(host)
            .chain(in_place(&added))
            .chain(write::fields(&request.headers))
            .collect();
        Ok((write::request("GET", &request.target, &fields), made))
    }

    /// Makes the fields to add to a request whose own fields are `headers`. These may hold the
    /// Host field, and over an extended CONNECT, which has no use for the nonce, the
    /// pseudo-fields; they are checked and not returned.
    ///
    /// Fails with the rule that a value breaks.
    pub(crate) fn make_headers(
        form: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        nonce: [u8; 16],
    ) -> Result<(Vec<Header>, Self), Rule> {
        match form {
            HandshakeKind::Upgrade => check_extra(headers, &RESERVED)?,
            HandshakeKind::ExtendedConnect => connect::check_extra(headers)?,
        }
        let (added, made) = UpgradeRequest::make_added(form, subprotocols, extensions, nonce)?;
        Ok((made.headers(added, &[]), made))
    }

    /// Makes the fields that ask for a WebSocket.
    fn make_added(
        form: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        nonce: [u8; 16],
    ) -> Result<(Vec<Added<'static>>, Self), Rule> {
        subprotocol::check(subprotocols)?;
        extensions::check(extensions)?;

        let key = (form == HandshakeKind::Upgrade).then(|| key::encode(nonce));
        let made = UpgradeRequest {
            accept_value: key.as_ref().map(|key| key::accept(key.as_bytes())),
            subprotocols: subprotocol::list(subprotocols),
            extensions: extensions.into(),
        };
        let mut added = Vec::new();
        if let Some(key) = key {
            added.extend(upgrade("Sec-WebSocket-Key", key.into()));
        }
        added.push(("Sec-WebSocket-Version", VERSION.into()));
        added.extend(negotiation(subprotocols, extensions));
        Ok((added, made))
    }

    /// Parses a request that came as bytes. `allow_malformed_host` lets a Host field pass that
    /// is not a host and port.
    ///
    /// Fails with the first rule that it breaks. The rules of HTTP itself come first, then
    /// those that tell an ordinary request from a handshake, so that the status is the one
    /// that an ordinary client expects: 505 for HTTP/1.0, 400 for two Host fields, 405 for a
    /// POST, 426 for a GET without Upgrade.
    pub(crate) fn parse(request: &ParsedRequest, allow_malformed_host: bool) -> Result<Self, Rule> {
        if request.version != Version::Http11 {
            return Err(Rule::HttpVersion);
        }
        target::check_host(&request.headers, allow_malformed_host)?;
        if request.method != "GET" {
            return Err(Rule::MethodNotGet);
        }
        Target::parse(&request.target).ok_or(Rule::TargetMalformed)?;
        UpgradeRequest::parse_upgrade(&request.headers)
    }

    /// Parses the fields of a request. The method and the target of an upgrade stay with the
    /// caller; those of an extended CONNECT are pseudo-fields. `allow_malformed_host` is about
    /// the Host field of an upgrade.
    ///
    /// Fails with the first rule that the request breaks.
    pub(crate) fn parse_headers(
        form: HandshakeKind,
        headers: &[Header],
        allow_malformed_host: bool,
    ) -> Result<Self, Rule> {
        match form {
            HandshakeKind::Upgrade => {
                if headers.iter().any(|header| header.name.starts_with(':')) {
                    return Err(Rule::ConnectForbidden);
                }
                target::check_host(headers, allow_malformed_host)?;
                UpgradeRequest::parse_upgrade(headers)
            }
            HandshakeKind::ExtendedConnect => {
                connect::check_request(headers)?;
                UpgradeRequest::parse_offers(headers)
            }
        }
    }

    /// Parses an upgrade, except for the request line and Host: items 3 to 6, 8 and 9 of
    /// RFC 6455, section 4.2.1.
    fn parse_upgrade(headers: &[Header]) -> Result<Self, Rule> {
        if !header::contains_token(headers, "Upgrade", "websocket") {
            return Err(Rule::UpgradeMissing);
        }
        if !header::contains_token(headers, "Connection", "upgrade") {
            return Err(Rule::ConnectionMissing);
        }
        let parsed = UpgradeRequest::parse_offers(headers)?;
        let key = match header::single(headers, "Sec-WebSocket-Key") {
            Occurrence::Missing => return Err(Rule::KeyMissing),
            Occurrence::Repeated => return Err(Rule::KeyDuplicate),
            Occurrence::Once(value) if key::is_valid(value) => value,
            Occurrence::Once(_) => return Err(Rule::KeyMalformed),
        };
        Ok(UpgradeRequest {
            accept_value: Some(key::accept(key)),
            ..parsed
        })
    }

    /// Parses what both forms have in common: items 6, 8 and 9 of RFC 6455, section 4.2.1.
    fn parse_offers(headers: &[Header]) -> Result<Self, Rule> {
        if header::announces_body(headers) {
            return Err(Rule::BodyNotAllowed);
        }
        match header::single(headers, "Sec-WebSocket-Version") {
            Occurrence::Missing => return Err(Rule::VersionMissing),
            Occurrence::Once(value) if value == VERSION.as_bytes() => {}
            _ => return Err(Rule::VersionUnsupported),
        }
        Ok(UpgradeRequest {
            accept_value: None,
            subprotocols: subprotocol::list(&subprotocol::requested(headers)?),
            // An offer that can't be read offers nothing. Whole families of clients make
            // such offers, and do without extensions.
            extensions: extensions::parse(headers).unwrap_or_default(),
        })
    }

    /// Forgets the extensions offered: they don't reach the server.
    pub(crate) fn strip_extensions(&mut self) {
        self.extensions.clear();
    }

    /// Returns the extensions offered.
    pub(crate) fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Returns how many bytes of memory it has taken, beside its own size.
    pub(crate) fn memory(&self) -> usize {
        self.accept_value.memory() + self.subprotocols.memory() + self.extensions.memory()
    }

    /// Returns what a response to the request agrees to.
    ///
    /// Fails with the first rule that the response breaks: status first, so that an ordinary
    /// HTTP response is a refusal and nothing worse.
    pub(crate) fn check(&self, status: u16, headers: &[Header]) -> Result<Negotiated, Rule> {
        match &self.accept_value {
            Some(expected) => check_upgraded(status, headers, expected)?,
            None => connect::check_response(status, headers)?,
        }
        let subprotocol = subprotocol::chosen(headers, &self.subprotocols)?;
        let extensions = extensions::parse(headers)?;
        if !extensions::are_chosen_from(&self.extensions, &extensions) {
            return Err(Rule::ExtensionNotOffered);
        }
        Ok(Negotiated {
            subprotocol,
            extensions,
        })
    }

    /// Returns the bytes of the response that accepts an upgrade with `extensions` in the
    /// place of the acceptance's, and what was negotiated.
    ///
    /// Fails as [`UpgradeRequest::accept_headers`] does.
    pub(crate) fn accept(
        &self,
        acceptance: &Acceptance,
        extensions: &[Extension],
    ) -> Result<(Vec<u8>, Negotiated), Rule> {
        let (added, negotiated) = self.accept_added(acceptance, extensions)?;
        let fields: Vec<write::Field<'_>> = in_place(&added)
            .chain(write::fields(&acceptance.headers))
            .collect();
        Ok((write::response(101, &fields), negotiated))
    }

    /// Returns the fields of the response that accepts the request, those of the acceptance
    /// last, and what was negotiated: `extensions`, in the place of the acceptance's. The
    /// status is 101, or 200 over an extended CONNECT.
    ///
    /// Fails with the rule that a value of the acceptance breaks.
    pub(crate) fn accept_headers(
        &self,
        acceptance: &Acceptance,
        extensions: &[Extension],
    ) -> Result<(Vec<Header>, Negotiated), Rule> {
        let (added, negotiated) = self.accept_added(acceptance, extensions)?;
        Ok((self.headers(added, &acceptance.headers), negotiated))
    }

    /// As [`UpgradeRequest::accept_headers`], without the fields of the acceptance.
    fn accept_added(
        &self,
        acceptance: &Acceptance,
        extensions: &[Extension],
    ) -> Result<(Vec<Added<'_>>, Negotiated), Rule> {
        check_extra(&acceptance.headers, &RESERVED)?;
        extensions::check(extensions)?;
        if !extensions::are_chosen_from(&self.extensions, extensions) {
            return Err(Rule::ExtensionNotRequested);
        }
        let subprotocol = acceptance.subprotocol.as_slice();
        if !subprotocol
            .iter()
            .all(|name| subprotocol::is_in(&self.subprotocols, name))
        {
            return Err(Rule::SubprotocolNotRequested);
        }

        let mut added = Vec::new();
        if let Some(value) = &self.accept_value {
            added.extend(upgrade("Sec-WebSocket-Accept", value.into()));
        }
        added.extend(negotiation(subprotocol, extensions));
        let negotiated = Negotiated {
            subprotocol: acceptance.subprotocol.clone(),
            extensions: extensions.into(),
        };
        Ok((added, negotiated))
    }

    /// Returns the fields added and those of the host, with their names as the form has them:
    /// those of HTTP/2 and HTTP/3 are in lower case (RFC 9113, section 8.2.1; RFC 9114,
    /// section 4.2).
    fn headers(&self, added: Vec<Added<'_>>, own: &[Header]) -> Vec<Header> {
        let header = |(name, value): Added<'_>| Header::new(name, value.into_owned());
        let added = added.into_iter().map(header);
        let mut headers: Vec<Header> = added.chain(own.iter().cloned()).collect();
        if self.accept_value.is_none() {
            for header in &mut headers {
                header.name.make_ascii_lowercase();
            }
        }
        headers
    }
}

/// A field that the handshake adds to a head.
type Added<'a> = (&'static str, Cow<'a, str>);

fn in_place<'a>(added: &'a [Added<'_>]) -> impl Iterator<Item = write::Field<'a>> {
    added.iter().map(|(name, value)| (*name, value.as_bytes()))
}

/// Checks a response to an upgrade: items 1 to 4 of the checks in RFC 6455, section 4.1.
fn check_upgraded(status: u16, headers: &[Header], expected: &str) -> Result<(), Rule> {
    if status != 101 {
        return Err(Rule::HandshakeRefused);
    }
    // The field names what the connection is now (RFC 9110, section 7.8), so
    // that anything beside websocket is another protocol.
    let mut protocols = header::list(headers, "Upgrade");
    let is_websocket = |name: &[u8]| name.eq_ignore_ascii_case(b"websocket");
    if !protocols.next().is_some_and(is_websocket) || protocols.next().is_some() {
        return Err(Rule::UpgradeMissing);
    }
    if !header::contains_token(headers, "Connection", "upgrade") {
        return Err(Rule::ConnectionMissing);
    }
    // Content-Length and Transfer-Encoding don't matter: a 1xx ends at its head
    // whatever fields it has (RFC 9112, section 6.3).
    match header::single(headers, "Sec-WebSocket-Accept") {
        Occurrence::Missing => Err(Rule::AcceptMissing),
        Occurrence::Repeated => Err(Rule::AcceptDuplicate),
        Occurrence::Once(value) if value == expected.as_bytes() => Ok(()),
        Occurrence::Once(_) => Err(Rule::AcceptWrong),
    }
}

/// Returns the fields of an upgrade, the last of which is its key or the answer to it.
fn upgrade<'a>(name: &'static str, value: Cow<'a, str>) -> [Added<'a>; 3] {
    [
        ("Upgrade", "websocket".into()),
        ("Connection", "Upgrade".into()),
        (name, value),
    ]
}

/// Returns the fields that offer or choose subprotocols and extensions, if there are any.
fn negotiation<'a>(
    subprotocols: &[String],
    extensions: &[Extension],
) -> impl Iterator<Item = Added<'a>> + use<'a> {
    let subprotocols = (!subprotocols.is_empty())
        .then(|| (subprotocol::FIELD, subprotocol::list(subprotocols).into()));
    let extensions =
        (!extensions.is_empty()).then(|| (extensions::FIELD, extensions::write(extensions).into()));
    subprotocols.into_iter().chain(extensions)
}

#[cfg(test)]
mod tests;
