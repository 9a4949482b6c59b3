//! The client's side: making an offer, and checking the response to it (RFC 6455,
//! section 4.1; RFC 8441, section 5).

use alloc::{string::String, vec::Vec};

use super::{
    Extension, HandshakeKind, Header, Negotiated, RESERVED, Request, VERSION, check_extra, connect,
    extensions, key, named_for, subprotocol, target::is_path,
};
use crate::{
    Rule,
    http::{
        authority::is_authority,
        header::{self, Occurrence},
        write,
    },
};

/// What a client asked for, against which it checks the response.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    form: HandshakeKind,
    /// The value of Sec-WebSocket-Accept to expect of an upgrade.
    accept: String,
    subprotocols: Vec<String>,
    extensions: Vec<Extension>,
}

impl Offer {
    /// The bytes of a request's head, made with `nonce`, which must be unpredictable
    /// and used once (RFC 6455, section 4.1, item 7).
    ///
    /// Fails with the rule that a value of the request breaks.
    pub(crate) fn http1(request: &Request, nonce: [u8; 16]) -> Result<(Vec<u8>, Offer), Rule> {
        if !is_path(&request.target) {
            return Err(Rule::TargetInvalid);
        }
        if !is_authority(request.authority.as_bytes()) {
            return Err(Rule::AuthorityInvalid);
        }
        check_extra(&request.headers, &["Host"])?;
        let (added, offer) = Offer::headers(
            HandshakeKind::Upgrade,
            &request.subprotocols,
            &request.extensions,
            &request.headers,
            nonce,
        )?;
        let mut headers = Vec::with_capacity(1 + added.len() + request.headers.len());
        headers.push(Header::new("Host", request.authority.as_str()));
        headers.extend(added);
        headers.extend_from_slice(&request.headers);
        Ok((write::request("GET", &request.target, &headers), offer))
    }

    /// The fields to add to a request whose own fields are `headers`. These may hold
    /// the Host field, and over an extended CONNECT, which has no use for the nonce,
    /// the pseudo-fields; they are checked and not returned.
    ///
    /// Fails with the rule that a value breaks.
    pub(crate) fn headers(
        form: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        nonce: [u8; 16],
    ) -> Result<(Vec<Header>, Offer), Rule> {
        match form {
            HandshakeKind::Upgrade => check_extra(headers, &RESERVED)?,
            HandshakeKind::ExtendedConnect => connect::check_extra(headers)?,
        }
        subprotocol::check(subprotocols)?;
        extensions::check(extensions)?;

        let mut added = Vec::new();
        let mut accept = String::new();
        if form == HandshakeKind::Upgrade {
            let key = key::encode(nonce);
            accept = key::accept(key.as_bytes());
            added.push(Header::new("Upgrade", "websocket"));
            added.push(Header::new("Connection", "Upgrade"));
            added.push(Header::new("Sec-WebSocket-Key", key));
        }
        added.push(Header::new("Sec-WebSocket-Version", VERSION));
        if !subprotocols.is_empty() {
            added.push(Header::new(subprotocol::FIELD, subprotocols.join(", ")));
        }
        if !extensions.is_empty() {
            added.push(Header::new(
                extensions::FIELD,
                extensions::write(extensions),
            ));
        }
        let offer = Offer {
            form,
            accept,
            subprotocols: subprotocols.into(),
            extensions: extensions.into(),
        };
        Ok((named_for(form, added), offer))
    }

    /// The extensions offered.
    pub(crate) fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// What the response agrees to, or the first rule that it breaks: status first,
    /// so that an ordinary HTTP response is a refusal and nothing worse.
    pub(crate) fn check(&self, status: u16, headers: &[Header]) -> Result<Negotiated, Rule> {
        match self.form {
            HandshakeKind::Upgrade => self.check_upgrade(status, headers)?,
            HandshakeKind::ExtendedConnect => {
                if !matches!(status, 200..=299) {
                    return Err(Rule::HandshakeRefused);
                }
                if header::values(headers, "Sec-WebSocket-Accept")
                    .next()
                    .is_some()
                {
                    return Err(Rule::AcceptForbidden);
                }
            }
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

    /// Items 1 to 4 of the checks in RFC 6455, section 4.1.
    fn check_upgrade(&self, status: u16, headers: &[Header]) -> Result<(), Rule> {
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
        match header::single(headers, "Sec-WebSocket-Accept") {
            Occurrence::Missing => return Err(Rule::AcceptMissing),
            Occurrence::Repeated => return Err(Rule::AcceptDuplicate),
            Occurrence::Once(value) if value == self.accept.as_bytes() => {}
            Occurrence::Once(_) => return Err(Rule::AcceptWrong),
        }
        // Content-Length and Transfer-Encoding don't matter: a 1xx ends at its head
        // whatever fields it has (RFC 9112, section 6.3).
        Ok(())
    }
}

#[cfg(test)]
mod tests;
