//! Parses what the gate sends to an attacker: a head, then frames, of which only the control frames matter.

use host_tests::heads;
use host_tests::wire::{self, CLOSE, Header, PING};
use websocket_component::Role;

/// Reads what a side of the gate sends, in any pieces. It keeps no payload but those of control frames.
#[derive(Debug)]
pub struct Hearing {
    /// The role of the sender.
    speaker: Role,
    buffer: Vec<u8>,
    /// Payload that is still to be passed over.
    skip: u64,
    /// The first head, without the empty line.
    pub head: Option<String>,
    /// The code of the close frame, 1005 if it holds none.
    pub close: Option<u16>,
    /// Payloads of pings that nobody has answered.
    pub pings: Vec<Vec<u8>>,
}

impl Hearing {
    #[must_use]
    pub fn new(speaker: Role) -> Hearing {
        Hearing {
            speaker,
            buffer: Vec::new(),
            skip: 0,
            head: None,
            close: None,
            pings: Vec::new(),
        }
    }

    /// The status, once the head of a response has come.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let line = self.head.as_deref()?.strip_prefix("HTTP/1.1 ")?;
        line.get(..3)?.parse().ok()
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.head.is_none() {
            let Some(end) = heads::end(&self.buffer) else {
                return;
            };
            let head: Vec<u8> = self.buffer.drain(..end).collect();
            self.head = Some(String::from_utf8_lossy(&head).into_owned());
        }
        if self.speaker == Role::Server && self.status() != Some(101) {
            // A body, that says in words what the status says.
            self.buffer.clear();
            return;
        }
        while self.frame().is_some() {}
    }

    /// Takes one frame, or what has come of its payload, out of the buffer.
    fn frame(&mut self) -> Option<()> {
        if self.skip > 0 {
            let passed = self
                .buffer
                .len()
                .min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.buffer.drain(..passed);
            self.skip -= passed as u64;
            return (self.skip == 0).then_some(());
        }
        let header = Header::parse(&self.buffer)?;
        let opcode = header.first & 0x0f;
        if opcode < CLOSE {
            self.skip = header.payload;
            self.buffer.drain(..header.length);
            return Some(());
        }
        let mut frame = &self.buffer[..];
        let payload = wire::take_frame(&mut frame)?.payload;
        let left = frame.len();
        self.buffer.drain(..self.buffer.len() - left);
        match opcode {
            CLOSE => {
                let code = payload.first_chunk::<2>();
                let code = code.map_or(1005, |code| u16::from_be_bytes(*code));
                self.close.get_or_insert(code);
            }
            PING => self.pings.push(payload),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use host_tests::{Frame, heads};

    use super::*;

    #[test]
    fn control_frames_are_heard_in_any_pieces() {
        for speaker in [Role::Client, Role::Server] {
            let mut said = match speaker {
                Role::Client => heads::request(),
                Role::Server => heads::response_to(heads::KEY),
            };
            for frame in [
                Frame::binary(vec![0x88; 70_000]),
                Frame::ping("one"),
                Frame::text("\u{88}"),
                Frame::ping(""),
                Frame::close(4001, "enough"),
            ] {
                said.extend(frame.by(speaker).bytes());
            }
            for piece in [1, 7, said.len()] {
                let mut hearing = Hearing::new(speaker);
                for bytes in said.chunks(piece) {
                    hearing.hear(bytes);
                }
                assert_eq!(hearing.pings, [b"one".to_vec(), vec![]]);
                assert_eq!(hearing.close, Some(4001));
                assert_eq!(hearing.status(), (speaker == Role::Server).then_some(101));
                assert!(hearing.buffer.is_empty());
            }
        }
    }

    #[test]
    fn a_refusal_has_a_status_and_its_body_is_no_frame() {
        let mut hearing = Hearing::new(Role::Server);
        hearing.hear(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\n\x88\x02\x03\xe8");
        assert_eq!((hearing.status(), hearing.close), (Some(502), None));
    }
}
