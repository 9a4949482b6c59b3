//! An in-memory connection: it never blocks, and copies bytes as a kernel does.
//!
//! Every byte in is copied once from the wire to the reader's buffer, every byte out once from the writer's buffer to
//! the wire. Without these copies a library that never touches a payload would seem infinitely fast.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Length of the ring that is written to, like a socket's buffer.
const RING: usize = 256 << 10;

/// Both directions.
#[derive(Clone, Debug)]
pub(crate) struct Duplex {
    pub(crate) source: Source,
    pub(crate) sink: Sink,
}

/// The readable end, whose bytes repeat. Clones read the same bytes, each from its own position.
///
/// A read ends at the next boundary at the latest, so that all readers see the same ones. One with a smaller buffer
/// reads more often.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    wire: Rc<Wire>,
    at: usize,
    /// The index of the next boundary.
    boundary: usize,
}

#[derive(Debug)]
struct Wire {
    bytes: Vec<u8>,
    /// Boundaries, ascending; the last is the end.
    boundaries: Vec<usize>,
}

impl Source {
    /// Makes a source whose reads end at these boundaries, and at the end.
    pub(crate) fn new(bytes: Vec<u8>, mut boundaries: Vec<usize>) -> Self {
        boundaries.retain(|boundary| *boundary < bytes.len());
        boundaries.push(bytes.len());
        Self {
            wire: Rc::new(Wire { bytes, boundaries }),
            at: 0,
            boundary: 0,
        }
    }

    /// Makes a source without any bytes.
    pub(crate) fn empty() -> Self {
        Self::new(Vec::new(), Vec::new())
    }

    /// Returns the most bytes of one read.
    pub(crate) fn limit(&self) -> usize {
        let ends = &self.wire.boundaries;
        let starts = [0].iter().chain(ends);
        let lengths = ends.iter().zip(starts).map(|(end, start)| end - start);
        lengths.max().unwrap_or(0)
    }

    /// Whether the next read is the first of a round.
    pub(crate) fn is_at_start(&self) -> bool {
        self.at == 0
    }

    /// Returns the next bytes, never none.
    fn next(&mut self, room: usize) -> &[u8] {
        let start = self.at;
        let boundary = self.wire.boundaries[self.boundary];
        let end = boundary.min(start + room);
        self.at = end;
        if end == boundary {
            self.boundary += 1;
            if self.boundary == self.wire.boundaries.len() {
                (self.at, self.boundary) = (0, 0);
            }
        }
        &self.wire.bytes[start..end]
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// The writable end. Clones write to the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Sink(Rc<RefCell<Written>>);

#[derive(Debug)]
struct Written {
    ring: Box<[u8]>,
    at: usize,
    bytes: u64,
    /// All that was written, if it is to be checked.
    kept: Option<Vec<u8>>,
}

impl Sink {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(Written {
            ring: vec![0; RING].into_boxed_slice(),
            at: 0,
            bytes: 0,
            kept: None,
        })))
    }

    /// Returns how many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.0.borrow().bytes
    }

    /// Keeps all that is written from now on.
    pub(crate) fn keep(&self) {
        self.0.borrow_mut().kept = Some(Vec::new());
    }

    /// What was kept.
    pub(crate) fn take_kept(&self) -> Vec<u8> {
        self.0.borrow_mut().kept.take().unwrap_or_default()
    }

    /// Writes all of the bytes.
    #[inline]
    pub(crate) fn put(&self, parts: &[IoSlice<'_>]) -> usize {
        let mut written = self.0.borrow_mut();
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

impl Read for Duplex {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.sink.put(&[IoSlice::new(bytes)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.get_mut().source.next(buffer.remaining());
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.sink.put(&[IoSlice::new(bytes)])))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.sink.put(parts)))
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{Duplex, RING, Sink, Source};

    #[test]
    fn reads_end_at_the_same_borders_whatever_the_buffer() {
        let wire: Vec<u8> = (0..10_000).map(|i| i as u8).collect();
        for room in [1 << 20, 6000, 1000] {
            let mut source = Source::new(wire.clone(), vec![100, 6000, 20_000]);
            assert_eq!(source.limit(), 5900);
            let mut buffer = vec![0; room];
            for _ in 0..2 {
                let mut read = Vec::new();
                let mut ends = Vec::new();
                while read.len() < wire.len() {
                    let count = source.read(&mut buffer).unwrap();
                    read.extend_from_slice(&buffer[..count]);
                    ends.push(read.len());
                }
                assert!(source.is_at_start());
                assert!(ends.contains(&100) && ends.contains(&6000));
                assert_eq!(read, wire);
            }
        }
    }

    #[test]
    fn all_that_is_written_is_counted_and_can_be_kept() {
        let (source, sink) = (Source::empty(), Sink::new());
        let mut duplex = Duplex {
            source,
            sink: sink.clone(),
        };
        let bytes: Vec<u8> = (0..RING + 5).map(|i| i as u8).collect();
        duplex.write_all(&bytes).unwrap();
        sink.keep();
        duplex.write_all(&bytes).unwrap();
        assert_eq!(sink.take_kept(), bytes);
        assert_eq!(sink.written(), 2 * bytes.len() as u64);
    }
}
