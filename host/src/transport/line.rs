//! A transport, what it has not taken of what was written to it, and how it ends.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::read_buffer;
use crate::clock::{Instant, nanos};

/// How long the end of a transport may take that nobody waits for.
pub const LINGER: Duration = Duration::from_secs(1);

/// The longest frame that is copied into one piece before it is written. Up to this length the copy costs less than a write
/// of two pieces.
const JOINED: usize = 512;

/// The most that is read and thrown away while a connection ends.
const MAX_DRAINED: usize = 16 << 20;

/// A transport with the output that it has not taken, and with its end.
///
/// What is written goes to the transport at once, and only what that doesn't take is kept: mostly nothing, and then there
/// is no buffer. Errors of writing are kept too ([`take_error`](Self::take_error)); what is written after one is dropped.
///
/// # The end
///
/// A socket that is closed with input unread resets the connection, and a reset can overtake the last bytes that were
/// written. So [`end`](Self::end) has what is kept written, closes the direction of writing, and has input read and thrown
/// away until the peer closes too, or time is up.
#[derive(Debug)]
pub struct Line<IO> {
    io: IO,
    /// What the transport has not taken.
    kept: Vec<u8>,
    /// How much of that it has taken since.
    written: usize,
    /// The transport may hold something back until it is flushed.
    unflushed: bool,
    /// Nothing more can be written, because of this.
    error: Option<io::Error>,
    write_closed: bool,
    /// The peer was told that nothing more comes.
    was_shut: bool,
    /// The peer has said that nothing more comes, or is lost.
    eof: bool,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    order: Order,
    until: Instant,
    drained: usize,
    is_over: bool,
}

/// Who closes a transport first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// This side, without waiting for the other.
    First,
    /// The other side: what a client waits for, so that the server is not left with ports in TIME_WAIT (RFC 6455,
    /// section 7.1.1).
    Second,
}

