//! The frames that a session has handed out to their last byte, as they leave it.

use host_tests::heads;
use host_tests::wire::{CLOSE, FIN, PING, PONG};

/// Whose a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message of the host's, or a fragment of one.
    Data,
    Ping {
        first: Option<u8>,
    },
    Pong {
        first: Option<u8>,
    },
    Close,
}

/// Splits what is handed out into frames.
pub(super) struct Splitter {
    /// The head of a handshake comes first.
    in_head: bool,
    /// What was handed out of the frame that is not complete.
    begun: Vec<u8>,
}

impl Splitter {
    pub(super) fn new(in_head: bool) -> Splitter {
        Splitter {
            in_head,
            begun: Vec::new(),
        }
    }

    /// Returns the frames that end in `bytes`.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.begun.extend_from_slice(bytes);
        let mut at = 0;
        if self.in_head {
            let Some(end) = heads::end(&self.begun) else {
                return Vec::new();
            };
            at = end;
            self.in_head = false;
        }
        let mut frames = Vec::new();
        while let Some((frame, length)) = frame(&self.begun[at..]) {
            frames.push(frame);
            at += length;
        }
        self.begun.drain(..at);
        frames
    }
}

/// The first frame, and its length, if all of it is here.
fn frame(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (&[first, second], _) = bytes.split_first_chunk::<2>()?;
    let (payload, mut start) = match second & 0x7f {
        126 => (
            u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(),
            4,
        ),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
        short => (u64::from(short), 2),
    };
    let mut key = 0;
    if second & 0x80 != 0 {
        key = *bytes.get(start)?;
        start += 4;
    }
    let end = start + usize::try_from(payload).expect("it was in memory");
    let payload = bytes.get(start..end)?;
    let marked = payload.first().map(|byte| byte ^ key);
    let frame = match first & !FIN {
        PING => Frame::Ping { first: marked },
        PONG => Frame::Pong { first: marked },
        CLOSE => Frame::Close,
        _ => Frame::Data,
    };
    Some((frame, end))
}
