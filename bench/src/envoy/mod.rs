//! What the filter costs Envoy: Envoy alone, with an empty filter, and with the project's.
//!
//! | module | what it is |
//! |---|---|
//! | `cells` | what is sent, and over how many connections |
//! | `table` | the results, for people and for machines |
//! | `empty.wat` | the empty filter |

mod cells;
mod table;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use host_tests::envoy::Envoy;
use host_tests::gate;
use host_tests::usage::{self, Usage};
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::{self, Plan};
use crate::scale;
use cells::{Cell, MESSAGE};

const EMPTY_FILTER: &str = include_str!("empty.wat");

/// The subjects, in the order of tables.
const ALONE: &str = "Envoy alone";
const EMPTY: &str = "empty filter";
const FILTER: &str = "websocket-filter";

const IDLE: usize = 1000;
const QUICK_IDLE: usize = 100;

struct Subject {
    name: &'static str,
    envoy: Envoy,
}

/// What one cell has come to.
struct Compared {
    cell: Cell,
    /// Of each subject in each repetition: Envoy's processor time for a message, in seconds.
    costs: Vec<(&'static str, Vec<f64>)>,
}

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan)?;
    let repetitions = plan.repetitions(11, 3);
    let turn = Duration::from_millis(if plan.is_quick { 100 } else { 500 });
    let idle = if plan.is_quick { QUICK_IDLE } else { IDLE };
    usage::allow_files((2 * idle + 200) as u64)?;
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(MESSAGE))?;

    // In an Envoy that does nothing else: what it keeps of closed connections would hide what new ones take.
    let subjects = start(load.address(), plan, &processors)?;
    let memory = subjects.into_iter().map(|subject| {
        let grown = memory(&subject, &mut load, idle).context(subject.name)?;
        Ok((subject.name, grown))
    });
    let memory: Vec<_> = memory.collect::<Result<_>>()?;

    let subjects = start(load.address(), plan, &processors)?;
    let version = subjects.first().context("no subject has such a name")?;
    let version = version.envoy.version()?;

    let mut out = io::stdout();
    write!(out, "{}", table::head(&version, repetitions, &processors))?;
    let mut rows = Vec::new();
    for cell in cells {
        let row = compare(cell, &mut load, &subjects, repetitions, turn)?;
        write!(out, "{}", table::row(&row))?;
        rows.push(row);
    }
    write!(out, "{}", table::memory(&memory, idle))?;
    Ok(json!({
        "cells": rows.iter().map(table::report).collect::<Vec<_>>(),
        "idle": { "connections": idle, "resident_bytes_each": memory },
    }))
}

/// Starts all of them, on a processor of theirs.
fn start(server: SocketAddr, plan: &Plan, processors: &Processors) -> Result<Vec<Subject>> {
    let folder = tempfile::tempdir().context("a folder for the empty filter")?;
    let empty = folder.path().join("empty.wasm");
    fs::write(&empty, wat::parse_str(EMPTY_FILTER)?).context("the empty filter")?;
    let filter = gate::filter();
    let all = [
        (ALONE, None),
        (EMPTY, Some(empty.as_path())),
        (FILTER, Some(filter.as_path())),
    ];
    processors.pin(processors.proxy)?;
    let started = all.into_iter().filter(|(name, _)| plan.has(name));
    let started = started.map(|(name, filter)| envoy(name, server, filter).context(name));
    let started = started.collect::<Result<Vec<_>>>()?;
    processors.pin(processors.load)?;
    Ok(started)
}

fn envoy(name: &'static str, server: SocketAddr, filter: Option<&Path>) -> Result<Subject> {
    let mut builder = Envoy::builder(server);
    if let Some(filter) = filter {
        builder = builder.filter(filter);
    }
    let envoy = builder.start()?;
    Ok(Subject { name, envoy })
}

/// Measures one cell.
fn compare(
    cell: Cell,
    load: &mut Load,
    subjects: &[Subject],
    repetitions: usize,
    turn: Duration,
) -> Result<Compared> {
    load.change(Content::new(cell.size));
    let mut turns: Vec<&Subject> = subjects.iter().collect();
    let costs = plan::take_turns(repetitions, &mut turns, |subject| {
        let cost = take_turn(cell, load, subject, turn);
        cost.with_context(|| format!("{}, {cell}; its log: {}", subject.name, subject.envoy.log()))
    })?;
    let names = subjects.iter().map(|subject| subject.name);
    let costs = names.zip(costs).collect();
    Ok(Compared { cell, costs })
}

fn take_turn(cell: Cell, load: &mut Load, subject: &Subject, turn: Duration) -> Result<f64> {
    let (count, window) = (cell.connections, cell.window);
    let process = Some(subject.envoy.process.id());
    load.open(subject.envoy.address, count)?;
    // What is made with the first messages is there.
    load.saturate(count, window, turn / 5, process)?;
    let pass = load.saturate(count, window, turn, process)?;
    load.close();
    Ok(pass.cost())
}

/// Opens `count` connections, sends one message on each, and returns how much Envoy's resident memory grew for each of
/// them, in bytes.
fn memory(subject: &Subject, load: &mut Load, count: usize) -> Result<f64> {
    let process = subject.envoy.process.id();
    // What the first connections make is there for all.
    load.open(subject.envoy.address, 10)?;
    load.saturate(10, 1, Duration::ZERO, None)?;
    load.close();
    scale::settle(process)?;
    let before = Usage::of(process)?.resident;
    load.open(subject.envoy.address, count)?;
    load.saturate(count, 1, Duration::ZERO, None)?;
    let grown = Usage::of(process)?.resident.saturating_sub(before);
    load.close();
    scale::settle(process)?;
    Ok(grown as f64 / count as f64)
}
