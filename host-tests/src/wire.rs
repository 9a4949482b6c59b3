//! Frames written and read byte by byte (RFC 6455, section 5.2), simply and independent of the engine.

use websocket_component::Role;

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const RSV2: u8 = 0x20;
pub const RSV3: u8 = 0x10;

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;

/// The key that scripted clients mask with.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame, whether or not it breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV1 to RSV3, opcode.
    pub first: u8,
    pub key: Option<[u8; 4]>,
    /// Without the mask.
    pub payload: Vec<u8>,
}

/// In how many bytes the length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthForm {
    Seven,
    Sixteen,
    SixtyFour,
}

impl LengthForm {
    /// The one that the RFC asks for.
    #[must_use]
    pub fn shortest(length: u64) -> LengthForm {
        match length {
            0..=125 => LengthForm::Seven,
            126..=65_535 => LengthForm::Sixteen,
            _ => LengthForm::SixtyFour,
        }
    }
}

impl Frame {
    /// A frame with FIN and this opcode.
    #[must_use]
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Frame {
        Frame {
            first: FIN | opcode,
            key: None,
            payload: payload.as_ref().to_vec(),
        }
    }

    #[must_use]
    pub fn text(payload: impl AsRef<[u8]>) -> Frame {
        Frame::new(TEXT, payload)
    }

    #[must_use]
    pub fn binary(payload: impl AsRef<[u8]>) -> Frame {
        Frame::new(BINARY, payload)
    }

    /// The last frame of a message.
    #[must_use]
    pub fn continuation(payload: impl AsRef<[u8]>) -> Frame {
        Frame::new(CONTINUATION, payload)
    }

    #[must_use]
    pub fn ping(payload: impl AsRef<[u8]>) -> Frame {
        Frame::new(PING, payload)
    }

    #[must_use]
    pub fn pong(payload: impl AsRef<[u8]>) -> Frame {
        Frame::new(PONG, payload)
    }

    #[must_use]
    pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Frame {
        let payload = [&code.to_be_bytes(), reason.as_ref()].concat();
        Frame::new(CLOSE, payload)
    }

    #[must_use]
    pub fn close_without_code() -> Frame {
        Frame::new(CLOSE, b"")
    }

    /// Without FIN: more of the message follows.
    #[must_use]
    pub fn not_last(self) -> Frame {
        let first = self.first & !FIN;
        Frame { first, ..self }
    }

    /// With these reserved bits.
    #[must_use]
    pub fn reserved(self, bits: u8) -> Frame {
        let first = self.first | bits;
        Frame { first, ..self }
    }

    #[must_use]
    pub fn masked(self, key: [u8; 4]) -> Frame {
        let key = Some(key);
        Frame { key, ..self }
    }

    /// As a side of this role sends it: masked if it is the client.
    #[must_use]
    pub fn by(self, role: Role) -> Frame {
        let key = (role == Role::Client).then_some(KEY);
        Frame { key, ..self }
    }

    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let length = self.payload.len() as u64;
        self.bytes_with(LengthForm::shortest(length), length)
    }

    /// The frame with a header that claims this length in this form, whatever the payload is.
    #[must_use]
    pub fn bytes_with(&self, form: LengthForm, claimed: u64) -> Vec<u8> {
        let mut bytes = self.header_with(form, claimed);
        for (index, byte) in self.payload.iter().enumerate() {
            let mask = self.key.map_or(0, |key| key[index % 4]);
            bytes.push(byte ^ mask);
        }
        bytes
    }

    /// The header only, which claims this length.
    #[must_use]
    pub fn header(&self, claimed: u64) -> Vec<u8> {
        self.header_with(LengthForm::shortest(claimed), claimed)
    }

    fn header_with(&self, form: LengthForm, claimed: u64) -> Vec<u8> {
        let mut bytes = vec![self.first];
        let mask_bit = if self.key.is_some() { 0x80 } else { 0 };
        match form {
            LengthForm::Seven => bytes.push(mask_bit | u8::try_from(claimed).unwrap()),
            LengthForm::Sixteen => {
                bytes.push(mask_bit | 126);
                bytes.extend(u16::try_from(claimed).unwrap().to_be_bytes());
            }
            LengthForm::SixtyFour => {
                bytes.push(mask_bit | 127);
                bytes.extend(claimed.to_be_bytes());
            }
        }
        bytes.extend(self.key.iter().flatten());
        bytes
    }
}

/// The bytes of frames as a side of this role sends them.
#[must_use]
pub fn bytes_of(frames: &[Frame], role: Role) -> Vec<u8> {
    let by = |frame: &Frame| frame.clone().by(role).bytes();
    frames.iter().flat_map(by).collect()
}

