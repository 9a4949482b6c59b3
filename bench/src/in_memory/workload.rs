//! The messages that are decoded and encoded, the same for all subjects.

use host_tests::Frame;
use host_tests::deflate::noise;
use websocket_component::Role;

use crate::in_memory::cell::{Cell, Content};
use crate::in_memory::transport::Source;
use crate::size::Size;

/// Bytes of payload in a pass. Small enough for a core's second-level cache, as bytes fresh from a
/// socket are; large enough that a pass takes far longer than reading the clock.
const PASS: usize = 1 << 20;
/// The most messages in a pass, however small.
const MOST: usize = 1 << 16;
/// Shorter messages count as this many bytes when sent, since a header has a cost too.
const LEAST: usize = 16;

/// One message. It lives as long as the program, so that libraries which take payloads by reference count or by value
/// get them without a copy: their cheapest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(&'static str),
    Binary(&'static [u8]),
}

impl Message {
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns it as it is sent: whole, in one frame.
    pub(crate) fn frame(self) -> Frame {
        match self {
            Self::Text(text) => Frame::text(text),
            Self::Binary(bytes) => Frame::binary(bytes),
        }
    }
}

/// The messages of one pass, all of one size.
pub(crate) struct Workload {
    pub(crate) cell: Cell,
    /// The most bytes that one read brings in, and about what a program sends before it flushes.
    transfer: usize,
    pub(crate) messages: Vec<Message>,
    /// All payloads, one after the other.
    pub(crate) payloads: &'static [u8],
}

impl Workload {
    pub(crate) fn new(cell: &Cell, transfer: usize) -> Self {
        let (content, Size(length)) = (cell.content, cell.size);
        let count = PASS
            .checked_div(length)
            .map_or(MOST, |count| count.clamp(1, MOST));
        // One after the other, as in an arena, so that all subjects have the same cache misses.
        let arena = match content {
            Content::Binary => noise(count * length),
            Content::Text => texts(count, length, ASCII),
            Content::Unicode => texts(count, length, SCRIPTS),
        };
        let arena: &'static [u8] = arena.leak();
        let message = |bytes: &'static [u8]| match content {
            Content::Binary => Message::Binary(bytes),
            Content::Text | Content::Unicode => {
                Message::Text(std::str::from_utf8(bytes).expect("made of characters"))
            }
        };
        let places = (0..count).map(|number| &arena[number * length..(number + 1) * length]);
        Self {
            cell: *cell,
            transfer,
            messages: places.map(message).collect(),
            payloads: arena,
        }
    }

    /// Whether these are the messages of this cell, too.
    pub(crate) fn is_for(&self, cell: &Cell) -> bool {
        let task = self.cell.task;
        self.cell == Cell { task, ..*cell }
    }

    /// How many messages are flushed together.
    pub(crate) fn burst(&self) -> usize {
        match self.cell.is_one_at_a_time {
            true => 1,
            false => (self.transfer / self.cell.size.0.max(LEAST)).max(1),
        }
    }

    /// Returns the messages in groups that are flushed together.
    pub(crate) fn bursts(&self) -> impl Iterator<Item = &[Message]> {
        self.messages.chunks(self.burst())
    }

    /// Returns what this role receives: the other one's frames, one for each message.
    pub(crate) fn source(&self, role: Role) -> Source {
        let (mut wire, mut ends) = (Vec::new(), Vec::new());
        let keys = noise(4 * self.messages.len());
        for (message, key) in self.messages.iter().zip(keys.as_chunks().0) {
            let frame = match role {
                Role::Server => message.frame().masked(*key),
                Role::Client => message.frame(),
            };
            wire.extend(frame.bytes());
            ends.push(wire.len());
        }
        let boundaries = match self.cell.is_one_at_a_time {
            true => ends,
            false => (self.transfer..wire.len()).step_by(self.transfer).collect(),
        };
        Source::new(wire, boundaries)
    }

    /// How many bytes the messages take on the wire, in one frame each.
    pub(crate) fn wire_length(&self, role: Role) -> u64 {
        let header = Frame::binary([]).by(role).header(self.cell.size.0 as u64);
        (self.messages.len() * (header.len() + self.cell.size.0)) as u64
    }
}

/// JSON's alphabet, roughly.
const ASCII: &str =
    r#"{"id":1234567890,"name":"the quick brown fox jumps over a lazy dog","ok":true}"#;

/// Latin, Greek, Cyrillic, Chinese, Japanese, Korean and emoji, with ASCII between them.
const SCRIPTS: &str = "Füße, naïve; Ελληνικά και λόγια; быстрая лиса; 快速的棕色狐狸; すばやい茶色; 빠른 여우; 🦊🐶 ok. ";

/// Returns `count` stretches of the repeated `sample`, each of exactly `length` bytes and from another offset.
fn texts(count: usize, length: usize, sample: &str) -> Vec<u8> {
    let mut texts = Vec::with_capacity(count * length);
    for skip in noise(count) {
        let end = texts.len() + length;
        let skip = usize::from(skip) % sample.chars().count();
        for character in sample.chars().cycle().skip(skip) {
            if texts.len() + character.len_utf8() > end {
                break;
            }
            texts.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        texts.resize(end, b'.');
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use host_tests::wire::read_frames;
    use websocket_component::Role;

    use super::{Cell, Content, Workload};

    #[test]
    fn every_message_has_its_size_and_the_wire_carries_all() {
        for cell in Cell::all() {
            let work = Workload::new(&cell, 64 << 10);
            assert!(work.messages.iter().all(|m| m.bytes().len() == cell.size.0));
            let text = cell.content != Content::Binary;
            assert!(work.messages.iter().all(|m| m.is_text() == text));
            let mut source = work.source(Role::Server);
            let mut wire = vec![0; work.wire_length(Role::Client) as usize];
            source.read_exact(&mut wire).unwrap();
            assert!(source.is_at_start());
            let frames = read_frames(&wire).into_iter();
            let frames = frames.filter(|frame| frame.key.is_some());
            let expected = work.messages.iter().map(|message| message.frame());
            assert!(frames.map(|frame| frame.by(Role::Server)).eq(expected));
        }
    }

    #[test]
    fn bursts_hold_every_message_once() {
        for cell in Cell::all().filter(|cell| cell.content == Content::Binary) {
            let work = Workload::new(&cell, 64 << 10);
            let count: usize = work.bursts().map(<[_]>::len).sum();
            assert_eq!(count, work.messages.len());
            let longest = work.bursts().map(<[_]>::len).max();
            assert_eq!(longest, Some(work.burst().min(count)));
        }
    }
}
