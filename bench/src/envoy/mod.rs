//! The filter's cost in Envoy: Envoy alone, with an empty filter (`empty.wat`), and with the project's.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use host_tests::envoy::Envoy;
use host_tests::gate;
use host_tests::quantile::{median, median_ratio, middle_half};
use host_tests::table::{Table, number};
use host_tests::usage::{self, Usage};
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::scale;
use crate::servers::Server;
use crate::size::Size;
use crate::sockets::measure::{self, Cell, Compared, Effort};

const EMPTY_FILTER: &str = include_str!("empty.wat");

/// The subjects, in the order of tables.
const ALONE: &str = "Envoy alone";
const EMPTY: &str = "empty filter";
const FILTER: &str = "websocket-filter";

const MESSAGE: Size = Size(125);
const LARGE: Size = Size(16 << 10);
const HUGE: Size = Size(1 << 20);

/// The size of the messages, the number of connections, and the messages in flight on each.
const CELLS: [(Size, usize, u64); 11] = [
    (MESSAGE, 1, 1),
    (MESSAGE, 8, 1),
    (MESSAGE, 500, 1),
    (MESSAGE, 1, 16),
    (MESSAGE, 8, 16),
    (MESSAGE, 500, 16),
    (LARGE, 1, 4),
    (LARGE, 8, 4),
    (LARGE, 500, 1),
    (HUGE, 1, 1),
    (HUGE, 4, 1),
];

const IDLE: usize = 1000;
const QUICK_IDLE: usize = 100;

const LEGEND: &str = "\
Envoy's processor time for each binary message, there and back, in us: medians of the repetitions. The ratio is the
filter's to the empty filter's, the median of the repetitions' ratios; `middle half` is where the middle 50% of them lie.";

const COLUMNS: [(&str, isize); 6] = [
    ("", -38),
    ("alone", 7),
    (EMPTY, 13),
    (FILTER, 17),
    ("ratio", 6),
    ("middle half", 14),
];

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = CELLS.map(|(size, connections, in_flight)| Cell {
        size,
        connections,
        is_secure: false,
        in_flight: Some(in_flight),
    });
    let cells = plan.wanted(cells)?;
    let effort = Effort {
        repetitions: plan.repetitions(11, 3),
        turn: Duration::from_millis(if plan.is_quick { 100 } else { 500 }),
        is_of_costs: true,
    };
    let idle = if plan.is_quick { QUICK_IDLE } else { IDLE };
    usage::allow_files((2 * idle + 200) as u64)?;
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(MESSAGE))?;

    // In an Envoy that does nothing else: memory that it keeps of closed connections would hide that of new ones.
    let servers = start(load.address(), plan, &processors)?;
    let memory = servers.into_iter().map(|server| {
        let grown = memory(&server, &mut load, idle).context(server.name)?;
        Ok((server.name, grown))
    });
    let memory: Vec<_> = memory.collect::<Result<_>>()?;

    let servers = start(load.address(), plan, &processors)?;
    let first = servers.first().context("no subject has such a name")?;
    let mut out = io::stdout();
    write!(
        out,
        "\nEnvoy {}, {} repetitions. {}\n{LEGEND}\n\n{}",
        first.version,
        effort.repetitions,
        processors.legend("Envoy runs"),
        Table::new(COLUMNS)
    )?;
    let mut rows = Vec::new();
    for cell in cells {
        let row = measure::compare(cell, &mut load, &servers, effort)?;
        write!(out, "{}", line(&row))?;
        rows.push(row);
    }
    writeln!(
        out,
        "\nGrowth of Envoy's resident memory for each of {idle} connections that have carried a message and are idle"
    )?;
    for (name, bytes) in &memory {
        writeln!(out, "{name:<38} {:>7.1} KiB", bytes / 1024.0)?;
    }
    Ok(json!({
        "cells": rows,
        "idle": { "connections": idle, "resident_bytes_each": memory },
    }))
}

/// Starts all of them, on their own processor.
fn start(server: SocketAddr, plan: &Plan, processors: &Processors) -> Result<Vec<Server>> {
    let folder = tempfile::tempdir().context("a folder for the empty filter")?;
    let empty = folder.path().join("empty.wasm");
    fs::write(&empty, wat::parse_str(EMPTY_FILTER)?).context("the empty filter")?;
    let envoy = || Envoy::builder(server);
    let all = [
        (ALONE, envoy()),
        (EMPTY, envoy().filter(empty)),
        (FILTER, envoy().filter(gate::filter())),
    ];
    let wanted = all.into_iter().filter(|(name, _)| plan.has(name));
    processors.started(|| {
        let started = wanted.map(|(name, envoy)| Server::envoy(name, envoy).context(name));
        started.collect()
    })
}

fn line(compared: &Compared) -> Table {
    let costs = |name| {
        compared
            .named(name)
            .map(|it| it.costs())
            .unwrap_or_default()
    };
    let [alone, empty, filter] = [ALONE, EMPTY, FILTER].map(costs);
    let cost = |costs: &[f64]| number(1e6 * median(costs));
    let ratios: Vec<f64> = filter
        .iter()
        .zip(&empty)
        .map(|(own, it)| own / it)
        .collect();
    let (low, high) = middle_half(&ratios);
    let mut table = Table::without_head(COLUMNS);
    table.row([
        compared.cell.to_string(),
        cost(&alone),
        cost(&empty),
        cost(&filter),
        format!("{:.2}", median_ratio(&filter, &empty)),
        format!("{low:.2} - {high:.2}"),
    ]);
    table
}

/// Opens `count` connections, sends one message on each, and returns how much Envoy's resident memory grew for each of
/// them, in bytes.
fn memory(server: &Server, load: &mut Load, count: usize) -> Result<f64> {
    let process = server.process.id();
    // Memory that the first connections allocate once isn't counted.
    load.open(server.address, 10)?;
    load.saturate(10, 1, Duration::ZERO, None)?;
    load.close();
    scale::settle(process)?;
    let before = Usage::of(process)?.resident;
    load.open(server.address, count)?;
    load.saturate(count, 1, Duration::ZERO, None)?;
    let grown = Usage::of(process)?.resident.saturating_sub(before);
    load.close();
    scale::settle(process)?;
    Ok(grown as f64 / count as f64)
}
