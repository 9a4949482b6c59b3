//! A transport that a test controls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use websocket_host::driver::Transport;

/// The other end of a transport.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Bytes that the peer has sent and that were not read yet.
    pub(crate) sent: VecDeque<u8>,
    /// After them: nothing, an end, or an error.
    pub(crate) end: Option<End>,
    /// The most bytes of a read.
    pub(crate) most: usize,
    /// How many bytes of writes are accepted before the transport blocks.
    pub(crate) room: usize,
    /// Whether accepted bytes reach the peer only when they are flushed.
    pub(crate) is_buffered: bool,
    pub(crate) buffered: Vec<u8>,
    /// What has reached the peer.
    pub(crate) received: Vec<u8>,
    pub(crate) was_shut: bool,
    pub(crate) was_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Shut,
    Lost,
}

/// The transport. It never wakes its task: the caller polls again.
#[derive(Debug)]
pub(crate) struct Scripted(pub(crate) Rc<RefCell<Peer>>);

impl AsyncRead for Scripted {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let peer = &mut *self.0.borrow_mut();
        let count = peer.most.min(peer.sent.len()).min(buffer.remaining());
        if count > 0 {
            let bytes: Vec<u8> = peer.sent.drain(..count).collect();
            buffer.put_slice(&bytes);
            return Poll::Ready(Ok(()));
        }
        match peer.end.filter(|_| peer.sent.is_empty()) {
            None => Poll::Pending,
            Some(End::Shut) => Poll::Ready(Ok(())),
            Some(End::Lost) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let peer = &mut *self.0.borrow_mut();
        assert!(!peer.was_shut, "written behind the end");
        if peer.end == Some(End::Lost) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(peer.room);
        if count == 0 {
            return Poll::Pending;
        }
        peer.room -= count;
        let taken = &bytes[..count];
        match peer.is_buffered {
            true => peer.buffered.extend_from_slice(taken),
            false => peer.received.extend_from_slice(taken),
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peer = &mut *self.0.borrow_mut();
        let buffered = std::mem::take(&mut peer.buffered);
        peer.received.extend_from_slice(&buffered);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peer = &mut *self.0.borrow_mut();
        assert!(peer.buffered.is_empty(), "shut before it was flushed");
        peer.was_shut = true;
        Poll::Ready(Ok(()))
    }
}

impl Transport for Scripted {
    fn reset(&mut self) {
        self.0.borrow_mut().was_reset = true;
    }
}
