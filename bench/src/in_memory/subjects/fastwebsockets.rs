//! fastwebsockets: frames on an asynchronous stream, here one that is always ready.
//!
//! Reading: through its `FragmentCollector`, which delivers whole messages as the others do. Its buffer has no setting;
//! it starts at 8 KiB and so takes smaller reads. Writing: each frame is a write of its own, vectored above 1 KiB;
//! there is no queue, so on a socket each message would be a system call, which costs nothing here. A server's payloads
//! are borrowed. A client's are lent mutably, so that they are masked in place: their fresh copies are prepared.

use std::rc::Rc;

use anyhow::{Result, bail};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocket};

use super::{Decoder, Encoder, Subject};
use crate::in_memory::frames::Role;
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Sink, Source};
use crate::in_memory::workload::{Message, Workload};
use crate::ready;

pub(crate) struct Fastwebsockets;

impl Subject for Fastwebsockets {
    fn name(&self) -> &'static str {
        "fastwebsockets"
    }

    fn is_peer(&self) -> bool {
        true
    }

    fn decoder(&self, source: Source, count: usize) -> Result<Box<dyn Decoder>> {
        let socket = WebSocket::after_handshake(source, fastwebsockets::Role::Server);
        let socket = FragmentCollector::new(socket);
        Ok(Box::new(Reader { socket, count }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, sink: Sink) -> Result<Box<dyn Encoder>> {
        Ok(match role {
            Role::Server => Box::new(Server {
                socket: WebSocket::after_handshake(sink, fastwebsockets::Role::Server),
                work,
            }),
            Role::Client => Box::new(Client {
                socket: WebSocket::after_handshake(sink, fastwebsockets::Role::Client),
                work,
                payloads: Vec::new(),
            }),
        })
    }
}

struct Reader {
    socket: FragmentCollector<Source>,
    count: usize,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        ready::run(async {
            for _ in 0..self.count {
                let frame = self.socket.read_frame().await?;
                match frame.opcode {
                    OpCode::Text => seen.message(true, &frame.payload),
                    OpCode::Binary => seen.message(false, &frame.payload),
                    other => bail!("not a message: {other:?}"),
                }
            }
            Ok(())
        })
    }
}

fn frame(message: Message, payload: Payload<'_>) -> Frame<'_> {
    match message {
        Message::Text(_) => Frame::text(payload),
        Message::Binary(_) => Frame::binary(payload),
    }
}

struct Server {
    socket: WebSocket<Sink>,
    work: Rc<Workload>,
}

impl Encoder for Server {
    fn pass(&mut self) -> Result<()> {
        ready::run(async {
            for burst in self.work.bursts() {
                for message in burst {
                    let payload = Payload::Borrowed(message.bytes());
                    self.socket.write_frame(frame(*message, payload)).await?;
                }
                self.socket.flush().await?;
            }
            Ok(())
        })
    }
}

struct Client {
    socket: WebSocket<Sink>,
    work: Rc<Workload>,
    payloads: Vec<u8>,
}

impl Encoder for Client {
    fn prepare(&mut self) {
        self.payloads.clear();
        for message in &self.work.messages {
            self.payloads.extend_from_slice(message.bytes());
        }
    }

    fn pass(&mut self) -> Result<()> {
        let mut payloads = self.payloads.chunks_exact_mut(self.work.size.0);
        ready::run(async {
            for burst in self.work.bursts() {
                for (message, payload) in burst.iter().zip(&mut payloads) {
                    let payload = Payload::BorrowedMut(payload);
                    self.socket.write_frame(frame(*message, payload)).await?;
                }
                self.socket.flush().await?;
            }
            Ok(())
        })
    }
}
