//! A conversation over a transport.

use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::{fmt, io, mem};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, FrameHeader, Role, State};

use super::conversation::Conversation;
use super::engine::Boxed;
use super::error::Error;
use super::message::{CloseFrame, Message};
use super::wakers::{Half, Wakers};
use crate::clock::Clock;
use crate::error::SandboxError;
use crate::failure_close::failure_close;
use crate::sizes::{CAPACITY, MAX_INPUT};
use crate::transport::{Line, Order, Timer, read_buffer};

/// A WebSocket over `IO`.
///
/// A `Stream` of received messages and a `Sink` for those to send; `split` of futures' `StreamExt` makes two halves of
/// it for two tasks. Polling either half works for both: pings are answered, deadlines kept, and the answer to a close
/// frame is written. Nothing happens while neither is polled.
///
/// * **Sending.** `send` and `flush` return when the transport has accepted the message. `feed` and `start_send` only
///   queue, so several small messages go in one write; `poll_ready` waits once 64 KiB are queued.
/// * **Receiving.** Input is read only when every message before it was taken.
/// * **A close frame** is answered with its code when it is received: behind what the program has sent for the messages
///   before it. Without [`Config::reply_to_close`](crate::stream::Config::reply_to_close) the program answers it: what
///   it received it can send.
/// * **The end.** After the last message the stream shuts the transport down, which takes up to
///   [`Timeouts::close`](crate::stream::Timeouts::close) if the peer is slow, and then yields the error that ended it,
///   if there was one, and `None`. A connection that ends without a close frame is an error with the code 1006.
/// * **Cancelling.** Any future of this type may be dropped: nothing that was received or queued is lost.
///
/// An idle stream holds no buffers of its own. It needs tokio's timers.
pub struct WebSocketStream<IO> {
    line: Line<IO>,
    pub(super) conversation: Conversation,
    timer: Timer,
    wakers: Wakers,
    /// The half that is polled.
    half: Half,
    role: Role,
    /// As it was given: the session's differs.
    pub(super) config: Config,
    /// A close frame was queued, so nothing can follow.
    close_queued: bool,
    error: Option<Error>,
    reader_was_told: bool,
    pub(super) negotiated: Negotiated,
}

/// How long the end of a transport may take if the session has no deadline for its own.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// Whether to read from the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    No,
    /// If all that came before was taken.
    Next,
    /// Even if not, within limits: nobody may be there to take it.
    Ahead,
}

impl<IO> WebSocketStream<IO> {
    pub(super) fn new(
        io: IO,
        endpoint: Boxed,
        clock: Clock,
        state: State,
        role: Role,
        config: &Config,
    ) -> Self {
        Self {
            line: Line::new(io),
            conversation: Conversation::new(endpoint, clock, state, config.limits.message),
            timer: Timer::default(),
            wakers: Wakers::new(),
            half: Half::Reader,
            role,
            config: *config,
            close_queued: false,
            error: None,
            reader_was_told: false,
            negotiated: Negotiated::default(),
        }
    }

    /// The handshake was made elsewhere, and this was read behind it.
    pub(super) fn opened(mut self, negotiated: Negotiated, already_read: Vec<u8>) -> Self {
        self.conversation.give(already_read);
        self.agreed(negotiated);
        self
    }

    /// The handshake is over.
    pub(super) fn agreed(&mut self, negotiated: Negotiated) {
        self.conversation.compresses = !negotiated.extensions.is_empty();
        self.negotiated = negotiated;
    }

    /// Returns what was negotiated in the handshake.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// Returns the transport.
    #[must_use]
    pub fn get_ref(&self) -> &IO {
        self.line.get_ref()
    }