/// The header of a frame, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// FIN, RSV1 to RSV3, opcode.
    pub first: u8,
    pub key: Option<[u8; 4]>,
    /// How long the payload is.
    pub payload: u64,
    /// How long the header is itself.
    pub length: usize,
}

impl Header {
    /// The one at the start of `bytes`, if all of it is there.
    #[inline]
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let [first, second, rest @ ..] = bytes else {
            return None;
        };
        let (payload, length) = match second & 0x7f {
            126 => (u16::from_be_bytes(*rest.first_chunk()?).into(), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            short => (short.into(), 2),
        };
        let (key, length) = match second & 0x80 {
            0 => (None, length),
            _ => (Some(*bytes.get(length..)?.first_chunk()?), length + 4),
        };
        Some(Header {
            first: *first,
            key,
            payload,
            length,
        })
    }

    /// How long the frame is, this header included; `None` if that is more than memory can hold.
    fn frame_length(&self) -> Option<usize> {
        usize::try_from(self.payload).ok()?.checked_add(self.length)
    }

    /// Whether the length is in the form that the RFC asks for.
    fn is_shortest(&self) -> bool {
        let key = if self.key.is_some() { 4 } else { 0 };
        let length = match LengthForm::shortest(self.payload) {
            LengthForm::Seven => 2,
            LengthForm::Sixteen => 4,
            LengthForm::SixtyFour => 10,
        };
        self.length == length + key
    }
}

/// Takes the frame at the start of `bytes`, if all of it is there, and its length in its shortest form.
#[must_use]
pub fn take_frame(bytes: &mut &[u8]) -> Option<Frame> {
    let header = Header::parse(bytes).filter(Header::is_shortest)?;
    let (frame, rest) = bytes.split_at_checked(header.frame_length()?)?;
    *bytes = rest;
    let mut payload = frame[header.length..].to_vec();
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= header.key.map_or(0, |key| key[index % 4]);
    }
    Some(Frame {
        first: header.first,
        key: header.key,
        payload,
    })
}

/// The frames that `bytes` hold, from the first byte to the last.
///
/// # Panics
///
/// If the bytes end inside a frame, or a length is not in its shortest form.
#[must_use]
#[track_caller]
pub fn read_frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(frame) = take_frame(&mut rest) else {
            panic!("{bytes:02x?} ends inside a frame, or has a length in a longer form");
        };
        frames.push(frame);
    }
    frames
}

/// The length of the frame at the start of `bytes`, header included, if all of it is there.
#[must_use]
pub fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = Header::parse(bytes)?.frame_length()?;
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 5.7.
    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(Frame::text("Hello").bytes(), b"\x81\x05Hello");
        assert_eq!(
            Frame::text("Hello").masked(KEY).bytes(),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        );
        let fragments = [Frame::text("Hel").not_last(), Frame::continuation("lo")];
        let bytes = bytes_of(&fragments, Role::Server);
        assert_eq!(bytes, b"\x01\x03Hel\x80\x02lo");
        assert_eq!(Frame::binary([0; 256]).bytes()[..4], *b"\x82\x7e\x01\x00");
        let long = Frame::binary([0; 65_536]).bytes();
        assert_eq!(long[..10], *b"\x82\x7f\0\0\0\0\0\x01\0\0");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = Frame::binary(vec![0xa5; length]).masked([1, 2, 3, 4]);
            let twice = [frame.bytes(), frame.bytes()].concat();
            assert_eq!(read_frames(&twice), [frame.clone(), frame]);
        }
    }

    #[test]
    fn a_frame_that_is_cut_or_has_its_length_in_a_longer_form_is_not_taken() {
        let longer = Frame::binary("abc").bytes_with(LengthForm::Sixteen, 3);
        for wire in [&b"\x82"[..], b"\x82\x02a", b"\x82\x82abcde", &longer] {
            assert_eq!(take_frame(&mut &wire[..]), None, "{wire:x?}");
        }
    }

    #[test]
    fn a_frame_has_a_length_once_all_of_it_is_there() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = Frame::binary(vec![0xa5; length]);
            for bytes in [frame.bytes(), frame.masked(KEY).bytes()] {
                let more = [&bytes[..], b"\x82"].concat();
                assert_eq!(frame_length(&more), Some(bytes.len()));
                for end in [0, 1, 2, 9, bytes.len()] {
                    let cut = &bytes[..end.min(bytes.len() - 1)];
                    assert_eq!(frame_length(cut), None);
                }
            }
        }
    }
}
