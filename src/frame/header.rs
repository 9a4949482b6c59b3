//! Frame headers (RFC 6455, section 5.2), checked byte by byte.
//!
//! A header is refused at the first byte that breaks a rule, also if the rest
//! has not come: [`parse`] checks what it is given in the order of the wire, so
//! that the answer doesn't depend on how the bytes were cut.

use alloc::vec::Vec;

use crate::limits::MAX_CONTROL_PAYLOAD;
use crate::{Rule, faults};

/// The longest header: two bytes, a 64-bit length and a mask key.
pub(crate) const MAX_LENGTH: usize = 14;
/// The FIN bit in the first byte of a header.
pub(crate) const FIN: u8 = 0x80;
/// The bits RSV1 to RSV3 in the first byte of a header.
pub(crate) const RESERVED_BITS: u8 = 0x70;
/// The bit of a message that is compressed (RFC 7692, section 6).
pub(crate) const RSV1: u8 = 0x40;

pub(crate) const MASKED: u8 = 0x80;

/// The first byte of a message in one frame.
pub(crate) const WHOLE_TEXT: u8 = FIN | 0x1;
pub(crate) const WHOLE_BINARY: u8 = FIN | 0x2;

/// What a frame is (RFC 6455, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(crate) const fn from_bits(bits: u8) -> Option<Opcode> {
        match bits & 0x0f {
            0x0 => Some(Opcode::Continuation),
            0x1 => Some(Opcode::Text),
            0x2 => Some(Opcode::Binary),
            0x8 => Some(Opcode::Close),
            0x9 => Some(Opcode::Ping),
            0xa => Some(Opcode::Pong),
            _ => None,
        }
    }

    pub(crate) const fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xa,
        }
    }

    pub(crate) const fn is_control(self) -> bool {
        self.bits() >= 0x8
    }
}

/// Whether frames must be masked (RFC 6455, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Masking {
    Required,
    Forbidden,
    Either,
}

/// What the next header is checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) masking: Masking,
    /// Those of RSV1 to RSV3 that an extension allows on a data frame here.
    pub(crate) reserved_bits: u8,
    /// Whether a message is unfinished, so that a continuation must follow.
    pub(crate) in_message: bool,
    /// Whether the message may have another frame.
    pub(crate) fragment_allowed: bool,
    /// The longest payload of one frame.
    pub(crate) frame_limit: u64,
    /// How much longer the message may get.
    pub(crate) message_room: u64,
    /// How long the first frame of a compressed message may be.
    pub(crate) compressed_room: u64,
}

/// A header that breaks no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// FIN, RSV1 to RSV3 and the opcode, as on the wire.
    pub(crate) first: u8,
    pub(crate) opcode: Opcode,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload: u64,
}

impl Header {
    pub(crate) const fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// Returns how many bytes the header has.
    pub(crate) const fn length(&self) -> usize {
        let length = match self.payload {
            0..126 => 0,
            126..65_536 => 2,
            _ => 8,
        };
        let key = if self.key.is_some() { 4 } else { 0 };
        2 + length + key
    }
}

/// Reads a header from the start of `bytes`: the header with its length, or
/// nothing if it is not all there yet.
#[inline]
pub(crate) fn parse(bytes: &[u8], expected: &Expected) -> Result<Option<(Header, usize)>, Rule> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let opcode = check_first(first, expected)?;
    let Some((&second, rest)) = rest.split_first() else {
        return Ok(None);
    };
    let masked = check_second(second, opcode, expected.masking)?;
    let (payload, rest) = match second & !MASKED {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => {
            check_long_length(rest)?;
            match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (faults::length(u64::from_be_bytes(*length)), rest),
                None => return Ok(None),
            }
        }
        short => (u64::from(short), rest),
    };
    if second & !MASKED == 126 && payload < 126 {
        return Err(Rule::LengthNotMinimal);
    }
    if !opcode.is_control() {
        if payload > expected.frame_limit {
            return Err(Rule::FrameTooBig);
        }
        let room = if first & RSV1 == 0 {
            expected.message_room
        } else {
            expected.compressed_room
        };
        if payload > room {
            return Err(Rule::MessageTooBig);
        }
    }
    let (key, rest) = if masked {
        match rest.split_first_chunk::<4>() {
            Some((key, rest)) => (Some(*key), rest),
            None => return Ok(None),
        }
    } else {
        (None, rest)
    };
    let header = Header {
        first,
        opcode,
        key,
        payload,
    };
    Ok(Some((header, bytes.len() - rest.len())))
}

