//! A session with the messages that wait on either side of it, and no transport.

use std::collections::VecDeque;
use std::mem;

use websocket_component::{Failure, FrameHeader, Rule, State};

use super::batch::Batch;
use super::deliver::{Delivered, deliver};
use super::engine::{Boxed, Endpoint, Exchanged, Received, Take};
use super::error::Error;
use super::incoming::Incoming;
use super::message::Message;
use crate::clock::{Clock, Instant};
use crate::error::SandboxError;
use crate::sizes::CAPACITY;
use crate::sizes::LONG;

/// The most exchanges in a row in which nothing is taken, given or moved. Only data that inflates to a thousand times its
/// size needs more than a few.
const MAX_STALLS: u32 = 4096;

/// How many messages a queue has room for while it is empty.
const KEPT: usize = 8;

pub(super) struct Conversation {
    pub(super) endpoint: Box<dyn Endpoint>,
    pub(super) clock: Clock,
    /// Received, and not yet taken.
    pub(super) inbox: VecDeque<Message>,
    /// A message that is read outside the session, as far as it has come.
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
    /// What it has handed out ends with a frame.
    between_frames: bool,
    pub(super) state: State,
    pub(super) deadline: Option<Instant>,
    /// A request has come, and waits for its answer.
    pub(super) requested: bool,
    /// The rule that ended the session.
    pub(super) failure: Option<Failure>,
    /// Why a message was not sent, until it is reported to the sender.
    pub(super) refusal: Option<Failure>,
    /// The session ended before it got all there was to send.
    pub(super) dropped: bool,
}

impl Conversation {
    pub(super) fn new(Boxed(endpoint): Boxed, clock: Clock, state: State, longest: u64) -> Self {
        Self {
            endpoint,
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
            between_frames: true,
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

    /// Whether a close frame could follow what the session has handed out.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.state == State::Open && self.between_frames
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
        fresh: &mut [u8],
        can_write: bool,
        mut write: impl FnMut(&[u8]),
    ) -> Result<(), SandboxError> {
        let mut unread = mem::take(&mut self.unread);
        let again = fresh.is_empty() && self.inbox.is_empty();
        let is_fresh = !fresh.is_empty();
        let given = if again { &mut unread[..] } else { fresh };
        let (length, now, is_due) = (given.len(), self.clock.now(), self.is_due());
        let mut input = self.read_outside(given, now)?;
        // Not before the session has handed out what it has: what it can hold has a limit.
        let waits = self.goes_inside || !self.stays_outside();
        let mut sends = can_write && !self.more && !self.outbox.is_empty() && waits;
        if input.is_empty() && length > 0 && !sends && !self.more && !is_due {
            return Ok(());
        }
        let capacity = if can_write { CAPACITY } else { 1 };

        let mut is_silent;
        loop {
            let batch = match sends {
                true => Batch::of(&self.outbox, self.begun, CAPACITY, LONG),
                false => Batch::default(),
            };
            let piece = batch.piece();
            let Self {
                endpoint,
                incoming,
                inbox,
                longest,
                ..
            } = self;
            let mut taken = Taken {
                incoming,
                inbox,
                longest: *longest,
                write: &mut write,
                delivered: Ok(Delivered::default()),
                gave: false,
            };
            let result = endpoint.exchange(input, &batch.outgoing, now, capacity, &mut taken)?;
            drop(batch);
            let (delivered, gave) = (taken.delivered, taken.gave);
            let Delivered {
                has_events,
                has_request,
            } = delivered.map_err(|reason| endpoint.broken(reason))?;
            let Exchanged {
                consumed,
                accepted,
                refused,
                more,
                state,
                next_deadline,
                failure,
            } = result;

            let moved = consumed > 0 || accepted > 0 || has_events || gave;
            self.stalls = if moved { 0 } else { self.stalls + 1 };
            if self.stalls > MAX_STALLS {
                return Err(endpoint.broken("it asks for ever more calls"));
            }
            self.requested |= has_request;
            self.more = more;
            self.between_frames = !more;
            self.state = state;
            self.deadline = next_deadline;
            self.failure = failure;
            is_silent = !has_events && !more;
            input = input.get_mut(consumed..).unwrap_or_default();
            match piece.filter(|_| accepted > 0) {
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
            let left = input.len();
            input = self.read_outside(input, now)?;
            if input.is_empty() || input.len() == left {
                break;
            }
            sends = false;
        }
        self.stalled = again && !input.is_empty() && input.len() == length && is_silent;
        self.unread = match self.state {
            state if state.has_ended() => Vec::new(),
            _ if again || is_fresh => input.to_vec(),
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
        // If a rule is broken, an exchange says so, too.
        let header = self.endpoint.frame_header(is_text, true, length);
        let Some(header) = unless_ended(header)?.flatten() else {
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
        self.endpoint.output_moved(taken, blocked, now)?;
        self.ask_deadline()
    }

    /// Asks the session when it wants the next exchange.
    pub(super) fn ask_deadline(&mut self) -> Result<(), SandboxError> {
        self.deadline = self.endpoint.next_deadline()?;
        Ok(())
    }

    /// Takes out of the outbox what the session has now, and what it doesn't want.
    fn sent(&mut self, accepted: usize, refused: Option<Failure>) {
        // There is room for it when what waits is written.
        let comes_later = |failure: &Failure| failure.rule == Rule::QueueFull;
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

/// What one exchange gives, on its way.
struct Taken<'a, W> {
    incoming: &'a mut Option<Incoming>,
    inbox: &'a mut VecDeque<Message>,
    longest: u64,
    write: W,
    delivered: Result<Delivered, &'static str>,
    /// There was something to write.
    gave: bool,
}

impl<W: FnMut(&[u8])> Take for Taken<'_, W> {
    fn receive(&mut self, received: Received<'_>) {
        self.delivered = deliver(&received, self.incoming, self.inbox, self.longest);
    }

    fn write(&mut self, output: &[u8]) {
        self.gave = !output.is_empty();
        (self.write)(output);
    }
}

/// The result of a call, or none if a rule was broken: that is no end of the endpoint.
pub(super) fn unless_ended<R>(result: Result<R, Error>) -> Result<Option<R>, SandboxError> {
    match result {
        Ok(result) => Ok(Some(result)),
        Err(Error::Sandbox(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What a message that waits takes.
fn cost(message: &Message) -> usize {
    message.len() + size_of::<Message>()
}
