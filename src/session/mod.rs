//! One WebSocket connection, without its input and output.
//!
//! [`Session`] is driven in one of three ways, on the same state: by [`Session::input`] and
//! [`Session::output`], by the batched [`Session::exchange`] and [`Session::relay`], or by
//! actions in the model of `websocket.dll` ([`Session::get_action`]).

mod actions;
mod clock;
mod close;
mod config;
mod deadlines;
mod direct;
mod event;
mod events;
mod exchange;
mod extensions;
mod handshake;
mod incoming;
mod lifecycle;
mod outcome;
mod owned;
mod pings;
mod queue;
mod send;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::frame::mask::KeySource;
use crate::handshake::{Negotiated, RequestHead, ResponseHead};
use crate::stream::{Assembler, Extensions};
use crate::{Failure, Rule};

pub use crate::stream::EventKind;
pub use actions::{Action, ActionId, ActionQueue, Completion, Received};
pub use clock::Instant;
pub use config::{Config, Delivery, PongPolicy, Role};
pub use direct::FrameHeader;
pub use event::{Event, Message, Sent};
pub use events::Events;
pub use exchange::{EventRecord, Exchanged, Outgoing, Relayed};
pub use incoming::IncomingPayload;
pub use outcome::{Initiator, Outcome};
pub use owned::{NotSent, OwnedMessage};

use actions::Actions;
use deadlines::Deadlines;
use exchange::Exchange;
use handshake::Handshake;
use lifecycle::Life;
use outcome::CloseFrames;
use pings::Pings;
use send::{Compress, Sender};

/// The state of a session: those of the W3C's `WebSocket`, and `Draining` between the last
/// two. `docs/states.md` has all transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The handshake is not complete.
    Connecting,
    /// Messages flow both ways.
    Open,
    /// A close frame was queued or received, and the other is awaited; or the last bytes are
    /// still queued: a close frame, or a response that refuses.
    Closing,
    /// The last byte was handed out, and nothing more will be. The host writes what it has
    /// buffered, shuts down writing (a half-close, TCP's FIN), and reads on, so that no reset
    /// overtakes the last bytes. If the end is [clean](Outcome::clean) it only reads on: this
    /// is a client then, and the server closes first (RFC 6455, section 7.1.1).
    ///
    /// Input is discarded: the host may pass it or drop it. It reports the end of the stream
    /// with [`Session::end_of_input`], and drops the transport.
    /// [`Timeouts::close`](crate::Timeouts::close) limits the wait.
    Draining,
    /// Nothing more will be read or written. The host writes what it has buffered, and drops
    /// the transport.
    Closed,
}

impl State {
    /// Returns whether the session neither takes nor gives anything more: it drains or is closed.
    pub fn has_ended(self) -> bool {
        matches!(self, State::Draining | State::Closed)
    }
}

/// One WebSocket connection, on either side of it (RFC 6455).
///
/// The [crate's documentation](crate#which-call-for-what) has a table of its methods by what they
/// are for.
///
/// A session is deterministic: the same calls give the same bytes. An error whose
/// [`Rule::fault`] is the host changes nothing. Any other one ends the session:
/// what was complete before it is still delivered.
pub struct Session {
    role: Role,
    config: Config,
    life: Life,
    failure: Option<Failure>,
    held: Option<Held>,
    handshake: Handshake,
    request_head: Option<Box<RequestHead>>,
    response: Option<Box<ResponseHead>>,
    negotiated: Option<Negotiated>,
    receiver: Assembler,
    sender: Sender,
    pings: Pings,
    deadlines: Deadlines,
    /// How many bytes the host has passed that were not consumed before the last call, and how
    /// many of them were consumed since.
    given: usize,
    taken: usize,
    /// How many bytes of input were consumed before the last call.
    position: u64,
    /// The host has read a message itself, and may want to answer it before a rule that is broken
    /// after it ends the session.
    has_unanswered: bool,
    close_frames: CloseFrames,
    exchange: Exchange,
    actions: Option<Box<Actions>>,
}

/// A rule that was broken, but has not ended the session yet.
struct Held {
    failure: Failure,
    until: Instant,
}

