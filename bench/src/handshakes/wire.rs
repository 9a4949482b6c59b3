//! A connection in memory, at whose other end there is a browser that asks or a server that answers.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use host_tests::heads;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What Chromium sends, with a cookie.
pub(crate) const REQUEST: &[u8] = b"GET /chat?room=42 HTTP/1.1\r\n\
Host: example.org:8443\r\n\
Connection: Upgrade\r\n\
Pragma: no-cache\r\n\
Cache-Control: no-cache\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
Upgrade: websocket\r\n\
Origin: https://example.org\r\n\
Sec-WebSocket-Version: 13\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Accept-Language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7\r\n\
Cookie: session=6fa459ea-ee8a-3ca4-894e-db77e160355e; theme=dark\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
\r\n";

/// One end of a connection that is always ready.
pub(crate) struct Wire {
    input: Vec<u8>,
    at: usize,
    pub(crate) output: Vec<u8>,
    answers: bool,
}

impl Wire {
    /// A server's end: the request is there.
    pub(crate) fn asked() -> Wire {
        Wire {
            input: REQUEST.to_vec(),
            at: 0,
            output: Vec::new(),
            answers: false,
        }
    }

    /// A client's end: its request is answered as soon as it is whole.
    pub(crate) fn answered() -> Wire {
        Wire {
            input: Vec::new(),
            at: 0,
            output: Vec::new(),
            answers: true,
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        if self.at == self.input.len() && self.answers {
            self.input = answer(&self.output);
            self.at = 0;
            self.answers = false;
        }
        let rest = &self.input[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        count
    }
}

/// A server's answer to a request, if that is whole.
pub(crate) fn answer(request: &[u8]) -> Vec<u8> {
    let head = String::from_utf8_lossy(request);
    match (
        heads::end(request),
        heads::field(&head, "Sec-WebSocket-Key"),
    ) {
        (Some(_), Some(key)) => heads::response_to(key),
        _ => Vec::new(),
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(buffer))
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.fill(buffer.initialize_unfilled());
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
