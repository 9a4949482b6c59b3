//! Conversations: mostly valid frames, decoded from a fuzz input, or its raw bytes.

use arbitrary::{Result, Unstructured};
use host_tests::wire::{
    BINARY, CLOSE, CONTINUATION, FIN, Frame, LengthForm, PING, PONG, RSV1, TEXT,
};
use websocket_component::Role;

use super::Conversation;

/// First bytes of frames: every valid one more than once, and some invalid ones.
const FIRST: [u8; 16] = [
    FIN | TEXT,
    FIN | TEXT,
    TEXT,
    TEXT,
    FIN | BINARY,
    BINARY,
    FIN | CONTINUATION,
    FIN | CONTINUATION,
    CONTINUATION,
    CONTINUATION,
    FIN | PING,
    FIN | PONG,
    FIN | CLOSE,
    PING,
    FIN | RSV1 | TEXT,
    FIN | 0x3,
];

/// Complete text, text that is cut inside a character, and bytes that are no text.
const PAYLOADS: [&[u8]; 11] = [
    b"",
    b"",
    b"hello",
    "κόσμε".as_bytes(),
    b"\xf0\x9f",
    b"\x98\x80",
    b"\xe0\x80",
    b"\xff",
    b"\x03\xe8bye",
    b"\x03\xed",
    b"\x03\xf6",
];

pub(super) fn read(input: &mut Unstructured<'_>) -> Result<Conversation> {
    let role = *input.choose(&[Role::Server, Role::Client])?;
    let limit = *input.choose(&[1 << 20, 200])?;
    let mut bytes = Vec::new();
    if input.arbitrary()? {
        bytes.extend_from_slice(input.bytes(input.len())?);
    }
    while !input.is_empty() {
        bytes.extend(frame(input, role)?);
    }
    Ok(Conversation { role, limit, bytes })
}

fn frame(input: &mut Unstructured<'_>, role: Role) -> Result<Vec<u8>> {
    let first = *input.choose(&FIRST)?;
    let payload: Vec<u8> = match input.int_in_range(0..=3u8)? {
        0 => vec![b'x'; input.arbitrary::<u8>()?.into()],
        1 => {
            let length = usize::from(input.arbitrary::<u8>()? % 16).min(input.len());
            input.bytes(length)?.into()
        }
        _ => (*input.choose(&PAYLOADS)?).into(),
    };
    let length = payload.len() as u64;
    let frame = Frame {
        first,
        key: None,
        payload,
    };
    Ok(match input.arbitrary::<u8>()? {
        0..=239 => frame.by(role.peer()).bytes(),
        240..=245 => frame.by(role).bytes(),
        246..=248 => frame
            .by(role.peer())
            .bytes_with(LengthForm::Sixteen, length),
        249..=251 => frame
            .by(role.peer())
            .bytes_with(LengthForm::SixtyFour, length),
        252 => frame
            .by(role.peer())
            .bytes_with(LengthForm::SixtyFour, 1 << 63 | length),
        253 => frame
            .by(role.peer())
            .bytes_with(LengthForm::SixtyFour, (1 << 32) + length),
        _ => frame
            .by(role.peer())
            .bytes_with(LengthForm::Sixteen, length + 50),
    })
}