impl Session {
    /// Creates a session of the client role (`WebSocketCreateClientHandle`).
    ///
    /// `entropy` is at least 32 unpredictable bytes: the key of the handshake and
    /// the mask of each frame are made from them (RFC 6455, section 10.3).
    ///
    /// # Errors
    ///
    /// [`Rule::ConfigOutOfRange`], [`Rule::EntropyTooShort`].
    pub fn client(config: Config, entropy: &[u8], now: Instant) -> Result<Session, Rule> {
        let keys = KeySource::new(entropy)?;
        Session::new(Role::Client, config, Some(keys), now)
    }

    /// Creates a session of the server role (`WebSocketCreateServerHandle`).
    ///
    /// # Errors
    ///
    /// [`Rule::ConfigOutOfRange`].
    pub fn server(config: Config, now: Instant) -> Result<Session, Rule> {
        Session::new(Role::Server, config, None, now)
    }

    /// Creates a client whose handshake something else has made: it starts open. With
    /// [`Config::deflate`] it uses permessage-deflate if that is in `negotiated`, with the
    /// parameters of the server's response.
    ///
    /// # Errors
    ///
    /// As [`Session::client`], and [`Rule::DeflateAnswerInvalid`].
    pub fn open_client(
        config: Config,
        entropy: &[u8],
        negotiated: Negotiated,
        now: Instant,
    ) -> Result<Session, Rule> {
        let mut session = Session::client(config, entropy, now)?;
        session.open(negotiated)?;
        Ok(session)
    }

    /// Creates a server whose handshake something else has made: it starts open. For
    /// permessage-deflate see [`Session::open_client`].
    ///
    /// # Errors
    ///
    /// As [`Session::server`], and [`Rule::DeflateAnswerInvalid`].
    pub fn open_server(
        config: Config,
        negotiated: Negotiated,
        now: Instant,
    ) -> Result<Session, Rule> {
        let mut session = Session::server(config, now)?;
        session.open(negotiated)?;
        Ok(session)
    }

    fn new(
        role: Role,
        config: Config,
        keys: Option<KeySource>,
        now: Instant,
    ) -> Result<Session, Rule> {
        config.check()?;
        let (handshake, sender) = match keys {
            Some(mut keys) => {
                let key = keys.handshake_key();
                let handshake = Handshake::ClientBegins { key };
                (handshake, Sender::new(Some(keys), &config))
            }
            None => (Handshake::ServerBegins, Sender::new(None, &config)),
        };
        Ok(Session {
            role,
            config,
            life: Life::Connecting,
            failure: None,
            held: None,
            handshake,
            request_head: None,
            response: None,
            negotiated: None,
            receiver: Assembler::new(&config.stream(role, Extensions::None)),
            sender,
            pings: Pings::default(),
            deadlines: Deadlines::new(&config.timeouts, now),
            given: 0,
            taken: 0,
            position: 0,
            has_unanswered: false,
            close_frames: CloseFrames::default(),
            exchange: Exchange::default(),
            actions: None,
        })
    }

    /// Returns which side of the connection this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns the session's state.
    pub fn state(&self) -> State {
        self.life.state()
    }

    /// Returns the rule that ended the session, if one was broken, with the details; or the one
    /// that ends it after [`Timeouts::answer`](crate::Timeouts::answer).
    pub fn failure(&self) -> Option<Failure> {
        self.failure.or_else(|| self.awaiting_answers())
    }

    /// Returns whether the host has aborted the session.
    fn is_aborted(&self) -> bool {
        self.failure
            .is_some_and(|failure| failure.rule == Rule::Aborted)
    }

    /// Returns what is known of a rule that the input has just broken: in a frame also where,
    /// and by how much.
    fn locate(&self, rule: Rule) -> Failure {
        let failure = self.describe(rule);
        if !self.life.has_frames() {
            return failure;
        }
        let consumed = self.position + self.taken as u64;
        Failure {
            offset: consumed.checked_sub(self.receiver.consumed_of_frame()),
            value: self.receiver.beyond_limit(rule),
            ..failure
        }
    }

    /// Returns what is known of a rule that was broken, wherever that was.
    fn describe(&self, rule: Rule) -> Failure {
        Failure {
            limit: self.config.limit_of(rule),
            ..Failure::from(rule)
        }
    }

