//! Clients in Node: each library in a process of its own, with an echo server on the other processor.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use host_tests::process::Process;
use serde_json::{Value, json};

use super::WS;
use super::servers::script;
use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::{self, Plan};
use crate::quantile::{median, median_ratio};
use crate::sockets::measure::{Cell, Effort};
use crate::table::number;

const LEGEND: &str = "\
Clients in Node, without compression; the echo server is one thread on the other processor. The package's is `connect`, with
a loop over what comes.
messages/s  there and back, median of the repetitions
x ws        the same against npm's ws: above 1 is faster
CPU us      processor time of the client for each message";

/// What a process counted.
struct Count {
    messages: f64,
    seconds: f64,
    cpu_seconds: f64,
}

impl Count {
    fn read(line: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(line)?;
        let field = |name: &str| {
            report[name]
                .as_f64()
                .with_context(|| format!("no {name}: {line}"))
        };
        let count = Self {
            messages: field("messages")?,
            seconds: field("seconds")?,
            cpu_seconds: field("cpuSeconds")?,
        };
        ensure!(count.messages > 0.0, "nothing came back");
        Ok(count)
    }

    fn rate(&self) -> f64 {
        self.messages / self.seconds
    }

    fn cost(&self) -> f64 {
        self.cpu_seconds / self.messages
    }
}

/// What a library did in one cell.
struct Measured {
    name: &'static str,
    counts: Vec<Count>,
}

impl Measured {
    fn rates(&self) -> Vec<f64> {
        self.counts.iter().map(Count::rate).collect()
    }

    fn cost(&self) -> f64 {
        let costs: Vec<f64> = self.counts.iter().map(Count::cost).collect();
        median(&costs)
    }
}

/// Prints what is measured, and returns it.
pub(super) fn compare(
    plan: &Plan,
    libraries: &[&'static str],
    cells: &[Cell],
    processors: &Processors,
) -> Result<Vec<Value>> {
    let effort = Effort::of(plan);
    let mut out = io::stdout();
    writeln!(
        out,
        "\nThe npm package as client, {} repetitions\n{LEGEND}",
        effort.repetitions
    )?;
    let mut rows = Vec::new();
    for &cell in cells {
        let counts = plan::take_turns(effort.repetitions, &mut libraries.to_vec(), |name| {
            let count = turn(name, cell, effort.turn, processors);
            count.with_context(|| format!("{name} as client, {cell}"))
        })?;
        let measured = libraries.iter().zip(counts);
        let measured = measured.map(|(name, counts)| Measured { name, counts });
        let measured: Vec<_> = measured.collect();
        write!(out, "{}", table(cell, &measured))?;
        rows.push(report(cell, &measured));
    }
    Ok(rows)
}

/// Has a client run once.
fn turn(
    name: &'static str,
    cell: Cell,
    length: Duration,
    processors: &Processors,
) -> Result<Count> {
    let content = Content::new(cell.size);
    let file = content.file()?;
    let mut load = Load::new(content)?;
    let mut command = script("load-client.mjs", name);
    command.arg(format!("ws://{}/", load.address()));
    command.arg(file.path());
    let numbers = [cell.size.0 as u128, cell.connections as u128];
    let numbers = numbers
        .into_iter()
        .chain([u128::from(cell.window()), length.as_millis()]);
    command.args(numbers.map(|number| number.to_string()));
    processors.pin(processors.proxy)?;
    let process = Process::start(name, &mut command);
    processors.pin(processors.load)?;
    let process = process?;
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
    Count::read(&line)
}

fn table(cell: Cell, measured: &[Measured]) -> String {
    let mut text = format!(
        "\n{:<28} {:>10} {:>8} {:>8} {:>8}\n{}\n",
        cell.to_string(),
        "messages/s",
        "x ws",
        "MB/s",
        "CPU us",
        "-".repeat(66)
    );
    let reference = measured.iter().find(|measured| measured.name == WS);
    for one in measured {
        let rate = median(&one.rates());
        let ratio = reference.map_or(f64::NAN, |reference| {
            median_ratio(&one.rates(), &reference.rates())
        });
        text += &format!(
            "{:<28} {rate:>10.0} {ratio:>8.2} {:>8} {:>8.2}\n",
            one.name,
            number(rate * cell.size.0 as f64 / 1e6),
            1e6 * one.cost(),
        );
    }
    text
}

fn report(cell: Cell, measured: &[Measured]) -> Value {
    let clients = measured.iter().map(|one| {
        json!({
            "name": one.name,
            "messages_per_second": one.rates(),
            "cpu_seconds_per_message": one.cost(),
        })
    });
    json!({
        "size": cell.size.0,
        "connections": cell.connections,
        "clients": clients.collect::<Vec<_>>(),
    })
}
