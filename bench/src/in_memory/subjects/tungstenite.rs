//! tungstenite: blocking calls on a stream, here one that never blocks.
//!
//! Reading: its read buffer is as large as a read rather than the default of 128 KiB; it zeroes the buffer for each
//! read, so a larger one would cost more. Writing: `write` for each message and `flush` after each burst, which its
//! write buffer of 128 KiB makes one write to the stream. Payloads are handed over without a copy.

use std::rc::Rc;

use anyhow::{Result, bail};
use bytes::Bytes;
use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Utf8Bytes, WebSocket};
use websocket_component::Role;

use super::{Decoder, Subject, Writer};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::Duplex;
use crate::in_memory::workload::{Message, Workload};

pub(crate) struct Tungstenite;

impl Subject for Tungstenite {
    fn decoder(&self, role: Role, duplex: Duplex, count: usize) -> Result<Box<dyn Decoder>> {
        let socket = open(role, duplex);
        Ok(Box::new(Reader { socket, count }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        let socket = open(role, duplex);
        Ok(Box::new(Sender { socket, work }))
    }
}

fn open(role: Role, duplex: Duplex) -> WebSocket<Duplex> {
    let role = match role {
        Role::Server => protocol::Role::Server,
        Role::Client => protocol::Role::Client,
    };
    let config = WebSocketConfig::default().read_buffer_size(duplex.source.limit());
    WebSocket::from_raw_socket(duplex, role, Some(config))
}

struct Reader {
    socket: WebSocket<Duplex>,
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

struct Sender {
    socket: WebSocket<Duplex>,
    work: Rc<Workload>,
}

impl Writer for Sender {
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