impl<IO> Line<IO> {
    /// A transport on which nothing is under way.
    pub fn new(io: IO) -> Self {
        Self {
            io,
            kept: Vec::new(),
            written: 0,
            unflushed: false,
            error: None,
            write_closed: false,
            was_shut: false,
            eof: false,
            ending: None,
        }
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Returns the transport. Bytes that are read from it or written to it are missing here.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Returns the transport, without what is kept for it.
    pub fn into_inner(self) -> IO {
        self.io
    }

    /// Returns how many bytes wait for the transport to take them.
    pub fn kept(&self) -> usize {
        self.kept.len() - self.written
    }

    /// Whether the transport has to take something before more is written to it.
    pub fn is_blocked(&self) -> bool {
        self.kept() > 0 || self.unflushed
    }

    /// Whether nothing more can be read.
    pub fn is_eof(&self) -> bool {
        self.eof
    }

    /// Returns why writing has failed, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Appends bytes that wait to be written.
    pub fn keep(&mut self, bytes: &[u8]) {
        if !self.write_closed {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// Begins the orderly end of the transport, which takes `time` at most.
    pub fn end(&mut self, order: Order, now: Instant, time: Duration) {
        self.ending.get_or_insert(Ending {
            order,
            until: now.saturating_add(nanos(time)),
            drained: 0,
            is_over: false,
        });
    }

    /// The transport is gone: drops what is kept.
    pub fn abandon(&mut self) {
        self.close_writing();
        self.was_shut = true;
        self.eof = true;
        self.end(Order::First, 0, Duration::ZERO);
    }

    /// Whether the end has begun.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether the transport has ended.
    pub fn is_over(&self) -> bool {
        self.ending.is_some_and(|ending| ending.is_over)
    }

    /// Returns until when the end may take.
    pub fn deadline(&self) -> Option<Instant> {
        let ending = self.ending.filter(|ending| !ending.is_over)?;
        Some(ending.until)
    }

    fn close_writing(&mut self) {
        self.write_closed = true;
        self.kept = Vec::new();
        self.written = 0;
        self.unflushed = false;
    }
}

impl<IO> Line<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Writes what the transport takes, behind what is kept, and keeps the rest.
    pub fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) {
        self.write_parts(cx, &[], bytes);
    }

    /// Writes a header and its payload, in one write if the transport can.
    pub fn write_frame(&mut self, cx: &mut Context<'_>, header: &[u8], payload: &[u8]) {
        let mut joined = [0; JOINED];
        match joined.get_mut(..header.len() + payload.len()) {
            Some(frame) => {
                let (start, rest) = frame.split_at_mut(header.len());
                start.copy_from_slice(header);
                rest.copy_from_slice(payload);
                self.write_parts(cx, &[], frame);
            }
            None => self.write_parts(cx, header, payload),
        }
    }

    fn write_parts(&mut self, cx: &mut Context<'_>, mut header: &[u8], mut payload: &[u8]) {
        while !self.write_closed && self.kept() == 0 && (header.len() + payload.len()) > 0 {
            let io = Pin::new(&mut self.io);
            let result = match header.is_empty() {
                true => io.poll_write(cx, payload),
                false => io.poll_write_vectored(cx, &[IoSlice::new(header), IoSlice::new(payload)]),
            };
            let Poll::Ready(result) = result else { break };
            match accepted(result) {
                Ok(count) => {
                    let (of_header, of_payload) = split(count, header.len());
                    header = header.get(of_header..).unwrap_or_default();
                    payload = payload.get(of_payload..).unwrap_or_default();
                    self.unflushed = true;
                }
                Err(error) => self.failed(error),
            }
        }
        self.keep(header);
        self.keep(payload);
        self.flush_transport(cx);
    }

    /// Writes what is kept. Returns whether the transport took anything.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_blocked() {
            return false;
        }
        let before = (self.kept(), self.unflushed);
        while let Some(rest) = self.kept.get(self.written..)
            && !rest.is_empty()
            && let Poll::Ready(result) = Pin::new(&mut self.io).poll_write(cx, rest)
        {
            match accepted(result) {
                Ok(count) => {
                    self.written += count;
                    self.unflushed = true;
                }
                Err(error) => self.failed(error),
            }
        }
        if self.kept() == 0 {
            self.kept = Vec::new();
            self.written = 0;
        }
        self.flush_transport(cx);
        before != (self.kept(), self.unflushed)
    }

    /// Has a transport that holds something back pass it on.
    fn flush_transport(&mut self, cx: &mut Context<'_>) {
        if self.unflushed
            && self.kept() == 0
            && let Poll::Ready(result) = Pin::new(&mut self.io).poll_flush(cx)
        {
            self.unflushed = false;
            if let Err(error) = result {
                self.failed(error);
            }
        }
    }

    /// Reads into `buffer`. 0 bytes are the end.
    ///
    /// # Errors
    ///
    /// The transport's. There is nothing more to read then.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.eof {
            return Poll::Ready(Ok(0));
        }
        let mut buffer = ReadBuf::new(buffer);
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
        let result = result.map(|()| buffer.filled().len());
        self.eof = matches!(result, Ok(0) | Err(_));
        Poll::Ready(result)
    }

    /// The same into a buffer that has room.
    pub(crate) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        let result = ready!(poll_read_buf(Pin::new(&mut self.io), cx, buffer));
        self.eof = matches!(result, Ok(0) | Err(_));
        Poll::Ready(result)
    }

    /// Tells the peer, once all that is kept is written, that nothing more comes.
    pub fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.was_shut {
            self.poll_flush(cx);
            if self.is_blocked() {
                return Poll::Pending;
            }
            // If it fails the peer knows already.
            let _ = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
            self.was_shut = true;
            self.close_writing();
        }
        Poll::Ready(())
    }

    /// Goes on with the [`end`](Self::end), if it has begun. Ready when the transport has ended: it can be dropped.
    pub fn poll_end(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        while let Some(ending) = self.ending
            && !ending.is_over
        {
            let Ending {
                order,
                until,
                drained,
                ..
            } = ending;
            let is_drained = self.eof || drained >= MAX_DRAINED;
            if now >= until || (self.was_shut && is_drained) {
                self.ending = Some(Ending {
                    is_over: true,
                    ..ending
                });
                break;
            }
            self.poll_flush(cx);
            if self.is_blocked() {
                // One that can't be written to is not waited for.
                return Poll::Pending;
            }
            if !self.was_shut && (order == Order::First || is_drained) {
                ready!(self.poll_shut(cx));
                continue;
            }
            let read = ready!(read_buffer::with(|buffer| self.poll_read(cx, buffer)));
            self.ending = Some(Ending {
                drained: drained + read.unwrap_or(0),
                ..ending
            });
        }
        match self.is_over() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn failed(&mut self, error: io::Error) {
        self.close_writing();
        // Nobody is there to be told.
        self.was_shut = true;
        self.error.get_or_insert(error);
    }
}

/// What a write has taken, which must be something.
fn accepted(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        result => result,
    }
}

/// How many bytes of a header and of what follows it were taken.
fn split(count: usize, header: usize) -> (usize, usize) {
    let of_header = count.min(header);
    (of_header, count - of_header)
}
