//! One side of a connection: a socket and the session that speaks over it.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use websocket_host::protocol::{
    CloseCode, Event, EventKind, Failure, Instant, NO_CODE, OutgoingKind, Rule, State,
};
use websocket_host::{CallError, Clock, Exchanged, Guest, Role, SandboxError, Session};

use crate::buffers::{self, Batch, Buffers, CHUNK};
use crate::socket::Socket;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Upstream,
}

impl Who {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Upstream,
            Self::Upstream => Self::Client,
        }
    }
}

impl From<Who> for Role {
    fn from(who: Who) -> Self {
        match who {
            Who::Client => Self::Client,
            Who::Upstream => Self::Server,
        }
    }
}

impl From<Role> for Who {
    fn from(role: Role) -> Self {
        match role {
            Role::Client => Self::Client,
            Role::Server => Self::Upstream,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        })
    }
}

/// What was received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Tally {
    /// Adds what a relay has moved. The numbers are the guest's, and may be any.
    pub(crate) fn add(&mut self, messages: u64, bytes: u64) {
        self.messages = self.messages.saturating_add(messages);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn count(&mut self, event: &Event) {
        let ends = matches!(event.kind, EventKind::Text | EventKind::Binary);
        if ends || matches!(event.kind, EventKind::TextChunk | EventKind::BinaryChunk) {
            self.add(u64::from(ends), u64::from(event.length));
        }
    }
}

/// A socket and the session that speaks over it.
///
/// It has no buffers while it is idle: what is read goes straight to the session, and what the session wants to be
/// written straight to the socket. Only what the socket doesn't take is kept.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) socket: Socket,
    session: Session,
    /// Input that the session has not taken.
    pub(crate) kept: Vec<u8>,
    pub(crate) state: State,
    /// Whether the session has more to give.
    pub(crate) more: bool,
    pub(crate) deadline: Option<Instant>,
    /// The rule that ended the session.
    pub(crate) failure: Option<Box<Failure>>,
    /// The code of the close frame that was received.
    pub(crate) close_received: Option<CloseCode>,
    /// That, and the failure, are dealt with.
    pub(crate) close_noted: bool,
    pub(crate) failure_noted: bool,
    /// The code of the close frame that was sent, whether for the other side, the gate, or a rule that was broken.
    pub(crate) close_sent: Option<CloseCode>,
    /// Whether the session has handed out anything.
    pub(crate) spoke: bool,
    /// How many bytes of input the session has taken.
    consumed: u64,
    /// Nothing more can be read.
    eof: bool,
    /// The session knows that nothing is read for now.
    is_paused: bool,
    /// Whether the session knows that its socket takes nothing.
    is_blocked: bool,
    pub(crate) received: Tally,
}

/// What a client does that should wait until it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// It has left: it has reset the connection, or ended its half. A WebSocket needs both.
    Left,
    /// It has sent more than is kept for it.
    SentTooMuch,
}

/// What came of an exchange.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) consumed: usize,
    pub(crate) refused: Option<Box<Failure>>,
    /// The request's head has come, or the session has opened.
    pub(crate) arrived: bool,
}

