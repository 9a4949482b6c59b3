//! Frame headers, decoded slowly: bit by bit, in the order and the words of
//! RFC 6455, section 5.2. Nothing of the engine's is used but the names of rules.

use crate::Rule;

/// What gives a meaning to the reserved bits of data frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    None,
    /// To RSV1, on the first frame of a message (RFC 7692, section 6).
    Deflate,
    /// To all of them.
    Custom,
}

/// What a stream knows before a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Whether the MASK bit has to be set, must not be, or may be.
    pub(super) mask: Option<bool>,
    pub(super) extension: Extension,
    /// The frames and the bytes of the unfinished message, if there is one.
    pub(super) message: Option<(u32, u64)>,
    pub(super) fragment_limit: u32,
    pub(super) frame_limit: u64,
    pub(super) message_limit: u64,
}

/// The fields of the figure in section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) fin: bool,
    pub(super) rsv: [bool; 3],
    pub(super) opcode: u64,
    pub(super) payload: u64,
    pub(super) key: Option<[u8; 4]>,
}

/// What is to be said of a header, and how many bytes it takes to say it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Result<Fields, Rule>,
    pub(super) bytes: usize,
}

/// Bits, the most significant one of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> bool {
        let byte = self.bytes[self.taken / 8];
        let bit = byte & (0x80 >> (self.taken % 8));
        self.taken += 1;
        bit != 0
    }

    fn number(&mut self, bits: usize) -> u64 {
        (0..bits).fold(0, |number, _| number * 2 + u64::from(self.bit()))
    }
}

/// The verdict on the header at the start of `bytes`, which hold all of it.
pub(super) fn decode(bytes: &[u8], context: &Context) -> Verdict {
    let mut bits = Bits { bytes, taken: 0 };
    let outcome = read(&mut bits, context);
    // A rule can be broken inside a byte; bytes come whole.
    let bytes = bits.taken.div_ceil(8);
    Verdict { outcome, bytes }
}

fn read(bits: &mut Bits<'_>, context: &Context) -> Result<Fields, Rule> {
    let fin = bits.bit();
    let rsv = [bits.bit(), bits.bit(), bits.bit()];
    let opcode = bits.number(4);
    let control = matches!(opcode, 0x8..=0xf);

    // "MUST be 0 unless an extension is negotiated that defines meanings"
    let defined = match context.extension {
        _ if matches!(opcode, 0x8..=0xa) => [false; 3],
        Extension::None => [false; 3],
        Extension::Deflate => [context.message.is_none(), false, false],
        Extension::Custom => [true; 3],
    };
    if rsv
        .iter()
        .zip(defined)
        .any(|(bit, defined)| *bit && !defined)
    {
        return Err(Rule::ReservedBits);
    }
    match opcode {
        // "denotes a continuation frame"
        0x0 => match context.message {
            None => return Err(Rule::UnexpectedContinuation),
            Some((frames, _)) if frames >= context.fragment_limit => {
                return Err(Rule::TooManyFragments);
            }
            Some(_) => {}
        },
        // "denotes a text frame", "denotes a binary frame"
        0x1 | 0x2 if context.message.is_some() => return Err(Rule::MessageInterleaved),
        0x1 | 0x2 => {}
        // "denotes a connection close", "a ping", "a pong"; "MUST NOT be fragmented"
        0x8..=0xa if !fin => return Err(Rule::ControlFragmented),
        0x8..=0xa => {}
        // "reserved for further non-control frames", "for further control frames"
        _ => return Err(Rule::ReservedOpcode),
    }

    let masked = bits.bit();
    match context.mask {
        Some(true) if !masked => return Err(Rule::FrameNotMasked),
        Some(false) if masked => return Err(Rule::FrameMasked),
        _ => {}
    }

    let short = bits.number(7);
    // "All control frames MUST have a payload length of 125 bytes or less"
    if control && short > 125 {
        return Err(Rule::ControlTooLong);
    }
    // "the minimal number of bytes MUST be used to encode the length"
    let payload = match short {
        // "the following 2 bytes interpreted as a 16-bit unsigned integer"
        126 => match bits.number(16) {
            0..=125 => return Err(Rule::LengthNotMinimal),
            length => length,
        },
        // "the following 8 bytes interpreted as a 64-bit unsigned integer (the most
        // significant bit MUST be 0)"
        127 => {
            if bits.bit() {
                return Err(Rule::LengthTopBit);
            }
            // With these bits clear 16 are enough, whatever follows.
            let high = bits.number(47);
            if high == 0 {
                return Err(Rule::LengthNotMinimal);
            }
            high * 65_536 + bits.number(16)
        }
        length => length,
    };
    if !control {
        if payload > context.frame_limit {
            return Err(Rule::FrameTooBig);
        }
        let before = context.message.map_or(0, |(_, bytes)| bytes);
        // How long a compressed message is shows when it is inflated.
        let compressed = context.extension == Extension::Deflate && rsv[0];
        let message = u128::from(before) + u128::from(payload);
        if !compressed && message > u128::from(context.message_limit) {
            return Err(Rule::MessageTooBig);
        }
    }

    // "This field is present if the mask bit is set to 1"
    let key = masked.then(|| [0; 4].map(|_: u8| bits.number(8) as u8));
    Ok(Fields {
        fin,
        rsv,
        opcode,
        payload,
        key,
    })
}

/// The headers of RFC 6455, section 5.7, as a check of the decoder itself.
#[test]
fn the_decoder_reads_the_examples_of_section_5_7() {
    let context = Context {
        mask: None,
        extension: Extension::None,
        message: None,
        fragment_limit: 1,
        frame_limit: u64::MAX,
        message_limit: u64::MAX,
    };
    let read = |bytes: &[u8]| {
        let verdict = decode(bytes, &context);
        let fields = verdict.outcome.unwrap();
        let Fields { opcode, key, .. } = fields;
        (fields.fin, opcode, fields.payload, key, verdict.bytes)
    };
    assert_eq!(read(b"\x81\x05Hello"), (true, 1, 5, None, 2));
    let key = Some([0x37, 0xfa, 0x21, 0x3d]);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(read(masked), (true, 1, 5, key, 6));
    assert_eq!(read(b"\x01\x03Hel"), (false, 1, 3, None, 2));
    assert_eq!(read(b"\x89\x05Hello"), (true, 9, 5, None, 2));
    assert_eq!(read(b"\x82\x7E\x01\x00"), (true, 2, 256, None, 4));
    let long = b"\x82\x7F\0\0\0\0\0\x01\0\0";
    assert_eq!(read(long), (true, 2, 65_536, None, 10));
}
