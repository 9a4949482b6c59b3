//! The messages, and the frames that carry them.

use crate::size::Size;

/// Binary messages of one size, in a cycle.
pub(crate) struct Content {
    pub(super) size: usize,
    /// All payloads, one behind the other.
    pub(super) payload: Vec<u8>,
    /// A frame for each, without a mask.
    pub(super) from_server: Vec<u8>,
    /// And with one.
    pub(super) from_client: Vec<u8>,
}

/// All of the cycle together, as far as one message isn't more.
const CYCLE: usize = 64 << 10;

impl Content {
    pub(crate) fn new(size: Size) -> Self {
        let Size(size) = size;
        let count = (CYCLE / size.max(1)).clamp(4, 1024);
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let payload: Vec<u8> = (0..count * size).map(|_| noise.next() as u8).collect();
        let (mut from_server, mut from_client) = (Vec::new(), Vec::new());
        for number in 0..count {
            let message = &payload[number * size..(number + 1) * size];
            header(size, 0, &mut from_server);
            from_server.extend_from_slice(message);
            header(size, 0x80, &mut from_client);
            let key = (noise.next() as u32).to_be_bytes();
            from_client.extend(key);
            from_client.extend(
                message
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(byte, key)| byte ^ key),
            );
        }
        Self {
            size,
            payload,
            from_server,
            from_client,
        }
    }

    /// How many messages there are.
    pub(super) fn count(&self) -> usize {
        self.payload.len() / self.size
    }
}

/// The header of a binary frame (RFC 6455, section 5.2).
fn header(length: usize, mask: u8, to: &mut Vec<u8>) {
    to.push(0x82);
    match length {
        0..=125 => to.push(mask | length as u8),
        126..=65_535 => {
            to.push(mask | 126);
            to.extend((length as u16).to_be_bytes());
        }
        _ => {
            to.push(mask | 127);
            to.extend((length as u64).to_be_bytes());
        }
    }
}

/// Bytes without a pattern (xorshift64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
