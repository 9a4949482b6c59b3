//! Inspecting the handshake (RFC 6455, section 4; RFC 8441), in bytes or in header fields.

use alloc::vec::Vec;
use core::mem;

use super::options::{Options, UnknownExtensions};
use super::seen::Seen;
use super::{How, Inspector};
use crate::deflate::{self, negotiation};
use crate::handshake::{
    self, HandshakeKind, Header, Memory, Negotiated, RequestHead, ResponseHead, UpgradeRequest,
};
use crate::http::body::BodyReader;
use crate::http::head::{HeadKind, HeadReader, Version};
use crate::stream::Extensions;
use crate::{Failure, Instant, Role, Rule};

/// Heads that were received in bytes.
#[derive(Default)]
pub(super) struct Heads {
    pub(super) request: Option<RequestHead>,
    pub(super) response: Option<ResponseHead>,
}

impl Heads {
    pub(super) fn memory(&self) -> usize {
        size_of::<Heads>() + self.request.memory() + self.response.memory()
    }
}

/// The step of the handshake that comes next.
pub(super) enum Handshake {
    Request(HeadReader),
    Response {
        request: UpgradeRequest,
        reader: HeadReader,
    },
    /// The request was passed in header fields, and so will be the response.
    ResponseHeaders(UpgradeRequest),
    /// The server has refused: further input is the body of its response.
    Refused(BodyReader),
    Complete,
    /// The handshake has failed.
    Failed,
}

impl Handshake {
    pub(super) fn new(options: &Options) -> Handshake {
        Handshake::Request(HeadReader::new(
            HeadKind::Request,
            Version::Http11,
            &options.client.limits,
        ))
    }

    fn response(request: UpgradeRequest, options: &Options) -> Handshake {
        let limits = &options.server.limits;
        let reader = HeadReader::new(HeadKind::Response, Version::Http10, limits);
        Handshake::Response { request, reader }
    }

    /// Returns the side that is expected to send.
    pub(super) fn awaits(&self) -> Option<Role> {
        match self {
            Handshake::Request(_) => Some(Role::Client),
            Handshake::Response { .. } | Handshake::ResponseHeaders(_) => Some(Role::Server),
            _ => None,
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Handshake::Request(reader) => reader.memory(),
            Handshake::Response { request, reader } => request.memory() + reader.memory(),
            Handshake::ResponseHeaders(request) => request.memory(),
            _ => 0,
        }
    }
}

/// Returns the extensions for frames of the client and of the server.
///
/// Fails with [`Rule::DeflateAnswerInvalid`] or [`Rule::ExtensionUnknown`].
pub(super) fn extensions(
    negotiated: &Negotiated,
    options: &Options,
) -> Result<[Extensions; 2], Rule> {
    match &negotiated.extensions[..] {
        [] => Ok([Extensions::None; 2]),
        [answer] if answer.name == deflate::NAME && cfg!(feature = "deflate") => {
            let agreed = negotiation::agreed(answer)?;
            Ok([agreed.client, agreed.server].map(Extensions::Deflate))
        }
        _ if options.unknown_extensions == UnknownExtensions::Opaque => Ok([Extensions::Custom; 2]),
        _ => Err(Rule::ExtensionUnknown),
    }
}

impl Inspector {
    /// Checks a request in header fields, for a host that parses HTTP itself. The caller checks
    /// the method and the target of an upgrade; for an extended CONNECT, `headers` includes
    /// `:method` and `:protocol`.
    ///
    /// # Errors
    ///
    /// [`Rule::HandshakeOutOfOrder`], or the rule that the request breaks, which ends the
    /// inspection: [`Rule::status`] is the status to answer with.
    pub fn request_headers(
        &mut self,
        form: HandshakeKind,
        headers: &[Header],
        now: Instant,
    ) -> Result<(), Rule> {
        self.clocks.read(now);
        match &self.handshake {
            Handshake::Request(_) if !self.is_in_bytes => {}
            _ => return Err(Rule::HandshakeOutOfOrder),
        }
        let lenient = self.options.allow_malformed_host;
        let parsed = UpgradeRequest::parse_headers(form, headers, lenient);
        let mut request = parsed.inspect_err(|rule| self.fail_handshake(Role::Client, *rule))?;
        if self.options.strip_extensions {
            request.strip_extensions();
        }
        self.handshake = Handshake::ResponseHeaders(request);
        Ok(())
    }

