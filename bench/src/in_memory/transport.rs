//! The connection, in memory: it never waits, and copies bytes as a kernel does.
//!
//! Every byte in is copied once from the wire to the reader's buffer, every byte out once from the writer's buffer to
//! the wire. Without these copies a library that never touches a payload would seem infinitely fast.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is written before the same memory is written again: a socket's buffer.
const RING: usize = 256 << 10;

/// The end from which the wire's bytes are read, over and over.
///
/// A read ends at the next multiple of `limit` at the latest, so that everybody meets the same borders. Who offers a
/// smaller buffer reads more often.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    wire: Rc<[u8]>,
    limit: usize,
    at: usize,
    reads: Rc<Cell<u64>>,
}

impl Source {
    pub(crate) fn new(wire: Rc<[u8]>, limit: usize) -> Self {
        Self {
            wire,
            limit,
            at: 0,
            reads: Rc::default(),
        }
    }

    /// The most bytes that one read gives.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many reads there were, also through clones.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// Whether the next read is the first of a round.
    pub(crate) fn is_at_start(&self) -> bool {
        self.at == 0
    }

    /// The next bytes, of which there are always some.
    fn next(&mut self, room: usize) -> &[u8] {
        let start = self.at;
        let border = (start / self.limit + 1) * self.limit;
        let end = border.min(self.wire.len()).min(start + room);
        self.at = if end == self.wire.len() { 0 } else { end };
        self.reads.set(self.reads.get() + 1);
        &self.wire[start..end]
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl AsyncRead for Source {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.get_mut().next(buffer.remaining());
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

/// The end to which bytes are written. Clones write to the same.
#[derive(Clone, Debug)]
pub(crate) struct Sink(Rc<RefCell<Written>>);

#[derive(Debug)]
struct Written {
    ring: Box<[u8]>,
    at: usize,
    bytes: u64,
    writes: u64,
    /// All that was written, if it is to be looked at.
    kept: Option<Vec<u8>>,
}

impl Sink {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(Written {
            ring: vec![0; RING].into_boxed_slice(),
            at: 0,
            bytes: 0,
            writes: 0,
            kept: None,
        })))
    }

    /// How many bytes were written, in how many writes.
    pub(crate) fn written(&self) -> (u64, u64) {
        let written = self.0.borrow();
        (written.bytes, written.writes)
    }

    /// Keeps all that is written from now on.
    pub(crate) fn keep(&self) {
        self.0.borrow_mut().kept = Some(Vec::new());
    }

    /// What was kept.
    pub(crate) fn take_kept(&self) -> Vec<u8> {
        self.0.borrow_mut().kept.take().unwrap_or_default()
    }

    /// One write: all of it is taken.
    #[inline]
    pub(crate) fn put(&self, parts: &[IoSlice<'_>]) -> usize {
        let mut written = self.0.borrow_mut();
        written.writes += 1;
        parts.iter().map(|part| written.put(part)).sum()
    }
}

impl Written {
    fn put(&mut self, bytes: &[u8]) -> usize {
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        for piece in bytes.chunks(RING) {
            if self.at + piece.len() > RING {
                self.at = 0;
            }
            self.ring[self.at..self.at + piece.len()].copy_from_slice(piece);
            self.at += piece.len();
        }
        self.bytes += bytes.len() as u64;
        bytes.len()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.put(&[IoSlice::new(bytes)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.put(&[IoSlice::new(bytes)])))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.put(parts)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

// The libraries want streams of both directions. Only one is in use: the other is an error.

fn one_way() -> io::Error {
    io::Error::other("nothing was to be sent or received in this direction")
}

impl Write for Source {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(one_way())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Source {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(one_way()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Read for Sink {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(one_way())
    }
}

impl AsyncRead for Sink {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(one_way()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{RING, Sink, Source};

    const READ: usize = 64 << 10;

    #[test]
    fn reads_end_at_the_same_borders_whatever_the_buffer() {
        let wire: Vec<u8> = (0..READ + 10).map(|i| i as u8).collect();
        for room in [1 << 20, READ, 1000] {
            let mut source = Source::new(wire.clone().into(), READ);
            let mut buffer = vec![0; room];
            let mut read = Vec::new();
            let mut ends = Vec::new();
            for _ in 0..2 {
                while read.len() < wire.len() {
                    let count = source.read(&mut buffer).unwrap();
                    read.extend_from_slice(&buffer[..count]);
                    ends.push(read.len());
                }
                assert!(ends.contains(&READ));
                assert_eq!(read, wire);
                read.clear();
            }
        }
    }

    #[test]
    fn all_that_is_written_is_counted_and_can_be_kept() {
        let mut sink = Sink::new();
        let bytes: Vec<u8> = (0..RING + 5).map(|i| i as u8).collect();
        sink.clone().write_all(&bytes).unwrap();
        sink.keep();
        sink.write_all(&bytes).unwrap();
        assert_eq!(sink.take_kept(), bytes);
        assert_eq!(sink.written(), (2 * bytes.len() as u64, 2));
    }
}
