//! The methods of [`Guest`] that open a session.

use crate::error::SandboxError;
use crate::protocol::{
    Acceptance, Config, Extension, HandshakeKind, Header, Instant, Negotiated, Refusal, Request,
    RequestHead, ResponseHead, StatusCode,
};
use crate::sandbox::abi::session::Function;
use crate::sandbox::call_error::CallError;
use crate::sandbox::guest::{Guest, Session};

/// # The handshake in bytes
impl Guest {
    /// Queues a request's head. The response is then parsed from the input, and the session opens or fails.
    ///
    /// # Errors
    ///
    /// `wrong-role`, `handshake-out-of-order`, the rule that a value of the request breaks, or the guest has ended.
    pub fn connect(
        &mut self,
        session: &Session,
        request: &Request,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(session, Function::Connect, (request, now))
    }

    /// Returns the response that a client received, once its head is complete.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn response(&mut self, session: &Session) -> Result<Option<ResponseHead>, SandboxError> {
        self.ask(session, Function::Response, ())
    }

    /// Returns the head of the request that a server received, until it is answered or the session ends.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn request(&mut self, session: &Session) -> Result<Option<RequestHead>, SandboxError> {
        self.ask(session, Function::Request, ())
    }

    /// Changes the settings of a server whose request has come.
    ///
    /// # Errors
    ///
    /// `wrong-role`, `handshake-out-of-order`, `config-out-of-range`, or the guest has ended.
    pub fn set_options(&mut self, session: &Session, config: &Config) -> Result<(), CallError> {
        let options = self.options(config)?;
        self.tell(session, Function::SetOptions, options)
    }

    /// Queues the response that accepts the request; the session is open. Pass the unconsumed input again.
    ///
    /// # Errors
    ///
    /// `wrong-role`, `handshake-out-of-order`, `subprotocol-not-requested`, `extension-not-requested`, the rule that a
    /// value of the answer breaks, or the guest has ended.
    pub fn accept(
        &mut self,
        session: &Session,
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Negotiated, CallError> {
        self.tell(session, Function::Accept, (acceptance, now))
    }

    /// Queues a response that refuses the request, and ends the session.
    ///
    /// # Errors
    ///
    /// `wrong-role`, `handshake-out-of-order`, `status-invalid`, the rule that a value of the answer breaks, or the
    /// guest has ended.
    pub fn refuse(
        &mut self,
        session: &Session,
        refusal: &Refusal,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(session, Function::Refuse, (refusal, now))
    }
}

/// # The handshake in headers
impl Guest {
    /// Returns the fields that a client adds to its request (`WebSocketBeginClientHandshake`).
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub fn begin_client_handshake(
        &mut self,
        session: &Session,
        kind: HandshakeKind,
        subprotocols: &[String],
        extensions: &[Extension],
        headers: &[Header],
        now: Instant,
    ) -> Result<Vec<Header>, CallError> {
        self.tell(
            session,
            Function::BeginClientHandshake,
            (kind, subprotocols, extensions, headers, now),
        )
    }

    /// Checks the response to the request of [`begin_client_handshake`](Self::begin_client_handshake)
    /// (`WebSocketEndClientHandshake`). The session opens, or fails.
    ///
    /// # Errors
    ///
    /// The rule that the response breaks, or the guest has ended.
    pub fn end_client_handshake(
        &mut self,
        session: &Session,
        status: StatusCode,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, CallError> {
        self.tell(
            session,
            Function::EndClientHandshake,
            (status, headers, now),
        )
    }

    /// Checks a request and its acceptance, and returns the fields of the response (`WebSocketBeginServerHandshake`).
    ///
    /// # Errors
    ///
    /// The rule that the request breaks, which ends the session, or as for [`accept`](Self::accept).
    pub fn begin_server_handshake(
        &mut self,
        session: &Session,
        kind: HandshakeKind,
        headers: &[Header],
        acceptance: &Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, CallError> {
        self.tell(
            session,
            Function::BeginServerHandshake,
            (kind, headers, acceptance, now),
        )
    }

    /// Reports that the response was written: the session is open (`WebSocketEndServerHandshake`).
    ///
    /// # Errors
    ///
    /// `wrong-role`, `handshake-out-of-order`, or the guest has ended.
    pub fn end_server_handshake(
        &mut self,
        session: &Session,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(session, Function::EndServerHandshake, now)
    }
}
