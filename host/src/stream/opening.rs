//! A server's handshake in header fields, for transports that something else gives away.

use http::HeaderMap;
use websocket_component::Role;

use super::conversation::Conversation;
use super::error::Error;
use super::handshake::for_session;
use super::request;
use super::socket::WebSocketStream;
use crate::clock::Clock;
use crate::error::{CallError, SandboxError};
use crate::guest::{Guest, Session};
use crate::protocol::{Acceptance, Config, HandshakeKind, Header, State};
use crate::sandbox::Sandbox;

/// A session that has accepted a request, and waits for its transport.
pub(crate) struct Opening {
    guest: Guest,
    session: Session,
    clock: Clock,
    config: Config,
}

impl Opening {
    /// Checks a request, and returns the fields of the response that accepts it.
    ///
    /// # Errors
    ///
    /// A rule is broken, or the guest can't be had or has ended.
    pub(crate) fn answer(
        sandbox: &Sandbox,
        config: Config,
        kind: HandshakeKind,
        fields: &[Header],
        acceptance: &Acceptance,
    ) -> Result<(Self, HeaderMap), CallError> {
        let mut guest = sandbox.guest()?;
        let clock = Clock::start();
        let session = guest.server(&for_session(&config), clock.now())?;
        let answer =
            guest.begin_server_handshake(&session, kind, fields, acceptance, clock.now())?;
        let answer = request::header_map(answer);
        let no_field = |_| SandboxError::broken("it answers with what is no header field");
        let answer = answer.map_err(no_field)?;
        let opening = Self {
            guest,
            session,
            clock,
            config,
        };
        Ok((opening, answer))
    }

    /// The response was sent, and this is the transport.
    pub(crate) fn open<IO>(self, io: IO) -> Result<WebSocketStream<IO>, Error> {
        let Self {
            mut guest,
            session,
            clock,
            config,
        } = self;
        guest.end_server_handshake(&session, clock.now())?;
        let negotiated = guest.negotiated(&session)?.unwrap_or_default();
        let longest = config.limits.message;
        let conversation = Conversation::new(guest, session, clock, State::Open, longest);
        let mut stream = WebSocketStream::new(io, conversation, Role::Server, &config);
        stream.agreed(negotiated);
        Ok(stream)
    }
}
