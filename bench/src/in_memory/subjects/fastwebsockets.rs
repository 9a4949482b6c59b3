//! fastwebsockets: frames on an asynchronous stream, here one that is always ready.
//!
//! Reading: through its `FragmentCollector`, which delivers whole messages as the others do. Its buffer has no setting;
//! it starts at 8 KiB and so takes smaller reads. Writing: each frame is a write of its own, vectored above 1 KiB;
//! there is no queue, so on a socket each message would be a system call, which costs nothing here. A server's payloads
//! are borrowed. A client's are borrowed mutably and masked in place: fresh copies of them are prepared.

use std::rc::Rc;

use anyhow::{Result, bail};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocket};
use websocket_component::Role;

use super::{Decoder, Subject, Writer, ready};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::Duplex;
use crate::in_memory::workload::{Message, Workload};

pub(crate) struct Fastwebsockets;

impl Subject for Fastwebsockets {
    fn decoder(&self, role: Role, duplex: Duplex, count: usize) -> Result<Box<dyn Decoder>> {
        let socket = FragmentCollector::new(open(role, duplex));
        Ok(Box::new(Reader { socket, count }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Sender {
            socket: open(role, duplex),
            role,
            work,
            payloads: Vec::new(),
        }))
    }
}

fn open(role: Role, duplex: Duplex) -> WebSocket<Duplex> {
    let role = match role {
        Role::Server => fastwebsockets::Role::Server,
        Role::Client => fastwebsockets::Role::Client,
    };
    WebSocket::after_handshake(duplex, role)
}

struct Reader {
    socket: FragmentCollector<Duplex>,
    count: usize,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        ready(async {
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

struct Sender {
    socket: WebSocket<Duplex>,
    role: Role,
    work: Rc<Workload>,
    /// A client's payloads, which are masked in place.
    payloads: Vec<u8>,
}

impl Writer for Sender {
    fn prepare(&mut self) {
        if self.role == Role::Client {
            self.payloads.clear();
            self.payloads.extend_from_slice(self.work.payloads);
        }
    }

    fn pass(&mut self) -> Result<()> {
        let mut rest = &mut self.payloads[..];
        ready(async {
            for burst in self.work.bursts() {
                for message in burst {
                    let payload = match self.role {
                        Role::Server => Payload::Borrowed(message.bytes()),
                        Role::Client => {
                            let (payload, others) = rest.split_at_mut(self.work.cell.size.0);
                            rest = others;
                            Payload::BorrowedMut(payload)
                        }
                    };
                    let frame = match message {
                        Message::Text(_) => Frame::text(payload),
                        Message::Binary(_) => Frame::binary(payload),
                    };
                    self.socket.write_frame(frame).await?;
                }
                self.socket.flush().await?;
            }
            Ok(())
        })
    }
}
