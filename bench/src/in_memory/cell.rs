//! One line of comparison: a task, done by each subject in turn.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::in_memory::clock::CpuTime;
use crate::in_memory::frames::{self, Role};
use crate::in_memory::seen::Seen;
use crate::in_memory::subjects::{Decoder, Encoder, Subject};
use crate::in_memory::transport::{Sink, Source};
use crate::in_memory::workload::{Content, Workload};
use crate::size::Size;

/// Of messages.
pub(crate) const SIZES: [Size; 5] = [
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
];

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A server reads a client's masked frames.
    Decode,
    /// A server writes, or a client, which masks.
    Encode(Role),
}

impl Task {
    pub(crate) const ALL: [Self; 3] = [
        Self::Decode,
        Self::Encode(Role::Server),
        Self::Encode(Role::Client),
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Encode(_) => "encode",
        }
    }

    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Decode => Role::Server,
            Self::Encode(role) => role,
        }
    }

    pub(crate) const fn explanation(self) -> &'static str {
        match self {
            Self::Decode => "a server reads masked frames",
            Self::Encode(Role::Server) => "a server writes frames",
            Self::Encode(Role::Client) => "a client writes masked frames",
        }
    }
}

/// A task with messages of one content and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) task: Task,
    pub(crate) content: Content,
    pub(crate) size: Size,
}

impl Cell {
    /// All there are. What text holds makes no difference to who only sends it, so it is one kind there.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let tasks = Task::ALL.into_iter();
        let both = tasks.flat_map(|task| Content::ALL.map(|content| (task, content)));
        let both =
            both.filter(|&(task, content)| task == Task::Decode || content != Content::Unicode);
        both.flat_map(|(task, content)| {
            SIZES.map(|size| Self {
                task,
                content,
                size,
            })
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (task, role) = (self.task.name(), self.task.role().name());
        write!(f, "{task} {role} {} {}", self.content.name(), self.size)
    }
}

/// One subject at one cell's task.
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
    Encode {
        encoder: Box<dyn Encoder>,
        sink: Sink,
        role: Role,
    },
}

impl Run {
    /// Sets a subject up, and checks a pass to the byte before anything is measured.
    pub(crate) fn new(subject: &dyn Subject, task: Task, work: &Rc<Workload>) -> Result<Self> {
        let kind = match task {
            Task::Decode => {
                let source = Source::new(work.wire().into(), work.transfer);
                Kind::Decode {
                    decoder: subject.decoder(source.clone(), work.messages.len())?,
                    source,
                    expected: Seen::after(&work.messages),
                }
            }
            Task::Encode(role) => {
                let sink = Sink::new();
                Kind::Encode {
                    encoder: subject.encoder(role, Rc::clone(work), sink.clone())?,
                    sink,
                    role,
                }
            }
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
            Kind::Encode {
                encoder,
                sink,
                role,
            } => {
                sink.keep();
                encoder.prepare();
                encoder.pass()?;
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
            Kind::Encode {
                encoder,
                sink,
                role,
            } => {
                encoder.prepare();
                let (before, _) = sink.written();
                let start = CpuTime::now();
                encoder.pass()?;
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

    /// How many reads or writes of the transport there were so far.
    pub(crate) fn transfers(&self) -> u64 {
        match &self.kind {
            Kind::Decode { source, .. } => source.reads(),
            Kind::Encode { sink, .. } => sink.written().1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn every_cell_is_there_once_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Cell::all().map(|cell| cell.to_string()).collect();
        assert_eq!(names.len(), 35);
        assert_eq!(names[0], "decode server binary 16 B");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 35);
    }
}
