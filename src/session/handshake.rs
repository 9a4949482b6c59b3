//! The opening handshake, step by step (RFC 6455, section 4).

mod heads;

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::clock::Instant;
use super::lifecycle::{Cause, Life};
use super::send::Sender;
use super::{Config, Session};
use crate::Rule;
use crate::handshake::{
    self, Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead, UpgradeRequest,
};
use crate::http::body::BodyReader;
use crate::http::head::HeadReader;

/// The step that a handshake is at.
pub(super) enum Handshake {
    ClientBegins {
        key: [u8; 16],
    },
    /// The response is parsed from the input.
    ClientReads {
        request: UpgradeRequest,
        reader: HeadReader,
    },
    /// The response has refused, and its body is parsed from the input.
    ClientReadsBody {
        body: BodyReader,
    },
    /// The host passes the response's headers.
    ClientChecks {
        request: UpgradeRequest,
    },
    ServerBegins,
    /// The request is parsed from the input.
    ServerReads {
        reader: HeadReader,
    },
    /// The host accepts or refuses.
    ServerAnswers {
        request: Result<UpgradeRequest, Rule>,
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
        let offers = self.offers(&request.extensions);
        let (head, request) = UpgradeRequest::make(request, &offers, key)?;
        self.sender.push_head(&head);
        let reader = self.response_reader();
        self.handshake = Handshake::ClientReads { request, reader };
        Ok(())
    }

    /// Returns the response that a client received, once its head is complete, also one that
    /// didn't open the session. If it refused, its body is read, up to
    /// [`Limits::refusal_body`](crate::Limits::refusal_body), before the session fails.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.response.as_deref()
    }

    /// Returns the head of the request that a server received, until it is answered or the
    /// session ends.
    pub fn request(&self) -> Option<&RequestHead> {
        self.request_head.as_deref()
    }

    /// Changes the settings of a server that has received a request, for hosts whose limits,
    /// timeouts or compression depend on the request.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], [`Rule::ConfigOutOfRange`].
    pub fn set_config(&mut self, config: Config) -> Result<(), Rule> {
        self.request_to_answer()?;
        config.check()?;
        // Nothing was sent, and frames are read from the answer on.
        self.sender = Sender::new(None, &config);
        self.deadlines.set_timeouts(&config.timeouts);
        self.config = config;
        Ok(())
    }

    /// Queues the response that accepts the request; the session is open (RFC 6455, section
    /// 4.2.2). Pass the unconsumed input again.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], [`Rule::SubprotocolNotRequested`],
    /// [`Rule::ExtensionNotRequested`], the rule that the request breaks, or one that a value
    /// of the acceptance breaks.
    pub fn accept(&mut self, acceptance: &Acceptance, now: Instant) -> Result<&Negotiated, Rule> {
        self.read_clock(now);
        let request = self.request_to_answer()?.as_ref().map_err(|rule| *rule)?;
        let extensions = self.answer(&acceptance.extensions, request)?;
        let (head, negotiated) = request.accept(acceptance, &extensions)?;
        self.sender.push_head(&head);
        self.request_head = None;
        self.open(negotiated)?;
        self.negotiated.as_ref().ok_or(Rule::HandshakeOutOfOrder)
    }

    /// Queues a response that refuses the request, and ends the session.
    ///
    /// # Errors
    ///
    /// [`Rule::WrongRole`], [`Rule::HandshakeOutOfOrder`], [`Rule::StatusInvalid`], or the
    /// rule that a value of the refusal breaks.
    pub fn refuse(&mut self, refusal: &Refusal, now: Instant) -> Result<(), Rule> {
        self.read_clock(now);
        self.request_to_answer()?;
        let head = handshake::refusal_head(refusal, self.is_head_request())?;
        self.sender.push_head(&head);
        self.request_head = None;
        self.transition(Cause::Refused);
        Ok(())
    }

    /// Returns the fields that a client adds to its request
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
        let (fields, request) =
            UpgradeRequest::make_headers(form, subprotocols, &offers, headers, key)?;
        self.handshake = Handshake::ClientChecks { request };
        Ok(fields)
    }

    /// Checks the response to the request of [`Session::begin_client_handshake`]
    /// (`WebSocketEndClientHandshake`). The session opens, or fails with the rule that the
    /// response breaks.
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
            Handshake::ClientChecks { request } => self.check_response(request, status, headers),
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

    /// Checks a request and its acceptance, and returns the fields of the response, whose
    /// status is 101, or 200 over an extended CONNECT (`WebSocketBeginServerHandshake`).
    ///
    /// Checking the method and the target of an upgrade is left to the caller. Over an
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
        let lenient = self.config.allow_malformed_host;
        let request = UpgradeRequest::parse_headers(form, headers, lenient)
            .inspect_err(|rule| self.fail(*rule))?;
        let extensions = self.answer(&acceptance.extensions, &request)?;
        let (fields, negotiated) = request.accept_headers(acceptance, &extensions)?;
        self.handshake = Handshake::ServerEnds { negotiated };
        Ok(fields)
    }

    /// Reports that the response was written: the session is open
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

    fn request_to_answer(&self) -> Result<&Result<UpgradeRequest, Rule>, Rule> {
        match &self.handshake {
            Handshake::ServerAnswers { request } if self.life == Life::Connecting => Ok(request),
            other => Err(other.out_of_order_for_server()),
        }
    }

    fn is_head_request(&self) -> bool {
        let head = self.request_head.as_ref();
        head.is_some_and(|head| head.method == "HEAD")
    }

    /// Whether the session waits for the host.
    pub(super) fn waits_for_host(&self) -> bool {
        matches!(
            self.handshake,
            Handshake::ServerAnswers { .. } | Handshake::ServerEnds { .. }
        )
    }

    /// Whether input is processed now, or otherwise only after a call of the host, if ever.
    pub(super) fn takes_input(&self) -> bool {
        match self.life {
            Life::Connecting => matches!(
                self.handshake,
                Handshake::ClientReads { .. }
                    | Handshake::ClientReadsBody { .. }
                    | Handshake::ServerBegins
                    | Handshake::ServerReads { .. }
            ),
            life => life.has_frames(),
        }
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
