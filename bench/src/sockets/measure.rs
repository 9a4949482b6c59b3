//! Repetitions in which the proxies take turns.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::load::{Content, Load, Pass};
use crate::plan::{self, Plan};
use crate::quantile::{median_of, median_ratio, quantile};
use crate::servers::Server;
use crate::size::Size;

/// So many messages a second, for latency: far below what any proxy can do.
pub(crate) const RATE: u32 = 5000;
/// At a larger size that is no small load any more.
const LARGEST_PACED: usize = 16 << 10;
/// One connection has so many bytes under way: several reads.
const UNDER_WAY: usize = 256 << 10;

pub(crate) const DIRECT: &str = "no proxy";

#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) repetitions: usize,
    pub(crate) turn: Duration,
}

impl Effort {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            repetitions: plan.repetitions(5, 1),
            turn: Duration::from_millis(if plan.is_quick { 100 } else { 1000 }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) size: Size,
    pub(crate) connections: usize,
    /// Clients have TLS.
    pub(crate) is_secure: bool,
}

impl Cell {
    /// Those of each size with each number of connections, without TLS and with it, that are asked for.
    pub(crate) fn wanted(
        plan: &Plan,
        sizes: &[Size],
        counts: &[usize],
        with_tls: &[bool],
    ) -> Result<Vec<Self>> {
        let mut cells = Vec::new();
        for &is_secure in with_tls {
            for &size in sizes {
                cells.extend(counts.iter().map(|&connections| Self {
                    size,
                    connections,
                    is_secure,
                }));
            }
        }
        cells.retain(|cell| plan.wants(cell));
        ensure!(!cells.is_empty(), "no comparison has such a name");
        Ok(cells)
    }

    /// How many messages of each connection are under way.
    pub(crate) fn window(self) -> u64 {
        match self.connections {
            1 => (UNDER_WAY / self.size.0).max(4) as u64,
            _ => 1,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.is_secure { ", TLS" } else { "" };
        match self.connections {
            1 => write!(f, "{}, 1 connection{tls}", self.size),
            count => write!(f, "{}, {count} connections{tls}", self.size),
        }
    }
}

/// What one proxy did in one cell.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) passes: Vec<Pass>,
    /// Of each repetition: where half of the delays lie below, 99 in 100, and 999 in 1000, in seconds.
    pub(crate) delays: Vec<[f64; 3]>,
}

pub(crate) struct Compared {
    pub(crate) cell: Cell,
    pub(crate) proxies: Vec<Measured>,
}

/// Measures one cell.
pub(crate) fn compare(
    cell: Cell,
    load: &mut Load,
    proxies: &[Server],
    effort: Effort,
) -> Result<Compared> {
    load.change(Content::new(cell.size));
    // The server has no TLS, so that with it there is always a proxy.
    let direct = (!cell.is_secure).then_some(None);
    let subjects = direct.into_iter().chain(proxies.iter().map(Some));
    let mut subjects: Vec<(Option<&Server>, Measured)> = subjects
        .map(|proxy| {
            let measured = Measured {
                name: proxy.map_or(DIRECT, |proxy| proxy.name),
                passes: Vec::new(),
                delays: Vec::new(),
            };
            (proxy, measured)
        })
        .collect();
    plan::take_turns(effort.repetitions, &mut subjects, |(proxy, measured)| {
        let turn = take_turn(cell, load, *proxy, effort.turn, measured);
        turn.with_context(|| format!("{}, {cell}", measured.name))
    })?;
    Ok(Compared {
        cell,
        proxies: subjects.into_iter().map(|(_, measured)| measured).collect(),
    })
}

fn take_turn(
    cell: Cell,
    load: &mut Load,
    proxy: Option<&Server>,
    length: Duration,
    measured: &mut Measured,
) -> Result<()> {
    let address = proxy.map_or(load.address(), |proxy| proxy.address);
    let process = proxy.map(|proxy| proxy.process.id());
    load.open(address, cell.connections)?;
    // What is made with the first messages is there.
    load.saturate(cell.connections, cell.window(), length / 10, process)?;
    let pass = load.saturate(cell.connections, cell.window(), length, process)?;
    measured.passes.push(pass);
    if cell.size.0 <= LARGEST_PACED {
        let delays = load.pace(RATE, length)?;
        let parts = [0.5, 0.99, 0.999];
        measured
            .delays
            .push(parts.map(|part| quantile(&delays, part)));
    }
    load.close();
    Ok(())
}

impl Measured {
    /// Messages a second, of each repetition.
    pub(crate) fn messages(&self) -> Vec<f64> {
        self.passes.iter().map(Pass::rate).collect()
    }

    /// Processor time of the proxy for each message, there and back, in seconds.
    pub(crate) fn cost(&self) -> f64 {
        median_of(&self.passes, Pass::cost)
    }

    /// The parts of the time that the proxy and the load were busy.
    pub(crate) fn busy(&self) -> (f64, f64) {
        let part = |cpu: Duration, pass: &Pass| cpu.as_secs_f64() / pass.time.as_secs_f64();
        (
            median_of(&self.passes, |pass| part(pass.proxy, pass)),
            median_of(&self.passes, |pass| part(pass.load, pass)),
        )
    }

    /// The medians of the delays, in seconds.
    pub(crate) fn delay(&self, which: usize) -> f64 {
        median_of(&self.delays, |delays| delays[which])
    }

    /// How many times as many messages went through as through the other: the median over the repetitions, in each of
    /// which both were measured within a moment.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        median_ratio(&self.messages(), &other.messages())
    }
}

impl Compared {
    pub(crate) fn named(&self, name: &str) -> Option<&Measured> {
        self.proxies.iter().find(|measured| measured.name == name)
    }
}
