//! What a host sends, decoded from a fuzz input.

use arbitrary::Arbitrary;
use websocket_component::Message;

/// Lengths around the boundaries of the three forms of a frame's length (RFC 6455, section 5.2), and of the limits.
const LONG: [usize; 8] = [125, 126, 127, 1000, 3000, 65_535, 65_536, 70_000];

/// Four characters of one to four bytes.
const CHARACTERS: &str = "aé€😀";

/// A message or a part of one.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Text(u8),
    TextFragment(u8),
    Utf8(&'a [u8]),
    Utf8Fragment(&'a [u8]),
    Binary(u8),
    BinaryFragment(u8),
    Ping(u8),
    Pong(u8),
    Close,
    CloseWith(u16, u8),
    Frame(u8, &'a [u8]),
}

impl Said<'_> {
    /// Its bytes. Those of pings and pongs begin with a letter of their own, and then `nth`.
    pub(crate) fn payload(&self, nth: usize) -> Vec<u8> {
        let marked = |mark: u8, length: u8| {
            let mut payload = vec![nth as u8; usize::from(length).max(1)];
            payload[0] = mark;
            payload
        };
        match *self {
            Said::Text(size) | Said::TextFragment(size) => text(length(size)).into_bytes(),
            Said::Utf8(bytes) | Said::Utf8Fragment(bytes) | Said::Frame(_, bytes) => bytes.into(),
            Said::Binary(size) | Said::BinaryFragment(size) => {
                (0..length(size)).map(|index| (index + nth) as u8).collect()
            }
            Said::Ping(length) => marked(PING_MARK, length),
            Said::Pong(length) => marked(PONG_MARK, length),
            Said::Close => Vec::new(),
            Said::CloseWith(_, size) => text(usize::from(size)).into_bytes(),
        }
    }

    /// With the bytes from [`Said::payload`].
    pub(crate) fn message<'p>(&self, payload: &'p [u8]) -> Message<'p> {
        let text = || str::from_utf8(payload).expect("made of characters");
        match *self {
            Said::Text(_) => Message::Text(text()),
            Said::TextFragment(_) => Message::TextFragment(text()),
            Said::Utf8(_) => Message::Utf8(payload),
            Said::Utf8Fragment(_) => Message::Utf8Fragment(payload),
            Said::Binary(_) => Message::Binary(payload),
            Said::BinaryFragment(_) => Message::BinaryFragment(payload),
            Said::Ping(_) => Message::Ping(payload),
            Said::Pong(_) => Message::Pong(payload),
            Said::Close => Message::Close,
            Said::CloseWith(code, _) => Message::CloseWith(code, payload),
            Said::Frame(bits, _) => Message::ExtensionFrame(bits, payload),
        }
    }
}

/// What the payload of a host's ping begins with.
pub(crate) const PING_MARK: u8 = b'i';
/// What the payload of a host's pong begins with.
pub(crate) const PONG_MARK: u8 = b'o';

fn length(size: u8) -> usize {
    match size {
        0..=191 => usize::from(size),
        _ => LONG[usize::from(size) % LONG.len()],
    }
}

/// Characters of every length, in at most so many bytes.
fn text(most: usize) -> String {
    let mut text = String::new();
    for character in CHARACTERS.chars().cycle() {
        if text.len() + character.len_utf8() > most {
            return text;
        }
        text.push(character);
    }
    text
}
