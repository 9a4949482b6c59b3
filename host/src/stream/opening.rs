//! A server's handshake in header fields, for transports that something else gives away.

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

/// A session that has accepted a request in header fields, and waits for its transport: for servers of HTTP that give a
/// connection or a stream away. `upgrade` does it for hyper's.
pub struct Opening {
    endpoint: Boxed,
    clock: Clock,
    config: Config,
}

impl Opening {
    /// Checks the fields of a request, and returns those of the response that accepts it, with status 101 or 200. Of
    /// HTTP/2 there are also `:method`, `:protocol`, `:scheme`, `:authority` and `:path` (RFC 8441, section 5); that a
    /// request of HTTP/1.1 is a GET is the caller's to check.
    ///
    /// # Errors
    ///
    /// [`Error::Failure`]: the request or the answer breaks a rule, whose [`status`](super::Rule::status) refuses it.
    /// [`Error::Sandbox`]: there is no guest for it, or that has ended.
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
        let no_field = |_| SandboxError::broken("it answers with what is no header field");
        let answer = answer.map_err(no_field)?;
        let opening = Self {
            endpoint,
            clock,
            config,
        };
        Ok((opening, answer))
    }

    /// Makes the WebSocket: the response was sent, and this is the transport, with what was read of it behind the request.
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
