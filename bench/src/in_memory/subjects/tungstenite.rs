//! tungstenite: blocking calls on a stream, here one that never blocks.
//!
//! Reading: its read buffer is as large as what a read gives rather than the default of 128 KiB; it clears what it
//! offers to each read, so a larger one would cost more. Writing: `write` for each message and `flush` after each burst,
//! which its write buffer of 128 KiB makes one write to the stream. Payloads are handed over without a copy.

use std::rc::Rc;

use anyhow::{Result, bail};
use bytes::Bytes;
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Utf8Bytes, WebSocket};

use super::{Decoder, Encoder, REFERENCE, Subject};
use crate::in_memory::frames::Role;
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Sink, Source};
use crate::in_memory::workload::{Message, Workload};

pub(crate) struct Tungstenite;

impl Subject for Tungstenite {
    fn name(&self) -> &'static str {
        REFERENCE
    }

    fn is_peer(&self) -> bool {
        true
    }

    fn decoder(&self, source: Source, count: usize) -> Result<Box<dyn Decoder>> {
        let config = WebSocketConfig::default().read_buffer_size(source.limit());
        let socket = WebSocket::from_raw_socket(source, protocol::Role::Server, Some(config));
        Ok(Box::new(Reader { socket, count }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, sink: Sink) -> Result<Box<dyn Encoder>> {
        let role = match role {
            Role::Server => protocol::Role::Server,
            Role::Client => protocol::Role::Client,
        };
        let socket = WebSocket::from_raw_socket(sink, role, None);
        Ok(Box::new(Writer { socket, work }))
    }
}

struct Reader {
    socket: WebSocket<Source>,
    count: usize,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        for _ in 0..self.count {
            match self.socket.read()? {
                tungstenite::Message::Text(text) => seen.message(true, text.as_bytes()),
                tungstenite::Message::Binary(bytes) => seen.message(false, &bytes),
                other => bail!("not a message: {other:?}"),
            }
        }
        Ok(())
    }
}

struct Writer {
    socket: WebSocket<Sink>,
    work: Rc<Workload>,
}

impl Encoder for Writer {
    fn pass(&mut self) -> Result<()> {
        for burst in self.work.bursts() {
            for message in burst {
                self.socket.write(match *message {
                    Message::Text(text) => tungstenite::Message::Text(Utf8Bytes::from_static(text)),
                    Message::Binary(bytes) => {
                        tungstenite::Message::Binary(Bytes::from_static(bytes))
                    }
                })?;
            }
            self.socket.flush()?;
        }
        Ok(())
    }
}
