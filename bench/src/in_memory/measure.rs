//! Repetitions in which the subjects take turns at one cell's task.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cpu_time::ThreadTime;
use host_tests::{quantile, wire};
use serde::Serialize;
use websocket_component::Role;

use crate::in_memory::cell::{Cell, Task};
use crate::in_memory::seen::Seen;
use crate::in_memory::subjects::{Decoder, Named, OWN, REFERENCE, Writer};
use crate::in_memory::transport::{Duplex, Sink, Source};
use crate::in_memory::workload::{Message, Workload};
use crate::plan;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// The number of turns of each subject in each cell.
    pub(crate) repetitions: usize,
    /// The minimum length of a turn.
    pub(crate) turn: Duration,
}

/// One subject's measurements in one cell.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Nanoseconds for each message, of each repetition in order.
    pub(crate) times: Vec<f64>,
}

/// A cell with its measurements, in the order of the subjects.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    #[serde(serialize_with = "plan::as_text")]
    pub(crate) cell: Cell,
    pub(crate) subjects: Vec<Measured>,
}

/// One subject, set up for the task.
struct Run {
    work: Rc<Workload>,
    kind: Kind,
    /// How many passes fill a turn.
    passes: u32,
}

enum Kind {
    Decode {
        decoder: Box<dyn Decoder>,
        expected: Seen<'static>,
    },
    Encode {
        writer: Box<dyn Writer>,
        sink: Sink,
        role: Role,
    },
}

impl Run {
    /// Sets up a subject, and checks a pass byte for byte before anything is measured. A turn takes at least `turn`.
    fn new((_, subject): &Named, task: Task, work: &Rc<Workload>, turn: Duration) -> Result<Self> {
        let sink = Sink::new();
        let duplex = |source| Duplex {
            source,
            sink: sink.clone(),
        };
        let kind = match task {
            Task::Decode(role) => Kind::Decode {
                decoder: subject.decoder(role, duplex(work.source(role)), work.messages.len())?,
                expected: Seen::after(&work.messages),
            },
            Task::Encode(role) => Kind::Encode {
                writer: subject.encoder(role, Rc::clone(work), duplex(Source::empty()))?,
                sink,
                role,
            },
        };
        let mut run = Self {
            work: Rc::clone(work),
            kind,
            passes: 1,
        };
        run.pass(true).context("its output is wrong")?;
        run.warm_up(turn)?;
        Ok(run)
    }

    /// Warms up, and finds how many passes fill a turn.
    fn warm_up(&mut self, turn: Duration) -> Result<()> {
        self.pass(false)?;
        let pass = self.pass(false)?.max(Duration::from_nanos(1));
        let passes = turn.as_nanos().div_ceil(pass.as_nanos());
        self.passes = passes.clamp(1, 100_000) as u32;
        Ok(())
    }

    /// Nanoseconds for each message.
    fn turn(&mut self) -> Result<f64> {
        let mut time = Duration::ZERO;
        for _ in 0..self.passes {
            time += self.pass(false)?;
        }
        let messages = self.work.messages.len() as f64 * f64::from(self.passes);
        Ok(time.as_nanos() as f64 / messages)
    }

    /// Runs one pass, and returns the processor time of this thread. Nothing here blocks, so on an idle machine that is
    /// the wall-clock time; on a busy one the turns of other programs don't count. The output is checked, by samples or
    /// byte for byte.
    fn pass(&mut self, to_the_byte: bool) -> Result<Duration> {
        let messages = &self.work.messages;
        match &mut self.kind {
            Kind::Decode { decoder, expected } => {
                let mut seen = match to_the_byte {
                    true => Seen::compare(messages),
                    false => Seen::default(),
                };
                let start = ThreadTime::now();
                decoder.pass(&mut seen)?;
                let time = start.elapsed();
                seen.check(expected)?;
                Ok(time)
            }
            Kind::Encode { writer, sink, role } => {
                if to_the_byte {
                    sink.keep();
                }
                writer.prepare();
                let before = sink.written();
                let start = ThreadTime::now();
                writer.pass()?;
                let time = start.elapsed();
                let (bytes, expected) = (sink.written() - before, self.work.wire_length(*role));
                ensure!(
                    bytes == expected,
                    "{bytes} bytes came out instead of {expected}"
                );
                if to_the_byte {
                    check(&sink.take_kept(), messages, *role)?;
                }
                Ok(time)
            }
        }
    }
}

/// Checks that these are the messages as this role sends them, in one frame each, as all of the libraries do with such
/// sizes.
fn check(mut bytes: &[u8], messages: &[Message], role: Role) -> Result<()> {
    for (number, message) in messages.iter().enumerate() {
        let frame = wire::take_frame(&mut bytes);
        let frame = frame.with_context(|| format!("message {number} is cut short"))?;
        ensure!(
            frame.key.is_some() == (role == Role::Client)
                && frame.by(Role::Server) == message.frame(),
            "message {number} is another one"
        );
    }
    Ok(())
}

/// Measures one cell.
pub(crate) fn compare(
    cell: Cell,
    work: &Rc<Workload>,
    subjects: &[Named],
    effort: Effort,
) -> Result<Compared> {
    let failed = |name: &str| format!("{name}, {cell}");
    let mut runs = Vec::new();
    for subject in subjects {
        let run = Run::new(subject, cell.task, work, effort.turn);
        runs.push((subject.0, run.with_context(|| failed(subject.0))?));
    }
    let times = plan::take_turns(effort.repetitions, &mut runs, |(name, run)| {
        run.turn().with_context(|| failed(name))
    })?;
    let names = subjects.iter().map(|(name, _)| *name);
    let measured = names.zip(times);
    Ok(Compared {
        cell,
        subjects: measured
            .map(|(name, times)| Measured { name, times })
            .collect(),
    })
}

impl Measured {
    /// The median time, in nanoseconds for each message.
    pub(crate) fn median(&self) -> f64 {
        quantile::median(&self.times)
    }

    /// The ratio of its time to the other's: the median over the repetitions, in each of which both were measured
    /// shortly after each other.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        quantile::median_ratio(&self.times, &other.times)
    }
}

impl Compared {
    pub(crate) fn reference(&self) -> Option<&Measured> {
        self.subjects.iter().find(|s| s.name == REFERENCE)
    }

    pub(crate) fn fastest_peer(&self) -> Option<&Measured> {
        let peers = self.subjects.iter().filter(|s| !OWN.contains(&s.name));
        peers.min_by(|a, b| a.median().total_cmp(&b.median()))
    }
}
