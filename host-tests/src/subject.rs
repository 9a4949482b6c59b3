//! A session under test whose peer is the test.

use std::time::Duration;

use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Instant, Message, Outgoing, Role, Rule, State};

use crate::engine::{Engine, Event, ExchangeResult, Failure, START};
use crate::wire::{self, Frame};

/// How many bytes an exchange of a subject's takes.
const CAPACITY: u32 = 1 << 30;

/// A session under test, driven in batches. The test is its peer, which sends raw bytes, and its host.
///
/// ```
/// use host_tests::{Event, Frame, Native, Subject};
/// use websocket_component::{Config, Role};
///
/// let mut subject = Subject::<Native>::open(Role::Server, &Config::default());
/// let events = subject.receives_frames(&[Frame::text("hello"), Frame::ping("?")]);
/// assert_eq!(events, [Event::text("hello")]);
/// assert_eq!(subject.writes(), [Frame::pong("?")]);
/// ```
pub struct Subject<E> {
    pub engine: E,
    pub role: Role,
    pub now: Instant,
    /// What the session wrote and the test hasn't looked at.
    written: Vec<u8>,
    /// What was said and the session hasn't consumed.
    unread: Vec<u8>,
}

impl<E: Engine> Subject<E> {
    /// A session that starts open.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn open(role: Role, config: &Config) -> Self {
        Subject::open_with(role, config, &Negotiated::default())
    }

    /// A session that starts open, with what was negotiated.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn open_with(role: Role, config: &Config, negotiated: &Negotiated) -> Self {
        Subject::of(role, E::open(role, config, negotiated).unwrap())
    }

    /// A session before its handshake.
    ///
    /// # Panics
    ///
    /// If the configuration is refused.
    #[must_use]
    pub fn new(role: Role, config: &Config) -> Self {
        Subject::of(role, E::new(role, config).unwrap())
    }

    /// The session, at the time that it was made.
    fn of(role: Role, engine: E) -> Self {
        let mut subject = Subject {
            engine,
            role,
            now: START,
            written: Vec::new(),
            unread: Vec::new(),
        };
        subject.receives(b"");
        subject
    }

    /// The peer sends bytes. Returns the events.
    pub fn receives(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Event> {
        self.unread.extend_from_slice(bytes.as_ref());
        let mut events = Vec::new();
        loop {
            let result = self.exchange(&[]);
            let progress = result.consumed > 0 || !result.events.is_empty();
            events.extend(result.events);
            if !(result.more || progress && !self.unread.is_empty()) {
                return events;
            }
        }
    }

    /// The peer sends frames, masked as its role asks for.
    pub fn receives_frames(&mut self, frames: &[Frame]) -> Vec<Event> {
        self.receives(self.peers(frames))
    }

    /// The bytes of frames of the peer's.
    #[must_use]
    pub fn peers(&self, frames: &[Frame]) -> Vec<u8> {
        wire::bytes_of(frames, self.role.peer())
    }

    /// An exchange with what was sent and not consumed.
    pub fn exchange(&mut self, outgoing: &[Outgoing<'_>]) -> ExchangeResult {
        self.exchange_within(outgoing, CAPACITY)
    }

    /// An exchange that takes no more than this.
    pub fn exchange_within(&mut self, outgoing: &[Outgoing<'_>], capacity: u32) -> ExchangeResult {
        let result = self
            .engine
            .exchange(&self.unread, outgoing, self.now, capacity);
        self.unread.drain(..result.consumed);
        self.written.extend_from_slice(&result.output);
        result
    }

    /// The host sends, and the session writes as much as it wants.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks.
    pub fn sends(&mut self, message: Message<'_>) -> Result<(), Failure> {
        let result = self.exchange(&[message.into()]);
        result.refused.map_or(Ok(()), Err)
    }

    /// The host sends, and nothing is written yet.
    ///
    /// # Errors
    ///
    /// The rule that the message breaks.
    pub fn queues(&mut self, message: Message<'_>) -> Result<(), Failure> {
        self.engine.send(message, None, self.now)
    }

    /// Time passes, and the session is called when it is over.
    pub fn waits(&mut self, span: Duration) -> Vec<Event> {
        self.now = self.now.after(span);
        self.receives(b"")
    }

    /// The frames that were written since the last look, without their keys: a client masks, a server doesn't.
    ///
    /// # Panics
    ///
    /// If they are not whole frames, or not masked as the role asks for.
    #[track_caller]
    pub fn writes(&mut self) -> Vec<Frame> {
        let bytes = self.writes_bytes();
        let frames = wire::read_frames(&bytes);
        let unmasked = |frame: Frame| {
            assert_eq!(frame.key.is_some(), self.role == Role::Client);
            Frame { key: None, ..frame }
        };
        frames.into_iter().map(unmasked).collect()
    }

    /// The bytes that were written since the last look.
    pub fn writes_bytes(&mut self) -> Vec<u8> {
        self.receives(b"");
        std::mem::take(&mut self.written)
    }

    /// The head that was written since the last look.
    ///
    /// # Panics
    ///
    /// If it isn't ASCII.
    pub fn writes_text(&mut self) -> String {
        String::from_utf8(self.writes_bytes()).expect("a head in ASCII")
    }

    pub fn state(&mut self) -> State {
        self.engine.state()
    }

    /// The rule that ended the session.
    pub fn failed_by(&mut self) -> Option<Rule> {
        self.engine.failure().map(|failure| failure.rule)
    }

    /// How long until the next deadline.
    pub fn next_deadline(&mut self) -> Option<Duration> {
        let at = self.engine.next_deadline()?;
        Some(at.since(self.now))
    }

    /// Checks the consequences of a rule that the peer broke: the session reports it, the close frame with its code and
    /// a reason that names it is the last thing written, further input is ignored, and the end of the peer's stream
    /// closes the session.
    ///
    /// # Panics
    ///
    /// If something else followed.
    #[track_caller]
    pub fn has_failed(&mut self, rule: Rule) -> Vec<Frame> {
        let failure = self.engine.failure().expect("the session has failed");
        assert_eq!(failure, Failure::from(rule));
        let mut written = self.writes();
        let code = rule.close_code().expect("the rule has a code");
        let last = written.pop().expect("a close frame was written");
        assert_eq!(last, Frame::close(code, rule.description()));
        assert_eq!(self.state(), State::Draining);
        let more = [Frame::text("more"), Frame::ping(""), Frame::close(1000, "")];
        assert_eq!(self.receives_frames(&more), [], "heard after the end");
        assert_eq!(self.writes(), [], "written after the close");
        assert_eq!(self.state(), State::Draining);
        self.engine.end_of_input(self.now);
        assert_eq!(self.state(), State::Closed);
        assert_eq!(self.next_deadline(), None);
        assert_eq!(self.engine.failure(), Some(failure));
        written
    }
}
