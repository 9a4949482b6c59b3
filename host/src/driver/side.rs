//! One side of a connection: a session, and what it has told.

use super::batch::Batch;
use super::pair::{Summary, Tally};
use crate::error::SandboxError;
use crate::protocol::{
    CloseCode, Event, EventKind, Failure, Instant, NO_CODE, OutgoingKind, Rule, State,
};
use crate::sandbox::{CallError, Exchanged, Guest, Session};
use crate::sizes::CAPACITY;

/// A session in a guest, with what it has told. It is given input, gives a closure what is to be written, and has no
/// buffers but for input that the session has not taken.
#[derive(Debug)]
pub struct Side {
    session: Session,
    /// Input that the session has not taken.
    pub(super) unread: Vec<u8>,
    pub(super) state: State,
    /// Whether the session has more to give.
    pub(super) more: bool,
    pub(super) deadline: Option<Instant>,
    /// The rule that ended the session, or will when there were answers enough.
    pub(super) failure: Option<Box<Failure>>,
    /// The code of the close frame that was received.
    pub(super) close_received: Option<CloseCode>,
    /// The code of the close frame that was sent, whether for the other side, the host, or a rule that was broken.
    pub(super) close_sent: Option<CloseCode>,
    /// Whether the session has handed out anything.
    spoke: bool,
    /// How many bytes of input the session has taken.
    consumed: u64,
    /// Nothing more can be read.
    pub(super) eof: bool,
    /// Whether the session knows that its transport takes nothing.
    is_blocked: bool,
    pub(super) received: Tally,
}

/// What came of an exchange.
#[derive(Debug)]
pub struct Done {
    /// How many bytes of the input the session has taken.
    pub consumed: usize,
    /// Why a message was refused.
    pub refused: Option<Box<Failure>>,
    /// The request's head has come, or the session has opened.
    pub arrived: bool,
}

