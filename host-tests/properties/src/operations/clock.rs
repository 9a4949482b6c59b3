//! Whether time may end a session: the deadlines, by what their documentation says.
//!
//! Each check is a bound from below, reckoned apart from the engine: a peer that a session declares dead had at least its
//! time, of which the time in which the host doesn't read is none.

use std::time::Duration;

use websocket_component::{Instant, Rule, Timeouts};

pub(super) struct Clock {
    /// The latest reading that the session was given.
    pub(super) now: Instant,
    /// How long the host has read.
    reading: Duration,
    paused: bool,
    /// When the session was made, in the time of reading, as all below.
    made: Duration,
    /// When bytes last came that hadn't come before.
    input: Duration,
    /// When the last message ended.
    message: Duration,
    /// When the first ping since the last input was handed out, or when the transport last took output after that.
    ping: Option<Duration>,
    close: Option<Duration>,
    /// When output was last handed out, or none waited.
    output: Instant,
    blocked: Option<Instant>,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Clock {
        Clock {
            now,
            reading: Duration::ZERO,
            paused: false,
            made: Duration::ZERO,
            input: Duration::ZERO,
            message: Duration::ZERO,
            ping: None,
            close: None,
            output: now,
            blocked: None,
        }
    }

    /// The session is called; a reading that is earlier than the last counts as the last.
    pub(super) fn read(&mut self, now: Instant, waiting: usize) {
        if !self.paused {
            self.reading += now.since(self.now);
        }
        self.now = self.now.max(now);
        if waiting == 0 {
            self.output = self.now;
        }
    }

    pub(super) fn input(&mut self) {
        self.input = self.reading;
        self.ping = None;
    }

    pub(super) fn opened(&mut self) {
        self.input = self.reading;
        self.message = self.reading;
    }

    pub(super) fn message_ended(&mut self) {
        self.message = self.reading;
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn blocked(&mut self) {
        self.blocked.get_or_insert(self.now);
    }

    pub(super) fn taken(&mut self) {
        self.blocked = None;
        self.output = self.now;
        self.ping = self.ping.map(|_| self.reading);
    }

    pub(super) fn handed_out(&mut self) {
        self.output = self.now;
    }

    pub(super) fn ping_handed_out(&mut self) {
        self.ping.get_or_insert(self.reading);
    }

    pub(super) fn close_handed_out(&mut self) {
        self.close.get_or_insert(self.reading);
    }

    /// Panics if the session failed before its peer had its time.
    pub(super) fn allows(&self, rule: Rule, timeouts: &Timeouts) {
        let since = |mark| Some(self.reading - mark);
        let (passed, span) = match rule {
            Rule::HandshakeTimeout => (since(self.made), timeouts.handshake),
            Rule::IdleTimeout => (since(self.input), timeouts.idle),
            Rule::MessageTimeout => (since(self.message), timeouts.message),
            Rule::PongTimeout => (self.ping.and_then(since), timeouts.pong),
            Rule::CloseTimeout => (self.close.and_then(since), timeouts.close),
            Rule::WriteTimeout => {
                let since = self.blocked.unwrap_or(self.output);
                (Some(self.now.since(since)), timeouts.write)
            }
            _ => return,
        };
        assert!(
            passed
                .zip(span)
                .is_some_and(|(passed, span)| passed >= span),
            "{rule:?} after {passed:?} of {span:?}"
        );
        assert!(
            !self.paused || rule == Rule::WriteTimeout,
            "{rule:?} though the host doesn't read"
        );
    }
}
