//! One side: a session, the way it is driven, and what its host has said and heard.

use host_tests::engine::Failure;
use host_tests::{Engine, Event, Native, Pump};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Instant, Message, Outgoing, Role, Rule, State};

use super::told::Told;
use crate::said::Said;

pub(super) struct Side {
    pub(super) role: Role,
    pub(super) config: Config,
    driver: Driver,
    /// Its messages may be compressed. Every other one is.
    pub(super) compresses: bool,
    /// What it has written and the other side hasn't got.
    pub(super) wire: Vec<u8>,
    /// What has arrived and it hasn't read.
    pub(super) unread: Vec<u8>,
    /// What its host has said.
    pub(super) told: Told,
    /// Time has passed.
    pub(super) waited: bool,
    pub(super) was_aborted: bool,
    pub(super) was_cut: bool,
}

/// Which way the session is driven.
enum Driver {
    Batched {
        engine: Box<Native>,
        heard: Vec<Event>,
    },
    Pumped(Box<Pump<Native>>),
}

impl Side {
    pub(super) fn new(role: Role, config: Config, agreed: &Negotiated, pumped: bool) -> Side {
        let engine = Native::open(role, &config, agreed).expect("in range");
        let driver = match pumped {
            true => Driver::Pumped(Box::new(Pump::of(engine))),
            false => Driver::Batched {
                engine: Box::new(engine),
                heard: Vec::new(),
            },
        };
        Side {
            role,
            config,
            driver,
            compresses: !agreed.extensions.is_empty(),
            wire: Vec::new(),
            unread: Vec::new(),
            told: Told::default(),
            waited: false,
            was_aborted: false,
            was_cut: false,
        }
    }

    fn engine(&mut self) -> &mut Native {
        match &mut self.driver {
            Driver::Batched { engine, .. } => engine,
            Driver::Pumped(pump) => &mut pump.engine,
        }
    }

    /// All that was heard, but for what is done with sends.
    pub(super) fn heard(&self) -> impl Iterator<Item = &Event> {
        let heard = match &self.driver {
            Driver::Batched { heard, .. } => heard,
            Driver::Pumped(pump) => &pump.events,
        };
        heard
            .iter()
            .filter(|event| !matches!(event, Event::Sent(_) | Event::Cancelled(_)))
    }

    /// The contexts of sends that are done, and whether they were written.
    pub(super) fn done(&self) -> Vec<(u64, bool)> {
        match &self.driver {
            Driver::Batched { heard, .. } => heard
                .iter()
                .filter_map(|event| match event {
                    Event::Sent(context) => Some((*context, true)),
                    Event::Cancelled(context) => Some((*context, false)),
                    _ => None,
                })
                .collect(),
            Driver::Pumped(pump) => {
                let sent = pump.sent.iter();
                sent.map(|(context, whole)| (context.expect("one was given"), *whole))
                    .collect()
            }
        }
    }

    pub(super) fn state(&mut self) -> State {
        self.engine().state()
    }

    pub(super) fn failure(&mut self) -> Option<Rule> {
        self.engine().failure().map(|failure| failure.rule)
    }

    pub(super) fn send(&mut self, what: Said<'_>, now: Instant) {
        let payload = what.payload(self.told.count());
        self.say(what.message(&payload), what, now);
    }

    pub(super) fn say(&mut self, message: Message<'_>, what: Said<'_>, now: Instant) {
        let context = self.told.next_context();
        let outcome = match self.told.count() % 2 {
            0 => self.engine().send(message, Some(context), now),
            _ => self.engine().send_uncompressed(message, Some(context), now),
        };
        self.noted(message, what, outcome);
    }

    fn noted(&mut self, message: Message<'_>, what: Said<'_>, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => self.told.accepted(message),
            Err(failure) => {
                let ended = self.told.has_closed() || self.state() != State::Open;
                self.told.refused(what, &self.config, failure.rule, ended);
            }
        }
    }

    /// Calls the session once, or pumps it until it wants nothing more. Returns whether anything moved.
    pub(super) fn turn(&mut self, what: Option<Said<'_>>, now: Instant, capacity: u32) -> bool {
        let written = self.wire.len();
        match &mut self.driver {
            Driver::Batched { .. } => self.batch(what, now, capacity),
            Driver::Pumped(pump) => {
                pump.now = now;
                pump.write_at_most = (capacity as usize).max(1);
                pump.read_at_most = (capacity as usize).max(1);
                if let Some(what) = what {
                    self.send(what, now);
                }
                let unread = std::mem::take(&mut self.unread);
                let Driver::Pumped(pump) = &mut self.driver else {
                    return false;
                };
                let heard = pump.events.len();
                pump.run(&unread);
                let moved = pump.events.len() > heard;
                self.wire.append(&mut pump.written);
                moved || self.wire.len() > written
            }
        }
    }

    fn batch(&mut self, what: Option<Said<'_>>, now: Instant, capacity: u32) -> bool {
        let payload = what.map(|what| what.payload(self.told.count()));
        let mut outgoing = Vec::new();
        let mut said = None;
        if let (Some(what), Some(payload)) = (what, &payload) {
            let message = what.message(payload);
            let context = Some(self.told.next_context());
            outgoing.push(Outgoing {
                message,
                compress: self.told.count().is_multiple_of(2),
                context,
            });
            said = Some((message, what));
        }
        let Driver::Batched { engine, heard } = &mut self.driver else {
            return false;
        };
        let turn = engine.exchange(&self.unread, &outgoing, now, capacity);
        let moved = turn.consumed > 0 || !turn.events.is_empty() || !turn.output.is_empty();
        assert!(self.compresses || moved || !turn.more, "more of nothing");
        self.unread.drain(..turn.consumed);
        self.wire.extend(turn.output);
        heard.extend(turn.events);
        if let Some((message, what)) = said {
            assert_eq!(turn.accepted, usize::from(turn.refused.is_none()));
            self.noted(message, what, turn.refused.map_or(Ok(()), Err));
        }
        // What is inflated may make work and nothing else.
        moved || turn.more
    }

    pub(super) fn abort(&mut self) {
        let state = self.state();
        self.engine().abort();
        assert_eq!(self.state(), State::Closed, "of {state:?}");
        assert_eq!(
            self.engine().buffered_amount(),
            0,
            "bytes go out after an abort"
        );
        self.was_aborted = true;
    }

    pub(super) fn cut(&mut self, now: Instant) {
        self.engine().end_of_input(now);
        self.was_cut = true;
    }
}
