//! A session with the messages that wait on either side of it, and no transport.

use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

use super::batch::Batch;
use super::incoming::{self, Incoming};
use super::message::Message;
use crate::clock::Clock;
use crate::driver::CAPACITY;
use crate::error::{CallError, SandboxError};
use crate::exchanged::Exchanged;
use crate::guest::{Guest, Session};
use crate::outside::LONG;
use crate::protocol::{Event, EventKind, Failure, FrameHeader, Instant, Rule, State};

/// The most exchanges in a row in which nothing is taken, given or moved. Only data that inflates to a thousand times its
/// size needs more than a few.
const MAX_STALLS: u32 = 4096;

/// How many messages a queue has room for while it is empty.
const KEPT: usize = 8;

pub(super) struct Conversation {
    pub(super) guest: Guest,
    pub(super) session: Session,
    pub(super) clock: Clock,
    /// Received, and not yet taken.
    pub(super) inbox: VecDeque<Message>,
    /// A message that is read outside the guest, as far as it has come.
    pub(super) incoming: Option<Incoming>,
    /// To be sent, and not yet the session's.
    outbox: VecDeque<Message>,
    outbox_cost: usize,
    /// How many bytes of the first of them are the session's already.
    begun: usize,
    /// Every payload goes through the guest, since an extension was agreed on.
    pub(super) compresses: bool,
    /// The payload of the next message goes through the guest, however long it is.
    goes_inside: bool,
    /// Read, and not yet taken by the session.
    unread: Vec<u8>,
    /// The longest message that the session may deliver.
    pub(super) longest: u64,
    /// How many exchanges in a row have moved nothing.
    stalls: u32,
    /// The session didn't want `unread`, and asking again is of no use before something else has happened.
    stalled: bool,
    /// The session has more to hand out even without new input.
    pub(super) more: bool,
    pub(super) state: State,
    pub(super) deadline: Option<Instant>,
    /// A request has come, and waits for its answer.
    pub(super) requested: bool,
    /// The rule that ended the session.
    pub(super) failure: Option<Box<Failure>>,
    /// Why a message was not sent, until it is reported to the sender.
    pub(super) refusal: Option<Box<Failure>>,
    /// The session ended before it got all there was to send.
    pub(super) dropped: bool,
}

impl Conversation {
    pub(super) fn new(
        guest: Guest,
        session: Session,
        clock: Clock,
        state: State,
        longest: u64,
    ) -> Self {
        Self {
            guest,
            session,
            clock,
            inbox: VecDeque::new(),
            incoming: None,
            outbox: VecDeque::new(),
            outbox_cost: 0,
            begun: 0,
            compresses: false,
            goes_inside: false,
            unread: Vec::new(),
            longest,
            stalls: 0,
            stalled: false,
            // The first exchange tells the deadline, and may bring a client's request.
            more: true,
            state,
            deadline: None,
            requested: false,
            failure: None,
            refusal: None,
            dropped: false,
        }
    }

    /// Gives bytes that something else has read.
    pub(super) fn give(&mut self, bytes: Vec<u8>) {
        self.unread = bytes;
    }

    /// A message to be sent in one of the next exchanges.
    pub(super) fn queue(&mut self, message: Message) {
        self.outbox_cost += cost(&message);
        self.outbox.push_back(message);
    }

    /// How many bytes of messages wait for an exchange, and of what it takes to keep them.
    pub(super) fn queued(&self) -> usize {
        self.outbox_cost
    }

    /// The next message that was received.
    pub(super) fn take(&mut self) -> Option<Message> {
        let message = self.inbox.pop_front();
        if self.inbox.is_empty() {
            self.inbox.shrink_to(KEPT);
        }
        message
    }

    /// How many bytes of received messages wait to be taken.
    pub(super) fn received(&self) -> usize {
        self.inbox.iter().map(cost).sum()
    }

    /// Whether a received message waits to be taken.
    pub(super) fn has_message(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.more
    }

    /// The handshake went on without an exchange: the session may have something to say, and want what it didn't want.
    pub(super) fn answered(&mut self) {
        self.requested = false;
        self.stalled = false;
        self.more = true;
    }

