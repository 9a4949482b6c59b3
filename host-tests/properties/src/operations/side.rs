//! One side: a session, how its host calls it, and what the host has sent and received.

use std::collections::VecDeque;

use host_tests::Event;
use host_tests::engine::ENTROPY;
use websocket_component::handshake::{Acceptance, Negotiated, Request};
use websocket_component::{
    ActionId, Config, Instant, Message, OwnedMessage, PongPolicy, Role, Rule, Sent, Session, State,
};

use super::clock::Clock;
use super::memory::{Bound, Metered};
use super::script::{How, Way};
use super::sends::Sends;
use super::told::Told;
use super::wire::{Frame, Splitter};
use crate::case::{self, NOW};
use crate::said::{PING_MARK, Said};
use crate::watch::age;

pub(super) struct Side {
    pub(super) role: Role,
    pub(super) config: Config,
    pub(super) way: Way,
    pub(super) session: Metered,
    /// Its messages may be compressed.
    pub(super) compresses: bool,
    /// What it has written and the other side hasn't got.
    pub(super) wire: Vec<u8>,
    /// All that it has written.
    pub(super) written: Vec<u8>,
    /// What has arrived and it hasn't consumed.
    pub(super) unread: Vec<u8>,
    /// What its host has said.
    pub(super) told: Told,
    pub(super) sends: Sends,
    /// What its host has heard.
    pub(super) heard: Vec<Event>,
    pub(super) reading: Reading,
    pub(super) writing: Writing,
    pub(super) clock: Clock,
    pub(super) bound: Bound,
    /// Pings that the host has to answer.
    unanswered: VecDeque<Vec<u8>>,
    /// A request, or a close, waits for the host's answer.
    is_asked: bool,
    splitter: Splitter,
    state: State,
    failure: Option<Rule>,
    /// Time has passed.
    pub(super) waited: bool,
    pub(super) was_aborted: bool,
    pub(super) was_cut: bool,
}

/// Where a host is with reading.
#[derive(Default)]
pub(super) struct Reading {
    /// How many of the bytes that were not consumed the session was given before.
    pub(super) shown: usize,
    /// The last events were dropped before their end.
    pub(super) was_dropped: bool,
    /// A receive is queued.
    pub(super) is_receiving: bool,
    /// The action that reads, and how much at most.
    pub(super) action: Option<(ActionId, usize)>,
}

/// Where a host is with writing.
#[derive(Default)]
pub(super) struct Writing {
    /// What the host has begun to write of `output`.
    pub(super) lent: Option<Vec<u8>>,
    /// The action that writes, and its bytes.
    pub(super) action: Option<(ActionId, Vec<u8>)>,
}

impl Side {
    /// A session that starts open, with what was agreed on; or before its handshake.
    pub(super) fn new(
        role: Role,
        mut config: Config,
        way: Way,
        agreed: &Negotiated,
        handshake: bool,
    ) -> Side {
        if way.leaves {
            config.leave_unfinished = case::LEFT;
        }
        let session = Metered::new(|| {
            let session = match (role, handshake) {
                (Role::Client, true) => Session::client(config, &ENTROPY, NOW),
                (Role::Server, true) => Session::server(config, NOW),
                (Role::Client, false) => {
                    Session::open_client(config, &ENTROPY, agreed.clone(), NOW)
                }
                (Role::Server, false) => Session::open_server(config, agreed.clone(), NOW),
            };
            session.expect("the configuration is in range")
        });
        let compresses = !agreed.extensions.is_empty();
        let mut side = Side {
            role,
            config,
            way,
            state: session.ask().state(),
            session,
            compresses,
            wire: Vec::new(),
            written: Vec::new(),
            unread: Vec::new(),
            told: Told::default(),
            sends: Sends::default(),
            heard: Vec::new(),
            reading: Reading::default(),
            writing: Writing::default(),
            clock: Clock::new(NOW),
            bound: Bound::new(&config, compresses || config.deflate.is_some(), handshake),
            unanswered: VecDeque::new(),
            is_asked: false,
            splitter: Splitter::new(handshake),
            failure: None,
            waited: false,
            was_aborted: false,
            was_cut: false,
        };
        if handshake && role == Role::Client {
            let request = Request::new("example.org", "/chat");
            let begun = side.call(NOW, |session| session.connect(&request, NOW));
            begun.expect("it is in order");
        }
        side
    }

