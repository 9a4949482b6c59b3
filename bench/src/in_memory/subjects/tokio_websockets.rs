//! tokio-websockets: a `Stream` and `Sink` of messages on an asynchronous stream, here one that is always ready.
//!
//! Reading: it has no setting for its buffer, which starts at 8 KiB and so takes smaller reads. Writing: each message
//! is fed, and the sink flushed after each burst; it writes vectored, from where the payloads are. A server's payloads
//! are handed over without a copy. A client's are masked in place if they aren't shared, so each is prepared as a
//! separate buffer. Its mask keys come from `fastrand`, the fastest of its sources, which a peer could predict.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use anyhow::{Result, ensure};
use futures_core::Stream;
use futures_sink::Sink as _;
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};
use websocket_component::Role;

use super::{Decoder, Subject, Writer, ready};
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::Duplex;
use crate::in_memory::workload::{self, Workload};

pub(crate) struct TokioWebsockets;

impl Subject for TokioWebsockets {
    fn decoder(&self, role: Role, duplex: Duplex, count: usize) -> Result<Box<dyn Decoder>> {
        let stream = open(role, duplex);
        Ok(Box::new(Reader { stream, count }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>> {
        let prepared = Vec::with_capacity(work.messages.len());
        Ok(Box::new(Sender {
            stream: open(role, duplex),
            role,
            work,
            prepared,
        }))
    }
}

fn open(role: Role, duplex: Duplex) -> WebSocketStream<Duplex> {
    match role {
        Role::Server => ServerBuilder::new().serve(duplex),
        Role::Client => ClientBuilder::new().take_over(duplex),
    }
}

struct Reader {
    stream: WebSocketStream<Duplex>,
    count: usize,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        ready(async {
            for _ in 0..self.count {
                let next = poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)).await;
                let message = next.transpose()?;
                let message = message.filter(|m| m.is_text() || m.is_binary());
                ensure!(message.is_some(), "not a message");
                if let Some(message) = message {
                    seen.message(message.is_text(), message.as_payload());
                }
            }
            Ok(())
        })
    }
}

struct Sender {
    stream: WebSocketStream<Duplex>,
    role: Role,
    work: Rc<Workload>,
    prepared: Vec<Message>,
}

impl Writer for Sender {
    fn prepare(&mut self) {
        self.prepared.clear();
        let messages = self.work.messages.iter().rev();
        let role = self.role;
        self.prepared
            .extend(messages.map(|message| match (*message, role) {
                (workload::Message::Text(text), Role::Server) => Message::text(text),
                (workload::Message::Text(text), Role::Client) => Message::text(text.to_owned()),
                (workload::Message::Binary(bytes), Role::Server) => Message::binary(bytes),
                (workload::Message::Binary(bytes), Role::Client) => {
                    Message::binary(bytes.to_owned())
                }
            }));
    }

    fn pass(&mut self) -> Result<()> {
        ready(async {
            for burst in self.work.bursts() {
                for message in self
                    .prepared
                    .drain(self.prepared.len() - burst.len()..)
                    .rev()
                {
                    poll_fn(|cx| Pin::new(&mut self.stream).poll_ready(cx)).await?;
                    Pin::new(&mut self.stream).start_send(message)?;
                }
                poll_fn(|cx| Pin::new(&mut self.stream).poll_flush(cx)).await?;
            }
            Ok(())
        })
    }
}
