//! A session over a transport.

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
///   queue, so several small messages share one write; `poll_ready` waits while 64 KiB are queued.
/// * **Receiving.** Input is read only when all received messages were taken.
/// * **A close frame** is answered with its code when the program receives it, after everything that the program has
///   sent. Without [`Config::reply_to_close`](crate::stream::Config::reply_to_close) the program answers it, for
///   example by sending the received message.
/// * **Ending.** After the last message the stream shuts the transport down, which takes up to
///   [`Timeouts::close`](crate::stream::Timeouts::close) if the peer is slow, and then yields the error that ended it,
///   if there was one, and `None`. A connection that ends without a close frame is an error with the code 1006.
/// * **Cancellation.** Any future of this type may be dropped: nothing that was received or queued is lost.
///
/// An idle stream has no buffers. It needs tokio's timers.
pub struct WebSocketStream<IO> {
    line: Line<IO>,
    pub(super) conversation: Conversation,
    timer: Timer,
    wakers: Wakers,
    /// The half that is polled.
    half: Half,
    role: Role,
    /// As the caller passed it: the session's differs.
    pub(super) config: Config,
    /// A close frame was queued, so nothing more can be.
    close_queued: bool,
    error: Option<Error>,
    reader_was_told: bool,
    pub(super) negotiated: Negotiated,
}

/// How long shutting down the transport may take if the configuration sets no timeout.
const CLOSE_TIME: Duration = Duration::from_secs(10);

/// Whether to read from the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    No,
    /// If all received messages were taken.
    Next,
    /// Even if not, within limits: the program may not be receiving.
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

    /// Sets the result of a handshake made elsewhere, and what was read after it.
    pub(super) fn opened(mut self, negotiated: Negotiated, already_read: Vec<u8>) -> Self {
        self.conversation.give(already_read);
        self.agreed(negotiated);
        self
    }

    /// Sets what was negotiated, after the handshake.
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

    /// Returns the transport. The session is lost, with messages that were read and not received, or queued and not
    /// sent.
    #[must_use]
    pub fn into_inner(self) -> IO {
        self.line.into_inner()
    }

    /// Returns the settings of this WebSocket.
    #[must_use]
    pub fn get_config(&self) -> &Config {
        &self.config
    }

    /// Whether the transport is closed, and nothing more will happen.
    pub(super) fn is_over(&self) -> bool {
        self.line.is_over()
    }

    /// Whether the transport has taken everything that was queued.
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

    /// Queues the close frame, after which nothing more can be sent.
    pub(super) fn queue_close(&mut self, frame: Option<CloseFrame>) {
        self.close_queued = true;
        self.conversation.queue(Message::Close(frame));
    }

    /// Handles a refused message: if it was the close frame, more can be sent.
    pub(super) fn reconsider(&mut self) {
        if self.conversation.state == State::Open && self.conversation.queued() == 0 {
            self.close_queued = false;
        }
    }

    /// Checks that the session could ever queue the message: a longer one isn't passed to the guest, where it may not
    /// fit.
    pub(super) fn measure(&self, message: &Message) -> Result<(), Error> {
        let limit = self.config.limits.queued_output;
        match u64::try_from(message.len()) {
            Ok(length) if length <= limit => Ok(()),
            _ => Err(Error::TooLong { limit }),
        }
    }

    /// Returns why the connection has ended, unless it was closed cleanly.
    pub(super) fn error(&self) -> Option<Error> {
        self.error.clone()
    }

    /// Returns the same to the reader, once.
    pub(super) fn last_error(&mut self) -> Option<Error> {
        let was_told = mem::replace(&mut self.reader_was_told, true);
        self.error().filter(|_| !was_told)
    }

    /// Returns why queued messages were not written, if the connection ended before.
    pub(super) fn unsent(&self) -> Option<Error> {
        let lost = self.error.is_some() || self.conversation.dropped;
        lost.then(|| self.error().unwrap_or(Error::Closed))
    }
}

impl<IO> WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Registers the task that polls a half, and returns the waker for the transport.
    pub(super) fn enter(&mut self, half: Half, cx: &Context<'_>) -> Waker {
        self.half = half;
        self.wakers.register(half, cx);
        self.wakers.waker().clone()
    }

    /// Unregisters the polled half, which is ready.
    pub(super) fn leave(&self) {
        self.wakers.forget(self.half);
    }

    /// Does one step of work. Pending if there is none; the task is woken when there is.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>, reading: Reading) -> Poll<()> {
        let clock = self.conversation.clock;
        if self.line.is_ending() {
            // Only to be woken: `poll_end` checks the deadline.
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
        // Input that has arrived counts before a timeout: the program may not have polled for long.
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

    /// Reads once, and passes the input to the session.
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

    /// Handles `count` more bytes of a long payload, which were read into its buffer.
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

    /// Makes one exchange, and applies its result to the transport.
    fn exchange(&mut self, cx: &mut Context<'_>, input: &mut [u8], can_write: bool) {
        let Self {
            line,
            conversation,
            role,
            ..
        } = self;
        // Nothing may come between the header and its payload.
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

    /// Reports to the session whether the transport took some of the pending output, and whether any is left.
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
        // There is no more input, whatever the session's state.
        self.session_ended();
    }

    /// Ends the transport after the session has ended. The session's remaining output is kept to be written.
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
            // At most as much as it may have queued.
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

/// Returns the masked payload. It is masked in place, or copied if it is shared.
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
