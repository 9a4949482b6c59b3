//! A socket: in a task while its connection opens, then in a worker's event loop.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mio::event::Event;
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
#[cfg(unix)]
use tokio_util::either::Either;
use websocket_host::driver::{Transport, with_read_buffer};

use crate::address::Peer;

/// A nonblocking socket.
///
/// In a task, tokio wakes the task when it is ready. In a worker, the event loop tells the socket what is ready, so
/// that it makes only system calls that can succeed.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// Bytes that were read ahead.
    ahead: Bytes,
    reads_ahead: bool,
}

#[derive(Debug)]
enum Stream {
    Task(InTask),
    Loop(InLoop, Ready),
    /// It was reset, or could not be moved to an event loop.
    Gone,
}

#[cfg(unix)]
type InTask = Either<TcpStream, UnixStream>;
#[cfg(not(unix))]
type InTask = TcpStream;

/// TCP or Unix.
#[cfg(unix)]
type InLoop = socket2::Socket;
#[cfg(not(unix))]
type InLoop = mio::net::TcpStream;

/// The readiness of a socket since the last event.
#[derive(Debug)]
struct Ready {
    reading: bool,
    /// The peer has shut down its half: reading will reach the end.
    read_closed: bool,
    writing: bool,
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        // Messages are sent at once. If the option can't be set, the connection still works.
        let _ = stream.set_nodelay(true);
        #[cfg(unix)]
        let stream = Either::Left(stream);
        Self::new(stream)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::new(Either::Right(stream))
    }
}

impl Socket {
    fn new(stream: InTask) -> Self {
        Self {
            stream: Stream::Task(stream),
            ahead: Bytes::new(),
            reads_ahead: false,
        }
    }

    /// Returns the address that a client has connected to.
    pub(crate) fn local_address(&self) -> io::Result<Peer> {
        match &self.stream {
            #[cfg(unix)]
            Stream::Task(Either::Left(stream)) => Ok(stream.local_addr()?.into()),
            #[cfg(not(unix))]
            Stream::Task(stream) => Ok(stream.local_addr()?.into()),
            _ => Ok(Peer::Unix),
        }
    }

    /// Puts bytes back, to be read again.
    pub(crate) fn unread(&mut self, bytes: Vec<u8>) {
        self.ahead = bytes.into();
    }

    /// Reads as much as possible at once, even for callers such as TLS that read a little at a time.
    pub(crate) fn read_ahead(&mut self) {
        self.reads_ahead = true;
    }

    /// Moves the socket from its task to an event loop.
    pub(crate) fn leave_task(&mut self) -> io::Result<()> {
        if let Stream::Task(stream) = mem::replace(&mut self.stream, Stream::Gone) {
            let ready = Ready {
                reading: false,
                read_closed: false,
                // If it isn't writable, the first write finds out.
                writing: true,
            };
            self.stream = Stream::Loop(leave_task(stream)?, ready);
        }
        Ok(())
    }

    /// Registers the socket with an event loop.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.stream {
            Stream::Loop(stream, _) => register(stream, registry, token),
            Stream::Task(_) | Stream::Gone => Ok(()),
        }
    }

    /// Handles a readiness event.
    pub(crate) fn is_ready(&mut self, event: &Event) {
        if let Stream::Loop(_, ready) = &mut self.stream {
            ready.reading |= event.is_readable();
            ready.read_closed |= event.is_read_closed() || event.is_error();
            ready.writing |= event.is_writable();
        }
    }
}

#[cfg(unix)]
fn leave_task(stream: InTask) -> io::Result<InLoop> {
    Ok(match stream {
        Either::Left(stream) => stream.into_std()?.into(),
        Either::Right(stream) => stream.into_std()?.into(),
    })
}

#[cfg(unix)]
fn register(stream: &InLoop, registry: &Registry, token: Token) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let source = &mut mio::unix::SourceFd(&stream.as_raw_fd());
    registry.register(source, token, Interest::READABLE | Interest::WRITABLE)
}

