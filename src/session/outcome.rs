//! How a session has ended (RFC 6455, sections 7.1.4 to 7.1.6).

use super::Session;
use crate::Failure;
use crate::frame::close::NO_STATUS;

/// The code of a connection that ended without a close frame from the peer.
const ABNORMAL: u16 = 1006;

/// Whose close frame came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Initiator {
    /// This session's.
    Local,
    /// The peer's.
    Peer,
}

/// How a session has ended: [`Session::outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether close frames were sent and received (RFC 6455, section 7.1.4): the W3C's
    /// `wasClean`.
    pub clean: bool,
    /// Whose close frame came first. `None` if there was none.
    pub initiator: Option<Initiator>,
    /// The code of the session's close frame, 1005 if it has none. `None` if its last byte was not
    /// handed out.
    pub sent: Option<u16>,
    /// The code of the peer's close frame, 1005 if it has none. `None` if there was none before the
    /// end or a failure.
    pub received: Option<u16>,
    /// The rule that ended the session, as [`Session::failure`] has it.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Returns the connection's close code (RFC 6455, section 7.1.5), which is the W3C's
    /// `CloseEvent.code`: the peer's, 1005 if its close frame holds none, 1006 if there was
    /// no close frame.
    pub fn code(&self) -> u16 {
        self.received.unwrap_or(ABNORMAL)
    }
}

/// The close frames of a session, by their codes.
#[derive(Default)]
pub(super) struct CloseFrames {
    queued: Option<u16>,
    received: Option<u16>,
    /// The first of them.
    first: Option<Initiator>,
}

impl CloseFrames {
    pub(super) fn queued(&mut self, code: Option<u16>) {
        self.first.get_or_insert(Initiator::Local);
        self.queued = Some(code.unwrap_or(NO_STATUS));
    }

    pub(super) fn received(&mut self, code: Option<u16>) {
        self.first.get_or_insert(Initiator::Peer);
        self.received = Some(code.unwrap_or(NO_STATUS));
    }
}

impl Session {
    /// Returns how the session has ended, once it is [`State::Draining`](crate::State::Draining) or
    /// [`State::Closed`](crate::State::Closed). After that it doesn't change.
    ///
    /// ```
    /// use websocket_component::{Config, Initiator, Instant, Message, Session, State};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut client = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// client.send(Message::CloseWith(1000, b"bye"), None, now)?;
    /// client.take_output(usize::MAX, now);
    /// assert_eq!(client.outcome(), None);
    ///
    /// // The server answers, and the client waits until it closes the transport.
    /// let mut answer = *b"\x88\x02\x03\xe8";
    /// assert!(client.input(&mut answer, now).next().is_some());
    /// assert_eq!(client.state(), State::Draining);
    /// let outcome = client.outcome().expect("it has ended");
    /// assert!(outcome.clean);
    /// assert_eq!(outcome.initiator, Some(Initiator::Local));
    /// assert_eq!(outcome.code(), 1000);
    ///
    /// client.end_of_input(now);
    /// assert_eq!(client.state(), State::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn outcome(&self) -> Option<Outcome> {
        if !self.state().has_ended() {
            return None;
        }
        let CloseFrames {
            queued,
            received,
            first,
        } = self.close_frames;
        let sent = queued.filter(|_| self.sender.is_close_handed_out());
        let initiator = match (sent, received) {
            (None, None) => None,
            (Some(_), None) => Some(Initiator::Local),
            (None, Some(_)) => Some(Initiator::Peer),
            (Some(_), Some(_)) => first,
        };
        Some(Outcome {
            clean: sent.is_some() && received.is_some(),
            initiator,
            sent,
            received,
            failure: self.failure,
        })
    }
}
