//! A method of [`Guest`] for each function of the contract, but for the handshake and the batched call.

use crate::error::{CallError, SandboxError};
use crate::guest::{Guest, Session};
use crate::protocol::{
    Action, ActionId, ActionQueue, Completion, Compression, Config, Duration, Failure,
    GlobalProperties, Header, Instant, Message, Negotiated, Outcome, State,
};

/// # Functions without a session
///
/// They fail only if the guest has ended.
impl Guest {
    /// Values that hold for every session (`WebSocketGetGlobalProperty`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn global_properties(&mut self) -> Result<GlobalProperties, SandboxError> {
        self.enter(|exports, store| exports.call_get_global_properties(store))
    }

    /// The first of `supported` that a request's `headers` ask for.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn choose_subprotocol(
        &mut self,
        headers: &[Header],
        supported: &[String],
    ) -> Result<Option<String>, SandboxError> {
        self.enter(|exports, store| exports.call_choose_subprotocol(store, headers, supported))
    }
}

/// # Making a session
impl Guest {
    /// A session of the client role (`WebSocketCreateClientHandle`), from at least 32 unpredictable bytes.
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
        self.make(config, |exports, store, options| {
            exports
                .websocket_session()
                .call_client(store, options, entropy, now)
        })
    }

    /// A session of the server role (`WebSocketCreateServerHandle`).
    ///
    /// # Errors
    ///
    /// `config-out-of-range`, or the guest has ended.
    pub fn server(&mut self, config: &Config, now: Instant) -> Result<Session, CallError> {
        self.make(config, |exports, store, options| {
            exports.websocket_session().call_server(store, options, now)
        })
    }

    /// A client whose handshake something else has made: it starts open.
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
        self.make(config, |exports, store, options| {
            let sessions = exports.websocket_session();
            sessions.call_open_client(store, options, entropy, negotiated, now)
        })
    }

    /// A server whose handshake something else has made: it starts open.
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
        self.make(config, |exports, store, options| {
            let sessions = exports.websocket_session();
            sessions.call_open_server(store, options, negotiated, now)
        })
    }
}

/// # One action at a time
impl Guest {
    /// Queues a send (`WebSocketSend`).
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `aborted`, `queue-full`, or the rule that the message breaks, and nothing was
    /// queued; or the guest has ended.
    pub fn send(
        &mut self,
        session: &Session,
        message: &Message,
        compression: Compression,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), CallError> {
        self.tell(session, |exports, store, this| {
            let sessions = exports.websocket_session();
            sessions.call_send(store, this, message, compression, context, now)
        })
    }

    /// Queues a receive (`WebSocketReceive`). Without one, no action asks for input.
    ///
    /// # Errors
    ///
    /// The rule that ended the session, `aborted`, or the guest has ended.
    pub fn receive(&mut self, session: &Session, context: Option<u64>) -> Result<(), CallError> {
        self.tell(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_receive(store, this, context)
        })
    }

    /// What to do next (`WebSocketGetAction`).
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
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_get_action(store, this, queue, now)
        })
    }

    /// Tells what was done (`WebSocketCompleteAction`).
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
        self.tell(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_complete_action(store, this, id, completion, now)
        })
    }
}

/// # The end, and properties
impl Guest {
    /// The transport has no more input. If the closing handshake is not complete, the session fails with
    /// `connection-lost`. A chunk of a message that still waits for more comes with the next call.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn end_of_input(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_end_of_input(store, this, now)
        })
    }

    /// Ends the session without sending a close frame (`WebSocketAbortHandle`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn abort(&mut self, session: &Session) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_abort(store, this)
        })
    }

    /// Where the session is.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn state(&mut self, session: &Session) -> Result<State, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_state(store, this)
        })
    }

    /// The rule that ended the session.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn failure(&mut self, session: &Session) -> Result<Option<Failure>, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_failure(store, this)
        })
    }

    /// Returns how the session has ended, once its state is `draining` or `closed`.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn outcome(&mut self, session: &Session) -> Result<Option<Outcome>, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_outcome(store, this)
        })
    }

    /// What was agreed on, once the session has opened.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn negotiated(&mut self, session: &Session) -> Result<Option<Negotiated>, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_negotiated(store, this)
        })
    }

    /// Reports that the transport doesn't take the output that was handed out: until
    /// [`output_taken`](Self::output_taken), handing out more is no progress.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_blocked(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_output_blocked(store, this, now)
        })
    }

    /// Reports that the transport took some output after it had been blocked.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn output_taken(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_output_taken(store, this, now)
        })
    }

    /// The host doesn't read for now: until [`resume_reading`](Self::resume_reading) no deadline comes that waits for the
    /// peer's bytes.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn pause_reading(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_pause_reading(store, this, now)
        })
    }

    /// The host reads again.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn resume_reading(&mut self, session: &Session, now: Instant) -> Result<(), SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_resume_reading(store, this, now)
        })
    }

    /// Whether the next action would bring more though no time passes and the last one was none.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn has_more(&mut self, session: &Session) -> Result<bool, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_has_more(store, this)
        })
    }

    /// When to call next if there is no input before, if ever.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn next_deadline(&mut self, session: &Session) -> Result<Option<Instant>, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports.websocket_session().call_next_deadline(store, this)
        })
    }

    /// How many bytes are queued and not handed out yet.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn buffered_amount(&mut self, session: &Session) -> Result<u64, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_buffered_amount(store, this)
        })
    }

    /// The round-trip time of the last ping that was answered.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn round_trip_time(&mut self, session: &Session) -> Result<Option<Duration>, SandboxError> {
        self.ask(session, |exports, store, this| {
            exports
                .websocket_session()
                .call_round_trip_time(store, this)
        })
    }
}
