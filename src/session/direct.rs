//! Frames whose payload the host writes from its own memory.

use core::fmt;

use super::{Message, Session};
use crate::Rule;
use crate::frame::{header, mask};

/// The header of a frame, to be written before its payload.
#[derive(Clone, Copy)]
pub struct FrameHeader {
    bytes: [u8; header::MAX_LENGTH],
    length: usize,
    key: Option<[u8; 4]>,
}

impl FrameHeader {
    pub(super) fn new(first: u8, payload: usize, key: Option<[u8; 4]>) -> FrameHeader {
        let (bytes, length) = header::encode(first, payload, key);
        FrameHeader { bytes, length, key }
    }

    /// Returns the bytes of the header: 2 to 14.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Masks the payload before it is written (RFC 6455, section 5.3); a server's is left
    /// unchanged. A part of the payload can be masked alone; `offset` is where in the payload
    /// it begins.
    pub fn mask(&self, payload: &mut [u8], offset: u64) {
        if let Some(key) = self.key {
            mask::apply(payload, mask::key_at(key, offset));
        }
    }
}

impl fmt::Debug for FrameHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrameHeader")
            .field(&self.as_bytes())
            .finish()
    }
}

impl Session {
    /// Returns the header of a message that the host writes itself, with the payload after it:
    /// with one vectored write and without a copy.
    ///
    /// Returns none if that isn't possible: output is queued, the message may be compressed,
    /// or it is a control frame. Use [`Session::send`] then. The header and all of the payload
    /// have to be written before any other output of the session.
    ///
    /// # Errors
    ///
    /// As [`Session::send`], but for [`Rule::QueueFull`].
    ///
    /// ```
    /// use websocket_component::{Config, Instant, Message, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut server = Session::open_server(Config::default(), Default::default(), now)?;
    /// let payload = b"Hello".to_vec();
    /// let head = server.frame_header(Message::Binary(&payload))?.expect("nothing waits");
    /// assert_eq!([head.as_bytes(), &payload].concat(), b"\x82\x05Hello");
    ///
    /// let mut client = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut payload = b"Hello".to_vec();
    /// let head = client.frame_header(Message::Binary(&payload))?.expect("nothing waits");
    /// head.mask(&mut payload, 0);
    /// let mut written = [head.as_bytes(), &payload].concat();
    /// # let mut events = server.input(&mut written, now);
    /// # let hello = websocket_component::Event::Binary { payload: b"Hello", last: true };
    /// # assert_eq!(events.next(), Some(hello));
    /// # Ok(())
    /// # }
    /// ```
    pub fn frame_header(&mut self, message: Message<'_>) -> Result<Option<FrameHeader>, Rule> {
        self.check_open(message.is_ping_or_pong())?;
        self.sender.head(message)
    }
}
