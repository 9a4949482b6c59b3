//! Many connections through a proxy, and how long the gate takes to start.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host_tests::gate::Gate;
use host_tests::usage::{self, Usage};
use serde_json::{Value, json};

use crate::load::{Content, Load, Pass};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::Proxies;
use crate::quantile;
use crate::servers::Server;
use crate::size::Size;

const CONNECTIONS: usize = 10_000;
const QUICK_CONNECTIONS: usize = 200;
/// Each has two descriptors in a proxy, and two here.
const DESCRIPTORS: usize = 2;
/// That are no connections'.
const OTHER_DESCRIPTORS: usize = 100;
/// How long a proxy may take to close all.
const PATIENCE: Duration = Duration::from_secs(30);
/// One in so many connections carries messages.
const QUIET: usize = 100;
const MESSAGE: Size = Size(125);
/// Longer than wsgate keeps the sandbox of a connection that is idle. A quick run doesn't wait for that.
const REST: Duration = Duration::from_secs(6);

/// What came of one proxy.
pub(crate) struct Row {
    name: &'static str,
    /// Resident, in bytes for each connection.
    memory: f64,
    /// The same later.
    idle: f64,
    /// Seconds to open all, of each repetition.
    opening: Vec<f64>,
    passes: Vec<Pass>,
}

/// How long the gate takes from its start until it listens, and until a first message is back, in seconds.
struct Start {
    what: &'static str,
    listening: Vec<f64>,
    answering: Vec<f64>,
}

/// Prints what is measured, and returns it.
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
    let proxies = Proxies::start(load.address(), plan, &processors)?;

    let mut out = io::stdout();
    writeln!(out, "\n{}", legend(count, repetitions, rest(plan)))?;
    let mut rows = Vec::new();
    for proxy in &proxies.all {
        let row = measure(proxy, &mut load, count, repetitions, plan);
        rows.push(row.with_context(|| proxy.name)?);
    }
    write!(out, "{}", table(&rows, count))?;
    drop(proxies);
    let starts = starts(&mut load, &plan.component, repetitions)?;
    write!(out, "{}", table_of_starts(&starts))?;
    Ok(json!({
        "connections": count,
        "proxies": rows.iter().map(report).collect::<Vec<_>>(),
        "starts": starts.iter().map(report_start).collect::<Vec<_>>(),
    }))
}

fn legend(count: usize, repetitions: usize, rest: Duration) -> String {
    let wish = match count {
        CONNECTIONS | QUICK_CONNECTIONS => String::new(),
        _ => format!(
            " (as many as the hard limit on open files allows, `ulimit -Hn`; {CONNECTIONS} are wanted)"
        ),
    };
    format!(
        "{count} connections through each proxy{wish}, {repetitions} repetitions
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
    proxy: &Server,
    load: &mut Load,
    count: usize,
    repetitions: usize,
    plan: &Plan,
) -> Result<Row> {
    let length = Duration::from_millis(if plan.is_quick { 100 } else { 1000 });
    let process = proxy.process.id();
    // What the first connection makes is there for all.
    load.open(proxy.address, 1)?;
    load.saturate(1, 1, length / 10, Some(process))?;
    load.close();
    settle(process)?;
    let before = Usage::of(process)?.resident;
    let mut row = Row {
        name: proxy.name,
        memory: 0.0,
        idle: 0.0,
        opening: Vec::new(),
        passes: Vec::new(),
    };
    for repetition in 0..repetitions {
        row.opening
            .push(load.open(proxy.address, count)?.as_secs_f64());
        if repetition == 0 {
            let each = || -> Result<f64> {
                let grown = Usage::of(process)?.resident.saturating_sub(before);
                Ok(grown as f64 / count as f64)
            };
            row.memory = each()?;
            thread::sleep(rest(plan));
            row.idle = each()?;
        }
        row.passes
            .push(load.saturate((count / QUIET).max(1), 1, length, Some(process))?);
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
        listening: Vec::new(),
        answering: Vec::new(),
    });
    for _ in 0..repetitions {
        // The gate keeps what it has compiled beside the component.
        let folder = tempfile::tempdir().context("a folder for a component")?;
        let copy = folder.path().join("websocket.wasm");
        fs::copy(component, &copy).context("a copy of the component")?;
        for start in &mut starts {
            let since = Instant::now();
            let gate = Gate::before(load.address(), &copy, &["--log", "warn"])?;
            start.listening.push(since.elapsed().as_secs_f64());
            load.open(gate.address, 1)?;
            load.saturate(1, 1, Duration::ZERO, None)?;
            start.answering.push(since.elapsed().as_secs_f64());
            load.close();
        }
    }
    Ok(starts)
}

impl Row {
    fn messages(&self) -> Vec<f64> {
        self.passes.iter().map(Pass::rate).collect()
    }

    fn cost(&self) -> f64 {
        quantile::median_of(&self.passes, Pass::cost)
    }
}

pub(crate) fn table(rows: &[Row], count: usize) -> String {
    let mut text = format!(
        "\n{:<20} {:>9} {:>9} {:>9} {:>11} {:>8}\n{}\n",
        "",
        "KiB each",
        "KiB idle",
        "open/s",
        "messages/s",
        "CPU us",
        "-".repeat(85)
    );
    for row in rows {
        let [kib, idle] = [row.memory, row.idle].map(|bytes| bytes / 1024.0);
        let _ = writeln!(
            text,
            "{:<20} {kib:>9.1} {idle:>9.1} {:>9.0} {:>11.0} {:>8.2}",
            row.name,
            count as f64 / quantile::median(&row.opening),
            quantile::median(&row.messages()),
            1e6 * row.cost(),
        );
    }
    text
}

fn table_of_starts(starts: &[Start]) -> String {
    let mut text = format!(
        "\n{:<42} {:>12} {:>16}\n{}\n",
        "From the start of the gate, in ms, until it",
        "listens",
        "answers a message",
        "-".repeat(75)
    );
    for start in starts {
        let millis = |times: &[f64]| 1e3 * quantile::median(times);
        let _ = writeln!(
            text,
            "{:<42} {:>13.1} {:>17.1}",
            start.what,
            millis(&start.listening),
            millis(&start.answering),
        );
    }
    text
}

pub(crate) fn report(row: &Row) -> Value {
    json!({
        "name": row.name,
        "resident_bytes_each": row.memory,
        "resident_bytes_each_idle": row.idle,
        "seconds_to_open": row.opening,
        "messages_per_second": row.messages(),
        "cpu_seconds_per_message": row.cost(),
    })
}

fn report_start(start: &Start) -> Value {
    json!({
        "what": start.what,
        "seconds_to_listen": start.listening,
        "seconds_to_answer": start.answering,
    })
}
