//! A transport with its pending output and its shutdown.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::read_buffer;
use crate::clock::{Instant, nanos};

/// How long an orderly shutdown may take by default.
pub const LINGER: Duration = Duration::from_secs(1);

/// The longest frame that is copied to be written contiguously. Up to this length the copy costs less than a vectored
/// write.
const JOINED: usize = 512;

/// The maximum input that is discarded while a connection ends.
const MAX_DRAINED: usize = 16 << 20;

/// A transport with its pending output and its shutdown.
///
/// Output is written to the transport at once, and only what it doesn't take is buffered: mostly nothing, and then
/// there is no buffer. Write errors are kept, too ([`take_error`](Self::take_error)); output after an error is dropped.
///
/// # Ending
///
/// Closing a socket with unread input resets the connection, and the reset can overtake the last bytes that were
/// written. So [`end`](Self::end) writes the pending output, shuts down the write half, and discards input until the
/// peer closes, too, or the time is up.
#[derive(Debug)]
pub struct Line<IO> {
    io: IO,
    /// Output that the transport has not taken.
    kept: Vec<u8>,
    /// How many bytes of `kept` it has taken since.
    written: usize,
    /// The transport may have buffered output until it is flushed.
    unflushed: bool,
    /// The error after which nothing more can be written.
    error: Option<io::Error>,
    write_closed: bool,
    /// The write half was shut down.
    was_shut: bool,
    /// The peer has shut down its write half, or is lost.
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
    /// This side, without waiting for the peer.
    First,
    /// The peer. A client waits for the server, which then holds the TIME_WAIT state (RFC 6455, section 7.1.1).
    Second,
}

impl<IO> Line<IO> {
    /// Creates a line without pending output.
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

    /// Returns the transport. Don't read or write its bytes.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Returns the transport. Pending output is dropped.
    pub fn into_inner(self) -> IO {
        self.io
    }

    /// Returns how many bytes of output are pending.
    pub fn kept(&self) -> usize {
        self.kept.len() - self.written
    }

    /// Returns whether output is pending, so that no more should be written.
    pub fn is_blocked(&self) -> bool {
        self.kept() > 0 || self.unflushed
    }

    /// Returns whether the input has ended.
    pub fn is_eof(&self) -> bool {
        self.eof
    }

    /// Takes the error of a failed write.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Appends bytes to the pending output without writing.
    pub fn keep(&mut self, bytes: &[u8]) {
        if !self.write_closed {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// Begins an orderly shutdown of the transport, which takes `time` at most.
    pub fn end(&mut self, order: Order, now: Instant, time: Duration) {
        self.ending.get_or_insert(Ending {
            order,
            until: now.saturating_add(nanos(time)),
            drained: 0,
            is_over: false,
        });
    }

    /// Ends the line at once, and drops the pending output.
    pub fn abandon(&mut self) {
        self.close_writing();
        self.was_shut = true;
        self.eof = true;
        self.end(Order::First, 0, Duration::ZERO);
    }

    /// Returns whether the shutdown has begun.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Returns whether the transport has ended.
    pub fn is_over(&self) -> bool {
        self.ending.is_some_and(|ending| ending.is_over)
    }

    /// Returns the deadline of the shutdown, if it has begun.
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
    /// Writes bytes after the pending output, and keeps what the transport doesn't take.
    pub fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) {
        self.write_parts(cx, &[], bytes);
    }

    /// Writes a header and its payload, in one write if possible.
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

    /// Writes pending output. Returns whether the transport took any.
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

    /// Flushes a transport that may have buffered output.
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

    /// Reads into `buffer`. 0 bytes mean the end of input.
    ///
    /// # Errors
    ///
    /// The transport failed; there is nothing more to read.
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

    /// Reads into a buffer that has capacity.
    pub(crate) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        let result = ready!(poll_read_buf(Pin::new(&mut self.io), cx, buffer));
        self.eof = matches!(result, Ok(0) | Err(_));
        Poll::Ready(result)
    }

    /// Writes the pending output, then shuts down the write half.
    pub fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.was_shut {
            self.poll_flush(cx);
            if self.is_blocked() {
                return Poll::Pending;
            }
            // It fails only if the connection is gone already.
            let _ = ready!(Pin::new(&mut self.io).poll_shutdown(cx));
            self.was_shut = true;
            self.close_writing();
        }
        Poll::Ready(())
    }

    /// Continues the shutdown that [`end`](Self::end) has begun. Ready when the transport can be dropped.
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
                // The deadline ends a transport that stays blocked.
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
        // The connection is gone: there is nothing to shut down.
        self.was_shut = true;
        self.error.get_or_insert(error);
    }
}

/// Returns how many bytes a write took; 0 is an error.
fn accepted(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        result => result,
    }
}

/// Splits the length of a write into bytes of the header and of the payload.
fn split(count: usize, header: usize) -> (usize, usize) {
    let of_header = count.min(header);
    (of_header, count - of_header)
}
