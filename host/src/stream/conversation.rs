//! A session with its queues of received and outgoing messages, without a transport.

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

/// The maximum number of exchanges in a row without progress. Only data that inflates to a thousand times its size
/// needs more than a few.
const MAX_STALLS: u32 = 4096;

/// The capacity, in messages, that an empty queue keeps.
const KEPT: usize = 8;

pub(super) struct Conversation {
    pub(super) endpoint: Box<dyn Endpoint>,
    pub(super) clock: Clock,
    /// Received messages that the caller has not taken yet.
    pub(super) inbox: VecDeque<Message>,
    /// The message that is being assembled outside the session.
    pub(super) incoming: Option<Incoming>,
    /// Messages to send that are not in the session yet.
    outbox: VecDeque<Message>,
    outbox_cost: usize,
    /// How many bytes of the first of them were passed to the session.
    begun: usize,
    /// Every payload goes through the guest, since an extension was negotiated.
    pub(super) compresses: bool,
    /// The payload of the next message goes through the guest, however long it is.
    goes_inside: bool,
    /// Input that the session has not consumed.
    unread: Vec<u8>,
    /// The longest message that the session may deliver.
    pub(super) longest: u64,
    /// How many exchanges in a row made no progress.
    stalls: u32,
    /// The session consumed nothing of `unread`, and won't before something else changes.
    stalled: bool,
    /// The session has more output or events even without new input.
    pub(super) more: bool,
    /// The output so far ends at a frame boundary.
    between_frames: bool,
    pub(super) state: State,
    pub(super) deadline: Option<Instant>,
    /// A request was received and not answered yet.
    pub(super) requested: bool,
    /// The rule that ended the session.
    pub(super) failure: Option<Failure>,
    /// Why a message was not sent, until it is reported to the sender.
    pub(super) refusal: Option<Failure>,
    /// The session ended with messages still in the outbox.
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
            // The first exchange returns the deadline, and may output a client's request.
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

    /// Sets the first input: bytes that something else has read.
    pub(super) fn give(&mut self, bytes: Vec<u8>) {
        self.unread = bytes;
    }

    /// Queues a message for the next exchanges.
    pub(super) fn queue(&mut self, message: Message) {
        self.outbox_cost += cost(&message);
        self.outbox.push_back(message);
    }

    /// Returns the bytes of queued messages, including overhead.
    pub(super) fn queued(&self) -> usize {
        self.outbox_cost
    }

    /// Takes the next received message.
    pub(super) fn take(&mut self) -> Option<Message> {
        let message = self.inbox.pop_front();
        if self.inbox.is_empty() {
            self.inbox.shrink_to(KEPT);
        }
        message
    }

    /// Returns the bytes of received messages, including overhead.
    pub(super) fn received(&self) -> usize {
        self.inbox.iter().map(cost).sum()
    }

    /// Whether there is a received message.
    pub(super) fn has_message(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.more
    }

    /// Notes that the request was answered: the session may have output, and may consume input that it refused before.
    pub(super) fn answered(&mut self) {
        self.requested = false;
        self.stalled = false;
        self.more = true;
    }

    /// Whether an exchange without new input can make progress. While output can't be written, more of it isn't
    /// requested.
    pub(super) fn has_work(&self, can_write: bool) -> bool {
        let to_write = can_write && (self.more || !self.outbox.is_empty());
        to_write || (self.inbox.is_empty() && !self.unread.is_empty() && !self.stalled)
    }

    /// Whether a close frame may follow the output so far.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.state == State::Open && self.between_frames
    }

    /// Whether the session's deadline has passed.
    pub(super) fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether the session would process input.
    pub(super) fn wants_input(&self) -> bool {
        self.unread.is_empty() && !self.requested
    }

    /// Passes input and queued messages to the session, writes its output, and keeps the input that it doesn't consume.
    ///
    /// While earlier output is blocked (`can_write` is false), the session gets no messages, and is asked for the least
    /// output that the contract allows, one byte. Input is still processed, since a peer that doesn't read until we do
    /// would wait forever.
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
        // Only when the session's output was drained, since its queue is limited.
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
                return Err(endpoint.broken("it makes no progress"));
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
            // The session doesn't consume long payloads.
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

    /// Whether the payload of the next message can bypass the guest: if it is long or the only one. Several short ones
    /// cost less in one exchange.
    fn stays_outside(&self) -> bool {
        let is_alone = self.outbox.len() == 1;
        let next = self.outbox.front();
        let is_worth_it = |message: &Message| is_alone || message.len() >= LONG;
        !self.compresses
            && self.begun == 0
            && next.is_some_and(|message| message.is_data() && is_worth_it(message))
    }

    /// Takes the next message out of the outbox, with its frame header, if its payload can bypass the guest.
    pub(super) fn direct(&mut self) -> Result<Option<(FrameHeader, Message)>, SandboxError> {
        let Some(message) = self.outbox.front().filter(|_| self.stays_outside()) else {
            return Ok(None);
        };
        let is_text = matches!(message, Message::Text(_));
        let length = message.len() as u64;
        // Only an exchange handles timeouts.
        if self.is_due() {
            return Ok(None);
        }
        // If a rule is broken, the next exchange reports it.
        let header = self.endpoint.frame_header(is_text, true, length);
        let Some(header) = unless_ended(header)?.flatten() else {
            self.goes_inside = true;
            return Ok(None);
        };
        let message = self.outbox.pop_front();
        self.sent(0, None);
        Ok(message.map(|message| (header, message)))
    }

    /// Reports whether the transport took some of the output, and whether it is blocked now.
    pub(super) fn output_moved(&mut self, taken: bool, blocked: bool) -> Result<(), SandboxError> {
        let now = self.clock.now();
        self.endpoint.output_moved(taken, blocked, now)?;
        self.ask_deadline()
    }

    /// Updates the deadline from the session.
    pub(super) fn ask_deadline(&mut self) -> Result<(), SandboxError> {
        self.deadline = self.endpoint.next_deadline()?;
        Ok(())
    }

    /// Removes messages from the outbox that the session has accepted or refused.
    fn sent(&mut self, accepted: usize, refused: Option<Failure>) {
        // It will fit once the queued output is written.
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

/// Receives the results of one exchange.
struct Taken<'a, W> {
    incoming: &'a mut Option<Incoming>,
    inbox: &'a mut VecDeque<Message>,
    longest: u64,
    write: W,
    delivered: Result<Delivered, &'static str>,
    /// There was output.
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

/// Returns the result of a call, or `None` if a rule was broken, which doesn't end the endpoint.
pub(super) fn unless_ended<R>(result: Result<R, Error>) -> Result<Option<R>, SandboxError> {
    match result {
        Ok(result) => Ok(Some(result)),
        Err(Error::Sandbox(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Returns the bytes that a queued message takes.
fn cost(message: &Message) -> usize {
    message.len() + size_of::<Message>()
}
