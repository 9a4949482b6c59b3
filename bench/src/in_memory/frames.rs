//! Frames, written and read in the plainest way (RFC 6455, section 5.2).
//!
//! This is what outputs are checked against, so it shares no code with anything that is measured.

use anyhow::{Context, Result, bail, ensure};

use crate::in_memory::message::Message;
use crate::role::Role;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// How long the header of a message in one frame is.
pub(crate) const fn header_length(payload: usize, role: Role) -> usize {
    let length = match payload {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    match role {
        Role::Client => length + 4,
        Role::Server => length,
    }
}

/// Appends a message as one frame.
pub(crate) fn write(message: Message, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let payload = message.bytes();
    out.push(FIN | if message.is_text() { TEXT } else { BINARY });
    let masked = if key.is_some() { MASKED } else { 0 };
    match payload.len() {
        length @ 0..126 => out.push(masked | length as u8),
        length @ 126..65_536 => {
            out.push(masked | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    match key {
        Some(key) => {
            out.extend_from_slice(&key);
            out.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
        }
        None => out.extend_from_slice(payload),
    }
}

/// A message that came in one frame.
#[derive(Debug)]
pub(crate) struct Frame {
    text: bool,
    payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn is(&self, message: Message) -> bool {
        self.text == message.is_text() && self.payload == message.bytes()
    }
}

/// Reads everything that `role` has sent: whole messages in one frame each, as all of the measured libraries send
/// messages of these sizes.
pub(crate) fn read(mut bytes: &[u8], role: Role) -> Result<Vec<Frame>> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let number = frames.len();
        let frame = read_one(&mut bytes, role).with_context(|| format!("frame {number}"))?;
        frames.push(frame);
    }
    Ok(frames)
}

fn read_one(bytes: &mut &[u8], role: Role) -> Result<Frame> {
    let [first, second] = take::<2>(bytes)?;
    let text = match first {
        0x81 => true,
        0x82 => false,
        other => bail!("it begins with {other:#04x}, not as a whole text or binary message"),
    };
    let masked = second & MASKED != 0;
    ensure!(masked == (role == Role::Client), "masked: {masked}");
    let length = match second & !MASKED {
        126 => u64::from(u16::from_be_bytes(take(bytes)?)),
        127 => u64::from_be_bytes(take(bytes)?),
        short => u64::from(short),
    };
    let key = if masked { take(bytes)? } else { [0; 4] };
    let (payload, rest) = bytes
        .split_at_checked(length.try_into()?)
        .context("its payload is cut short")?;
    *bytes = rest;
    let payload = payload.iter().zip(key.iter().cycle());
    let payload = payload.map(|(byte, key)| byte ^ key).collect();
    Ok(Frame { text, payload })
}

fn take<const COUNT: usize>(bytes: &mut &[u8]) -> Result<[u8; COUNT]> {
    let (head, rest) = bytes
        .split_first_chunk()
        .context("its header is cut short")?;
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::{header_length, read, write};
    use crate::in_memory::message::Message;
    use crate::role::Role;

    #[test]
    fn the_examples_of_section_5_7() {
        let hello = Message::Text("Hello");
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        let mut out = Vec::new();
        write(hello, Some(key), &mut out);
        assert_eq!(out, masked);
        assert!(read(masked, Role::Client).unwrap()[0].is(hello));
        assert!(read(b"\x81\x05Hello", Role::Server).unwrap()[0].is(hello));
        assert!(!read(b"\x82\x05Hello", Role::Server).unwrap()[0].is(hello));
    }

    #[test]
    fn every_form_of_length() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let message = Message::Binary(vec![7; length].leak());
            let mut out = Vec::new();
            write(message, None, &mut out);
            assert_eq!(out.len(), header_length(length, Role::Server) + length);
            assert!(read(&out, Role::Server).unwrap()[0].is(message));
        }
    }

    #[test]
    fn what_is_wrong_is_found() {
        for wire in [
            &b"\x82"[..],
            b"\x82\x02a",
            b"\x82\x82abcdef",
            b"\x02\x01a",
            b"\x89\x00",
        ] {
            assert!(read(wire, Role::Server).is_err(), "{wire:x?}");
        }
        assert!(read(b"\x82\x00", Role::Client).is_err());
    }
}
