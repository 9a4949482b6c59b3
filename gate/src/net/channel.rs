//! The transport of a session: a socket, with or without TLS, that can be recorded.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mio::event::Event;
use mio::{Registry, Token};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use websocket_host::driver::Transport;
use websocket_host::tls::MaybeTlsStream;

use super::socket::Socket;
use crate::record::{Track, Way};

/// A socket, with or without TLS.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: MaybeTlsStream<Socket>,
    track: Option<Box<Track>>,
}

impl From<MaybeTlsStream<Socket>> for Channel {
    fn from(stream: MaybeTlsStream<Socket>) -> Self {
        Self {
            stream,
            track: None,
        }
    }
}

impl From<Socket> for Channel {
    fn from(socket: Socket) -> Self {
        MaybeTlsStream::Plain(socket).into()
    }
}

impl Channel {
    /// Records everything that is read and written, decrypted.
    pub(crate) fn record(&mut self, track: Track) {
        self.track = Some(Box::new(track));
    }

    /// Whether it uses TLS.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.stream, MaybeTlsStream::Tls(_))
    }

    /// Returns the peer's certificate in DER, if it was asked for one.
    pub(crate) fn peer_certificate(&self) -> Option<&[u8]> {
        match &self.stream {
            MaybeTlsStream::Tls(stream) => {
                let chain = stream.get_ref().1.peer_certificates()?;
                chain.first().map(AsRef::as_ref)
            }
            _ => None,
        }
    }

    /// Moves the socket from its task to an event loop.
    pub(crate) fn leave_task(&mut self) -> io::Result<()> {
        self.stream.get_mut().leave_task()
    }

    /// Registers the socket with an event loop.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream.get_mut().register(registry, token)
    }

    /// Handles a readiness event.
    pub(crate) fn is_ready(&mut self, event: &Event) {
        self.stream.get_mut().is_ready(event);
    }
}

impl AsyncRead for Channel {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if let Some(track) = &this.track {
            track.note(Way::In, buffer.filled().get(before..).unwrap_or_default());
        }
        result
    }
}

impl AsyncWrite for Channel {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        if let Some(track) = &this.track {
            track.note(Way::Out, bytes.get(..count).unwrap_or_default());
        }
        Poll::Ready(Ok(count))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, slices))?;
        if let Some(track) = &this.track {
            let mut left = count;
            for slice in slices {
                let taken = left.min(slice.len());
                track.note(Way::Out, slice.get(..taken).unwrap_or_default());
                left -= taken;
            }
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Transport for Channel {
    fn reset(&mut self) {
        self.stream.reset();
    }
}