    /// Returns what was negotiated, once the session has opened.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// Queues a send (`WebSocketSend`). [`Session::sent`] returns its context once its last
    /// byte was handed out, or once it was cancelled.
    ///
    /// # Errors
    ///
    /// [`Rule::NotOpen`], [`Rule::AlreadyClosing`], [`Rule::Aborted`],
    /// [`Rule::QueueFull`], or the rule that the message breaks; then nothing was
    /// queued.
    pub fn send(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Rule> {
        self.send_as(message, Compress::IfWorthIt, context, now)
    }

    /// Queues a send that is not compressed, even if permessage-deflate was negotiated: for a
    /// message that mixes secrets with data of others, or that is compressed already. In a
    /// fragmented message the first fragment decides.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn send_uncompressed(
        &mut self,
        message: Message<'_>,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Rule> {
        self.send_as(message, Compress::Never, context, now)
    }

    fn send_as(
        &mut self,
        message: Message<'_>,
        compress: Compress,
        context: Option<u64>,
        now: Instant,
    ) -> Result<(), Rule> {
        self.read_clock(now);
        self.check_open(message.is_ping_or_pong())?;
        match message {
            Message::Close => self.send_close(None, b"", context),
            Message::CloseWith(code, reason) => self.send_close(Some(code), reason, context),
            Message::Ping(payload) => {
                self.sender.push(message, compress, context)?;
                self.pings.queued(payload);
                Ok(())
            }
            _ => self.sender.push(message, compress, context),
        }
    }

    /// Checks that the state of the session lets a message be sent, or a ping or pong.
    #[inline]
    fn check_open(&self, control: bool) -> Result<(), Rule> {
        match self.life {
            _ if self.is_aborted() => Err(Rule::Aborted),
            Life::Connecting => Err(Rule::NotOpen),
            life if life.takes_messages() => Ok(()),
            Life::CloseSent if control => Ok(()),
            _ => Err(Rule::AlreadyClosing),
        }
    }

    /// Returns the next send that was completed or cancelled, in the order of their last
    /// bytes.
    pub fn sent(&mut self) -> Option<Sent> {
        self.sender.pop_done()
    }

    /// Returns what to write next, as much as is contiguous; nothing if nothing is queued.
    /// [`Session::advance`] reports how much of it was written. Until then, these bytes stay
    /// the next ones, whatever else happens.
    pub fn output(&mut self) -> &[u8] {
        self.sender.lend(usize::MAX)
    }

    /// Returns what to write next, as slices for one vectored write; the first of them is what
    /// [`Session::output`] returns. [`Session::advance`] reports how many bytes were written.
    ///
    /// ```
    /// use std::io::{self, IoSlice, Write};
    ///
    /// use websocket_component::{Config, Instant, Message, Session};
    ///
    /// fn write_some(
    ///     session: &mut Session,
    ///     socket: &mut impl Write,
    ///     now: Instant,
    /// ) -> io::Result<usize> {
    ///     let slices: Vec<_> = session.output_slices().map(IoSlice::new).collect();
    ///     let count = socket.write_vectored(&slices)?;
    ///     session.advance(count, now);
    ///     Ok(count)
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let now = Instant::from_nanos(0);
    /// # let mut server = Session::open_server(Config::default(), Default::default(), now)?;
    /// # server.send(Message::Text("Hello"), None, now)?;
    /// # let mut socket = Vec::new();
    /// while server.buffered_amount() > 0 {
    ///     write_some(&mut server, &mut socket, now)?;
    /// }
    /// # assert_eq!(socket, b"\x81\x05Hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn output_slices(&mut self) -> impl Iterator<Item = &[u8]> {
        self.sender.lend_slices()
    }

    /// Reports that the first `count` bytes of [`Session::output`], or of its slices, were
    /// written.
    pub fn advance(&mut self, count: usize, now: Instant) {
        self.read_clock(now);
        let waiting = self.sender.len();
        self.sender.advance(count);
        self.handed_out(waiting);
    }

    /// Removes and returns at most `limit` bytes of what is to be written next.
    pub fn take_output(&mut self, limit: usize, now: Instant) -> Vec<u8> {
        self.read_clock(now);
        let waiting = self.sender.len();
        let output = self.sender.take(limit);
        self.handed_out(waiting);
        output
    }

    /// The messages that were put together for the last input, and what there is of the
    /// next one.
    fn assembled(&self) -> &[u8] {
        self.receiver.assembled()
    }

    /// Returns how many bytes are queued and not handed out yet, as they go on the wire.
    pub fn buffered_amount(&self) -> usize {
        self.sender.len()
    }
}
