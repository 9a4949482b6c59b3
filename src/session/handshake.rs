//! The opening handshake, step by step (RFC 6455, section 4).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::clock::Instant;
use super::event::{Kind, Record};
use super::{Life, Session};
use crate::Rule;
use crate::handshake::{
    self, Acceptance, Asked, Extension, HandshakeKind, Header, Negotiated, Offer, Refusal, Request,
    RequestHead, ResponseHead,
};
use crate::http::body::{BodyReader, Outcome};
use crate::http::head::{HeadKind, HeadReader, Version};

/// The step that a handshake is at.
pub(super) enum Handshake {
    ClientBegins {
        key: [u8; 16],
    },
    /// The response is parsed from the input.
    ClientReads {
        offer: Offer,
        reader: HeadReader,
    },
    /// The response has refused, and its body is parsed from the input.
    ClientReadsBody {
        body: BodyReader,
    },
    /// The host passes the response's headers.
    ClientChecks {
        offer: Offer,
    },
    ServerBegins,
    /// The request is parsed from the input.
    ServerReads {
        reader: HeadReader,
    },
    /// The host accepts or refuses.
    ServerAnswers {
        asked: Result<Asked, Rule>,
    },
    /// The host writes the response's headers.
    ServerEnds {
        negotiated: Negotiated,
    },
    Complete,
}

impl Session {
    /// Queues a request's head (RFC 6455, section 4.1). The response is then parsed
    /// from the input, and the session opens or fails.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], or the rule that a value
    /// of the request breaks.
    pub fn connect(&mut self, request: &Request, now: Instant) -> Result<(), Rule> {
        self.read_clock(now);
        let key = self.client_key()?;
        let request = Request {
            extensions: self.offers(&request.extensions),
            ..request.clone()
        };
        let (head, offer) = Offer::http1(&request, key)?;
        self.sender.push_head(&head);
        let reader = self.response_reader();
        self.handshake = Handshake::ClientReads { offer, reader };
        Ok(())
    }

    /// The response that a client got, once its head has come. A response that didn't
    /// open the session is here too: of one that refused, the body is read before the
    /// session fails, up to [`Limits::refusal_body`](crate::Limits::refusal_body).
    pub fn response(&self) -> Option<&ResponseHead> {
        self.response.as_deref()
    }

    /// The head of the request that a server got, from when it has come until it is
    /// answered.
    pub fn request(&self) -> Option<&RequestHead> {
        self.request.as_deref()
    }

    /// Queues the response that accepts the request; the session is open (RFC 6455,
    /// section 4.2.2). The input that was not consumed is due now.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`],
    /// [`Rule::SubprotocolNotRequested`], [`Rule::ExtensionNotRequested`], the rule
    /// that the request breaks, or one that a value of the answer breaks.
    pub fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<&Negotiated, Rule> {
        self.read_clock(now);
        let asked = match self.request_to_answer()? {
            Ok(asked) => asked,
            Err(rule) => return Err(*rule),
        };
        let acceptance = self.answer(acceptance, asked)?;
        let (head, negotiated) = asked.response(&acceptance)?;
        self.sender.push_head(&head);
        self.request = None;
        self.open(negotiated)?;
        self.negotiated.as_ref().ok_or(Rule::HandshakeOutOfOrder)
    }

    /// Queues a response that refuses the request, and ends the session.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], [`Rule::StatusInvalid`],
    /// or the rule that a value of the answer breaks.
    pub fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Rule> {
        self.read_clock(now);
        self.request_to_answer()?;
        let head = handshake::refusal_head(refusal, self.is_head_request())?;
        self.sender.push_head(&head);
        self.request = None;
        self.life = Life::Ended;
        Ok(())
    }