    /// Whether an exchange without new input brings something. As long as output can't be written there is no point in
    /// getting more of it.
    pub(super) fn has_work(&self, can_write: bool) -> bool {
        let to_write = can_write && (self.more || !self.outbox.is_empty());
        to_write || (self.inbox.is_empty() && !self.unread.is_empty() && !self.stalled)
    }

    /// Whether the session has a deadline that has passed.
    pub(super) fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether input would be looked at.
    pub(super) fn wants_input(&self) -> bool {
        self.unread.is_empty() && !self.requested
    }

    /// Tells the session what was read and what is to be sent; hands out what is to be written, and keeps the rest.
    ///
    /// While earlier output waits to be written (`can_write` is false) the session is given nothing to send, and hands
    /// out the least that the contract has, one byte: input is still taken, since a peer that waits for us to read
    /// before it reads itself would wait for ever.
    pub(super) fn exchange(
        &mut self,
        fresh: &[u8],
        can_write: bool,
        mut write: impl FnMut(&[u8]),
    ) -> Result<(), SandboxError> {
        let unread = mem::take(&mut self.unread);
        let again = fresh.is_empty() && self.inbox.is_empty();
        let given = if again { &unread[..] } else { fresh };
        let now = self.clock.now();
        let is_due = self.is_due();
        let mut input = self.read_outside(given, now)?;
        // Not before the session has handed out what it has: what it can hold has a limit.
        let waits = self.goes_inside || !self.stays_outside();
        let send = can_write && !self.more && !self.outbox.is_empty() && waits;
        if input.is_empty() && !given.is_empty() && !send && !self.more && !is_due {
            return Ok(());
        }
        let mut batch = if send {
            Batch::of(&self.outbox, self.begun, CAPACITY, LONG)
        } else {
            Batch::default()
        };
        let capacity = if can_write { CAPACITY } else { 1 };

        let mut is_silent;
        loop {
            let payload = batch.payload(&self.outbox);
            let records = &batch.records;
            let result =
                self.guest
                    .exchange(&self.session, input, records, payload, now, capacity)?;
            let gave = !result.output.is_empty();
            write(result.output);
            let longest = self.longest;
            deliver(&result, &mut self.incoming, &mut self.inbox, longest)
                .map_err(SandboxError::broken)?;
            let Exchanged {
                consumed,
                events,
                accepted,
                refused,
                more,
                state,
                next_deadline,
                failure,
                ..
            } = result;

            let moved = consumed > 0 || accepted > 0 || !events.is_empty() || gave;
            self.stalls = if moved { 0 } else { self.stalls + 1 };
            if self.stalls > MAX_STALLS {
                return Err(SandboxError::broken("it asks for ever more calls"));
            }
            self.requested |= events.iter().any(|event| event.kind == EventKind::Request);
            self.more = more;
            self.state = state;
            self.deadline = next_deadline;
            self.failure = failure;
            is_silent = events.is_empty() && !more;
            input = &input[consumed..];
            match batch.piece().filter(|_| accepted > 0) {
                Some(piece) => {
                    self.begun += piece;
                    self.sent(0, None);
                }
                None => self.sent(accepted, refused),
            }
            if state.has_ended() {
                break;
            }
            // The session leaves long payloads where they are.
            let rest = self.read_outside(input, now)?;
            if rest.is_empty() || rest.len() == input.len() {
                input = rest;
                break;
            }
            (input, batch) = (rest, Batch::default());
        }
        self.stalled = again && !input.is_empty() && input.len() == given.len() && is_silent;
        self.unread = match self.state {
            state if state.has_ended() => Vec::new(),
            _ if again || !fresh.is_empty() => input.to_vec(),
            _ => unread,
        };
        Ok(())
    }

    /// Whether the payload of the next message need not go through the guest: of one that is long or alone. Short ones
    /// together cost less in one exchange.
    fn stays_outside(&self) -> bool {
        let is_alone = self.outbox.len() == 1;
        let next = self.outbox.front();
        let is_worth_it = |message: &Message| is_alone || message.len() >= LONG;
        !self.compresses
            && self.begun == 0
            && next.is_some_and(|message| message.is_data() && is_worth_it(message))
    }

