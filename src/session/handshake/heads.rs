//! The heads of a handshake in bytes: parsing them, and refusing a request.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::Handshake;
use crate::Rule;
use crate::handshake::{self, RequestHead, ResponseHead, UpgradeRequest};
use crate::http::body::{BodyReader, Outcome};
use crate::http::head::{HeadKind, HeadReader, Version};
use crate::session::{Life, Session};
use crate::stream::{EventKind, Record};

impl Session {
    /// Returns the response to a request that fails by this rule, if the rule has a status
    /// and a part of the request was received in bytes. Before its first byte there is nothing to
    /// answer, and the request may still be passed in headers over HTTP/2, where HTTP/1.1 must not
    /// be written (RFC 8441, section 5).
    pub(in crate::session) fn refusal_for(&self, rule: Rule) -> Option<Vec<u8>> {
        let in_bytes = matches!(
            self.handshake,
            Handshake::ServerReads { .. } | Handshake::ServerAnswers { .. }
        );
        let refuses = in_bytes && rule.status().is_some();
        refuses.then(|| handshake::refusal_for(rule, self.is_head_request()))
    }

    /// Returns a reader for the head of a response.
    pub(super) fn response_reader(&self) -> HeadReader {
        HeadReader::new(HeadKind::Response, Version::Http10, &self.config.limits)
    }

    /// Parses the head that is expected, if there is one, or the body of a refusal.
    pub(in crate::session) fn read_head(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
    ) -> Result<Option<Record>, Rule> {
        loop {
            let rest = bytes.get(*at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            if let Handshake::ServerBegins = self.handshake {
                let oldest = match self.config.expose_invalid_requests {
                    true => Version::Http10,
                    false => Version::Http11,
                };
                let reader = HeadReader::new(HeadKind::Request, oldest, &self.config.limits);
                self.handshake = Handshake::ServerReads { reader };
            }
            if let (Handshake::ClientReadsBody { body }, Some(response)) =
                (&mut self.handshake, &mut self.response)
            {
                *at += body.read(rest, &mut response.body);
                let Some(outcome) = body.outcome() else {
                    return Ok(None);
                };
                response.body_complete = outcome == Outcome::Complete;
                return Err(Rule::HandshakeRefused);
            }
            let (Handshake::ClientReads { reader, .. } | Handshake::ServerReads { reader }) =
                &mut self.handshake
            else {
                return Ok(None);
            };
            let (consumed, complete) = reader.read(rest)?;
            *at += consumed;
            if !complete {
                return Ok(None);
            }
            let kind = match mem::replace(&mut self.handshake, Handshake::Complete) {
                Handshake::ServerReads { reader } => self.request_came(reader)?,
                Handshake::ClientReads { request, reader } => {
                    self.response_came(request, reader)?
                }
                other => {
                    self.handshake = other;
                    None
                }
            };
            if let Some(kind) = kind {
                return Ok(Some(Record::bare(kind)));
            }
        }
    }

    fn request_came(&mut self, reader: HeadReader) -> Result<Option<EventKind>, Rule> {
        let head = reader.request().inspect_err(|rule| {
            self.handshake = Handshake::ServerAnswers {
                request: Err(*rule),
            };
        })?;
        let request = UpgradeRequest::parse(&head, self.config.allow_malformed_host);
        let violation = request.as_ref().err().copied();
        self.request_head = Some(Box::new(RequestHead::new(head, violation)));
        self.handshake = Handshake::ServerAnswers { request };
        match violation {
            Some(rule) if !self.config.expose_invalid_requests => Err(rule),
            _ => Ok(Some(EventKind::Request)),
        }
    }

    fn response_came(
        &mut self,
        request: UpgradeRequest,
        reader: HeadReader,
    ) -> Result<Option<EventKind>, Rule> {
        let response = reader.response()?;
        if response.is_interim() {
            let reader = self.response_reader();
            self.handshake = Handshake::ClientReads { request, reader };
            return Ok(None);
        }
        response.check_version(self.config.allow_http10_response)?;
        let checked = self.check_response(&request, response.status, &response.headers);
        let body = BodyReader::new(&response, self.config.limits.refusal_body);
        self.response = Some(Box::new(ResponseHead {
            body_complete: body.outcome() == Some(Outcome::Complete),
            ..response.into()
        }));
        if checked == Err(Rule::HandshakeRefused) && body.outcome().is_none() {
            self.handshake = Handshake::ClientReadsBody { body };
            return Ok(None);
        }
        self.open(checked?)?;
        Ok(Some(EventKind::Opened))
    }

    /// Returns whether a response has refused the handshake, and its body is being read.
    pub(in crate::session) fn is_refused(&self) -> bool {
        matches!(self.handshake, Handshake::ClientReadsBody { .. })
    }

    /// Ends the body of a refusal that is being read: the connection has ended.
    pub(in crate::session) fn end_body(&mut self) {
        if self.life == Life::Connecting
            && let (Handshake::ClientReadsBody { body }, Some(response)) =
                (&self.handshake, &mut self.response)
        {
            response.body_complete = body.end_of_input() == Outcome::Complete;
        }
    }
}
