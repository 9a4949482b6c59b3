//! One side of a connection: a session, and its last results.

use super::batch::Batch;
use super::pair::{Summary, Tally};
use crate::error::SandboxError;
use crate::protocol::{
    CloseCode, Event, EventKind, Failure, Instant, NO_CODE, OutgoingKind, Rule, State,
};
use crate::sandbox::{CallError, Exchanged, Guest, Session};
use crate::sizes::CAPACITY;

/// A session in a guest, with its last results. It passes output to a closure, and buffers only input that the session
/// has not consumed.
#[derive(Debug)]
pub struct Side {
    session: Session,
    /// Input that the session has not consumed.
    pub(super) unread: Vec<u8>,
    pub(super) state: State,
    /// Whether the session has more output or events.
    pub(super) more: bool,
    pub(super) deadline: Option<Instant>,
    /// The rule that ended the session, or will after the answers to earlier messages.
    pub(super) failure: Option<Box<Failure>>,
    /// The code of the close frame that was received.
    pub(super) close_received: Option<CloseCode>,
    /// The code of the close frame that was sent: for the other side, the host, or a broken rule.
    pub(super) close_sent: Option<CloseCode>,
    /// Returns whether the session has had any output.
    spoke: bool,
    /// How many bytes of input the session has consumed.
    consumed: u64,
    /// The input has ended.
    pub(super) eof: bool,
    /// Whether the session was told that its transport is blocked.
    is_blocked: bool,
    pub(super) received: Tally,
}

/// The result of an exchange.
#[derive(Debug)]
pub struct Done {
    /// How many bytes of the input were consumed.
    pub consumed: usize,
    /// Why a message was refused.
    pub refused: Option<Box<Failure>>,
    /// The request was received, or the session has opened.
    pub arrived: bool,
}

impl Side {
    /// Creates a side from a new session.
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

    /// Returns when to call the session if no input arrives first.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the rule that ended the session.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Returns whether the session has had any output.
    #[must_use]
    pub fn spoke(&self) -> bool {
        self.spoke
    }

    /// Returns whether the session has more output or events.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Returns how many bytes of input the session has not consumed.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Keeps input that the session has not consumed.
    pub fn keep_unread(&mut self, input: &[u8]) {
        self.unread.extend_from_slice(input);
    }

    /// Returns the session, the input after the handshake, and how many bytes came before that.
    #[must_use]
    pub fn into_parts(self) -> (Session, Vec<u8>, u64) {
        (self.session, self.unread, self.consumed)
    }

    /// Passes input to the session, and nothing to send. Pass input that it doesn't consume again, or
    /// [keep](Self::keep_unread) it.
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
        // There are no messages yet: the call that completes the handshake consumes none.
        let none = &mut Batch::default();
        self.exchange(guest, now, input, &Batch::default(), none, write)
    }

    /// Writes all output of the session.
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

    /// Passes input and messages to the session, writes its output, and appends the messages that it received to
    /// `incoming`.
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
        // The close frame for a broken rule replaces the host's.
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

    /// Records a result, and writes its output.
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
            return Err(SandboxError::broken("it makes no progress"));
        }
        self.consumed = self.consumed.saturating_add(result.consumed as u64);
        // A session that claims to have more, but makes no progress, would cause an endless loop.
        self.more = result.more && (gave || result.consumed > 0);
        self.state = result.state;
        self.deadline = result.next_deadline;
        self.spoke |= !result.output.is_empty();
        if !result.output.is_empty() {
            write(result.output);
        }
        self.failure = result.failure;
        // A rule that is deferred for answers has no effect yet.
        let has_failed = self.failure.as_ref().filter(|_| self.state != State::Open);
        let calls_for = has_failed.and_then(|failure| failure.close_code);
        self.close_sent = self.close_sent.or(calls_for);
        Ok(Done {
            consumed: result.consumed,
            refused: result.refused,
            arrived,
        })
    }

    /// Sends messages that another session received.
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
                // The session has just ended, so the messages are dropped.
                Some(Rule::AlreadyClosing | Rule::NotOpen | Rule::Aborted) => Ok(()),
                _ => Err(failure.into()),
            },
        }
    }

    /// Reports to the session whether its transport has taken output, or is blocked.
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

    /// Reports to the session whether its transport is being read. While it isn't, the peer's silence doesn't count.
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

    /// Reports that the transport has no more input.
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

    /// Tells the session that there is no more input. The next exchange returns the result.
    pub(super) fn note_eof(&mut self, guest: &mut Guest, now: Instant) -> Result<(), SandboxError> {
        self.eof = true;
        guest.end_of_input(&self.session, now)
    }

    /// Whether a close frame may follow the session's output: it ends at a frame boundary, without a close frame. A
    /// failed exchange had no output.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.spoke && !self.more && self.close_sent.is_none() && self.failure.is_none()
    }

    /// Returns whether the session takes no input and has no output any more. The host still waits for the transport to
    /// end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.has_ended()
    }

    /// Returns whether the session still processes input.
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
