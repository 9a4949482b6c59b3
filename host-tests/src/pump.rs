//! A session driven by actions, one at a time, as programs for `websocket.dll` do.

use websocket_component::handshake::{Acceptance, Negotiated};
use websocket_component::{ActionId, ActionQueue, Completion, Config, Instant, Message, Role};

use crate::engine::{ActionIs, Engine, Event, Failure, START};

/// A host that keeps one receive queued and does whatever action comes next.
pub struct Pump<E> {
    pub engine: E,
    pub now: Instant,
    /// What was written.
    pub written: Vec<u8>,
    /// What receives completed with.
    pub events: Vec<Event>,
    /// The contexts of sends that are done, and whether all was written.
    pub sent: Vec<(Option<u64>, bool)>,
    /// The contexts of receives that were cancelled.
    pub cancelled: Vec<Option<u64>>,
    /// Each write takes no more than this.
    pub write_at_most: usize,
    /// Each read brings no more than this.
    pub read_at_most: usize,
    /// A request is accepted with this.
    pub acceptance: Acceptance,
    reading: Option<(ActionId, usize)>,
    receives: u64,
    queued: usize,
}

impl<E: Engine> Pump<E> {
    /// A session that starts open.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn open(role: Role, config: &Config) -> Self {
        Pump::of(E::open(role, config, &Negotiated::default()).unwrap())
    }

    /// Any session.
    #[must_use]
    pub fn of(engine: E) -> Self {
        Pump {
            engine,
            now: START,
            written: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
            cancelled: Vec::new(),
            write_at_most: usize::MAX,
            read_at_most: usize::MAX,
            acceptance: Acceptance::default(),
            reading: None,
            receives: 0,
            queued: 0,
        }
    }

    /// The host sends.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks.
    pub fn sends(&mut self, message: Message<'_>, context: u64) -> Result<(), Failure> {
        self.engine.send(message, Some(context), self.now)
    }

    /// Does actions until there is none, with this to read.
    ///
    /// # Panics
    ///
    /// If the session takes a completion amiss.
    pub fn run(&mut self, mut input: &[u8]) {
        loop {
            if self.queued == 0 && self.engine.receive(Some(self.receives)).is_ok() {
                self.receives += 1;
                self.queued += 1;
            }
            if !self.step() && !self.read(&mut input) {
                return;
            }
        }
    }

    /// Does one action. Returns whether there was one.
    fn step(&mut self) -> bool {
        let (id, completion) = match self.engine.get_action(ActionQueue::All, self.now) {
            // More at once, if the input was too much for one call.
            ActionIs::Nothing => return self.engine.has_more(),
            ActionIs::SendToNetwork(id, bytes) => {
                assert!(!bytes.is_empty(), "a write of nothing");
                let count = bytes.len().min(self.write_at_most);
                self.written.extend_from_slice(&bytes[..count]);
                (id, Completion::Sent(count))
            }
            ActionIs::SendComplete(id, context, complete) => {
                self.sent.push((context, complete));
                (id, Completion::Acknowledged)
            }
            ActionIs::ReceiveFromNetwork(id, most) => {
                assert_eq!(self.reading, None, "two reads at a time");
                self.reading = Some((id, most));
                return true;
            }
            ActionIs::ReceiveComplete(id, context, received) => {
                self.queued -= 1;
                let is_request = received == Some(Event::Request);
                match received {
                    Some(event) => self.events.push(event),
                    None => self.cancelled.push(context),
                }
                if is_request {
                    self.engine.accept(&self.acceptance, self.now).unwrap();
                }
                (id, Completion::Acknowledged)
            }
        };
        self.complete(id, completion);
        true
    }

    /// Completes the read that is outstanding. Returns whether one was.
    fn read(&mut self, input: &mut &[u8]) -> bool {
        if input.is_empty() {
            return false;
        }
        let Some((id, most)) = self.reading.take() else {
            return false;
        };
        let count = input.len().min(most).min(self.read_at_most);
        let (read, rest) = input.split_at(count);
        *input = rest;
        self.complete(id, Completion::Read(read));
        true
    }

    fn complete(&mut self, id: ActionId, completion: Completion<'_>) {
        let outcome = self.engine.complete_action(id, completion, self.now);
        outcome.expect("the action is outstanding");
    }
}
