//! A socket: in a task while its connection opens, and then in a worker's loop.

use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use mio::event::Event;
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use websocket_host::driver::Transport;

use crate::record::{Track, Way};

/// A socket that waits for nothing.
///
/// Tokio's wakes the task that it is in. That of a worker wakes nobody: the loop is told by the system what is ready,
/// and tells it, so that it asks the system only for what there is.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    track: Option<Box<Track>>,
}

#[derive(Debug)]
enum Stream {
    Task(tokio::net::TcpStream),
    Loop(mio::net::TcpStream, Ready),
    /// It was reset, or could not be moved to a loop.
    Gone,
}

/// What is known of a socket since the system told last.
#[derive(Debug)]
struct Ready {
    reading: bool,
    /// The other side has ended it: what is read ends there.
    read_closed: bool,
    writing: bool,
}

impl Socket {
    pub(crate) fn new(stream: tokio::net::TcpStream) -> Self {
        // Messages go out as they come. That it can't be set is no reason to refuse the connection.
        let _ = stream.set_nodelay(true);
        Self {
            stream: Stream::Task(stream),
            track: None,
        }
    }

    /// Has all that goes through it recorded.
    pub(crate) fn record(&mut self, track: Track) {
        self.track = Some(Box::new(track));
    }

    /// Takes it out of its task, for a loop.
    pub(crate) fn leave_task(&mut self) -> io::Result<()> {
        if let Stream::Task(stream) = mem::replace(&mut self.stream, Stream::Gone) {
            let ready = Ready {
                reading: false,
                read_closed: false,
                // Otherwise the first write finds out.
                writing: true,
            };
            let stream = mio::net::TcpStream::from_std(stream.into_std()?);
            self.stream = Stream::Loop(stream, ready);
        }
        Ok(())
    }

    /// Has a loop told when it is ready.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.stream {
            Stream::Loop(stream, _) => {
                registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
            }
            Stream::Task(_) | Stream::Gone => Ok(()),
        }
    }

    /// The system says that it is ready.
    pub(crate) fn is_ready(&mut self, event: &Event) {
        if let Stream::Loop(_, ready) = &mut self.stream {
            ready.reading |= event.is_readable();
            ready.read_closed |= event.is_read_closed() || event.is_error();
            ready.writing |= event.is_writable();
        }
    }

    fn note_written(&self, header: &[u8], payload: &[u8], result: &Poll<io::Result<usize>>) {
        if let (Some(track), Poll::Ready(Ok(count))) = (&self.track, result) {
            let of_header = header.len().min(*count);
            track.note(Way::Out, header.get(..of_header).unwrap_or_default());
            let of_payload = payload.get(..count - of_header);
            track.note(Way::Out, of_payload.unwrap_or_default());
        }
    }
}

impl Ready {
    /// Takes note of a read into so much room. Of an end that the system has told of already it doesn't tell again.
    fn read(&mut self, result: io::Result<usize>, room: usize) -> Poll<io::Result<usize>> {
        let read = until_short(&mut self.reading, result, room);
        self.reading |= self.read_closed && read.is_ready();
        read
    }

    /// Takes note of a write of so many bytes.
    fn wrote(&mut self, result: io::Result<usize>, length: usize) -> Poll<io::Result<usize>> {
        until_short(&mut self.writing, result, length)
    }
}

/// A socket is ready as long as it gives or takes all that is asked of it. Once it falls short, the system tells when there
/// is more.
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
        let before = buffer.filled().len();
        let result = match &mut this.stream {
            Stream::Task(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Loop(_, ready) if !ready.reading => return Poll::Pending,
            Stream::Loop(stream, ready) => {
                let room = buffer.initialize_unfilled();
                let result = until_done(|| stream.read(room));
                let room = room.len();
                ready
                    .read(result, room)
                    .map_ok(|count| buffer.advance(count))
            }
            Stream::Gone => Poll::Ready(Ok(())),
        };
        if let Some(track) = &this.track {
            track.note(Way::In, buffer.filled().get(before..).unwrap_or_default());
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = match &mut this.stream {
            Stream::Task(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Loop(_, ready) if !ready.writing => return Poll::Pending,
            Stream::Loop(stream, ready) => {
                ready.wrote(until_done(|| stream.write(bytes)), bytes.len())
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        this.note_written(&[], bytes, &result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = slices.iter().map(|slice| slice.len()).sum();
        let result = match &mut this.stream {
            Stream::Task(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Loop(_, ready) if !ready.writing => return Poll::Pending,
            Stream::Loop(stream, ready) => {
                ready.wrote(until_done(|| stream.write_vectored(slices)), length)
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        if let [header, payload] = slices {
            this.note_written(header, payload, &result);
        }
        result
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
        // If it can't be set, the peer sees an end where it saw no close frame.
        let _ = match &self.stream {
            Stream::Task(stream) => stream.set_zero_linger(),
            Stream::Loop(stream, _) => {
                SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO))
            }
            Stream::Gone => Ok(()),
        };
        // It is closed now, and so reset.
        self.stream = Stream::Gone;
    }
}

/// Tries again if a signal came between.
fn until_done(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
