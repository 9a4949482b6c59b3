//! A method of [`Guest`] for each function of the contract, except for the handshake, the batched call, and payload
//! that bypasses the guest.

use crate::error::SandboxError;
use crate::protocol::{
    Action, ActionId, ActionQueue, Completion, Compression, Config, Duration, Failure,
    GlobalProperties, Header, Instant, Message, Negotiated, Outcome, State,
};
use crate::sandbox::abi::session::Function;
use crate::sandbox::call_error::CallError;
use crate::sandbox::guest::{Guest, Session};

/// # Functions without a session
///
/// They fail only if the guest has ended.
impl Guest {
    /// Returns properties that are the same for every session (`WebSocketGetGlobalProperty`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn global_properties(&mut self) -> Result<GlobalProperties, SandboxError> {
        self.call(Function::GetGlobalProperties, ())
    }

    /// Returns the first of `supported` that a request's `headers` offer.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn choose_subprotocol(
        &mut self,
        headers: &[Header],
        supported: &[String],
    ) -> Result<Option<String>, SandboxError> {
        self.call(Function::ChooseSubprotocol, (headers, supported))
    }
}

/// # Making a session
impl Guest {
    /// Creates a client session (`WebSocketCreateClientHandle`), from at least 32 unpredictable bytes.
    ///
    /// # Errors
    ///
    /// `config-out-of-range`, `entropy-too-short`, or the guest has ended.
    pub fn client(
        &mut self,
        config: &Config,
        entropy: &[u8],
        now: Instant,
    ) -> Result<Session, CallError> {
        self.make(config, Function::Client, (entropy, now))
    }

    /// Creates a server session (`WebSocketCreateServerHandle`).
    ///
    /// # Errors
    ///
    /// `config-out-of-range`, or the guest has ended.
    pub fn server(&mut self, config: &Config, now: Instant) -> Result<Session, CallError> {
        self.make(config, Function::Server, now)
    }

    /// Creates an open client session, whose handshake was made elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`client`](Self::client).
    pub fn open_client(
        &mut self,
        config: &Config,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Session, CallError> {
        self.make(config, Function::OpenClient, (entropy, negotiated, now))
    }

    /// Creates an open server session, whose handshake was made elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`server`](Self::server).
    pub fn open_server(
        &mut self,
        config: &Config,
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Session, CallError> {
        self.make(config, Function::OpenServer, (negotiated, now))
    }
}

/// # One action at a time
impl Guest {
    /// Queues a send (`WebSocketSend`).
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `aborted`, `queue-full`, or the rule that the message breaks: nothing was queued;
    /// or the guest has ended.
    pub fn send(
        &mut self,
        session: &Session,
        message: &Message,
        compression: Compression,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(
            session,
            Function::Send,
            (message, compression, context, now),
        )
    }

    /// Queues a receive (`WebSocketReceive`). Without one, no action asks for input.
    ///
    /// # Errors
    ///
    /// The rule that ended the session, `aborted`, or the guest has ended.
    pub fn receive(&mut self, session: &Session, context: Option<u64>) -> Result<(), CallError> {
        self.tell(session, Function::Receive, context)
    }

    /// Returns what the host has to do next (`WebSocketGetAction`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn get_action(
        &mut self,
        session: &Session,
        queue: ActionQueue,
        now: Instant,
    ) -> Result<Action, SandboxError> {
        self.ask(session, Function::GetAction, (queue, now))
    }

    /// Reports the result of an action (`WebSocketCompleteAction`).
    ///
    /// # Errors
    ///
    /// `action-unknown`, `completion-mismatch`, or the guest has ended.
    pub fn complete_action(
        &mut self,
        session: &Session,
        id: ActionId,
        completion: &Completion,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(session, Function::CompleteAction, (id, completion, now))
    }
}

/// # Closing, and properties
impl Guest {
    /// Reports that the peer's stream has ended. If no close frame was received, the session fails with
    /// `connection-lost`, or with `handshake-refused` if that was the end of a refusal's body. A chunk that is still
    /// being coalesced is delivered by the next call.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn end_of_input(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, Function::EndOfInput, now)
    }

    /// Ends the session without sending a close frame (`WebSocketAbortHandle`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn abort(&mut self, session: &Session) -> Result<(), SandboxError> {
        self.ask(session, Function::Abort, ())
    }

    /// Returns the session's state.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn state(&mut self, session: &Session) -> Result<State, SandboxError> {
        self.ask(session, Function::State, ())
    }

    /// Returns the rule that ended the session, if one was broken.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn failure(&mut self, session: &Session) -> Result<Option<Failure>, SandboxError> {
        self.ask(session, Function::Failure, ())
    }

    /// Returns how the session has ended, once its state is `draining` or `closed`.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn outcome(&mut self, session: &Session) -> Result<Option<Outcome>, SandboxError> {
        self.ask(session, Function::Outcome, ())
    }

    /// Returns what was negotiated, once the session has opened.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn negotiated(&mut self, session: &Session) -> Result<Option<Negotiated>, SandboxError> {
        self.ask(session, Function::Negotiated, ())
    }

    /// Reports that the transport doesn't accept the returned output. Until [`output_taken`](Self::output_taken), the
    /// write timeout runs, and returning more output doesn't reset it.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_blocked(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, Function::OutputBlocked, now)
    }

    /// Reports that the transport accepted some output after it had been blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_taken(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, Function::OutputTaken, now)
    }

    /// Reports that the host has stopped reading. Until [`resume_reading`](Self::resume_reading), the deadlines for the
    /// peer's bytes are suspended.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn pause_reading(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, Function::PauseReading, now)
    }

    /// Reports that the host has resumed reading.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn resume_reading(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, Function::ResumeReading, now)
    }

    /// Returns whether to call [`get_action`](Self::get_action) again at once, although the last action was
    /// `no-action`.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn has_more(&mut self, session: &Session) -> Result<bool, SandboxError> {
        self.ask(session, Function::HasMore, ())
    }

    /// Returns when to call next if no input arrives first.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn next_deadline(&mut self, session: &Session) -> Result<Option<Instant>, SandboxError> {
        self.ask(session, Function::NextDeadline, ())
    }

    /// Returns how many bytes are queued and were not returned as output yet.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn buffered_amount(&mut self, session: &Session) -> Result<u64, SandboxError> {
        self.ask(session, Function::BufferedAmount, ())
    }

    /// Returns the round-trip time of the last answered ping.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn round_trip_time(&mut self, session: &Session) -> Result<Option<Duration>, SandboxError> {
        self.ask(session, Function::RoundTripTime, ())
    }
}