    /// The fields that a client adds to its request
    /// (`WebSocketBeginClientHandshake`). The Host field is the caller's; over an
    /// extended CONNECT `headers` may hold the pseudo-fields as well.
    ///
    /// # Errors
    ///
    /// As [`Session::connect`].
    pub fn begin_client_handshake(
        &mut self,
        form: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, Rule> {
        self.read_clock(now);
        let key = self.client_key()?;
        let offers = self.offers(extensions);
        let (fields, offer) = Offer::headers(form, subprotocols, &offers, headers, key)?;
        self.handshake = Handshake::ClientChecks { offer };
        Ok(fields)
    }

    /// Checks the response to it (`WebSocketEndClientHandshake`). The session opens,
    /// or fails with the rule that the response breaks.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], or the rule that the
    /// response breaks.
    pub fn end_client_handshake(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<&Negotiated, Rule> {
        self.read_clock(now);
        let checked = match &self.handshake {
            _ if self.life != Life::Connecting => return Err(Rule::HandshakeOutOfOrder),
            Handshake::ClientChecks { offer } => self.check_response(offer, status, headers),
            other => return Err(other.out_of_order_for_client()),
        };
        match checked {
            Ok(negotiated) => self.open(negotiated)?,
            Err(rule) => {
                self.fail(rule);
                return Err(rule);
            }
        }
        self.negotiated.as_ref().ok_or(Rule::HandshakeOutOfOrder)
    }

    /// Checks a request, and the answer to it (`WebSocketBeginServerHandshake`): the
    /// fields of the response, whose status is 101, or 200 over an extended CONNECT.
    ///
    /// The method and the target of an upgrade stay with the caller. Over an
    /// extended CONNECT `headers` holds `:method` and `:protocol`.
    ///
    /// # Errors
    ///
    /// The rule that the request breaks, which ends the session, or as
    /// [`Session::accept`].
    pub fn begin_server_handshake(
        &mut self,
        form: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Rule> {
        self.read_clock(now);
        match &self.handshake {
            _ if self.life != Life::Connecting => return Err(Rule::HandshakeOutOfOrder),
            Handshake::ServerBegins => {}
            other => return Err(other.out_of_order_for_server()),
        }
        let asked = Asked::from_headers(form, headers, self.config.allow_malformed_host)
            .inspect_err(|rule| self.fail(*rule))?;
        let acceptance = self.answer(acceptance, &asked)?;
        let (fields, negotiated) = asked.accept(&acceptance)?;
        self.handshake = Handshake::ServerEnds { negotiated };
        Ok(fields)
    }

    /// The response was written: the session is open
    /// (`WebSocketEndServerHandshake`).
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`].
    pub fn end_server_handshake(&mut self, now: Instant) -> Result<(), Rule> {
        self.read_clock(now);
        match mem::replace(&mut self.handshake, Handshake::Complete) {
            Handshake::ServerEnds { negotiated } if self.life == Life::Connecting => {
                self.open(negotiated)
            }
            other => {
                let rule = other.out_of_order_for_server();
                self.handshake = other;
                Err(rule)
            }
        }
    }

    fn client_key(&self) -> Result<[u8; 16], Rule> {
        match &self.handshake {
            Handshake::ClientBegins { key } if self.life == Life::Connecting => Ok(*key),
            other => Err(other.out_of_order_for_client()),
        }
    }

    fn request_to_answer(&self) -> Result<&Result<Asked, Rule>, Rule> {
        match &self.handshake {
            Handshake::ServerAnswers { asked } if self.life == Life::Connecting => Ok(asked),
            other => Err(other.out_of_order_for_server()),
        }
    }

    fn is_head_request(&self) -> bool {
        self.request.as_ref().is_some_and(|r| r.method == "HEAD")
    }

    /// Whether only the host can go on.
    pub(super) fn waits_for_host(&self) -> bool {
        matches!(
            self.handshake,
            Handshake::ServerAnswers { .. } | Handshake::ServerEnds { .. }
        )
    }

    /// Whether input is of use now, or else only after a call of the host's, if ever.
    pub(super) fn takes_input(&self) -> bool {
        match self.life {
            Life::Connecting => matches!(
                self.handshake,
                Handshake::ClientReads { .. }
                    | Handshake::ClientReadsBody { .. }
                    | Handshake::ServerBegins
                    | Handshake::ServerReads { .. }
            ),
            Life::Open | Life::Closing => true,
            Life::Ended => false,
        }
    }

    /// A response that refuses a request in bytes, if one is due.
    pub(super) fn refusal_for(&self, rule: Rule) -> Option<Vec<u8>> {
        let in_bytes = match self.handshake {
            Handshake::ServerReads { .. } | Handshake::ServerAnswers { .. } => true,
            // The time ran out before the first byte came.
            Handshake::ServerBegins => rule == Rule::HandshakeTimeout,
            _ => false,
        };
        let due = in_bytes && rule.status().is_some();
        due.then(|| handshake::refusal_for(rule, self.is_head_request()))
    }

    /// A reader for the head of a response.
    fn response_reader(&self) -> HeadReader {
        let oldest = oldest(self.config.allow_http10_response);
        HeadReader::new(HeadKind::Response, oldest, &self.config.limits)
    }

    /// Parses the head that is due, if there is one, or the body of a refusal.
    pub(super) fn read_head(
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
                let oldest = oldest(self.config.expose_invalid_requests);
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
                Handshake::ClientReads { offer, reader } => self.response_came(offer, reader)?,
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

    fn request_came(&mut self, reader: HeadReader) -> Result<Option<Kind>, Rule> {
        let request = reader.request().inspect_err(|rule| {
            self.handshake = Handshake::ServerAnswers { asked: Err(*rule) };
        })?;
        let asked = Asked::from_request(&request, self.config.allow_malformed_host);
        let violation = asked.as_ref().err().copied();
        self.request = Some(Box::new(RequestHead::new(request, violation)));
        self.handshake = Handshake::ServerAnswers { asked };
        match violation {
            Some(rule) if !self.config.expose_invalid_requests => Err(rule),
            _ => Ok(Some(Kind::Request)),
        }
    }

    fn response_came(&mut self, offer: Offer, reader: HeadReader) -> Result<Option<Kind>, Rule> {
        let response = reader.response()?;
        if response.is_interim() {
            let reader = self.response_reader();
            self.handshake = Handshake::ClientReads { offer, reader };
            return Ok(None);
        }
        let checked = self.check_response(&offer, response.status, &response.headers);
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
        Ok(Some(Kind::Opened))
    }

    /// Whether a response has refused the handshake, and its body is being read.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.handshake, Handshake::ClientReadsBody { .. })
    }

    /// The connection has ended, and with it the body of a refusal that is being read.
    pub(super) fn end_body(&mut self) {
        if self.life == Life::Connecting
            && let (Handshake::ClientReadsBody { body }, Some(response)) =
                (&self.handshake, &mut self.response)
        {
            response.body_complete = body.end_of_input() == Outcome::Complete;
        }
    }
}

/// The oldest version of HTTP that a head may have.
fn oldest(allow_http10: bool) -> Version {
    match allow_http10 {
        true => Version::Http10,
        false => Version::Http11,
    }
}

impl Handshake {
    fn out_of_order_for_client(&self) -> Rule {
        match self {
            Handshake::ServerBegins
            | Handshake::ServerReads { .. }
            | Handshake::ServerAnswers { .. }
            | Handshake::ServerEnds { .. } => Rule::WrongRole,
            _ => Rule::HandshakeOutOfOrder,
        }
    }

    fn out_of_order_for_server(&self) -> Rule {
        match self {
            Handshake::ClientBegins { .. }
            | Handshake::ClientReads { .. }
            | Handshake::ClientReadsBody { .. }
            | Handshake::ClientChecks { .. } => Rule::WrongRole,
            _ => Rule::HandshakeOutOfOrder,
        }
    }
}
