//! The engine as a Rust crate.
//!
//! In this program the peers switch on simdutf8's feature `std`, with which it looks for the processor's vector
//! instructions at run time; cargo has one simdutf8 for all, so the engine gains from it too. Where nothing switches it
//! on, the engine validates text by what the target guarantees, on x86-64 without vectors.

use std::io::{IoSlice, Read};
use std::rc::Rc;
use std::time;

use anyhow::{Result, anyhow, ensure};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Event, Instant, Session};

use super::{Decoder, Encoder, Subject};
use crate::in_memory::frames::Role;
use crate::in_memory::seen::Seen;
use crate::in_memory::transport::{Sink, Source};
use crate::in_memory::workload::{Message, Workload};

pub(crate) struct Native;

impl Subject for Native {
    fn name(&self) -> &'static str {
        super::NATIVE
    }

    fn is_peer(&self) -> bool {
        false
    }

    fn decoder(&self, source: Source, _: usize) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Reader {
            session: open(Role::Server)?,
            clock: Clock::start(),
            buffer: vec![0; source.limit()],
            source,
        }))
    }

    fn encoder(&self, role: Role, work: Rc<Workload>, sink: Sink) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Writer {
            session: open(role)?,
            work,
            sink,
        }))
    }
}

fn open(role: Role) -> Result<Session> {
    let mut config = Config::default();
    // Nobody is there to answer a ping.
    config.timeouts.keepalive = None;
    let negotiated = Negotiated::default();
    let session = match role {
        Role::Server => Session::open_server(config, negotiated),
        Role::Client => Session::open_client(config, &[7; 32], negotiated),
    };
    session.map_err(|rule| anyhow!("{rule:?}"))
}

/// The time, which a program looks up once for each read.
struct Clock(time::Instant);

impl Clock {
    fn start() -> Self {
        Self(time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.elapsed().as_nanos() as u64)
    }
}

struct Reader {
    session: Session,
    clock: Clock,
    source: Source,
    buffer: Vec<u8>,
}

impl Decoder for Reader {
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()> {
        loop {
            let count = self.source.read(&mut self.buffer)?;
            let bytes = &mut self.buffer[..count];
            let mut turn = self.session.input(bytes, self.clock.now());
            while let Some(event) = turn.next() {
                match event {
                    Event::Text { payload, .. } => seen.message(true, payload),
                    Event::Binary { payload, .. } => seen.message(false, payload),
                    _ => return Err(anyhow!("an event other than a message")),
                }
            }
            ensure!(turn.consumed() == count, "input was left over");
            if self.source.is_at_start() {
                return Ok(());
            }
        }
    }
}

struct Writer {
    session: Session,
    work: Rc<Workload>,
    sink: Sink,
}

impl Encoder for Writer {
    fn pass(&mut self) -> Result<()> {
        for burst in self.work.bursts() {
            for message in burst {
                let message = match *message {
                    Message::Text(text) => websocket_component::Message::Text(text),
                    Message::Binary(bytes) => websocket_component::Message::Binary(bytes),
                };
                let queued = self.session.send(message, None);
                queued.map_err(|rule| anyhow!("{rule:?}"))?;
            }
            let output = self.session.take_output(usize::MAX);
            self.sink.put(&[IoSlice::new(&output)]);
            while self.session.sent().is_some() {}
        }
        Ok(())
    }
}