    /// Returns the transport. Don't read or write its bytes.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut IO {
        self.line.get_mut()
    }

    /// Returns the transport. What was read and not received, or queued and not sent, is lost with the rest.
    #[must_use]
    pub fn into_inner(self) -> IO {
        self.line.into_inner()
    }

    /// Returns the settings that it was made with.
    #[must_use]
    pub fn get_config(&self) -> &Config {
        &self.config
    }

    /// Whether the transport is closed, and nothing more will happen.
    pub(super) fn is_over(&self) -> bool {
        self.line.is_over()
    }

    /// Whether all that was queued is the transport's.
    pub(super) fn is_flushed(&self) -> bool {
        !self.line.is_blocked() && (self.line.is_ending() || self.conversation.is_flushed())
    }

    /// Whether messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        let takes_messages = match self.conversation.state {
            State::Open => true,
            // The peer has closed, or broken a rule.
            State::Closing => self.conversation.failure.is_none(),
            _ => false,
        };
        takes_messages && !self.close_queued && !self.line.is_ending()
    }

    /// Queues the close frame, after which there is nothing to send.
    pub(super) fn queue_close(&mut self, frame: Option<CloseFrame>) {
        self.close_queued = true;
        self.conversation.queue(Message::Close(frame));
    }

    /// The session refused something: if that was the close frame, more can be sent.
    pub(super) fn reconsider(&mut self) {
        if self.conversation.state == State::Open && self.conversation.queued() == 0 {
            self.close_queued = false;
        }
    }

    /// A message that the session could never queue is not even shown to it: it might not fit in the guest.
    pub(super) fn measure(&self, message: &Message) -> Result<(), Error> {
        let limit = self.config.limits.queued_output;
        match u64::try_from(message.len()) {
            Ok(length) if length <= limit => Ok(()),
            _ => Err(Error::TooLong { limit }),
        }
    }

    /// Why the connection has ended, if not in good order.
    pub(super) fn error(&self) -> Option<Error> {
        self.error.clone()
    }

    /// The same for the reader, who is told once.
    pub(super) fn last_error(&mut self) -> Option<Error> {
        let was_told = mem::replace(&mut self.reader_was_told, true);
        self.error().filter(|_| !was_told)
    }

    /// Why some of what was queued was never written, if the connection ended before.
    pub(super) fn unsent(&self) -> Option<Error> {
        let lost = self.error.is_some() || self.conversation.dropped;
        lost.then(|| self.error().unwrap_or(Error::Closed))
    }
}

