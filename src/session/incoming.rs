//! Frames whose payload the host reads itself.

use super::Session;
use super::clock::Instant;
use super::direct::FrameHeader;
use crate::Rule;
use crate::frame::mask;
use crate::frame::utf8::Utf8;
use crate::stream::Outside;

/// The payload of a frame that the host reads itself, as far as it has got.
///
/// [`Session::begin_payload`] returns it, the host reads with it, and gives it back with
/// [`Session::payload_read`].
#[derive(Clone, Debug)]
pub struct IncomingPayload {
    left: u64,
    /// As it applies to the next byte; 0 changes nothing.
    key: [u8; 4],
    is_text: bool,
    ends_message: bool,
    /// The state of a text that is checked.
    utf8: Option<Utf8>,
    is_valid: bool,
}

impl IncomingPayload {
    fn new(outside: &Outside) -> IncomingPayload {
        IncomingPayload {
            left: outside.left,
            key: outside.key.unwrap_or_default(),
            is_text: outside.is_text,
            ends_message: outside.is_final,
            utf8: outside.utf8,
            is_valid: true,
        }
    }

    /// Returns how many bytes of the payload are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Returns whether the message is text, rather than binary data.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// Returns whether the message ends with this frame.
    pub fn ends_message(&self) -> bool {
        self.ends_message
    }

    /// Returns whether the payload is checked to be UTF-8.
    pub fn is_checked(&self) -> bool {
        self.utf8.is_some()
    }

    /// Reads the next bytes, which may be more than are left: unmasks them where they are, and
    /// checks text. Returns how many are of the payload.
    ///
    /// # Errors
    ///
    /// [`Rule::InvalidUtf8`]: [`Session::payload_read`] ends the session with it.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Rule> {
        let payload = self.take(bytes);
        mask::apply(payload, self.key);
        let count = payload.len();
        if let Some(utf8) = &mut self.utf8 {
            let is_whole = self.ends_message && self.left == count as u64;
            self.is_valid &= utf8.feed(payload).is_ok() && (!is_whole || utf8.is_complete());
        }
        self.skip(count as u64);
        match self.is_valid {
            true => Ok(count),
            false => Err(Rule::InvalidUtf8),
        }
    }

    /// Reads the next bytes of a payload that is not checked, and masks them as the payload of
    /// a frame with this header, in one pass: for a relay. Returns how many are of the payload.
    pub fn remask(&mut self, bytes: &mut [u8], header: &FrameHeader) -> usize {
        let payload = self.take(bytes);
        let key = u32::from_ne_bytes(self.key) ^ u32::from_ne_bytes(header.key());
        mask::apply(payload, key.to_ne_bytes());
        let count = payload.len();
        self.skip(count as u64);
        count
    }

    /// Passes over bytes of a payload that is not checked, at most as many as are left: they
    /// are read in another way.
    pub fn skip(&mut self, count: u64) {
        let count = count.min(self.left);
        self.left -= count;
        self.key = mask::key_at(self.key, count);
    }

    fn take<'a>(&self, bytes: &'a mut [u8]) -> &'a mut [u8] {
        let count = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        bytes.get_mut(..count).unwrap_or_default()
    }

    /// Returns it as two numbers: how many bytes are left, and the rest. That is, from the
    /// lowest bits on, the mask key (32 bits, 0 without one), the bytes of a character that is
    /// cut (24 bits), how many of them there are (2 bits), and whether the message is text,
    /// ends with the frame, is checked, and isn't UTF-8 (1 bit each).
    pub fn to_bits(&self) -> [u64; 2] {
        let utf8 = self.utf8.unwrap_or_default().to_bits();
        let flags = [
            self.is_text,
            self.ends_message,
            self.is_checked(),
            !self.is_valid,
        ];
        let flags = (0..).zip(flags).map(|(bit, flag)| u64::from(flag) << bit);
        let key = u64::from(u32::from_le_bytes(self.key));
        [
            self.left,
            key | u64::from(utf8) << 32 | flags.sum::<u64>() << 58,
        ]
    }

    /// Returns what [`IncomingPayload::to_bits`] has written. Other numbers give something that
    /// reads other bytes, and that [`Session::payload_read`] may refuse.
    pub fn from_bits([left, bits]: [u64; 2]) -> IncomingPayload {
        let flag = |bit: u32| bits >> (58 + bit) & 1 != 0;
        IncomingPayload {
            left,
            key: (bits as u32).to_le_bytes(),
            is_text: flag(0),
            ends_message: flag(1),
            utf8: flag(2).then(|| Utf8::from_bits((bits >> 32) as u32 & 0x03ff_ffff)),
            is_valid: !flag(3),
        }
    }
}

impl Session {
    /// Begins a data frame whose header is at the start of `input`, and whose payload the host reads
    /// itself, without passing it through the session. Returns the length of the header, and the
    /// state to read the payload with.
    ///
    /// Returns `None` and consumes nothing if the header is incomplete or breaks a rule, in the
    /// middle of another frame or the handshake, and for frames that the session has to process:
    /// control frames, frames without payload, compressed messages, messages of an extension, and
    /// continuations of a message of which a part is held. Call [`Session::input`] or
    /// [`Session::exchange`] then.
    ///
    /// There are no events for such a payload. It is delivered once [`Session::payload_read`]
    /// accepts it; don't pass the input after it before that. The host may still pass the rest of
    /// the payload to [`Session::input`]: that, and further fragments of the message, are then
    /// delivered in chunks, even if messages are delivered whole otherwise.
    ///
    /// ```
    /// use websocket_component::{Config, Event, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut client = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut bytes = *b"\x81\x05Hello\x82\x01!";
    /// let (header, mut payload) = client.begin_payload(&bytes, now).expect("between frames");
    /// assert!(payload.is_text() && payload.ends_message());
    ///
    /// let (_, rest) = bytes.split_at_mut(header);
    /// let count = payload.read(rest)?;
    /// client.payload_read(&payload, now)?;
    /// let (message, rest) = rest.split_at_mut(count);
    /// assert_eq!(message, b"Hello");
    /// let binary = Event::Binary { payload: b"!", last: true };
    /// assert_eq!(client.input(rest, now).next(), Some(binary));
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_payload(
        &mut self,
        input: &[u8],
        now: Instant,
    ) -> Option<(usize, IncomingPayload)> {
        self.read_clock(now);
        if !self.life.has_frames() || self.held.is_some() || self.actions.is_some() {
            return None;
        }
        let header = self.receiver.begin_outside(input)?;
        self.took(header as u64);
        let outside = self.receiver.outside()?;
        Some((header, IncomingPayload::new(&outside)))
    }

