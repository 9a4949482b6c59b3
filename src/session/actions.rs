//! The model of `websocket.dll`: one action at a time.
//!
//! It is a second way to drive the same session: actions hand out what
//! [`Session::output`] has, and complete receives with what [`Events`](super::Events)
//! brings.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use super::Session;
use super::clock::Instant;
use super::event::{Event, Sent};
use crate::Rule;
use crate::stream::EventKind;

/// Which operations [`Session::get_action`] considers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionQueue {
    /// What was queued with [`Session::send`].
    Send,
    /// What was queued with [`Session::receive`], and the session's own frames.
    Receive,
    /// Both.
    All,
}

/// Identifies an action until it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActionId(pub u64);

/// What the host has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Nothing, until there is new input, a new operation, or a deadline.
    NoAction,
    /// Write these bytes, then complete the action with [`Completion::Sent`].
    SendToNetwork(ActionId, Vec<u8>),
    /// A send was completed or cancelled. Complete the action with
    /// [`Completion::Acknowledged`].
    IndicateSendComplete(ActionId, Sent),
    /// Read at most this many bytes, then complete the action with
    /// [`Completion::Read`].
    ReceiveFromNetwork(ActionId, usize),
    /// The receive with this context is complete; without a result, if it was cancelled.
    /// Complete the action with [`Completion::Acknowledged`].
    IndicateReceiveComplete(ActionId, Option<u64>, Option<Received>),
}

/// The result of a receive operation: an [`Event`] that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    kind: EventKind,
    /// The bytes of the event.
    pub payload: Vec<u8>,
}

impl Received {
    /// Returns the event.
    pub fn event(&self) -> Event<'_> {
        Event::new(self.kind, &self.payload)
    }

    /// Returns what the event is.
    pub fn kind(&self) -> EventKind {
        self.kind
    }
}

/// The result of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completion<'a> {
    /// How many bytes were written. If fewer than were given, a later action has the rest.
    Sent(usize),
    /// The bytes that were read. If there are none, the receive operation is cancelled.
    Read(&'a [u8]),
    /// The indication was noted.
    Acknowledged,
}

/// What the action functions keep between calls.
#[derive(Default)]
pub(super) struct Actions {
    last_id: u64,
    /// The action that writes, with the number of bytes that it gave.
    writing: Option<(ActionId, usize)>,
    reading: Option<ActionId>,
    send_indication: Option<ActionId>,
    receive_indication: Option<ActionId>,
    /// Receive operations, by their contexts.
    receives: VecDeque<Option<u64>>,
    /// The first receive operation was cancelled.
    cancelled: bool,
    /// What was read, from `consumed` on not consumed yet.
    input: Vec<u8>,
    consumed: usize,
}

impl Actions {
    fn next_id(&mut self) -> ActionId {
        self.last_id = self.last_id.wrapping_add(1);
        ActionId(self.last_id)
    }
}

impl Session {
    /// Queues a receive (`WebSocketReceive`). Without one, no action asks for input. It
    /// completes with one message or chunk, or with a close; with a ping or pong too, if they
    /// are reported; with a request, or the session's opening.
    ///
    /// # Errors
    ///
    /// The rule that ended the session, or [`Rule::AlreadyClosing`] once it has
    /// ended without one.
    pub fn receive(&mut self, context: Option<u64>) -> Result<(), Rule> {
        if self.life.has_ended() {
            let failure = self.failure.map(|failure| failure.rule);
            return Err(failure.unwrap_or(Rule::AlreadyClosing));
        }
        self.actions().receives.push_back(context);
        Ok(())
    }

    /// Returns what the host has to do next (`WebSocketGetAction`).
    ///
    /// At most one action that writes is outstanding, one that reads, and one of
    /// each indication; the next of its kind comes once it is completed. While the
    /// end of a receive is indicated, nothing is read.
    pub fn get_action(&mut self, queue: ActionQueue, now: Instant) -> Action {
        self.read_clock(now);
        let (sends, receives) = match queue {
            ActionQueue::Send => (true, false),
            ActionQueue::Receive => (false, true),
            ActionQueue::All => (true, true),
        };
        if receives && let Some(action) = self.receive_indication() {
            return action;
        }
        self.handle_due();
        let writes = sends || self.sender.has_own_frames();
        if writes && let Some(action) = self.write() {
            return action;
        }
        if sends && let Some(action) = self.send_indication() {
            return action;
        }
        if receives && let Some(action) = self.read() {
            return action;
        }
        Action::NoAction
    }

