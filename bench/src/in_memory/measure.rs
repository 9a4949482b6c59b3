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
use crate::in_memory::workload::Workload;
use crate::plan;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often each subject has its turn in each cell.
    pub(crate) repetitions: usize,
    /// How long a turn is at least.
    pub(crate) turn: Duration,
}

/// What one subject did in one cell.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Nanoseconds for each message, of each repetition in order.
    pub(crate) times: Vec<f64>,
    /// Reads or writes of the transport for each message.
    pub(crate) transfers: f64,
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
    name: &'static str,
    work: Rc<Workload>,
    kind: Kind,
    /// How many passes fill a turn.
    passes: u32,
}

enum Kind {
    Decode {
        decoder: Box<dyn Decoder>,
        source: Source,
        expected: Seen<'static>,
    },
    Encode {
        writer: Box<dyn Writer>,
        sink: Sink,
        role: Role,
    },
}

impl Run {
    /// Sets a subject up, and checks a pass to the byte before anything is measured.
    fn new((name, subject): &Named, task: Task, work: &Rc<Workload>) -> Result<Self> {
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
            Task::Encode(role) => Kind::Encode {
                writer: subject.encoder(role, Rc::clone(work), duplex(Source::empty()))?,
                sink,
                role,
            },
        };
        let mut run = Self {
            name,
            work: Rc::clone(work),
            kind,
            passes: 1,
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
            Kind::Encode { writer, sink, role } => {
                sink.keep();
                writer.prepare();
                writer.pass()?;
                let kept = sink.take_kept();
                let mut rest = &kept[..];
                for (number, message) in messages.iter().enumerate() {
                    let frame = wire::take_frame(&mut rest);
                    let frame = frame.with_context(|| format!("message {number} is cut short"))?;
                    // All of the libraries send messages of these sizes in one frame each.
                    ensure!(
                        frame.key.is_some() == (*role == Role::Client)
                            && frame.by(Role::Server) == message.frame(),
                        "message {number} is another one"
                    );
                }
                ensure!(rest.is_empty(), "more came out than went in");
                Ok(())
            }
        }
    }

    /// Warms up, and finds how many passes fill a turn. Returns how many reads of the transport one pass has, or if it is
    /// written to writes.
    fn warm_up(&mut self, turn: Duration) -> Result<u64> {
        self.pass()?;
        let before = self.transfers();
        let pass = self.pass()?.max(Duration::from_nanos(1));
        let passes = turn.as_nanos().div_ceil(pass.as_nanos());
        self.passes = passes.clamp(1, 100_000) as u32;
        Ok(self.transfers() - before)
    }

    /// Nanoseconds for each message.
    fn turn(&mut self) -> Result<f64> {
        let mut time = Duration::ZERO;
        for _ in 0..self.passes {
            time += self.pass()?;
        }
        let messages = self.work.messages.len() as f64 * f64::from(self.passes);
        Ok(time.as_nanos() as f64 / messages)
    }

    /// One measured pass: the processor time of this thread that it took. Nothing here waits, so on an idle machine that is
    /// the time on the wall; on a busy one the turns of other programs don't count. What it did is checked again, in little.
    fn pass(&mut self) -> Result<Duration> {
        match &mut self.kind {
            Kind::Decode {
                decoder, expected, ..
            } => {
                let mut seen = Seen::digest();
                let start = ThreadTime::now();
                decoder.pass(&mut seen)?;
                let time = start.elapsed();
                seen.check(expected)?;
                Ok(time)
            }
            Kind::Encode { writer, sink, role } => {
                writer.prepare();
                let (before, _) = sink.written();
                let start = ThreadTime::now();
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

    fn transfers(&self) -> u64 {
        match &self.kind {
            Kind::Decode { source, .. } => source.reads(),
            Kind::Encode { sink, .. } => sink.written().1,
        }
    }
}

/// Measures one cell.
pub(crate) fn compare(
    cell: Cell,
    work: &Rc<Workload>,
    subjects: &[Named],
    effort: Effort,
) -> Result<Compared> {
    let failed = |name: &str| format!("{name}, {cell}");
    let (mut runs, mut measured) = (Vec::new(), Vec::new());
    for subject in subjects {
        let run = Run::new(subject, cell.task, work).and_then(|mut run| {
            let transfers = run.warm_up(effort.turn)?;
            Ok((run, transfers))
        });
        let (run, transfers) = run.with_context(|| failed(subject.0))?;
        runs.push(run);
        measured.push(Measured {
            name: subject.0,
            times: Vec::new(),
            transfers: transfers as f64 / work.messages.len() as f64,
        });
    }
    let times = plan::take_turns(effort.repetitions, &mut runs, |run| {
        run.turn().with_context(|| failed(run.name))
    })?;
    for (measured, times) in measured.iter_mut().zip(times) {
        measured.times = times;
    }
    Ok(Compared {
        cell,
        subjects: measured,
    })
}

impl Measured {
    /// The median time, in nanoseconds for each message.
    pub(crate) fn median(&self) -> f64 {
        quantile::median(&self.times)
    }

    /// How many times as long as the other it took: the median over the repetitions, in each of which both were
    /// measured within a moment.
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