#[cfg(not(unix))]
fn leave_task(stream: InTask) -> io::Result<InLoop> {
    Ok(mio::net::TcpStream::from_std(stream.into_std()?))
}

#[cfg(not(unix))]
fn register(stream: &mut InLoop, registry: &Registry, token: Token) -> io::Result<()> {
    registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
}

impl Ready {
    /// Updates the readiness after a read into `room` bytes. The system doesn't report an end of input twice.
    fn read(&mut self, result: io::Result<usize>, room: usize) -> Poll<io::Result<usize>> {
        let read = until_short(&mut self.reading, result, room);
        self.reading |= self.read_closed && read.is_ready();
        read
    }

    /// Updates the readiness after a write of `length` bytes.
    fn wrote(&mut self, result: io::Result<usize>, length: usize) -> Poll<io::Result<usize>> {
        until_short(&mut self.writing, result, length)
    }
}

/// Updates the readiness: a socket stays ready while reads and writes are complete. After a short one, the system
/// reports when it is ready again.
fn until_short(
    is_ready: &mut bool,
    result: io::Result<usize>,
    wanted: usize,
) -> Poll<io::Result<usize>> {
    match result {
        Ok(count) => {
            *is_ready = count == wanted;
            Poll::Ready(Ok(count))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            *is_ready = false;
            Poll::Pending
        }
        Err(error) => Poll::Ready(Err(error)),
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let count = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        match &mut this.stream {
            Stream::Task(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Loop(_, ready) if !ready.reading => Poll::Pending,
            Stream::Loop(stream, ready) => {
                let room = buffer.initialize_unfilled();
                let read = match this.reads_ahead {
                    true => read_ahead(stream, ready, room, &mut this.ahead),
                    false => ready.read(until_done(|| stream.read(room)), room.len()),
                };
                read.map_ok(|count| buffer.advance(count))
            }
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// Reads into `room`, and keeps what doesn't fit.
fn read_ahead(
    stream: &mut InLoop,
    ready: &mut Ready,
    room: &mut [u8],
    ahead: &mut Bytes,
) -> Poll<io::Result<usize>> {
    with_read_buffer(|beyond| {
        let length = room.len() + beyond.len();
        let slices = &mut [IoSliceMut::new(room), IoSliceMut::new(beyond)];
        let result = until_done(|| stream.read_vectored(slices));
        ready.read(result, length).map_ok(|count| {
            let in_room = count.min(room.len());
            *ahead = Bytes::copy_from_slice(beyond.get(..count - in_room).unwrap_or_default());
            in_room
        })
    })
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Task(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Loop(_, ready) if !ready.writing => Poll::Pending,
            Stream::Loop(stream, ready) => {
                ready.wrote(until_done(|| stream.write(bytes)), bytes.len())
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Task(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Loop(_, ready) if !ready.writing => Poll::Pending,
            Stream::Loop(stream, ready) => {
                let length = slices.iter().map(|slice| slice.len()).sum();
                ready.wrote(until_done(|| stream.write_vectored(slices)), length)
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Task(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Loop(stream, _) => Poll::Ready(stream.shutdown(Shutdown::Write)),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl Transport for Socket {
    fn reset(&mut self) {
        let at_once = Some(Duration::ZERO);
        // If it can't be set, the peer sees a normal end of the stream without a close frame, as with a Unix socket.
        let _ = match &self.stream {
            #[cfg(unix)]
            Stream::Task(Either::Left(stream)) => SockRef::from(stream).set_linger(at_once),
            #[cfg(not(unix))]
            Stream::Task(stream) => SockRef::from(stream).set_linger(at_once),
            Stream::Loop(stream, _) => SockRef::from(stream).set_linger(at_once),
            _ => Ok(()),
        };
        // Closing it resets it.
        self.stream = Stream::Gone;
    }
}

/// Retries a call that a signal has interrupted.
fn until_done(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