    /// Takes the next message out of the outbox if its payload need not go through the guest, with its header.
    pub(super) fn direct(&mut self) -> Result<Option<(FrameHeader, Message)>, SandboxError> {
        let Some(message) = self.outbox.front().filter(|_| self.stays_outside()) else {
            return Ok(None);
        };
        let is_text = matches!(message, Message::Text(_));
        let length = message.len() as u64;
        // Only an exchange acts on a timeout.
        if self.is_due() {
            return Ok(None);
        }
        let header = match self
            .guest
            .frame_header(&self.session, is_text, true, length)
        {
            Ok(header) => header,
            // An exchange says so, too.
            Err(CallError::Failure(_)) => None,
            Err(CallError::Sandbox(error)) => return Err(error),
        };
        let Some(header) = header else {
            self.goes_inside = true;
            return Ok(None);
        };
        let message = self.outbox.pop_front();
        self.sent(0, None);
        Ok(message.map(|message| (header, message)))
    }

    /// The transport has taken some of what was handed out, or none of it; and whether it is blocked now.
    pub(super) fn output_moved(&mut self, taken: bool, blocked: bool) -> Result<(), SandboxError> {
        let now = self.clock.now();
        if taken {
            self.guest.output_taken(&self.session, now)?;
        }
        if blocked {
            self.guest.output_blocked(&self.session, now)?;
        }
        self.ask_deadline()
    }

    /// Asks the session when it wants the next exchange.
    pub(super) fn ask_deadline(&mut self) -> Result<(), SandboxError> {
        self.deadline = self.guest.next_deadline(&self.session)?;
        Ok(())
    }

    /// Takes out of the outbox what the session has now, and what it doesn't want.
    fn sent(&mut self, accepted: usize, refused: Option<Box<Failure>>) {
        // There is room for it when what waits is written.
        let comes_later = |failure: &Failure| failure.rule() == Some(Rule::QueueFull);
        let refused = refused.filter(|failure| !comes_later(failure));
        let gone = accepted + usize::from(refused.is_some());
        self.outbox.drain(..gone.min(self.outbox.len()));
        if gone > 0 {
            self.begun = 0;
        }
        if refused.is_some() {
            self.refusal = refused;
        }
        if self.state.has_ended() {
            self.dropped |= !self.outbox.is_empty();
            self.outbox.clear();
        }
        if accepted > 0 {
            self.goes_inside = false;
        }
        self.outbox_cost = self.outbox.iter().map(cost).sum();
        if self.outbox.is_empty() {
            self.outbox.shrink_to(KEPT);
        }
    }
}

/// Turns the events that are messages into messages, which share one copy of the payload.
fn deliver(
    result: &Exchanged<'_>,
    incoming: &mut Option<Incoming>,
    inbox: &mut VecDeque<Message>,
    longest: u64,
) -> Result<(), &'static str> {
    let range = |event: &Event| {
        let start = event.start as usize;
        start..start + event.length as usize
    };
    let filled = || {
        result
            .events
            .iter()
            .map(range)
            .filter(|range| !range.is_empty())
    };
    let start = filled().map(|range| range.start).min().unwrap_or(0);
    let end = filled().map(|range| range.end).max().unwrap_or(0);
    let shared = Bytes::copy_from_slice(result.payload.get(start..end).unwrap_or_default());
    for event in &result.events {
        if incoming.is_some() && is_of_message(event.kind) {
            inbox.extend(incoming::add(
                incoming,
                event,
                result.bytes(event),
                longest,
            )?);
            continue;
        }
        let range = range(event);
        let payload = if range.is_empty() {
            Bytes::new()
        } else {
            shared.slice(range.start - start..range.end - start)
        };
        inbox.extend(Message::received(event, payload)?);
    }
    Ok(())
}

fn is_of_message(kind: EventKind) -> bool {
    use EventKind::{Binary, BinaryChunk, Text, TextChunk};
    matches!(kind, Text | TextChunk | Binary | BinaryChunk)
}

/// What a message that waits takes.
fn cost(message: &Message) -> usize {
    message.len() + size_of::<Message>()
}
