//! One subject at one cell's task.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::in_memory::cell::Task;
use crate::in_memory::clock::CpuTime;
use crate::in_memory::frames;
use crate::in_memory::seen::Seen;
use crate::in_memory::subjects::{Decoder, Subject, Writer};
use crate::in_memory::transport::{Duplex, Sink, Source};
use crate::in_memory::workload::Workload;
use crate::role::Role;

pub(crate) struct Run {
    work: Rc<Workload>,
    kind: Kind,
}

enum Kind {
    Decode {
        decoder: Box<dyn Decoder>,
        source: Source,
        expected: Seen<'static>,
    },
    /// Also what echoes.
    Write {
        writer: Box<dyn Writer>,
        sink: Sink,
        role: Role,
    },
}

impl Run {
    /// Sets a subject up, and checks a pass to the byte before anything is measured.
    pub(crate) fn new(subject: &dyn Subject, task: Task, work: &Rc<Workload>) -> Result<Self> {
        let sink = Sink::new();
        let duplex = |source| Duplex {
            source,
            sink: sink.clone(),
        };
        let kind = match task {
            Task::Decode(role) => {
                let source = work.source(role);
                let count = work.messages.len();
                Kind::Decode {
                    decoder: subject.decoder(role, duplex(source.clone()), count)?,
                    source,
                    expected: Seen::after(&work.messages),
                }
            }
            Task::Encode(role) => Kind::Write {
                writer: subject.encoder(role, Rc::clone(work), duplex(Source::empty()))?,
                sink,
                role,
            },
            Task::Echo => Kind::Write {
                writer: subject.echo(Rc::clone(work), duplex(work.source(Role::Server)))?,
                sink,
                role: Role::Server,
            },
        };
        let mut run = Self {
            work: Rc::clone(work),
            kind,
        };
        run.verify().context("its output is wrong")?;
        Ok(run)
    }

    fn verify(&mut self) -> Result<()> {
        let messages = &self.work.messages;
        match &mut self.kind {
            Kind::Decode {
                decoder, expected, ..
            } => {
                let mut seen = Seen::compare(messages);
                decoder.pass(&mut seen)?;
                seen.check(expected)
            }
            Kind::Write { writer, sink, role } => {
                sink.keep();
                writer.prepare();
                writer.pass()?;
                let frames = frames::read(&sink.take_kept(), *role)?;
                ensure!(
                    frames.len() == messages.len(),
                    "{} messages came out, and {} went in",
                    frames.len(),
                    messages.len()
                );
                for (number, (frame, message)) in frames.iter().zip(messages).enumerate() {
                    ensure!(frame.is(*message), "message {number} is another one");
                }
                Ok(())
            }
        }
    }

    /// One measured pass: the time it took. What it did is checked again, in little.
    pub(crate) fn pass(&mut self) -> Result<Duration> {
        match &mut self.kind {
            Kind::Decode {
                decoder, expected, ..
            } => {
                let mut seen = Seen::digest();
                let start = CpuTime::now();
                decoder.pass(&mut seen)?;
                let time = start.elapsed();
                seen.check(expected)?;
                Ok(time)
            }
            Kind::Write { writer, sink, role } => {
                writer.prepare();
                let (before, _) = sink.written();
                let start = CpuTime::now();
                writer.pass()?;
                let time = start.elapsed();
                let (after, _) = sink.written();
                let expected = self.work.wire_length(*role);
                ensure!(
                    after - before == expected,
                    "{} bytes came out instead of {expected}",
                    after - before
                );
                Ok(time)
            }
        }
    }

    /// How many reads of the transport there were so far, or if it is written to writes.
    pub(crate) fn transfers(&self) -> u64 {
        match &self.kind {
            Kind::Decode { source, .. } => source.reads(),
            Kind::Write { sink, .. } => sink.written().1,
        }
    }
}
