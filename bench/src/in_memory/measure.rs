//! Repetitions in which the subjects take turns.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::in_memory::cell::Cell;
use crate::in_memory::run::Run;
use crate::in_memory::subjects::{REFERENCE, Subject};
use crate::in_memory::workload::Workload;
use crate::{plan, quantile};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often each subject has its turn in each cell.
    pub(crate) repetitions: usize,
    /// How long a turn is at least.
    pub(crate) turn: Duration,
}

/// What one subject did in one cell.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) is_peer: bool,
    /// Nanoseconds for each message, of each repetition in order.
    pub(crate) times: Vec<f64>,
    /// Reads or writes of the transport for each message.
    pub(crate) transfers: f64,
}

/// A cell with its measurements, in the order of the subjects.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    pub(crate) cell: Cell,
    pub(crate) messages: usize,
    pub(crate) subjects: Vec<Measured>,
}

struct Turn {
    run: Run,
    passes: u32,
    measured: Measured,
}

impl Turn {
    /// Sets a subject up, warms it up, and finds how many passes fill a turn.
    fn new(subject: &dyn Subject, cell: Cell, work: &Rc<Workload>, effort: Effort) -> Result<Self> {
        let mut run = Run::new(subject, cell.task, work)?;
        run.pass()?;
        let before = run.transfers();
        let pass = run.pass()?.max(Duration::from_nanos(1));
        let transfers = run.transfers() - before;
        let passes = effort.turn.as_nanos().div_ceil(pass.as_nanos());
        Ok(Self {
            run,
            passes: passes.clamp(1, 100_000) as u32,
            measured: Measured {
                name: subject.name(),
                is_peer: subject.is_peer(),
                times: Vec::new(),
                transfers: transfers as f64 / work.messages.len() as f64,
            },
        })
    }

    fn take(&mut self, messages: usize) -> Result<()> {
        let mut time = Duration::ZERO;
        for _ in 0..self.passes {
            time += self.run.pass()?;
        }
        let messages = messages as f64 * f64::from(self.passes);
        self.measured.times.push(time.as_nanos() as f64 / messages);
        Ok(())
    }
}

/// Measures one cell.
pub(crate) fn compare(
    cell: Cell,
    work: &Rc<Workload>,
    subjects: &[&dyn Subject],
    effort: Effort,
) -> Result<Compared> {
    let failed = |name: &str| format!("{name}, {cell}");
    let mut turns = Vec::new();
    for subject in subjects {
        let turn = Turn::new(*subject, cell, work, effort);
        turns.push(turn.with_context(|| failed(subject.name()))?);
    }
    for index in plan::turns(effort.repetitions, turns.len()) {
        let turn = &mut turns[index];
        let taken = turn.take(work.messages.len());
        taken.with_context(|| failed(turn.measured.name))?;
    }
    Ok(Compared {
        cell,
        messages: work.messages.len(),
        subjects: turns.into_iter().map(|turn| turn.measured).collect(),
    })
}

impl Measured {
    /// The median time, in nanoseconds for each message.
    pub(crate) fn median(&self) -> f64 {
        quantile::median(&self.times)
    }

    /// The quarter of the times below and above which the middle half lies.
    pub(crate) fn quartiles(&self) -> (f64, f64) {
        quantile::middle_half(&self.times)
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
        let peers = self.subjects.iter().filter(|subject| subject.is_peer);
        peers.min_by(|a, b| a.median().total_cmp(&b.median()))
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    fn measured(times: &[f64]) -> Measured {
        Measured {
            name: "",
            is_peer: true,
            times: times.to_vec(),
            transfers: 0.0,
        }
    }

    #[test]
    fn a_ratio_compares_what_was_measured_together() {
        let own = measured(&[1.0, 2.0, 30.0]);
        let other = measured(&[2.0, 4.0, 60.0]);
        assert_eq!(own.ratio(&other), 0.5);
    }
}
