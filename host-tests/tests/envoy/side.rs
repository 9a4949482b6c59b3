//! One side of a connection, as bytes and frames, which may break any rule.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_tests::heads;
use host_tests::wire::{Frame, bytes_of, frame_length, read_frames};
use socket2::Socket;
use tokio::sync::Notify;
use websocket_component::Role;

/// The longest that a side waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client or a server, with Envoy at the other end of its socket.
pub(crate) struct Side {
    role: Role,
    socket: Socket,
    link: Link,
    unread: Vec<u8>,
}

/// The other end of the socket.
enum Link {
    /// Envoy.
    Tcp,
    /// A stream of HTTP/2.
    Stream(Arc<Frames>),
    /// A program that speaks TLS.
    Tls(Child),
}

/// Frames that a stream of HTTP/2 can send besides bytes.
#[derive(Default)]
pub(crate) struct Frames {
    /// RST_STREAM.
    pub(crate) reset: Notify,
    /// DATA without any bytes.
    pub(crate) empty: Notify,
}

impl Side {
    pub(crate) fn tcp(role: Role, socket: TcpStream) -> Side {
        socket.set_nodelay(true).expect("a socket");
        Side::new(role, socket, Link::Tcp)
    }

    pub(crate) fn stream(role: Role, socket: UnixStream, frames: Arc<Frames>) -> Side {
        Side::new(role, socket, Link::Stream(frames))
    }

    /// A client whose bytes go through TLS to this port, if the server has this certificate.
    pub(crate) fn tls(port: u16, certificate: &Path) -> Side {
        let (mine, its) = UnixStream::pair().expect("sockets");
        let its = [its.try_clone().expect("a socket"), its].map(OwnedFd::from);
        let program = through_tls(its, "http/1.1", port, certificate);
        Side::new(Role::Client, mine, Link::Tls(program))
    }

    fn new(role: Role, socket: impl Into<Socket>, link: Link) -> Side {
        let side = Side {
            role,
            socket: socket.into(),
            link,
            unread: Vec::new(),
        };
        side.set_patience(PATIENCE);
        side
    }

    fn set_patience(&self, time: Duration) {
        let set = self.socket.set_read_timeout(Some(time));
        set.expect("a socket");
    }

    /// Writes bytes as they are.
    #[track_caller]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let written = self.socket.write_all(bytes);
        written.expect("the connection takes bytes");
    }

    /// Writes frames at once, masked if it is a client.
    #[track_caller]
    pub(crate) fn send(&mut self, frames: &[Frame]) {
        self.write(&bytes_of(frames, self.role));
    }

    /// Reads more. Returns false at the end, however the connection has ended.
    #[track_caller]
    fn fill(&mut self) -> io::Result<bool> {
        let mut bytes = vec![0; 64 << 10];
        match self.socket.read(&mut bytes) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.unread.extend(&bytes[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the next head, and nothing after it.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        loop {
            if let Some(end) = heads::end(&self.unread) {
                let head: Vec<u8> = self.unread.drain(..end).collect();
                return String::from_utf8(head).expect("a head is text");
            }
            let more = self.fill().expect("a head");
            assert!(
                more,
                "no head, but {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    /// Reads the next frame and unmasks it; checks that a client's has a mask.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> Frame {
        match self.frame_or_end() {
            Some(frame) => frame,
            None => panic!("the end instead of a frame"),
        }
    }

    /// The same, or nothing if the connection ends between frames.
    #[track_caller]
    pub(crate) fn frame_or_end(&mut self) -> Option<Frame> {
        loop {
            if let Some(length) = frame_length(&self.unread) {
                let bytes: Vec<u8> = self.unread.drain(..length).collect();
                let frame = read_frames(&bytes).remove(0);
                let is_masked = frame.key.is_some();
                assert_eq!(
                    is_masked,
                    self.role == Role::Server,
                    "the mask of {frame:02x?}"
                );
                return Some(Frame { key: None, ..frame });
            }
            if !self.fill().expect("a frame") {
                assert_eq!(self.unread, b"", "the end inside a frame");
                return None;
            }
        }
    }

    /// Reads this many bytes.
    #[track_caller]
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            assert!(
                self.fill().expect("bytes"),
                "the end in front of {count} bytes"
            );
        }
        self.unread.drain(..count).collect()
    }

    /// Reads the next frame, which has to be a close frame, and returns its code.
    #[track_caller]
    pub(crate) fn close_code(&mut self) -> u16 {
        let frame = self.frame();
        assert_eq!(frame.first, 0x88, "not a close frame: {frame:02x?}");
        match frame.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }

    /// Reads until the connection ends.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill().expect("the end") {}
        std::mem::take(&mut self.unread)
    }

    /// Asserts that nothing arrives for this time.
    #[track_caller]
    pub(crate) fn is_silent_for(&mut self, time: Duration) {
        self.set_patience(time);
        let since = Instant::now();
        let more = self.fill();
        self.set_patience(PATIENCE);
        assert!(
            more.is_err() && since.elapsed() >= time,
            "{more:?}: {:02x?}",
            self.unread
        );
        assert_eq!(self.unread, b"");
    }

    /// Sends no more, and still reads.
    pub(crate) fn finish(&mut self) {
        let shut = self.socket.shutdown(Shutdown::Write);
        shut.expect("the connection is there");
    }

    /// Sends a DATA frame without any bytes, if it is a stream.
    pub(crate) fn send_empty(&self) {
        match &self.link {
            Link::Stream(frames) => frames.empty.notify_one(),
            _ => panic!("only a stream has such frames"),
        }
    }

    /// Ends the connection with an RST, or the stream with RST_STREAM.
    pub(crate) fn reset(self) {
        match &self.link {
            Link::Tcp => {
                let set = self.socket.set_linger(Some(Duration::ZERO));
                set.expect("a socket");
            }
            Link::Stream(frames) => frames.reset.notify_one(),
            Link::Tls(_) => panic!("not for TLS"),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Link::Tls(program) = &mut self.link {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// Starts a program that tunnels its input and output through TLS to this port, if the server has this certificate.
pub(crate) fn through_tls(
    [input, output]: [OwnedFd; 2],
    protocol: &str,
    port: u16,
    certificate: &Path,
) -> Child {
    let program = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error"])
        .args(["-alpn", protocol, "-servername", "localhost"])
        .args(["-connect", &format!("127.0.0.1:{port}"), "-CAfile"])
        .arg(certificate)
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::null())
        .spawn();
    program.expect("openssl is installed")
}

/// The side that sends, then the other.
pub(crate) fn in_order<'a>(
    from: Role,
    client: &'a mut Side,
    server: &'a mut Side,
) -> (&'a mut Side, &'a mut Side) {
    match from {
        Role::Client => (client, server),
        Role::Server => (server, client),
    }
}
