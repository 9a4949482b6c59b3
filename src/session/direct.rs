//! Frames whose payload the host writes from its own memory.

use core::fmt;

use super::{Message, Session};
use crate::Rule;
use crate::frame::{header, mask};

/// The header of a frame, to be written before its payload.
#[derive(Clone, Copy)]
pub struct FrameHeader {
    /// The header, padded.
    bytes: [u8; 16],
    length: u8,
    has_key: bool,
}

impl FrameHeader {
    pub(super) fn new(first: u8, payload: usize, key: Option<[u8; 4]>) -> FrameHeader {
        let (bytes, length) = header::encode(first, payload, key);
        FrameHeader {
            bytes,
            length: length as u8,
            has_key: key.is_some(),
        }
    }

    /// Returns the bytes of the header: 2 to 14.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        let length = usize::from(self.length);
        self.bytes.get(..length).unwrap_or_default()
    }

    /// Returns the header as two numbers: its bytes from the lowest bits of the first on, in
    /// the highest byte of the second how many there are, and below that 1 if the last four
    /// are the key.
    pub fn to_bits(self) -> [u64; 2] {
        let bits = u128::from_le_bytes(self.bytes);
        let (low, high) = (bits as u64, (bits >> 64) as u64);
        let (length, key) = (u64::from(self.length), u64::from(self.has_key));
        [low, high | length << 56 | key << 48]
    }

    /// Returns the header that [`FrameHeader::to_bits`] has written, and none for any other
    /// numbers.
    ///
    /// ```
    /// use websocket_component::{Config, FrameHeader, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut server = Session::open_server(Config::default(), Default::default(), now)?;
    /// let header = server.frame_header_of(false, true, 1 << 20)?.expect("nothing waits");
    /// let copy = FrameHeader::from_bits(header.to_bits()).expect("a header");
    /// assert_eq!(copy.as_bytes(), b"\x82\x7f\0\0\0\0\0\x10\0\0");
    /// assert!(FrameHeader::from_bits([0, 0]).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_bits([low, high]: [u64; 2]) -> Option<FrameHeader> {
        let [length, flags] = [high >> 56, high >> 48].map(|bits| bits as u8);
        let bits = u128::from(low) | u128::from(high & !(0xffff << 48)) << 64;
        let header = FrameHeader {
            bytes: bits.to_le_bytes(),
            length,
            has_key: flags == 1,
        };
        let is_header = (2..=header::MAX_LENGTH).contains(&usize::from(length));
        (is_header && flags <= 1 && length >= 4 * flags).then_some(header)
    }

    /// Returns the key that the payload is masked with; 0 changes nothing.
    #[inline]
    pub(super) fn key(&self) -> [u8; 4] {
        match self.has_key {
            true => self.as_bytes().last_chunk().copied().unwrap_or_default(),
            false => [0; 4],
        }
    }

    /// Masks the payload before it is written (RFC 6455, section 5.3); a server's is left
    /// unchanged. A part of the payload can be masked alone; `offset` is where in the payload
    /// it begins.
    pub fn mask(&self, payload: &mut [u8], offset: u64) {
        if self.has_key {
            mask::apply(payload, mask::key_at(self.key(), offset));
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

    /// Returns the header of a message whose payload the session never sees, as
    /// [`Session::frame_header`] does, or of a fragment of one that is the last or not: of a
    /// text of this length, or of binary data. A text has to be UTF-8 as a whole, which the
    /// session doesn't check from here on.
    ///
    /// # Errors
    ///
    /// [`Rule::NotOpen`], [`Rule::AlreadyClosing`], [`Rule::Aborted`],
    /// [`Rule::FragmentMismatch`].
    pub fn frame_header_of(
        &mut self,
        is_text: bool,
        is_last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, Rule> {
        self.check_open(false)?;
        self.sender.head_of(is_text, is_last, length)
    }
}

#[cfg(test)]
mod tests {
    use super::FrameHeader;

    #[test]
    fn the_bits_of_a_header_are_its_bytes_its_length_and_whether_it_has_a_key() {
        for (payload, key, bits) in [
            (5, None, [0x0582, 0x0200_0000_0000_0000]),
            (
                5,
                Some([1, 2, 3, 4]),
                [0x0403_0201_8582, 0x0601_0000_0000_0000],
            ),
            (
                0x0102_0304_0506,
                Some([0xa, 0xb, 0xc, 0xd]),
                [0x0403_0201_0000_ff82, 0x0e01_0d0c_0b0a_0605],
            ),
        ] {
            let header = FrameHeader::new(0x82, payload, key);
            assert_eq!(header.to_bits(), bits);
            let copy = FrameHeader::from_bits(bits).expect("a header");
            assert_eq!(copy.as_bytes(), header.as_bytes());
            assert_eq!(copy.key(), key.unwrap_or_default());
            let mut masked = [0; 4];
            copy.mask(&mut masked, 0);
            assert_eq!(masked, key.unwrap_or_default());
        }
    }

    #[test]
    fn bits_of_no_header_are_refused() {
        let bits = |length: u64, key: u64| [0x8582, length << 56 | key << 48];
        for [length, key] in [[2, 0], [14, 0], [4, 1], [14, 1]] {
            assert!(FrameHeader::from_bits(bits(length, key)).is_some());
        }
        for [length, key] in [[0, 0], [1, 0], [15, 0], [255, 0], [3, 1], [6, 2], [6, 255]] {
            assert!(FrameHeader::from_bits(bits(length, key)).is_none());
        }
    }
}