    /// Checks the response to the request of [`Inspector::request_headers`]. After it, both sides
    /// send frames. The host forwards interim responses itself.
    ///
    /// # Errors
    ///
    /// [`Rule::HandshakeOutOfOrder`], or the rule that the response breaks, which ends the
    /// inspection: [`Rule::HandshakeRefused`] if it is an ordinary refusal.
    pub fn response_headers(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<&Negotiated, Rule> {
        self.clocks.read(now);
        let Handshake::ResponseHeaders(request) = &self.handshake else {
            return Err(Rule::HandshakeOutOfOrder);
        };
        let checked = check(request, status, headers);
        let opened = checked.and_then(|negotiated| self.opened(negotiated));
        opened.inspect_err(|rule| self.fail_handshake(Role::Server, *rule))?;
        self.negotiated.as_ref().ok_or(Rule::HandshakeOutOfOrder)
    }

    /// Reads the expected part of the handshake. Returns how many bytes were consumed.
    pub(super) fn read_head(&mut self, from: Role, input: &mut [u8]) -> usize {
        let begins = from == Role::Client && !input.is_empty();
        self.is_in_bytes |= begins && matches!(self.handshake, Handshake::Request(_));
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            // Frames after the head are read in the next call.
            if rest.is_empty() || matches!(self.handshake, Handshake::Complete) {
                return at;
            }
            let read = match &mut self.handshake {
                Handshake::Request(reader) if from == Role::Client => reader.read(rest),
                Handshake::Response { reader, .. } if from == Role::Server => reader.read(rest),
                Handshake::Refused(body) if from == Role::Server => {
                    if body.outcome().is_some() {
                        return input.len();
                    }
                    let count = body.read(rest, &mut Vec::new());
                    let ends = body.outcome().is_some();
                    self.flows.server.pass(count);
                    // A body has no handshake timeout.
                    self.clocks.drain();
                    if ends {
                        self.finish_both();
                    }
                    return input.len();
                }
                Handshake::Failed | Handshake::Refused(_) => return input.len(),
                _ => return at,
            };
            let complete = match read {
                Ok((count, complete)) => {
                    at += count;
                    self.flows[from].hold(count);
                    complete
                }
                Err(rule) => {
                    self.fail_handshake(from, rule);
                    return input.len();
                }
            };
            if !complete {
                return at;
            }
            if let Err(rule) = self.head_came() {
                self.fail_handshake(from, rule);
                return input.len();
            }
        }
    }

    /// Handles a complete head.
    fn head_came(&mut self) -> Result<(), Rule> {
        match mem::replace(&mut self.handshake, Handshake::Failed) {
            Handshake::Request(reader) => {
                let stripped = match self.options.strip_extensions {
                    true => reader.lines_of(handshake::extensions::FIELD),
                    false => Vec::new(),
                };
                let head = reader.request()?;
                let lenient = self.options.allow_malformed_host;
                let parsed = UpgradeRequest::parse(&head, lenient);
                let violation = parsed.as_ref().err().copied();
                self.heads.get_or_insert_default().request =
                    Some(RequestHead::new(head, violation));
                let mut request = parsed?;
                for line in stripped {
                    request.strip_extensions();
                    self.flows.client.leave_out(line);
                }
                self.flows.client.pass(0);
                self.handshake = Handshake::response(request, &self.options);
                self.records.plain(Seen::Request);
            }
            Handshake::Response { request, reader } => {
                let head = reader.response()?;
                head.check_version(false)?;
                let is_interim = head.is_interim();
                let checked = check(&request, head.status, &head.headers);
                let body = BodyReader::new(&head, u32::MAX);
                self.heads.get_or_insert_default().response = Some(ResponseHead::from(head));
                self.records.plain(Seen::Response);
                if is_interim {
                    self.flows.server.pass(0);
                    self.handshake = Handshake::response(request, &self.options);
                } else if checked == Err(Rule::HandshakeRefused) {
                    self.flows.server.pass(0);
                    self.refused(body);
                } else {
                    self.opened(checked?)?;
                    self.records.plain(Seen::Opened);
                }
            }
            other => self.handshake = other,
        }
        Ok(())
    }

    /// Handles a refusal: the rest of the response is forwarded.
    fn refused(&mut self, body: BodyReader) {
        let failure = Failure::from(Rule::HandshakeRefused);
        self.ending.failure.get_or_insert((Role::Server, failure));
        let ends = body.outcome().is_some();
        self.handshake = Handshake::Refused(body);
        self.clocks.close();
        self.flows.client.finish();
        if ends {
            self.finish_both();
        }
    }

    /// Fails the handshake. The client gets a response, unless a part of the server's was forwarded
    /// already; nothing more is sent to the server.
    pub(super) fn fail_handshake(&mut self, from: Role, rule: Rule) {
        let failure = Failure {
            limit: self.options.direction(from).limits.limit_of(rule),
            ..Failure::from(rule)
        };
        let speaks = self.is_in_bytes && self.flows.server.forwarding.to() == 0;
        let was_head = self.request().is_some_and(|head| head.method == "HEAD");
        let response = match from {
            _ if !speaks => Vec::new(),
            Role::Client if rule.status().is_some() => handshake::refusal_for(rule, was_head),
            Role::Client => Vec::new(),
            Role::Server => handshake::gateway_error(rule),
        };
        self.handshake = Handshake::Failed;
        self.fail(from, failure, How::InHandshake(response));
        self.settle();
    }
}

/// Returns what was negotiated.
fn check(request: &UpgradeRequest, status: u16, headers: &[Header]) -> Result<Negotiated, Rule> {
    let negotiated = request.check(status, headers)?;
    if let [answer] = &negotiated.extensions[..]
        && answer.name == deflate::NAME
    {
        negotiation::check(request.extensions(), answer)?;
    }
    Ok(negotiated)
}
