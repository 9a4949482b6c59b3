//! The cost of the sandbox alone: loading it, making a guest for a connection, calling it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use cpu_time::ThreadTime;
use host_tests::quantile;
use host_tests::table::Table;
use host_tests::wire::Frame;
use serde::Serialize;
use serde_json::{Value, json};
use websocket_component::Role;
use websocket_component::inspector::Options;
use websocket_host::inspector::Inspector;
use websocket_host::protocol::{Config, Negotiated};
use websocket_host::{Cache, Guest, Sandbox, SandboxConfig, Session};

use crate::plan::Plan;

const LEGEND: &str = "\
Each repetition does a thing many times. Processor time of the thread, in µs; for loading, wall-clock time, in ms;
sizes in KB of 1000 bytes.";

/// Beside the component, as `cargo xtask component --without-deflate` puts it.
const WITHOUT_DEFLATE: &str = "websocket-without-deflate.wasm";

#[derive(Serialize)]
struct Row {
    what: &'static str,
    unit: &'static str,
    /// The time of each repetition.
    times: Vec<f64>,
}

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let repetitions = plan.repetitions(15, 3);
    let count = if plan.is_quick { 100 } else { 2000 };
    let mut out = io::stdout();
    writeln!(
        out,
        "\nThe sandbox alone, {repetitions} repetitions\n{LEGEND}\n"
    )?;
    let rows = measure(&plan.component, repetitions, count)?;
    write!(out, "{}", table(&rows))?;
    Ok(json!({ "times": rows }))
}

fn measure(component: &Path, repetitions: usize, count: usize) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir().context("a folder for compiled components")?;
    let kept = Cache::Folder(folder.path().to_owned());
    let load = |cache: &Cache| {
        let start = Instant::now();
        let config = SandboxConfig {
            cache: cache.clone(),
            ..SandboxConfig::default()
        };
        let sandbox = Sandbox::load(component, config)?;
        Ok::<_, anyhow::Error>((sandbox, 1e3 * start.elapsed().as_secs_f64()))
    };
    let (_, compile) = load(&Cache::Off)?;
    // The first one fills the folder.
    load(&kept)?;
    let loads = (0..repetitions).map(|_| Ok(load(&kept)?.1));
    let loads = loads.collect::<Result<Vec<_>>>()?;
    let (sandbox, _) = load(&kept)?;
    folder
        .close()
        .context("the folder of compiled components")?;

    let mut rows = vec![
        row("compile and load the component", "ms", vec![compile]),
        row("load the component, compiled before", "ms", loads),
    ];
    let mut add = |what, of: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        let times = (0..repetitions).map(|_| {
            let start = ThreadTime::now();
            for _ in 0..count {
                of()?;
            }
            Ok(1e6 * start.elapsed().as_secs_f64() / count as f64)
        });
        rows.push(row(what, "µs", times.collect::<Result<_>>()?));
        Ok(())
    };
    add("make a guest, and drop it", &mut || {
        sandbox.guest()?;
        Ok(())
    })?;
    add("the same, with a session that is open", &mut || {
        open(&mut sandbox.guest()?)?;
        Ok(())
    })?;
    add("the same, with an inspector that is open", &mut || {
        let mut guest = sandbox.guest()?;
        let (options, negotiated) = (Options::default(), Negotiated::default());
        Inspector::open(&mut guest, &options, &[7; 32], &negotiated, 0)?;
        Ok(())
    })?;
    let mut guest = sandbox.guest()?;
    let session = open(&mut guest)?;
    add("an exchange of nothing", &mut || {
        guest.exchange(&session, &[], &[], &[], 0, 65_536)?;
        Ok(())
    })?;
    let message = Frame::binary([7; 16]).by(Role::Client).bytes();
    add("an exchange that brings one message of 16 B", &mut || {
        let turn = guest.exchange(&session, &message, &[], &[], 0, 65_536)?;
        ensure!(turn.events.len() == 1, "a message was lost");
        Ok(())
    })?;
    let smaller = component.with_file_name(WITHOUT_DEFLATE);
    for (what, path) in [
        ("size of the component", component),
        ("the same without permessage-deflate", &smaller),
    ] {
        if let Ok(file) = fs::metadata(path) {
            rows.push(row(what, "KB", vec![file.len() as f64 / 1000.0]));
        }
    }
    Ok(rows)
}

fn open(guest: &mut Guest) -> Result<Session> {
    let session = guest.open_server(&Config::default(), &Negotiated::default(), 1);
    session.context("the session doesn't open")
}

fn row(what: &'static str, unit: &'static str, times: Vec<f64>) -> Row {
    Row { what, unit, times }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([("", -46), ("median", 10), ("middle half", 19)]);
    for Row { what, unit, times } in rows {
        let (low, high) = quantile::middle_half(times);
        table.row([
            (*what).to_owned(),
            format!("{:.2} {unit}", quantile::median(times)),
            format!("{low:.2} - {high:.2}"),
        ]);
    }
    table
}
