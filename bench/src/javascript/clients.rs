//! Clients in Node: each library in a separate process, with an echo server on the other processor.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use host_tests::process::Process;
use serde_json::Value;

use super::REFERENCE;
use super::servers::script;
use crate::load::{Content, Load, Pass};
use crate::pin::Processors;
use crate::plan::{self, Plan};
use crate::sockets::measure::{Cell, Compared, Effort, Measured};
use crate::sockets::table;

const LEGEND: &str = "\
Clients in Node, without compression; the echo server is one thread on the other processor. The package's is `connect`, with
a loop over the messages. `CPU us` and `busy` are the client's";

/// Prints the measurements, and returns them.
pub(super) fn compare(
    plan: &Plan,
    libraries: &[&'static str],
    cells: &[Cell],
    processors: &Processors,
) -> Result<Vec<Compared>> {
    let effort = Effort::of(plan);
    let mut out = io::stdout();
    writeln!(
        out,
        "\nThe npm package as client, {} repetitions\n{LEGEND}",
        effort.repetitions
    )?;
    let mut rows = Vec::new();
    for &cell in cells {
        let passes = plan::take_turns(effort.repetitions, &mut libraries.to_vec(), |name| {
            let pass = turn(name, cell, effort.turn, processors);
            pass.with_context(|| format!("{name} as client, {cell}"))
        })?;
        let clients = libraries.iter().zip(passes).map(|(name, passes)| Measured {
            name,
            passes,
            delays: Vec::new(),
        });
        let compared = Compared {
            cell,
            servers: clients.collect(),
        };
        write!(out, "{}", table::of(&compared, REFERENCE))?;
        rows.push(compared);
    }
    Ok(rows)
}

/// Runs a client once.
fn turn(name: &'static str, cell: Cell, length: Duration, processors: &Processors) -> Result<Pass> {
    let content = Content::new(cell.size);
    let file = content.file()?;
    let mut load = Load::new(content)?;
    let mut command = script("load-client.mjs", name);
    command.arg(format!("ws://{}/", load.address()));
    command.arg(file.path());
    command.args([cell.size.0, cell.connections].map(|number| number.to_string()));
    command.args([cell.window().into(), length.as_millis()].map(|number| number.to_string()));
    let process = processors.started(|| Ok(Process::start(name, &mut command)?))?;
    let is_over = AtomicBool::new(false);
    let line = thread::scope(|scope| {
        let server = scope.spawn(|| load.serve_until(&is_over));
        // The process stays until it is dropped, so that no connection ends under the server.
        let line = process.line();
        is_over.store(true, Ordering::Relaxed);
        let served = server
            .join()
            .map_err(|_| anyhow!("the server has panicked"))?;
        served.context("the echo server")?;
        Ok::<_, anyhow::Error>(line?)
    })?;
    pass(&line)
}

/// What a client counted.
fn pass(line: &str) -> Result<Pass> {
    let report: Value = serde_json::from_str(line)?;
    let field = |name: &str| {
        report[name]
            .as_f64()
            .with_context(|| format!("no {name}: {line}"))
    };
    let messages = report["messages"].as_u64().unwrap_or(0);
    ensure!(messages > 0, "nothing came back: {line}");
    Ok(Pass {
        messages,
        seconds: field("seconds")?,
        server_cpu: field("cpuSeconds")?,
        // It can't be measured for this time alone.
        load_cpu: f64::NAN,
    })
}