    fn write(&mut self) -> Option<Action> {
        if self.actions().writing.is_some() {
            return None;
        }
        let limit = self.config.send_buffer as usize;
        let chunk = self.sender.lend(limit).to_vec();
        if chunk.is_empty() {
            return None;
        }
        let actions = self.actions();
        let id = actions.next_id();
        actions.writing = Some((id, chunk.len()));
        Some(Action::SendToNetwork(id, chunk))
    }

    fn send_indication(&mut self) -> Option<Action> {
        if self.actions().send_indication.is_some() {
            return None;
        }
        let sent = self.sender.pop_done()?;
        let actions = self.actions();
        let id = actions.next_id();
        actions.send_indication = Some(id);
        Some(Action::IndicateSendComplete(id, sent))
    }

    fn receive_indication(&mut self) -> Option<Action> {
        let actions = self.actions();
        if actions.receive_indication.is_some() || actions.receives.is_empty() {
            return None;
        }
        let received = if mem::take(&mut actions.cancelled) {
            None
        } else {
            let received = self.take_buffered();
            if received.is_none() && !self.life.has_ended() {
                return None;
            }
            received
        };
        let actions = self.actions();
        let context = actions.receives.pop_front()?;
        let id = actions.next_id();
        actions.receive_indication = Some(id);
        Some(Action::IndicateReceiveComplete(id, context, received))
    }

    /// The next event in what was read before.
    fn take_buffered(&mut self) -> Option<Received> {
        let actions = self.actions();
        let from = actions.consumed;
        let mut input = mem::take(&mut actions.input);
        let mut events = self.resume(input.get_mut(from..).unwrap_or_default());
        let record = events.next_record();
        let received = record.map(|record| Received {
            kind: record.kind,
            payload: events.payload(&record.place).to_vec(),
        });
        let consumed = from + events.consumed();
        let actions = self.actions();
        if consumed < input.len() {
            actions.input = input;
            actions.consumed = consumed;
        } else {
            actions.consumed = 0;
        }
        received
    }

    /// Only when what was read before is used up: what waits stays bounded.
    fn read(&mut self) -> Option<Action> {
        let takes_input = self.takes_input() && !self.has_input_left();
        let size = self.config.receive_buffer as usize;
        let actions = self.actions();
        let wanted = takes_input && !actions.receives.is_empty() && !actions.cancelled;
        let busy = actions.reading.is_some() || actions.receive_indication.is_some();
        if busy || !wanted {
            return None;
        }
        let id = actions.next_id();
        actions.reading = Some(id);
        Some(Action::ReceiveFromNetwork(id, size))
    }

    /// Reports the result of an action (`WebSocketCompleteAction`).
    ///
    /// # Errors
    ///
    /// [`Rule::ActionUnknown`], [`Rule::CompletionMismatch`].
    pub fn complete_action(
        &mut self,
        id: ActionId,
        completion: Completion<'_>,
        now: Instant,
    ) -> Result<(), Rule> {
        self.read_clock(now);
        let largest_read = self.config.receive_buffer as usize;
        let actions = self.actions();
        let outstanding = Some(id);
        match completion {
            Completion::Sent(count) => match actions.writing {
                Some((writing, given)) if writing == id && count <= given => {
                    actions.writing = None;
                    let waiting = self.sender.len();
                    self.sender.advance(count);
                    self.handed_out(waiting);
                    Ok(())
                }
                _ => Err(self.mismatch(id)),
            },
            Completion::Read(bytes) => {
                if actions.reading != outstanding || bytes.len() > largest_read {
                    return Err(self.mismatch(id));
                }
                actions.reading = None;
                actions.cancelled = bytes.is_empty();
                let consumed = mem::take(&mut actions.consumed);
                actions.input.drain(..consumed);
                actions.input.extend_from_slice(bytes);
                if !bytes.is_empty() {
                    self.deadlines.input();
                }
                Ok(())
            }
            Completion::Acknowledged if actions.send_indication == outstanding => {
                actions.send_indication = None;
                Ok(())
            }
            Completion::Acknowledged if actions.receive_indication == outstanding => {
                actions.receive_indication = None;
                Ok(())
            }
            Completion::Acknowledged => Err(self.mismatch(id)),
        }
    }

    fn mismatch(&mut self, id: ActionId) -> Rule {
        let actions = self.actions();
        let known = [
            actions.writing.map(|(id, _)| id),
            actions.reading,
            actions.send_indication,
            actions.receive_indication,
        ];
        if known.contains(&Some(id)) {
            Rule::CompletionMismatch
        } else {
            Rule::ActionUnknown
        }
    }

    fn actions(&mut self) -> &mut Actions {
        self.actions.get_or_insert_with(|| {
            // Actions have no way to read them.
            self.config.leave_payloads = None;
            self.receiver.leave_no_payloads();
            Default::default()
        })
    }
}
