//! A server's handshake in header fields, for connections that an HTTP server upgrades.

use std::fmt;

use http::HeaderMap;
use websocket_component::handshake::{Acceptance, HandshakeKind, Header};
use websocket_component::{Config, Role, State};

use super::engine::{Boxed, Engine, Made};
use super::error::Error;
use super::handshake::for_session;
use super::request;
use super::socket::WebSocketStream;
use crate::clock::Clock;
use crate::error::SandboxError;

/// A session that has accepted a request in header fields, and has no transport yet: for HTTP servers that hand over a
/// connection or stream after an upgrade. `upgrade` uses it for hyper.
pub struct Opening {
    endpoint: Boxed,
    clock: Clock,
    config: Config,
}

impl Opening {
    /// Checks the fields of a request, and returns those of the response that accepts it, with status 101 or 200. For
    /// HTTP/2 the fields include `:method`, `:protocol`, `:scheme`, `:authority` and `:path` (RFC 8441, section 5). The
    /// caller has to check that an HTTP/1.1 request is a GET.
    ///
    /// # Errors
    ///
    /// [`Error::Failure`]: the request or the answer breaks a rule; refuse it with the rule's
    /// [`status`](super::Rule::status). [`Error::Sandbox`]: there is no guest, or it has ended.
    pub fn answer(
        engine: &impl Engine,
        config: Config,
        kind: HandshakeKind,
        fields: Vec<Header>,
        acceptance: Acceptance,
    ) -> Result<(Self, HeaderMap), Error> {
        let clock = Clock::start();
        let now = clock.now();
        let mut endpoint = engine.endpoint(Made::Server, &for_session(&config), now)?;
        let answer = endpoint
            .0
            .begin_server_handshake(kind, fields, acceptance, now)?;
        let answer = request::header_map(answer);
        let no_field = |_| SandboxError::broken("it returned an invalid header field");
        let answer = answer.map_err(no_field)?;
        let opening = Self {
            endpoint,
            clock,
            config,
        };
        Ok((opening, answer))
    }

    /// Creates the WebSocket after the response was sent, from the transport and what was read of it after the request.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn open<IO>(self, io: IO, already_read: Vec<u8>) -> Result<WebSocketStream<IO>, Error> {
        let Self {
            mut endpoint,
            clock,
            config,
        } = self;
        endpoint.0.end_server_handshake(clock.now())?;
        let negotiated = endpoint.0.negotiated()?.unwrap_or_default();
        let role = Role::Server;
        let stream = WebSocketStream::new(io, endpoint, clock, State::Open, role, &config);
        Ok(stream.opened(negotiated, already_read))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