/// Returns the length of the payload that a header announces, valid or not, if all of it is
/// there.
#[cold]
pub(crate) fn announced(bytes: &[u8]) -> Option<u64> {
    let (&[_, second], rest) = bytes.split_first_chunk::<2>()?;
    match second & !MASKED {
        126 => rest
            .first_chunk()
            .map(|length| u64::from(u16::from_be_bytes(*length))),
        127 => rest.first_chunk().map(|length| u64::from_be_bytes(*length)),
        short => Some(short.into()),
    }
}

#[inline]
fn check_first(first: u8, expected: &Expected) -> Result<Opcode, Rule> {
    let reserved = if faults::reserved_bit() {
        0
    } else {
        first & RESERVED_BITS
    };
    let opcode = Opcode::from_bits(first);
    let control = opcode.is_some_and(Opcode::is_control);
    if reserved & !expected.reserved_bits != 0 || (control && reserved != 0) {
        return Err(Rule::ReservedBits);
    }
    let opcode = opcode.ok_or(Rule::ReservedOpcode)?;
    if control {
        return if first & FIN == 0 {
            Err(Rule::ControlFragmented)
        } else {
            Ok(opcode)
        };
    }
    match (opcode, expected.in_message) {
        (Opcode::Continuation, false) => Err(Rule::UnexpectedContinuation),
        (Opcode::Continuation, true) if !expected.fragment_allowed => Err(Rule::TooManyFragments),
        (Opcode::Continuation, true) => Ok(opcode),
        (_, true) => Err(Rule::MessageInterleaved),
        (_, false) => Ok(opcode),
    }
}

#[inline]
fn check_second(second: u8, opcode: Opcode, masking: Masking) -> Result<bool, Rule> {
    let masked = second & MASKED != 0;
    match masking {
        Masking::Required if !masked && !faults::mask() => return Err(Rule::FrameNotMasked),
        Masking::Forbidden if masked => return Err(Rule::FrameMasked),
        _ => {}
    }
    if opcode.is_control() && usize::from(second & !MASKED) > MAX_CONTROL_PAYLOAD {
        return Err(Rule::ControlTooLong);
    }
    Ok(masked)
}

/// Checks the available bytes of a 64-bit length: its top bit must be clear, and it must not fit
/// in 16 bits. Both are known before its last byte.
fn check_long_length(bytes: &[u8]) -> Result<(), Rule> {
    if bytes.first().is_some_and(|top| top & 0x80 != 0) {
        return Err(Rule::LengthTopBit);
    }
    match bytes.first_chunk::<6>() {
        Some([0, 0, 0, 0, 0, 0]) => Err(Rule::LengthNotMinimal),
        _ => Ok(()),
    }
}

/// Appends a header with the shortest form of the length.
#[inline]
pub(crate) fn write(first: u8, payload: usize, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    put(first, payload, key, |bytes| out.extend_from_slice(bytes));
}

/// Returns a header, padded with zeros, and its length.
#[inline]
pub(crate) fn encode(first: u8, payload: usize, key: Option<[u8; 4]>) -> ([u8; 16], usize) {
    // Put together in a register: bytes that are stored one by one and loaded as a whole make
    // a processor wait.
    let (mut header, mut length) = (0, 0);
    put(first, payload, key, |bytes| {
        let mut part = [0; 8];
        for (to, from) in part.iter_mut().zip(bytes) {
            *to = *from;
        }
        header |= u128::from(u64::from_le_bytes(part)) << (8 * length);
        length += bytes.len();
    });
    (header.to_le_bytes(), length)
}