impl<IO> WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// A half is polled: its task is the one to wake from now on, by the waker that comes back.
    pub(super) fn enter(&mut self, half: Half, cx: &Context<'_>) -> Waker {
        self.half = half;
        self.wakers.register(half, cx);
        self.wakers.waker().clone()
    }

    /// The half that is polled has what it came for.
    pub(super) fn leave(&self) {
        self.wakers.forget(self.half);
    }

    /// Does one thing that is due. Pending: there is nothing, and the task is woken when there is.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>, reading: Reading) -> Poll<()> {
        let clock = self.conversation.clock;
        if self.line.is_ending() {
            // Whether time is up, the line says.
            self.timer.is_due(cx, &clock, self.line.deadline());
            ready!(self.line.poll_end(cx, clock.now()));
            self.wakers.wake_other(self.half);
            return Poll::Ready(());
        }
        let can_write = !self.line.is_blocked();
        if !can_write {
            if self.line.poll_flush(cx) {
                self.output_moved(true);
            }
            if let Some(error) = self.line.take_error() {
                self.lost(error);
            }
            if self.line.is_ending() || !self.line.is_blocked() {
                self.wakers.wake_other(self.half);
                return Poll::Ready(());
            }
        }
        // What has come already counts before what is due: nobody may have read for long.
        let is_due = self.timer.is_due(cx, &clock, self.conversation.deadline);
        if is_due && self.may_read(Reading::Ahead) && self.poll_input(cx, can_write).is_ready() {
            return Poll::Ready(());
        }
        if is_due || self.conversation.has_work(can_write) {
            self.exchange(cx, &mut [], can_write);
            return Poll::Ready(());
        }
        if self.may_read(reading) {
            return self.poll_input(cx, can_write);
        }
        Poll::Pending
    }

    /// Reads once, and shows it to the session.
    fn poll_input(&mut self, cx: &mut Context<'_>, can_write: bool) -> Poll<()> {
        if let Some(mut place) = self.conversation.place() {
            match ready!(self.line.poll_read_into(cx, &mut place)) {
                Ok(0) => self.end_of_input(cx),
                Ok(count) => self.placed(cx, count),
                Err(error) => self.lost(error),
            }
            return Poll::Ready(());
        }
        read_buffer::with(|buffer| {
            match ready!(self.line.poll_read(cx, buffer)) {
                Ok(0) => self.end_of_input(cx),
                Ok(count) => {
                    let input = buffer.get_mut(..count).unwrap_or_default();
                    self.exchange(cx, input, can_write);
                }
                Err(error) => self.lost(error),
            }
            Poll::Ready(())
        })
    }

    /// `count` more bytes of a long payload are in its buffer.
    fn placed(&mut self, cx: &mut Context<'_>, count: usize) {
        let is_due = self.conversation.is_due();
        if let Err(error) = self.conversation.placed(count) {
            self.guest_ended(error, self.conversation.is_at_boundary());
        } else if is_due {
            self.exchange(cx, &mut [], !self.line.is_blocked());
        }
        if self.half == Half::Writer && self.conversation.has_message() {
            self.wakers.wake_other(self.half);
        }
    }

    fn may_read(&self, reading: Reading) -> bool {
        let conversation = &self.conversation;
        conversation.wants_input()
            && match reading {
                Reading::No => false,
                Reading::Next => !conversation.has_message(),
                Reading::Ahead => conversation.received() < MAX_INPUT,
            }
    }

    /// One exchange, and what follows from it for the transport.
    fn exchange(&mut self, cx: &mut Context<'_>, input: &mut [u8], can_write: bool) {
        let Self {
            line,
            conversation,
            role,
            ..
        } = self;
        // The header may be followed by nothing but its payload.
        let is_free = can_write && !conversation.more;
        let direct = match input.is_empty() && is_free {
            true => conversation.direct(),
            false => Ok(None),
        };
        let result = match direct {
            Ok(Some((header, message))) => {
                match *role {
                    Role::Server => line.write_frame(cx, header.as_bytes(), message.as_bytes()),
                    Role::Client => {
                        let payload = masked(&header, message.into_bytes());
                        line.write_frame(cx, header.as_bytes(), &payload);
                    }
                }
                Ok(())
            }
            Ok(None) => conversation.exchange(input, can_write, |bytes| line.write(cx, bytes)),
            Err(error) => Err(error),
        };
        let lost = line.take_error();
        if let Err(error) = result {
            self.guest_ended(error, lost.is_none() && self.conversation.is_at_boundary());
        } else if let Some(error) = lost {
            self.lost(error);
        } else if self.conversation.state.has_ended() {
            self.session_ended();
        } else if can_write && self.line.is_blocked() {
            self.output_moved(false);
        }
        if self.half == Half::Writer && self.conversation.has_message() {
            self.wakers.wake_other(self.half);
        }
    }

    /// Tells the session whether the transport has taken some of what is kept, and whether any is left.
    fn output_moved(&mut self, taken: bool) {
        let blocked = self.line.is_blocked();
        if let Err(error) = self.conversation.output_moved(taken, blocked) {
            self.guest_ended(error, false);
        }
    }

    fn end_of_input(&mut self, cx: &mut Context<'_>) {
        let now = self.conversation.clock.now();
        if let Err(error) = self.conversation.endpoint.end_of_input(now) {
            return self.guest_ended(error, false);
        }
        self.exchange(cx, &mut [], !self.line.is_blocked());
        // Whatever the session makes of it, there is nothing more to come.
        self.session_ended();
    }

    /// The session is closed. What it still has to say waits to be written.
    fn session_ended(&mut self) {
        if self.is_over() || self.error.is_some() {
            return;
        }
        while self.conversation.more {
            let mut is_last = true;
            let result = self.conversation.exchange(&mut [], true, |bytes| {
                is_last = bytes.is_empty();
                self.line.keep(bytes);
            });
            // No more than it may have queued.
            let most = self.config.limits.queued_output;
            let is_too_much = self.line.kept() as u64 > most.saturating_add(CAPACITY.into());
            if is_last || is_too_much || result.is_err() {
                break;
            }
        }
        self.error = self.conversation.failure.take().map(Error::from);
        let order = match self.role {
            Role::Client if self.error.is_none() => Order::Second,
            _ => Order::First,
        };
        self.end(order);
    }

    fn guest_ended(&mut self, error: SandboxError, can_speak: bool) {
        if can_speak {
            self.line.keep(&failure_close(self.role));
        }
        self.error = Some(error.into());
        self.end(Order::First);
    }

    fn lost(&mut self, error: io::Error) {
        self.error = Some(error.into());
        self.line.abandon();
        self.wakers.wake_other(self.half);
    }

    fn end(&mut self, order: Order) {
        let now = self.conversation.clock.now();
        let time = self.config.timeouts.close.unwrap_or(CLOSE_TIME);
        self.line.end(order, now, time);
        self.wakers.wake_other(self.half);
    }
}

/// The payload as a client writes it: masked where it is, unless somebody else has it too.
fn masked(header: &FrameHeader, payload: Bytes) -> BytesMut {
    let mut payload = BytesMut::from(payload);
    header.mask(&mut payload, 0);
    payload
}

impl<IO: fmt::Debug> fmt::Debug for WebSocketStream<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketStream")
            .field("io", self.line.get_ref())
            .field("state", &self.conversation.state)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