    /// Reports how far the host has read a payload ([`Session::begin_payload`]), in one step or
    /// in several: this counts as input. The timeouts that have passed are handled by the next
    /// call that does.
    ///
    /// # Errors
    ///
    /// - [`Rule::InvalidUtf8`]: the message is not delivered, and the session ends; if the host
    ///   may still want to answer a message before it, by the next call that takes input.
    /// - [`Rule::NotOpen`]: the session has ended, and what came since counts for nothing.
    /// - [`Rule::SkippedTooMuch`]: no such payload is being read, or less was left of it.
    pub fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Rule> {
        self.read_clock(now);
        if !self.life.has_frames() || self.held.is_some() {
            return Err(Rule::NotOpen);
        }
        let outside = self.receiver.outside().ok_or(Rule::SkippedTooMuch)?;
        let count = outside
            .left
            .checked_sub(payload.left)
            .ok_or(Rule::SkippedTooMuch)?;
        self.took(count);
        let ends_well = self.receiver.read_outside(count, payload.utf8);
        let is_valid = payload.is_valid || outside.utf8.is_none();
        if !is_valid || !ends_well {
            let failure = self.locate(Rule::InvalidUtf8);
            self.fail_behind(failure, self.has_unanswered);
            return Err(Rule::InvalidUtf8);
        }
        self.has_unanswered |= payload.left == 0 && outside.is_final;
        self.deadlines.message_pending(self.receiver.awaits_more());
        Ok(())
    }

    /// Bytes went by that the session hasn't seen. Those that were passed before and not
    /// consumed don't show that the peer is alive.
    fn took(&mut self, count: u64) {
        let left = (self.given - self.taken) as u64;
        if count > left {
            self.deadlines.input();
        }
        self.position += self.taken as u64 + count;
        self.given = left.saturating_sub(count) as usize;
        self.taken = 0;
        self.deadlines.message_pending(true);
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameHeader, IncomingPayload};
    use crate::frame::utf8::Utf8;

    fn payload(left: u64, utf8: Option<Utf8>) -> IncomingPayload {
        IncomingPayload {
            left,
            key: [1, 2, 3, 4],
            is_text: true,
            ends_message: false,
            utf8,
            is_valid: true,
        }
    }

    #[test]
    fn each_part_of_a_payload_has_bits_of_its_own() {
        let plain = payload(7, None);
        assert_eq!(plain.to_bits(), [7, 1 << 58 | 0x0403_0201]);
        let ends = IncomingPayload {
            is_text: false,
            ends_message: true,
            ..plain.clone()
        };
        assert_eq!(ends.to_bits(), [7, 2 << 58 | 0x0403_0201]);
        // The first two bytes of a character of three.
        let mut cut = Utf8::default();
        cut.feed(b"\xe2\x82").expect("a character may go on");
        let checked = payload(1 << 40, Some(cut));
        assert_eq!(checked.to_bits()[1] >> 58, 0b101);
        let wrong = IncomingPayload {
            is_valid: false,
            ..checked.clone()
        };
        assert_eq!(wrong.to_bits()[1] >> 58, 0b1101);
        for payload in [plain, ends, checked, wrong] {
            let bits = payload.to_bits();
            let copy = IncomingPayload::from_bits(bits);
            assert_eq!(copy.to_bits(), bits);
            assert_eq!(format!("{copy:?}"), format!("{payload:?}"));
        }
    }

    #[test]
    fn a_payload_that_is_masked_anew_is_what_one_that_was_unmasked_and_masked_would_be() {
        let frames = [Some([9, 8, 7, 6]), None, Some([5, 0, 5, 0])];
        let headers = frames.map(|key| FrameHeader::new(0x82, 5, key));
        let (mut payload, mut other) = (payload(12, None), payload(12, None));
        // The last one is longer than what is left.
        for header in headers {
            let mut bytes = [11, 22, 33, 44, 55];
            let mut expected = bytes;
            let count = other.read(&mut expected).expect("it is not checked");
            header.mask(&mut expected[..count], 0);
            assert_eq!(payload.remask(&mut bytes, &header), count);
            assert_eq!((bytes, payload.left()), (expected, other.left()));
        }
        assert_eq!(payload.left(), 0);
    }

    #[test]
    fn a_payload_is_read_and_passed_over_no_further_than_its_end() {
        let mut payload = payload(6, None);
        payload.skip(3);
        let mut bytes = [0; 8];
        assert_eq!(payload.read(&mut bytes), Ok(3));
        assert_eq!(bytes, [4, 1, 2, 0, 0, 0, 0, 0]);
        payload.skip(1);
        assert_eq!((payload.left(), payload.read(&mut bytes)), (0, Ok(0)));
    }
}
