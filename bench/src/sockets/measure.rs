//! Repetitions in which servers take turns, each under the same load.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use host_tests::quantile::quantile;
use serde::Serialize;

use crate::load::{Content, Load, Pass};
use crate::plan::{self, Plan};
use crate::servers::Server;
use crate::size::Size;

/// Messages a second, for latency: far below what any proxy can do.
pub(crate) const RATE: u32 = 5000;
/// At a larger size that rate is no small load any more.
const LARGEST_PACED: usize = 16 << 10;
/// Bytes that one connection has in flight: several reads.
const UNDER_WAY: usize = 256 << 10;

pub(crate) const DIRECT: &str = "no proxy";

#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) repetitions: usize,
    pub(crate) turn: Duration,
    /// Measures only the cost of a message for the servers: neither latency, nor the load alone.
    pub(crate) is_of_costs: bool,
}

impl Effort {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            repetitions: plan.repetitions(5, 1),
            turn: Duration::from_millis(if plan.is_quick { 100 } else { 1000 }),
            is_of_costs: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    pub(crate) size: Size,
    pub(crate) connections: usize,
    /// Clients use TLS.
    pub(crate) is_secure: bool,
    /// How many messages of each connection are in flight, if not the default.
    pub(crate) in_flight: Option<u64>,
}

impl Cell {
    /// Returns the selected cells, of each size with each number of connections, without TLS and with it.
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
                    in_flight: None,
                }));
            }
        }
        plan.wanted(cells)
    }

    /// How many messages of each connection are in flight.
    pub(crate) fn window(self) -> u64 {
        let usually = match self.connections {
            1 => (UNDER_WAY / self.size.0).max(4) as u64,
            _ => 1,
        };
        self.in_flight.unwrap_or(usually)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.connections == 1 { "" } else { "s" };
        write!(f, "{}, {} connection{s}", self.size, self.connections)?;
        if self.is_secure {
            f.write_str(", TLS")?;
        }
        match self.in_flight {
            Some(count) => write!(f, ", {count} in flight"),
            None => Ok(()),
        }
    }
}

/// One server's measurements in one cell.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) passes: Vec<Pass>,
    /// Of each repetition: the median, 99th and 99.9th percentile of the delays, in seconds.
    pub(crate) delays: Vec<[f64; 3]>,
}

#[derive(Serialize)]
pub(crate) struct Compared {
    pub(crate) cell: Cell,
    pub(crate) servers: Vec<Measured>,
}

/// Measures one cell.
pub(crate) fn compare(
    cell: Cell,
    load: &mut Load,
    servers: &[Server],
    effort: Effort,
) -> Result<Compared> {
    load.change(Content::new(cell.size));
    // The load's own server has no TLS, so with TLS there is always a proxy.
    let is_direct = !cell.is_secure && !effort.is_of_costs;
    let direct = is_direct.then_some(None);
    let mut subjects: Vec<Option<&Server>> =
        direct.into_iter().chain(servers.iter().map(Some)).collect();
    let name = |server: &Option<&Server>| server.map_or(DIRECT, |server| server.name);
    let turns = plan::take_turns(effort.repetitions, &mut subjects, |server| {
        take_turn(cell, load, *server, effort).with_context(|| {
            let log = server.map_or_else(String::new, |server| server.process.log());
            format!("{}, {cell}; its log: {log}", name(server))
        })
    })?;
    let measured = subjects.iter().zip(turns).map(|(server, turns)| {
        let (passes, delays): (_, Vec<_>) = turns.into_iter().unzip();
        Measured {
            name: name(server),
            passes,
            delays: delays.into_iter().flatten().collect(),
        }
    });
    Ok(Compared {
        cell,
        servers: measured.collect(),
    })
}

fn take_turn(
    cell: Cell,
    load: &mut Load,
    server: Option<&Server>,
    effort: Effort,
) -> Result<(Pass, Option<[f64; 3]>)> {
    let address = server.map_or(load.address(), |server| server.address);
    let process = server.map(|server| server.process.id());
    let (count, window) = (cell.connections, cell.window());
    load.open(address, count)?;
    // The first messages have made their allocations.
    load.saturate(count, window, effort.turn / 5, process)?;
    let pass = load.saturate(count, window, effort.turn, process)?;
    let is_paced = !effort.is_of_costs && cell.size.0 <= LARGEST_PACED;
    let delays = match is_paced {
        true => Some(load.pace(RATE, effort.turn)?),
        false => None,
    };
    load.close();
    let parts = |delays: Vec<f64>| [0.5, 0.99, 0.999].map(|part| quantile(&delays, part));
    Ok((pass, delays.map(parts)))
}

impl Measured {
    /// Messages a second, of each repetition.
    pub(crate) fn messages(&self) -> Vec<f64> {
        self.passes.iter().map(Pass::rate).collect()
    }

    /// Processor time of the server for each message, there and back, in seconds, of each repetition.
    pub(crate) fn costs(&self) -> Vec<f64> {
        self.passes.iter().map(Pass::cost).collect()
    }
}

impl Compared {
    pub(crate) fn named(&self, name: &str) -> Option<&Measured> {
        self.servers.iter().find(|measured| measured.name == name)
    }
}