impl Side {
    pub(crate) fn new(socket: Socket, session: Session) -> Self {
        Self {
            socket,
            session,
            kept: Vec::new(),
            state: State::Connecting,
            more: false,
            deadline: None,
            failure: None,
            close_received: None,
            close_noted: false,
            failure_noted: false,
            close_sent: None,
            spoke: false,
            consumed: 0,
            eof: false,
            is_paused: false,
            is_blocked: false,
            received: Tally::default(),
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Gives the session input and messages to send, writes what it wants written, and appends the messages that it
    /// received to `incoming`.
    pub(crate) fn exchange(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        input: &[u8],
        outgoing: &Batch,
        incoming: &mut Batch,
    ) -> Result<Done, SandboxError> {
        let Batch { records, payload } = outgoing;
        let result = guest.exchange(&self.session, input, records, payload, now, CHUNK)?;
        if let Some(last) = records.last()
            && let OutgoingKind::Close(code) = last.kind
            && result.accepted == records.len()
        {
            self.close_sent = Some(code.unwrap_or(NO_CODE));
        }
        incoming.push_received(&result);
        self.note(result, input)
    }

    /// Takes note of a result, and writes what it wants written.
    pub(crate) fn note(
        &mut self,
        result: Exchanged<'_>,
        input: &[u8],
    ) -> Result<Done, SandboxError> {
        let mut arrived = false;
        for event in &result.events {
            match event.kind {
                EventKind::Request | EventKind::Opened => arrived = true,
                EventKind::Close(code) => self.close_received = Some(code),
                _ => self.received.count(event),
            }
        }
        let gave = !result.output.is_empty() || !result.events.is_empty() || result.accepted > 0;
        if result.consumed == 0 && !input.is_empty() && result.more && !gave {
            let reason = "it takes no input and gives nothing".into();
            return Err(SandboxError::BrokenContract { reason });
        }
        self.consumed = self.consumed.saturating_add(result.consumed as u64);
        // A session that promises more and then gives nothing would be asked forever.
        self.more = result.more && (gave || result.consumed > 0);
        self.state = result.state;
        self.deadline = result.next_deadline;
        self.spoke |= !result.output.is_empty();
        self.socket.write(result.output);
        self.failure = result.failure;
        let calls_for = self.failure.as_ref().and_then(|failure| failure.close_code);
        self.close_sent = self.close_sent.or(calls_for);
        Ok(Done {
            consumed: result.consumed,
            refused: result.refused,
            arrived,
        })
    }

    /// Sends what the other side received.
    pub(crate) fn deliver(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        batch: &Batch,
    ) -> Result<(), CallError> {
        if batch.records.is_empty() || self.is_done_sending() {
            return Ok(());
        }
        // There is no input, so nothing is received.
        let done = self.exchange(guest, now, &[], batch, &mut Batch::default())?;
        match done.refused {
            None => Ok(()),
            Some(failure) => match failure.rule() {
                // The session has just ended; what comes now is for nobody.
                Some(Rule::AlreadyClosing | Rule::NotOpen | Rule::Aborted) => Ok(()),
                _ => Err(failure.into()),
            },
        }
    }

    /// Writes what the socket takes of what was kept, and tells the session that it does, or that it is blocked. Returns
    /// whether there was any.
    pub(crate) fn poll_flush(
        &mut self,
        guest: &mut Guest,
        clock: &Clock,
        cx: &mut Context<'_>,
    ) -> Result<bool, SandboxError> {
        let progress = self.socket.poll_flush(cx);
        let blocked = self.socket.kept() > 0;
        if self.has_ended() || (!progress && blocked == self.is_blocked) {
            return Ok(progress);
        }
        let now = clock.now();
        if progress {
            guest.output_taken(&self.session, now)?;
        }
        if blocked {
            guest.output_blocked(&self.session, now)?;
        }
        self.is_blocked = blocked;
        self.deadline = guest.next_deadline(&self.session)?;
        Ok(progress)
    }

    /// Tells the session whether it is read, if that has changed: what isn't read is not its peer's fault.
    pub(crate) fn set_reading(
        &mut self,
        guest: &mut Guest,
        clock: &Clock,
        reads: bool,
    ) -> Result<(), SandboxError> {
        if reads != self.is_paused {
            return Ok(());
        }
        self.is_paused = !reads;
        match reads {
            true => guest.resume_reading(&self.session, clock.now())?,
            false => guest.pause_reading(&self.session, clock.now())?,
        }
        self.deadline = guest.next_deadline(&self.session)?;
        Ok(())
    }

    /// The socket has no more input.
    pub(crate) fn end_of_input(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        incoming: &mut Batch,
    ) -> Result<(), SandboxError> {
        self.eof = true;
        guest.end_of_input(&self.session, now)?;
        self.exchange(guest, now, &[], &Batch::default(), incoming)?;
        Ok(())
    }

    /// Reads and keeps what comes before the session can take it, up to [`CHUNK`]. Returns when nothing more can.
    ///
    /// All of it is read, however much is kept, since the end of a connection shows only behind what was sent before it.
    pub(crate) async fn keep_early(&mut self) -> Early {
        poll_fn(|cx| {
            buffers::with(|Buffers { input, .. }| {
                loop {
                    match self.socket.poll_read(cx, input) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(0) => return Poll::Ready(Early::Left),
                        Poll::Ready(count) if self.kept.len() + count > CHUNK as usize => {
                            return Poll::Ready(Early::SentTooMuch);
                        }
                        Poll::Ready(count) => {
                            let input = input.get(..count).unwrap_or_default();
                            self.kept.extend_from_slice(input);
                        }
                    }
                }
            })
        })
        .await
    }

    /// Whether a close frame could follow what the session has handed out: that ends at a frame boundary, and no close
    /// frame was among it. An exchange that failed gave nothing.
    pub(crate) fn is_at_boundary(&self) -> bool {
        let closed = self.close_sent.is_some() || self.failure.is_some() || self.failure_noted;
        self.spoke && !self.more && !closed
    }

    /// Gives the connection to something else: the socket, the session, the input behind the handshake, and how many
    /// bytes came before that.
    pub(crate) fn into_parts(self) -> (Socket, Session, Vec<u8>, u64) {
        (self.socket, self.session, self.kept, self.consumed)
    }

    /// Whether something waits in the session that the socket could take.
    pub(crate) fn wants_pump(&self) -> bool {
        self.socket.kept() == 0 && self.more
    }

    /// Whether it can't take more now.
    pub(crate) fn is_stuck(&self) -> bool {
        let waits = self.socket.kept() > 0 || self.more;
        waits && !self.is_done_sending()
    }

    /// Whether the session neither takes nor gives anything more. The end of the socket is the gate's to wait for.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Whether its input counts.
    pub(crate) fn listens(&self) -> bool {
        !self.eof && self.close_received.is_none() && !self.has_ended()
    }

    /// Whether the session and the socket are both done.
    pub(crate) fn is_over(&self) -> bool {
        self.has_ended() && self.socket.kept() == 0
    }

    /// Whether the session would refuse every message.
    fn is_done_sending(&self) -> bool {
        self.close_sent.is_some() || self.has_ended()
    }
}