#[inline(always)]
fn put(first: u8, payload: usize, key: Option<[u8; 4]>, mut put: impl FnMut(&[u8])) {
    let masked = if key.is_some() { MASKED } else { 0 };
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(short), _) if short < 126 => put(&[first, masked | short]),
        (_, Ok(medium)) => {
            let [high, low] = medium.to_be_bytes();
            put(&[first, masked | 126, high, low]);
        }
        _ => {
            put(&[first, masked | 127]);
            put(&(payload as u64).to_be_bytes());
        }
    }
    if let Some(key) = key {
        put(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANY: Expected = Expected {
        masking: Masking::Either,
        reserved_bits: 0,
        in_message: false,
        fragment_allowed: true,
        frame_limit: u64::MAX,
        message_room: u64::MAX,
        compressed_room: u64::MAX,
    };
    const INSIDE: Expected = Expected {
        in_message: true,
        ..ANY
    };

    fn rule(bytes: &[u8], expected: &Expected) -> Rule {
        parse(bytes, expected).expect_err("the header breaks a rule")
    }

    #[test]
    fn reserved_bits_fail_at_the_first_byte() {
        for bit in [0x40, 0x20, 0x10] {
            assert_eq!(rule(&[FIN | bit | 1], &ANY), Rule::ReservedBits);
            let extension = Expected {
                reserved_bits: bit,
                ..ANY
            };
            assert_eq!(parse(&[FIN | bit | 1], &extension), Ok(None));
            assert_eq!(rule(&[FIN | bit | 9], &extension), Rule::ReservedBits);
        }
    }

    #[test]
    fn reserved_opcodes_fail_at_the_first_byte() {
        for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
            assert_eq!(rule(&[FIN | opcode], &ANY), Rule::ReservedOpcode);
            assert_eq!(rule(&[opcode], &INSIDE), Rule::ReservedOpcode);
        }
    }

    #[test]
    fn control_frames_are_whole_and_short() {
        for opcode in [8, 9, 0xa] {
            assert_eq!(rule(&[opcode], &ANY), Rule::ControlFragmented);
            assert_eq!(rule(&[FIN | opcode, 126], &ANY), Rule::ControlTooLong);
            assert_eq!(rule(&[FIN | opcode, 0xff], &INSIDE), Rule::ControlTooLong);
            assert!(matches!(parse(&[FIN | opcode, 125], &INSIDE), Ok(Some(_))));
        }
    }

    #[test]
    fn the_mask_belongs_to_the_role() {
        let server = Expected {
            masking: Masking::Required,
            ..ANY
        };
        let client = Expected {
            masking: Masking::Forbidden,
            ..ANY
        };
        assert_eq!(rule(&[0x81, 0x00], &server), Rule::FrameNotMasked);
        assert_eq!(rule(&[0x81, 0x80], &client), Rule::FrameMasked);
    }

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(rule(&[0x82, 126, 0, 125], &ANY), Rule::LengthNotMinimal);
        assert!(matches!(parse(&[0x82, 126, 0, 126], &ANY), Ok(Some(_))));
        assert_eq!(
            rule(&[0x82, 127, 0, 0, 0, 0, 0, 0], &ANY),
            Rule::LengthNotMinimal
        );
        let smallest = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(matches!(parse(&smallest, &ANY), Ok(Some((h, 10))) if h.payload == 65_536));
    }

    #[test]
    fn class_12_a_64_bit_length_has_its_top_bit_clear() {
        assert_eq!(rule(&[0x82, 127, 0x80], &ANY), Rule::LengthTopBit);
        assert_eq!(rule(&[0x82, 127, 0xff], &ANY), Rule::LengthTopBit);
        let largest = [0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255];
        assert!(matches!(parse(&largest, &ANY), Ok(Some((h, _))) if h.payload == i64::MAX as u64));
    }

    #[test]
    fn continuations_continue_and_messages_do_not_interleave() {
        assert_eq!(rule(&[0x80], &ANY), Rule::UnexpectedContinuation);
        assert_eq!(rule(&[0x00], &ANY), Rule::UnexpectedContinuation);
        assert_eq!(rule(&[0x81], &INSIDE), Rule::MessageInterleaved);
        assert_eq!(rule(&[0x02], &INSIDE), Rule::MessageInterleaved);
        let full = Expected {
            fragment_allowed: false,
            ..INSIDE
        };
        assert_eq!(rule(&[0x80], &full), Rule::TooManyFragments);
        assert_eq!(parse(&[0x89], &full), Ok(None));
    }

    #[test]
    fn limits_are_checked_before_the_mask_key_has_come() {
        let limited = Expected {
            frame_limit: 100,
            message_room: 50,
            compressed_room: 50,
            ..ANY
        };
        assert_eq!(rule(&[0x82, 0x80 | 101], &limited), Rule::FrameTooBig);
        assert_eq!(rule(&[0x82, 0x80 | 51], &limited), Rule::MessageTooBig);
        assert_eq!(parse(&[0x82, 0x80 | 50], &limited), Ok(None));
        assert!(matches!(parse(&[0x89, 60], &limited), Ok(Some(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            payload in prop_oneof![0usize..200, 65_000usize..66_000, Just(usize::MAX >> 1)],
            key in any::<Option<[u8; 4]>>(),
        ) {
            let mut bytes = Vec::new();
            write(FIN | 2, payload, key, &mut bytes);
            let (header, length) = parse(&bytes, &ANY).unwrap().unwrap();
            prop_assert_eq!(length, bytes.len());
            prop_assert_eq!(header.key, key);
            prop_assert_eq!(header.payload, payload as u64);
            prop_assert!(header.is_final());
        }

        #[test]
        fn a_cut_header_fails_by_the_same_rule_or_not_at_all(
            bytes in proptest::collection::vec(any::<u8>(), 14),
            in_message in any::<bool>(),
        ) {
            let expected = Expected { in_message, ..ANY };
            let whole = parse(&bytes, &expected);
            for cut in 0..bytes.len() {
                match parse(&bytes[..cut], &expected) {
                    Ok(None) => {}
                    other => prop_assert_eq!(other, whole),
                }
            }
        }
    }
}
