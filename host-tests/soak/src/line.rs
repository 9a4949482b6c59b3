//! A raw socket that ignores the protocol: it sends any bytes, and parses what the gate sends.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use host_tests::{Frame, heads};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use websocket_component::Role;

use crate::hearing::Hearing;

/// How a connection to the gate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It closed with this code; 1005 is none.
    Closed(u16),
    /// It refused with this status.
    Refused(u16),
    /// It ended the connection without a close frame.
    Cut,
    /// The attacker had disconnected before that.
    Left,
    /// It was still open when it should have ended.
    Stayed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(1005) => f.write_str("close without a code"),
            Self::Closed(code) => write!(f, "close {code}"),
            Self::Refused(status) => write!(f, "status {status}"),
            Self::Cut => f.write_str("cut"),
            Self::Left => f.write_str("left by itself"),
            Self::Stayed => f.write_str("STAYED"),
        }
    }
}

/// A connection to the gate, or one of its.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    /// The role that is played here.
    pub role: Role,
    hearing: Hearing,
    /// Whether pings and close frames are answered.
    polite: bool,
    since: Instant,
    ended: bool,
    left: bool,
}

impl Line {
    /// A client that has said nothing yet.
    ///
    /// # Errors
    ///
    /// The gate can't be reached.
    pub async fn connect(gate: SocketAddr) -> io::Result<Line> {
        Ok(Line::new(TcpStream::connect(gate).await?, Role::Client))
    }

    /// A server that the gate has connected to.
    #[must_use]
    pub fn accepted(stream: TcpStream) -> Line {
        Line::new(stream, Role::Server)
    }

    fn new(stream: TcpStream, role: Role) -> Line {
        // Single bytes are to be sent separately; if the option can't be set, they are sent together.
        let _ = stream.set_nodelay(true);
        Line {
            stream,
            role,
            hearing: Hearing::new(role.peer()),
            polite: false,
            since: Instant::now(),
            ended: false,
            left: false,
        }
    }

    /// Answers pings and close frames from here on.
    #[must_use]
    pub fn politely(mut self) -> Line {
        self.polite = true;
        self
    }

    /// Since when it is there.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The first line of the head that has come, as it asks or answers.
    #[must_use]
    pub fn head(&self) -> Option<&str> {
        self.hearing.head.as_deref()
    }

    /// A request for a target that breaks no rule, as bytes.
    #[must_use]
    pub fn request(target: &str) -> Vec<u8> {
        heads::head(&format!("GET {target} HTTP/1.1"), &heads::REQUEST)
    }

    /// A response to the request that has come, as bytes.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        let key = self
            .head()
            .and_then(|head| heads::field(head, "Sec-WebSocket-Key"));
        heads::response_to(key.unwrap_or_default())
    }

    /// Sends bytes without reading meanwhile. Returns whether the connection is still usable.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        if !self.ended && self.stream.write_all(bytes).await.is_err() {
            self.ended = true;
        }
        !self.ended
    }

    /// Sends a frame as this role does.
    pub async fn send_frame(&mut self, frame: Frame) -> bool {
        let bytes = frame.by(self.role).bytes();
        self.send(&bytes).await
    }

    /// Sends bytes one by one.
    pub async fn drip(&mut self, bytes: &[u8], pause: Duration) -> bool {
        for byte in bytes {
            if !self.send(&[*byte]).await || !self.listen(pause).await {
                return false;
            }
        }
        true
    }

    /// Reads for `time`, or until the gate ends the connection. Returns whether the connection is still usable.
    pub async fn listen(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.ended && timeout_at(end, self.hear()).await.is_ok() {}
        !self.ended
    }

    /// Waits until the gate has ended the connection, without reading.
    ///
    /// The end may be queued after unread data: see [`knock`](Self::knock).
    pub async fn look_away(&mut self) {
        const LOOK: Duration = Duration::from_secs(1);
        loop {
            sleep(LOOK).await;
            match self.stream.ready(Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => {}
                _ => break,
            }
        }
    }

    /// Sends a byte, if there is room for one, so that a gate that has closed its socket answers with a reset.
    pub fn knock(&mut self) {
        // Errors show when reading.
        let _ = self.stream.try_write(b"?");
    }

    /// Reads until a head was received, at most for `time`. Returns whether one was.
    pub async fn head_within(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.ended && self.hearing.head.is_none() {
            if timeout_at(end, self.hear()).await.is_err() {
                break;
            }
        }
        self.hearing.head.is_some()
    }

    /// Shuts down writing.
    pub async fn half_close(&mut self) {
        // If it fails the other side has ended it.
        let _ = self.stream.shutdown().await;
    }

    /// Disconnects without a close frame.
    pub fn leave(&mut self) {
        self.left = true;
    }

    /// Disconnects with a reset.
    pub fn reset(&mut self) {
        // If it fails the connection ends like any other.
        let _ = self.stream.set_zero_linger();
        self.left = true;
    }

    /// Reads until the gate has ended the connection, or it is older than allowed.
    pub async fn outcome(mut self, longest: Duration) -> (Outcome, Duration) {
        if !self.left {
            let rest = longest.saturating_sub(self.age());
            let _ = timeout(rest, self.end()).await;
        }
        let outcome = match (self.hearing.close, self.hearing.status()) {
            (Some(code), _) => Outcome::Closed(code),
            (None, Some(status)) if status != 101 => Outcome::Refused(status),
            _ if self.left => Outcome::Left,
            _ => Outcome::Cut,
        };
        let stays = !self.left && !self.ended;
        (if stays { Outcome::Stayed } else { outcome }, self.age())
    }

    async fn end(&mut self) {
        let mut answered = false;
        while !self.ended {
            self.hear().await;
            if let Some(code) = self.hearing.close.filter(|_| self.polite && !answered) {
                answered = true;
                let answer = match code {
                    1005 => Frame::close_without_code(),
                    code => Frame::close(code, ""),
                };
                self.send_frame(answer).await;
                self.half_close().await;
            }
        }
    }

    /// Reads once.
    async fn hear(&mut self) {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer).await {
            Ok(count) if count > 0 => self.hearing.hear(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => self.ended = true,
        }
        for ping in std::mem::take(&mut self.hearing.pings) {
            if self.polite {
                self.send_frame(Frame::pong(ping)).await;
            }
        }
    }
}
