//! A socket, and the output that it has not taken.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::buffers;
use crate::record::{Track, Way};

/// A socket without buffers, as long as it takes what it is given.
#[derive(Debug)]
pub(crate) struct Socket {
    /// None once it was reset.
    stream: Option<TcpStream>,
    /// Output that the socket has not taken.
    out: Vec<u8>,
    /// How much of it the socket has taken since.
    written: usize,
    /// Nothing more can be written.
    write_closed: bool,
    /// The peer was told that nothing more comes.
    shut: bool,
    track: Option<Box<Track>>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Messages go out as they come. That it can't be set is no reason to refuse the connection.
        let _ = stream.set_nodelay(true);
        Self {
            stream: Some(stream),
            out: Vec::new(),
            written: 0,
            write_closed: false,
            shut: false,
            track: None,
        }
    }

    /// Has all that goes through it recorded.
    pub(crate) fn record(&mut self, track: Track) {
        self.track = Some(Box::new(track));
    }

    /// Writes what the socket takes now and keeps the rest, behind what is kept already.
    pub(crate) fn write(&mut self, mut output: &[u8]) {
        if let Some(track) = &self.track {
            track.note(Way::Out, output);
        }
        while let Some(stream) = &self.stream
            && self.out.is_empty()
            && !output.is_empty()
            && !self.write_closed
        {
            match stream.try_write(output) {
                Ok(count) => output = output.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.write_closed = true,
            }
        }
        if !self.write_closed {
            self.out.extend_from_slice(output);
        }
    }

    /// Writes what is kept. Returns whether any of it went.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.written;
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty())
            && let Some(stream) = &mut self.stream
        {
            match Pin::new(stream).poll_write(cx, rest) {
                Poll::Pending => return self.written > before,
                Poll::Ready(Ok(count)) if count > 0 => self.written += count,
                Poll::Ready(_) => {
                    self.write_closed = true;
                    break;
                }
            }
        }
        self.written = 0;
        !mem::take(&mut self.out).is_empty()
    }

    /// Reads into `buffer`. An end, of whatever kind, is 0 bytes.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(0);
        };
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(stream).poll_read(cx, &mut buffer);
        if let Some(track) = &self.track {
            track.note(Way::In, buffer.filled());
        }
        read.map(|result| result.map_or(0, |()| buffer.filled().len()))
    }

    /// Tells the peer, once, that nothing more comes.
    pub(crate) fn poll_shut(&mut self, cx: &mut Context<'_>) {
        if !mem::replace(&mut self.shut, true)
            && let Some(stream) = &mut self.stream
        {
            // On a socket it never has to wait, and if it fails the peer knows already.
            let _ = Pin::new(stream).poll_shutdown(cx);
        }
    }

    /// Resets the connection, and drops what is kept.
    pub(crate) fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            // If it can't be set, the peer sees an end where it saw no close frame.
            let _ = stream.set_zero_linger();
        }
        self.out = Vec::new();
        self.written = 0;
        self.write_closed = true;
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> usize {
        self.out.len() - self.written
    }

    /// Writes what is kept, and then waits for the peer to end the connection too, but not for long.
    ///
    /// A socket that is closed with input that nobody has read is reset, and with the reset the peer may lose the last
    /// bytes that it was sent.
    pub(crate) async fn linger(mut self) {
        /// How long the peer may take.
        const TIME: Duration = Duration::from_secs(1);
        /// How much it may still send.
        const MOST: usize = 16 << 20;
        let mut read = 0;
        let ends = poll_fn(|cx| {
            self.poll_flush(cx);
            if self.kept() > 0 {
                return Poll::Pending;
            }
            self.poll_shut(cx);
            while read < MOST && !self.write_closed {
                match buffers::with(|buffers| self.poll_read(cx, &mut buffers.input)) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(0) => break,
                    Poll::Ready(count) => read += count,
                }
            }
            Poll::Ready(())
        });
        // Whether it did or not, the socket is closed now.
        let _ = timeout(TIME, ends).await;
    }
}