    /// Calls the session, and checks what holds after every call.
    pub(super) fn call<T>(&mut self, now: Instant, call: impl FnOnce(&mut Session) -> T) -> T {
        self.read_clock(now);
        let result = self.session.call(call);
        self.check();
        result
    }

    /// A call is to come that is told the time.
    pub(super) fn read_clock(&mut self, now: Instant) {
        let waiting = self.waiting();
        self.clock.read(now, waiting);
        self.bound.waiting = waiting as u64;
    }

    /// What holds after every call.
    pub(super) fn check(&mut self) {
        let session = self.session.ask();
        let failure = session.failure().map(|failure| failure.rule);
        let state = session.state();
        assert!(
            age(state) >= age(self.state),
            "{state:?} after {:?}",
            self.state
        );
        assert!(
            self.failure.is_none() || self.failure == failure,
            "{failure:?} after {:?}",
            self.failure
        );
        let deadline = session.next_deadline();
        assert!(
            deadline.is_none_or(|at| at >= self.clock.now),
            "{deadline:?} is before {:?}",
            self.clock.now
        );
        if state == State::Closed {
            assert_eq!(deadline, None, "a deadline of a closed session");
            assert_eq!(session.buffered_amount(), 0, "closed with more to write");
        }
        if let (None, Some(rule)) = (self.failure, failure) {
            self.clock.allows(rule, &self.config.timeouts);
        }
        if self.state == State::Connecting && state != State::Connecting {
            self.clock.opened();
        }
        (self.state, self.failure) = (state, failure);
        let waiting = session.buffered_amount();
        self.bound.waiting = self.bound.waiting.max(waiting as u64);
        // Those that were dropped are not told yet.
        self.bound.frames = self.sends.waiting().min(waiting / 2) as u64;
        self.bound.sends = self.sends.open() as u64;
        self.session.is_within(&self.bound);
    }

    pub(super) fn state(&self) -> State {
        self.session.ask().state()
    }

    /// Whether the session is open, and the host has not closed it.
    pub(super) fn is_open(&self) -> bool {
        self.state() == State::Open && !self.told.has_closed()
    }

    pub(super) fn failure(&self) -> Option<Rule> {
        self.session.ask().failure().map(|failure| failure.rule)
    }

    pub(super) fn waiting(&self) -> usize {
        self.session.ask().buffered_amount()
    }

    /// Nothing more comes of the session but its last bytes: it has failed, or both sides have closed.
    pub(super) fn has_ended(&self) -> bool {
        let closed = self.told.has_closed() || self.config.reply_to_close;
        self.state() == State::Closed
            || self.failure().is_some()
            || (closed && self.has_heard_close())
    }

    pub(super) fn has_heard_close(&self) -> bool {
        matches!(self.heard.last(), Some(Event::Close(..)))
    }

    /// The host is told an event.
    pub(super) fn hears(&mut self, event: Event) {
        assert!(!self.has_heard_close(), "{event:?} after a close");
        match &event {
            Event::Request => self.is_asked = true,
            Event::Close(..) => self.is_asked = !self.config.reply_to_close,
            Event::Ping(payload) if self.config.pongs == PongPolicy::Manual => {
                self.unanswered.push_back(payload.clone());
            }
            Event::Text { last, .. } | Event::Binary { last, .. } if *last => {
                self.clock.message_ended();
                self.bound.delivered += self.bound.received;
                self.bound.received = self.bound.given;
            }
            _ => {}
        }
        self.heard.push(event);
    }

    /// Bytes were handed out. They are on the wire.
    pub(super) fn hands_out(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.clock.handed_out();
        for frame in self.splitter.take(bytes) {
            match frame {
                Frame::Ping { .. } => self.clock.ping_handed_out(),
                Frame::Close => self.clock.close_handed_out(),
                _ => {}
            }
            self.sends.handed_out(frame, self.config.pongs);
        }
        self.wire.extend_from_slice(bytes);
        self.written.extend_from_slice(bytes);
    }

    pub(super) fn is_done(&mut self, sent: Sent) {
        let has_ended = self.has_ended();
        self.sends.done(sent, has_ended);
    }

