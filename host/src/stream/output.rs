//! Bytes that wait to be written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// What the transport has not taken yet, which is nothing most of the time: then it holds no buffer.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Writes what waits.
    pub(super) fn poll_write<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
    ) -> Poll<io::Result<()>>
    where
        IO: AsyncWrite + Unpin,
    {
        if self.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut rest = &self.bytes[self.written..];
        let result = poll_write_all(cx, io, &mut rest);
        self.written = self.bytes.len() - rest.len();
        ready!(result)?;
        *self = Self::default();
        Poll::Ready(Ok(()))
    }

    /// Writes bytes without copying them, after those that are queued, and queues what the transport doesn't accept.
    pub(super) fn write<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        mut bytes: &[u8],
    ) -> io::Result<()>
    where
        IO: AsyncWrite + Unpin,
    {
        if self.is_empty()
            && let Poll::Ready(result) = poll_write_all(cx, io, &mut bytes)
        {
            return result;
        }
        self.keep(bytes);
        Ok(())
    }

    /// Writes a header and its payload in the same way, in one write if the transport can.
    pub(super) fn write_frame<IO>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        mut header: &[u8],
        mut payload: &[u8],
    ) -> io::Result<()>
    where
        IO: AsyncWrite + Unpin,
    {
        while self.is_empty() && !header.is_empty() {
            let both = [IoSlice::new(header), IoSlice::new(payload)];
            match Pin::new(&mut *io).poll_write_vectored(cx, &both) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    let of_header = written.min(header.len());
                    header = &header[of_header..];
                    payload = payload.get(written - of_header..).unwrap_or_default();
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        if header.is_empty() {
            return self.write(cx, io, payload);
        }
        self.keep(header);
        self.keep(payload);
        Ok(())
    }

    /// Bytes to be written behind those that wait.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

fn poll_write_all<IO>(cx: &mut Context<'_>, io: &mut IO, bytes: &mut &[u8]) -> Poll<io::Result<()>>
where
    IO: AsyncWrite + Unpin,
{
    while !bytes.is_empty() {
        let written = ready!(Pin::new(&mut *io).poll_write(cx, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        *bytes = bytes.get(written..).unwrap_or_default();
    }
    Poll::Ready(Ok(()))
}
