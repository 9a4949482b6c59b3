//! Many connections through a proxy, and how long the gate takes to start.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host_tests::gate::Gate;
use host_tests::quantile::{median, median_of};
use host_tests::table::Table;
use host_tests::usage::{self, Usage};
use serde::Serialize;
use serde_json::{Value, json};

use crate::load::{Content, Load, Pass};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies;
use crate::servers::Server;
use crate::size::Size;

const CONNECTIONS: usize = 10_000;
const QUICK_CONNECTIONS: usize = 200;
/// Each has two descriptors in a proxy, and two here.
const DESCRIPTORS: usize = 2;
/// Descriptors that aren't for connections.
const OTHER_DESCRIPTORS: usize = 100;
/// How long a proxy may take to close all.
const PATIENCE: Duration = Duration::from_secs(30);
/// One in this many connections carries messages.
const QUIET: usize = 100;
const MESSAGE: Size = Size(125);
/// Longer than wsgate keeps the sandbox of an idle connection. A quick run doesn't wait for that.
const REST: Duration = Duration::from_secs(6);

/// The measurements of one proxy.
#[derive(Serialize)]
pub(crate) struct Row {
    name: &'static str,
    /// Resident memory for each connection.
    bytes_each: f64,
    /// The same after a while.
    bytes_each_idle: f64,
    /// The time to open all, in each repetition.
    seconds_to_open: Vec<f64>,
    passes: Vec<Pass>,
}

/// How long the gate takes from its start until it listens, and until the echo of a first message.
#[derive(Serialize)]
struct Start {
    what: &'static str,
    seconds_to_listen: Vec<f64>,
    seconds_to_answer: Vec<f64>,
}

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let repetitions = plan.repetitions(5, 1);
    let wanted = if plan.is_quick {
        QUICK_CONNECTIONS
    } else {
        CONNECTIONS
    };
    let count = usage::most_files().map_or(wanted, |most| {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        wanted.min(most.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS)
    });
    usage::allow_files((DESCRIPTORS * count + OTHER_DESCRIPTORS) as u64)?;
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(MESSAGE))?;
    let proxies = processors.started(|| proxies::start(load.address(), plan, None))?;

    let mut out = io::stdout();
    writeln!(out, "\n{}", legend(count, repetitions, rest(plan)))?;
    let mut rows = Vec::new();
    for proxy in &proxies {
        let row = measure(proxy, &mut load, count, repetitions, plan);
        rows.push(row.with_context(|| proxy.name)?);
    }
    write!(out, "{}", table(&rows, count))?;
    drop(proxies);
    let starts = starts(&mut load, &plan.component, repetitions)?;
    write!(out, "{}", table_of_starts(&starts))?;
    Ok(json!({ "connections": count, "proxies": rows, "starts": starts }))
}

fn legend(count: usize, repetitions: usize, rest: Duration) -> String {
    format!(
        "{count} connections through each proxy (as many as the hard limit on open files allows, `ulimit -Hn`, up to \
         {CONNECTIONS}), {repetitions} repetitions
KiB each     growth of the proxy's resident memory when all are open and have carried nothing, divided by their number
KiB idle     the same {} s later: wsgate has parked them then
open/s       connections opened a second, with 64 at a time under way
messages/s   of {MESSAGE}, there and back, over 1 in {QUIET} of the connections, one under way on each; CPU us is the
             proxy's processor time for each",
        rest.as_secs()
    )
}

/// How long connections are idle before their memory is measured again.
fn rest(plan: &Plan) -> Duration {
    match plan.is_quick {
        true => Duration::ZERO,
        false => REST,
    }
}

/// Measures a proxy or an echo server with `count` connections.
pub(crate) fn measure(
    server: &Server,
    load: &mut Load,
    count: usize,
    repetitions: usize,
    plan: &Plan,
) -> Result<Row> {
    let length = Duration::from_millis(if plan.is_quick { 100 } else { 1000 });
    let process = server.process.id();
    // Memory that the first connection allocates once isn't counted.
    load.open(server.address, 1)?;
    load.saturate(1, 1, length / 10, Some(process))?;
    load.close();
    settle(process)?;
    let before = Usage::of(process)?.resident;
    let grown = || -> Result<f64> {
        let grown = Usage::of(process)?.resident.saturating_sub(before);
        Ok(grown as f64 / count as f64)
    };
    let mut row = Row {
        name: server.name,
        bytes_each: 0.0,
        bytes_each_idle: 0.0,
        seconds_to_open: Vec::new(),
        passes: Vec::new(),
    };
    for repetition in 0..repetitions {
        let opening = load.open(server.address, count)?;
        row.seconds_to_open.push(opening.as_secs_f64());
        if repetition == 0 {
            row.bytes_each = grown()?;
            thread::sleep(rest(plan));
            row.bytes_each_idle = grown()?;
        }
        let active = (count / QUIET).max(1);
        row.passes
            .push(load.saturate(active, 1, length, Some(process))?);
        load.close();
        settle(process)?;
    }
    Ok(row)
}

/// Waits until a proxy has closed its ends of all connections: they have ports that the next ones need.
pub(crate) fn settle(process: u32) -> Result<()> {
    let since = Instant::now();
    while Usage::of(process)?.descriptors > OTHER_DESCRIPTORS as u64 {
        ensure!(
            since.elapsed() < PATIENCE,
            "it doesn't close its connections"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn starts(load: &mut Load, component: &Path, repetitions: usize) -> Result<[Start; 2]> {
    let mut starts = ["compiles the component", "has it compiled before"].map(|what| Start {
        what,
        seconds_to_listen: Vec::new(),
        seconds_to_answer: Vec::new(),
    });
    for _ in 0..repetitions {
        // The gate keeps what it has compiled beside the component.
        let folder = tempfile::tempdir().context("a folder for a component")?;
        let copy = folder.path().join("websocket.wasm");
        fs::copy(component, &copy).context("a copy of the component")?;
        for start in &mut starts {
            let since = Instant::now();
            let gate = Gate::before(load.address(), &copy, &["--log", "warn"])?;
            start.seconds_to_listen.push(since.elapsed().as_secs_f64());
            load.open(gate.address, 1)?;
            load.saturate(1, 1, Duration::ZERO, None)?;
            start.seconds_to_answer.push(since.elapsed().as_secs_f64());
            load.close();
        }
    }
    Ok(starts)
}

pub(crate) fn table(rows: &[Row], count: usize) -> String {
    let mut table = Table::new([
        ("", -20),
        ("KiB each", 9),
        ("KiB idle", 9),
        ("open/s", 9),
        ("messages/s", 11),
        ("CPU us", 8),
    ]);
    for row in rows {
        table.row([
            row.name.to_owned(),
            format!("{:.1}", row.bytes_each / 1024.0),
            format!("{:.1}", row.bytes_each_idle / 1024.0),
            format!("{:.0}", count as f64 / median(&row.seconds_to_open)),
            format!("{:.0}", median_of(&row.passes, Pass::rate)),
            format!("{:.2}", 1e6 * median_of(&row.passes, Pass::cost)),
        ]);
    }
    format!("\n{table}")
}

fn table_of_starts(starts: &[Start]) -> String {
    let mut table = Table::new([
        ("From the start of the gate, in ms, until it", -43),
        ("listens", 11),
        ("answers a message", 17),
    ]);
    for start in starts {
        let millis = |times: &[f64]| format!("{:.1}", 1e3 * median(times));
        table.row([
            start.what.to_owned(),
            millis(&start.seconds_to_listen),
            millis(&start.seconds_to_answer),
        ]);
    }
    format!("\n{table}")
}