impl Side {
    /// A session that was given nothing yet.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self {
            session,
            unread: Vec::new(),
            state: State::Connecting,
            more: false,
            deadline: None,
            failure: None,
            close_received: None,
            close_sent: None,
            spoke: false,
            consumed: 0,
            eof: false,
            is_blocked: false,
            received: Tally::default(),
        }
    }

    /// Returns the session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns when the session is to be called if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the rule that ended the session.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Whether the session has handed out anything.
    #[must_use]
    pub fn spoke(&self) -> bool {
        self.spoke
    }

    /// Whether the session has more to hand out.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Returns how many bytes wait until the session takes them.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Has input wait until the session takes it.
    pub fn keep_unread(&mut self, input: &[u8]) {
        self.unread.extend_from_slice(input);
    }

    /// Gives the connection to something else: the session, the input behind the handshake, and how many bytes came
    /// before that.
    #[must_use]
    pub fn into_parts(self) -> (Session, Vec<u8>, u64) {
        (self.session, self.unread, self.consumed)
    }

    /// Gives the session input and nothing to send. What it doesn't take of the input is to be given again, or
    /// [kept](Self::keep_unread).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn advance(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        input: &[u8],
        write: impl FnMut(&[u8]),
    ) -> Result<Done, SandboxError> {
        // Messages come after the handshake, and the call that ends it takes none.
        let none = &mut Batch::default();
        self.exchange(guest, now, input, &Batch::default(), none, write)
    }

    /// Has the session hand out all that it has.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn hand_out(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        mut write: impl FnMut(&[u8]),
    ) -> Result<(), SandboxError> {
        loop {
            self.advance(guest, now, &[], &mut write)?;
            if !self.more {
                return Ok(());
            }
        }
    }

    /// Gives the session input and messages to send, writes what it wants written, and appends the messages that it
    /// received to `incoming`.
    pub(super) fn exchange(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        input: &[u8],
        outgoing: &Batch,
        incoming: &mut Batch,
        write: impl FnMut(&[u8]),
    ) -> Result<Done, SandboxError> {
        let Batch { records, payload } = outgoing;
        let result = guest.exchange(&self.session, input, records, payload, now, CAPACITY)?;
        // Instead of the host's close frame goes that of a rule that was broken.
        if let Some(last) = records.last()
            && let OutgoingKind::Close(code) = last.kind
            && result.accepted == records.len()
            && result.failure.is_none()
        {
            self.close_sent = Some(code.unwrap_or(NO_CODE));
        }
        incoming.push_received(&result);
        self.note(result, input, write)
    }

    /// Takes note of a result, and writes what it wants written.
    pub(super) fn note(
        &mut self,
        result: Exchanged<'_>,
        input: &[u8],
        mut write: impl FnMut(&[u8]),
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
            return Err(SandboxError::broken("it takes no input and gives nothing"));
        }
        self.consumed = self.consumed.saturating_add(result.consumed as u64);
        // A session that promises more and then gives nothing would be asked forever.
        self.more = result.more && (gave || result.consumed > 0);
        self.state = result.state;
        self.deadline = result.next_deadline;
        self.spoke |= !result.output.is_empty();
        if !result.output.is_empty() {
            write(result.output);
        }
        self.failure = result.failure;
        // A rule that waits for answers calls for nothing yet.
        let has_failed = self.failure.as_ref().filter(|_| self.state != State::Open);
        let calls_for = has_failed.and_then(|failure| failure.close_code);
        self.close_sent = self.close_sent.or(calls_for);
        Ok(Done {
            consumed: result.consumed,
            refused: result.refused,
            arrived,
        })
    }

    /// Sends what another session received.
    pub(super) fn deliver(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        batch: &Batch,
        write: impl FnMut(&[u8]),
    ) -> Result<(), CallError> {
        if batch.records.is_empty() || self.is_done_sending() {
            return Ok(());
        }
        // There is no input, so nothing is received.
        let none = &mut Batch::default();
        let done = self.exchange(guest, now, &[], batch, none, write)?;
        match done.refused {
            None => Ok(()),
            Some(failure) => match failure.rule() {
                // The session has just ended; what comes now is for nobody.
                Some(Rule::AlreadyClosing | Rule::NotOpen | Rule::Aborted) => Ok(()),
                _ => Err(failure.into()),
            },
        }
    }

    /// Tells the session that its transport has taken some of the output, or takes none of it.
    pub(super) fn output_moved(
        &mut self,
        guest: &mut Guest,
        took: bool,
        is_blocked: bool,
        now: Instant,
    ) -> Result<(), SandboxError> {
        if self.has_ended() || (!took && is_blocked == self.is_blocked) {
            return Ok(());
        }
        if took {
            guest.output_taken(&self.session, now)?;
        }
        if is_blocked {
            guest.output_blocked(&self.session, now)?;
        }
        self.is_blocked = is_blocked;
        self.deadline = guest.next_deadline(&self.session)?;
        Ok(())
    }

    /// Tells the session whether it is read: what isn't read is not its peer's fault.
    pub(super) fn set_reading(
        &mut self,
        guest: &mut Guest,
        reads: bool,
        now: Instant,
    ) -> Result<(), SandboxError> {
        match reads {
            true => guest.resume_reading(&self.session, now)?,
            false => guest.pause_reading(&self.session, now)?,
        }
        self.deadline = guest.next_deadline(&self.session)?;
        Ok(())
    }

    /// The transport has no more input.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn end_of_input(
        &mut self,
        guest: &mut Guest,
        now: Instant,
        write: impl FnMut(&[u8]),
    ) -> Result<(), SandboxError> {
        self.note_eof(guest, now)?;
        self.advance(guest, now, &[], write)?;
        Ok(())
    }

    /// Tells the session that there is no more input. The next exchange brings what comes of it.
    pub(super) fn note_eof(&mut self, guest: &mut Guest, now: Instant) -> Result<(), SandboxError> {
        self.eof = true;
        guest.end_of_input(&self.session, now)
    }

    /// Whether a close frame could follow what the session has handed out: that ends at a frame boundary, and no close
    /// frame was among it. An exchange that failed gave nothing.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.spoke && !self.more && self.close_sent.is_none() && self.failure.is_none()
    }

    /// Whether the session neither takes nor gives anything more. The end of the transport is the host's to wait for.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Whether its input counts.
    #[must_use]
    pub fn listens(&self) -> bool {
        !self.eof && self.close_received.is_none() && !self.has_ended()
    }

    /// Whether the session would refuse every message.
    pub(super) fn is_done_sending(&self) -> bool {
        self.close_sent.is_some() || self.has_ended()
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            received: Some(self.received),
            close_received: self.close_received,
            close_sent: self.close_sent,
        }
    }
}

impl Tally {
    fn count(&mut self, event: &Event) {
        let ends = matches!(event.kind, EventKind::Text | EventKind::Binary);
        if ends || matches!(event.kind, EventKind::TextChunk | EventKind::BinaryChunk) {
            self.add(u64::from(ends), u64::from(event.length));
        }
    }
}