    /// The host asks for at most `count` sends that are done.
    pub(super) fn ask_done(&mut self, count: usize) {
        for _ in 0..count {
            let Some(sent) = self.session.call(Session::sent) else {
                // The one that an action indicates is told already.
                self.sends.all_told();
                return;
            };
            self.is_done(sent);
        }
    }

    pub(super) fn send(&mut self, what: Said<'_>, how: How, now: Instant) {
        let payload = what.payload(self.told.count());
        self.say(what.message(&payload), what, how, now);
    }

    /// As many pings as that, all alike.
    pub(super) fn ping(&mut self, count: u8, now: Instant) {
        for _ in 0..count {
            self.say(
                Message::Ping(&[PING_MARK]),
                Said::Ping(1),
                How::Borrowed,
                now,
            );
        }
    }

    pub(super) fn say(&mut self, message: Message<'_>, what: Said<'_>, how: How, now: Instant) {
        let context = self.told.next_context();
        self.bound.given = what.payload(0).len() as u64;
        self.read_clock(now);
        let outcome = match (how, owned(message)) {
            (How::Owned, Some((message, capacity))) => {
                self.session.got(capacity);
                let sent = (self.session).call(|s| s.send_owned(message, Some(context), now));
                sent.map_err(|not_sent| {
                    self.session.gave(capacity);
                    not_sent.rule
                })
            }
            (How::Uncompressed, _) => {
                let send = |s: &mut Session| s.send_uncompressed(message, Some(context), now);
                self.session.call(send)
            }
            _ => self.session.call(|s| s.send(message, Some(context), now)),
        };
        match outcome {
            Ok(()) => {
                self.told.accepted(message);
                self.sends.accepted(&message, context);
                self.bound.longest = self.told.longest_frame;
            }
            Err(rule) => {
                let connecting = self.state() == State::Connecting;
                let ended = self.told.has_closed() || self.state() != State::Open;
                if !(connecting && rule == Rule::NotOpen) {
                    self.told.refused(what, &self.config, rule, ended);
                }
            }
        }
        self.check();
    }

    /// Answers what the session has left to its host.
    pub(super) fn answer(&mut self, now: Instant) {
        while let Some(payload) = self.unanswered.pop_front() {
            self.say(Message::Pong(&payload), Said::Pong(1), How::Borrowed, now);
        }
        if !self.is_asked {
            return;
        }
        self.is_asked = false;
        if self.has_heard_close() {
            if !self.told.has_closed() && !self.has_ended() {
                self.say(Message::Close, Said::Close, How::Borrowed, now);
            }
        } else if self.state() == State::Connecting {
            let accepted = self.call(now, |s| s.accept(&Acceptance::default(), now).map(|_| ()));
            accepted.expect("the request is sound");
        }
    }

    pub(super) fn abort(&mut self) {
        let state = self.state();
        self.session.call(Session::abort);
        self.check();
        if state != State::Connecting {
            assert_eq!(self.state(), State::Closed, "after abort");
            assert_eq!(self.waiting(), 0, "bytes go out after an abort");
            self.was_aborted = true;
        }
    }

    pub(super) fn end_of_input(&mut self, now: Instant) {
        self.call(now, |s| s.end_of_input(now));
        self.was_cut = true;
    }
}

/// The message with a payload of its own, and the capacity of that, if there is such a message.
fn owned(message: Message<'_>) -> Option<(OwnedMessage, usize)> {
    let owned = match message {
        Message::Text(text) => OwnedMessage::Text(text.into()),
        Message::TextFragment(text) => OwnedMessage::TextFragment(text.into()),
        Message::Utf8(bytes) => OwnedMessage::Utf8(bytes.into()),
        Message::Utf8Fragment(bytes) => OwnedMessage::Utf8Fragment(bytes.into()),
        Message::Binary(bytes) => OwnedMessage::Binary(bytes.into()),
        Message::BinaryFragment(bytes) => OwnedMessage::BinaryFragment(bytes.into()),
        _ => return None,
    };
    let capacity = match &owned {
        OwnedMessage::Text(text) | OwnedMessage::TextFragment(text) => text.capacity(),
        OwnedMessage::Utf8(bytes)
        | OwnedMessage::Utf8Fragment(bytes)
        | OwnedMessage::Binary(bytes)
        | OwnedMessage::BinaryFragment(bytes) => bytes.capacity(),
        other => panic!("a message that tests don't know: {other:?}"),
    };
    Some((owned, capacity))
}
