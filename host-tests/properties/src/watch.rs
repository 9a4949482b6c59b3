//! Invariants of every exchange.

use std::str;

use host_tests::{Event, ExchangeResult, Failure};
use websocket_component::{Delivery, PongPolicy, State};

use crate::case::{Case, Start};

/// Checks the exchanges of a session whose host sends nothing.
pub(crate) struct Watch<'a> {
    case: &'a Case,
    state: State,
    failure: Option<Failure>,
    /// The handshake is over.
    opened: bool,
    /// A close frame was received.
    closed: bool,
    /// The received part of a message in pieces, and whether it is text.
    pieces: Option<(bool, Vec<u8>)>,
    /// Everything that was received.
    pub(crate) events: Vec<Event>,
    /// Everything that was written.
    pub(crate) output: Vec<u8>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        Watch {
            case,
            state: State::Connecting,
            failure: None,
            opened: !case.begins_with_heads(),
            closed: false,
            pieces: None,
            events: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Checks an exchange that was passed `given` bytes.
    pub(crate) fn exchanged(&mut self, given: usize, capacity: u32, result: ExchangeResult) {
        assert!(result.consumed <= given, "more consumed than given");
        assert!(
            result.output.len() <= capacity.max(1) as usize,
            "a result that is too full"
        );
        assert!(
            self.failure.is_none() || result.events.is_empty(),
            "heard after {:?}: {:?}",
            self.failure,
            result.events
        );
        for event in &result.events {
            assert!(!self.closed, "heard after a close: {event:?}");
            self.event(event);
        }
        self.lives_on(&result);
        self.events.extend(result.events);
        self.output.extend(result.output);
    }

    /// A part of a message that was read outside the session.
    pub(crate) fn read_outside(&mut self, event: Event) {
        assert!(!self.closed, "heard after a close: {event:?}");
        self.event(&event);
        self.events.push(event);
    }

    /// Checks that states only advance, and that the failure doesn't change.
    fn lives_on(&mut self, result: &ExchangeResult) {
        assert!(
            age(result.state) >= age(self.state),
            "{:?} again",
            result.state
        );
        if matches!(self.state, State::Draining | State::Closed) {
            assert!(result.output.is_empty(), "written after the last byte");
        }
        self.state = result.state;
        if result.state == State::Closed {
            assert_eq!(result.next_deadline, None, "a deadline of a closed session");
            assert!(
                result.output.is_empty() || !result.more,
                "closed with more to write"
            );
        }
        assert!(
            self.failure.is_none() || result.failure == self.failure,
            "{:?} became {:?}",
            self.failure,
            result.failure
        );
        self.failure.clone_from(&result.failure);
    }

    fn event(&mut self, event: &Event) {
        let config = &self.case.config;
        match event {
            Event::Request | Event::Opened => {
                assert!(!self.opened, "opened twice");
                self.opened = true;
                return;
            }
            Event::Text { payload, last } => self.piece(true, payload, *last),
            Event::Binary { payload, last } => self.piece(false, payload, *last),
            Event::ExtensionFrame { bits, payload } => {
                assert_eq!(self.case.start, Start::OpenWithExtension);
                assert!(bits & 0x0f <= 2, "not a data frame: {bits:02x}");
                assert!(payload.len() as u64 <= config.limits.frame);
            }
            Event::Ping(payload) => {
                assert!(config.report_control_frames || config.pongs == PongPolicy::Manual);
                assert!(payload.len() <= 125);
            }
            Event::Pong(payload, round_trip) => {
                assert!(config.report_control_frames);
                assert!(payload.len() <= 125);
                assert_eq!(*round_trip, None, "the answer to no ping");
            }
            Event::Close(code, reason) => {
                self.closed = true;
                assert!(is_shown(*code), "close code {code}");
                assert!(reason.len() <= 123 && str::from_utf8(reason).is_ok());
            }
            Event::Sent(_) | Event::Cancelled(_) => panic!("nothing was sent"),
        }
        assert!(self.opened, "heard before the handshake is over: {event:?}");
    }

    fn piece(&mut self, text: bool, payload: &[u8], last: bool) {
        let config = &self.case.config;
        assert_ne!(
            self.case.start,
            Start::OpenWithExtension,
            "frames are the host's"
        );
        if config.delivery == Delivery::Messages {
            assert!(last || config.leave_payloads.is_some(), "a piece");
        } else if config.leave_payloads.is_none() {
            assert!(
                payload.len() <= config.receive_buffer.max(config.max_whole_frame) as usize,
                "a long piece"
            );
        }
        let (of_text, bytes) = self.pieces.get_or_insert_with(|| (text, Vec::new()));
        assert_eq!(*of_text, text, "pieces of another kind");
        bytes.extend_from_slice(payload);
        assert!(
            bytes.len() as u64 <= config.limits.message,
            "a long message"
        );
        if text && config.verify_utf8 {
            match str::from_utf8(bytes) {
                Ok(_) => {}
                Err(error) => assert!(!last && error.error_len().is_none(), "not UTF-8"),
            }
        }
        if last {
            self.pieces = None;
        }
    }
}

/// Whether a close can be reported with this code (RFC 6455, section 7.4): one that may be sent, or 1005.
fn is_shown(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1005 | 1007..=1014 | 3000..=4999)
}

/// Returns the rank of a state, which only increases.
pub(crate) fn age(state: State) -> u8 {
    match state {
        State::Connecting => 0,
        State::Open => 1,
        State::Closing => 2,
        State::Draining => 3,
        State::Closed => 4,
        other => panic!("a state that comes when? {other:?}"),
    }
}
