//! A client and a server on a simulated network and virtual time, after quinn's test `Pair`.

use std::collections::VecDeque;
use std::time::Duration;

use websocket_component::handshake::{Acceptance, Negotiated, Request};
use websocket_component::{Config, Instant, Message, Role, State};

use crate::engine::{Engine, Event, Failure, START};

/// How many bytes of payload and of output an exchange takes.
const CAPACITY: u32 = 65_536;

/// A client and a server, with a wire in each direction.
pub struct Pair<C, S = C> {
    pub client: Side<C>,
    pub server: Side<S>,
    pub now: Instant,
}

/// One side of a pair.
pub struct Side<E> {
    pub engine: E,
    /// What it has heard, with the time.
    pub heard: Vec<(Instant, Event)>,
    /// What it writes goes here.
    pub wire: Wire,
    /// A request is accepted with this.
    pub acceptance: Option<Acceptance>,
    unread: Vec<u8>,
    /// It was told that the other side's stream has ended.
    was_ended: bool,
}

/// What one side has written and the other has not got yet.
pub struct Wire {
    /// How long bytes travel.
    pub latency: Duration,
    /// They arrive in chunks of these sizes, over and over.
    pub chunks: Vec<usize>,
    /// Bytes are lost silently, as when a cable is cut.
    pub is_cut: bool,
    in_flight: VecDeque<(Instant, Vec<u8>)>,
}

impl<E: Engine> Side<E> {
    fn new(engine: E) -> Self {
        Side {
            engine,
            heard: Vec::new(),
            wire: Wire {
                latency: Duration::from_millis(20),
                chunks: vec![usize::MAX],
                is_cut: false,
                in_flight: VecDeque::new(),
            },
            acceptance: Some(Acceptance::default()),
            unread: Vec::new(),
            was_ended: false,
        }
    }

    /// The events since the last look.
    pub fn events(&mut self) -> Vec<Event> {
        let heard = std::mem::take(&mut self.heard);
        heard.into_iter().map(|(_, event)| event).collect()
    }

    /// Whether its stream has ended, and all of it has arrived.
    fn has_ended(&mut self) -> bool {
        let writes_no_more = matches!(self.engine.state(), State::Draining | State::Closed);
        writes_no_more && !self.wire.is_cut && self.wire.in_flight.is_empty()
    }

    /// The other side's stream has ended. Returns whether that is new.
    fn ends(&mut self, now: Instant) -> bool {
        let is_new = !std::mem::replace(&mut self.was_ended, true);
        if is_new {
            self.engine.end_of_input(now);
        }
        is_new
    }

    /// Calls the session until it has nothing more to do at this time.
    fn call(&mut self, now: Instant) {
        loop {
            let result = self.engine.exchange(&self.unread, &[], now, CAPACITY);
            self.unread.drain(..result.consumed);
            let mut progress = result.consumed > 0 || !result.events.is_empty();
            for event in result.events {
                if event == Event::Request
                    && let Some(acceptance) = &self.acceptance
                {
                    self.engine
                        .accept(acceptance, now)
                        .expect("it is acceptable");
                    progress = true;
                }
                self.heard.push((now, event));
            }
            self.wire.put(result.output, now);
            if !(result.more || progress) {
                return;
            }
        }
    }
}

impl Wire {
    fn put(&mut self, bytes: Vec<u8>, now: Instant) {
        if bytes.is_empty() || self.is_cut {
            return;
        }
        let arrival = now.after(self.latency);
        let mut rest = &bytes[..];
        for size in self.chunks.clone().into_iter().cycle() {
            let (chunk, others) = rest.split_at(size.clamp(1, rest.len()));
            self.in_flight.push_back((arrival, chunk.into()));
            rest = others;
            if rest.is_empty() {
                return;
            }
        }
    }

    fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.front().map(|(arrival, _)| *arrival)
    }

    fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (_, bytes) = self
            .in_flight
            .pop_front_if(|(arrival, _)| *arrival <= now)?;
        Some(bytes)
    }
}

impl<C: Engine, S: Engine> Pair<C, S> {
    /// Both sides start open.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn open(client: &Config, server: &Config) -> Self {
        Pair::open_with(client, server, &Negotiated::default())
    }

    /// Both sides start open, with what was negotiated.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn open_with(client: &Config, server: &Config, negotiated: &Negotiated) -> Self {
        let client = C::open(Role::Client, client, negotiated).unwrap();
        let server = S::open(Role::Server, server, negotiated).unwrap();
        Pair::of(client, server)
    }

    /// Both sides before a handshake in bytes, for which the client has queued a request.
    ///
    /// # Panics
    ///
    /// If the configuration or the request is refused.
    #[must_use]
    pub fn connecting(client: &Config, server: &Config, request: &Request) -> Self {
        let mut client = C::new(Role::Client, client).unwrap();
        let server = S::new(Role::Server, server).unwrap();
        client.connect(request, START).unwrap();
        Pair::of(client, server)
    }

    fn of(client: C, server: S) -> Self {
        let mut pair = Pair {
            client: Side::new(client),
            server: Side::new(server),
            now: START,
        };
        pair.call();
        pair
    }

    /// The client's host sends.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks.
    pub fn client_sends(&mut self, message: Message<'_>) -> Result<(), Failure> {
        self.client.engine.send(message, None, self.now)
    }

    /// The server's host sends.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks.
    pub fn server_sends(&mut self, message: Message<'_>) -> Result<(), Failure> {
        self.server.engine.send(message, None, self.now)
    }

    /// Calls both sides, and moves what has arrived by now, until nothing happens.
    fn call(&mut self) {
        loop {
            self.client.call(self.now);
            self.server.call(self.now);
            let to_server = self.client.wire.take(self.now);
            let to_client = self.server.wire.take(self.now);
            if to_server.is_none() && to_client.is_none() && !self.end() {
                return;
            }
            self.server.unread.extend(to_server.into_iter().flatten());
            self.client.unread.extend(to_client.into_iter().flatten());
        }
    }

    /// Tells each side that the other one's stream has ended, if it has: its host has shut down writing, or dropped the
    /// transport. Returns whether that is new.
    fn end(&mut self) -> bool {
        let client = self.server.has_ended() && self.client.ends(self.now);
        let server = self.client.has_ended() && self.server.ends(self.now);
        client || server
    }

    /// Runs until nothing is on its way; deadlines further off are not waited for.
    pub fn drive(&mut self) {
        self.call();
        while let Some(arrival) = self.next_arrival() {
            self.now = self.now.max(arrival);
            self.call();
        }
    }

    /// Runs for a while: everything that arrives and every deadline in it.
    ///
    /// # Panics
    ///
    /// If a deadline doesn't move when it has come.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now.after(span);
        self.call();
        loop {
            let deadlines = [
                self.client.engine.next_deadline(),
                self.server.engine.next_deadline(),
            ];
            let deadline = deadlines.into_iter().flatten().min();
            assert!(
                deadline.is_none_or(|at| at > self.now),
                "a deadline that stays"
            );
            let next = [deadline, self.next_arrival()].into_iter().flatten().min();
            match next {
                Some(at) if at <= end => self.now = at,
                _ => break,
            }
            self.call();
        }
        self.now = end;
        self.call();
    }

    fn next_arrival(&self) -> Option<Instant> {
        let arrivals = [
            self.client.wire.next_arrival(),
            self.server.wire.next_arrival(),
        ];
        arrivals.into_iter().flatten().min()
    }

    /// The states of client and server.
    pub fn states(&mut self) -> (State, State) {
        (self.client.engine.state(), self.server.engine.state())
    }
}
