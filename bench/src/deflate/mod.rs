//! permessage-deflate: echo servers, and the memory of a session.
//!
//! | module | what it is |
//! |---|---|
//! | `corpus` | the messages, and what a client that compresses writes to send them |
//! | `load` | the client: it writes prepared bytes, and checks the echoes after the clock has stopped |
//! | `memory` | the memory of a session of the component |

mod corpus;
mod load;
mod memory;

use std::io::{self, Write};
use std::mem;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::gate::file;
use host_tests::quantile::median_of;
use host_tests::table::Table;
use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::{self, Plan};
use crate::servers::Server;
use corpus::{Corpus, SIZES};
use load::Pass;

/// The server that everything is compared with.
const REFERENCE: &str = "ws";

const LEGEND: &str = "\
Echo servers on a socket, one connection, level 6, windows of 32 KiB with context takeover, everything is compressed.
Messages are pieces of countries.json of npm's world-countries. The client compresses them beforehand, and inflates
the echoes after the clock has stopped, so its share of the time is small.
MB/s       echoed payload, by wall-clock time; median of the repetitions
x ws       the same relative to npm's ws: above 1 is faster
CPU s/GB   processor time of the server for each 10^9 bytes of payload, all its threads
wire/text  bytes that the server wrote for each byte of payload";

/// Messages of one size: the passes of each server.
#[derive(Serialize)]
pub(crate) struct Compared {
    size: usize,
    servers: Vec<(&'static str, Vec<Pass>)>,
}

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let echo = compare(&start(&plan.component)?, plan)?;
    let sessions = memory::measure(&plan.component)?;
    write!(io::stdout(), "{}", memory::table(&sessions))?;
    Ok(json!({ "echo": echo, "sessions": sessions }))
}

/// Starts all of them.
fn start(component: &Path) -> Result<Vec<Server>> {
    let own = |name, library| Server::own(name, String::new(), &[library, "--deflate"], component);
    let mut ws = Command::new("node");
    ws.args(["peers/deflate-server.mjs", "[{}]"]);
    ws.current_dir(file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node"));
    let mut websockets = Command::new(file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python"));
    websockets
        .arg(file("", "host-tests/python/deflate_server.py"))
        .arg("[{}]");
    let installed = |name, mut command| {
        Server::start(name, String::new(), &mut command)
            .context("run `cargo xtask bench`, which installs the peers first")
    };
    Ok(vec![
        own("native engine", "native")?,
        own("component in sandbox", "component")?,
        own("yawc", "yawc")?,
        installed("ws", ws)?,
        installed("websockets", websockets)?,
    ])
}

/// Compares these servers, which compress every message: prints the measurements, and returns them.
pub(crate) fn compare(servers: &[Server], plan: &Plan) -> Result<Vec<Compared>> {
    let repetitions = plan.repetitions(5, 1);
    let mut out = io::stdout();
    writeln!(
        out,
        "\npermessage-deflate, {repetitions} repetitions\n{LEGEND}"
    )?;
    let mut rows = Vec::new();
    for size in SIZES {
        let bytes = if plan.is_quick { 1 << 20 } else { 8 << 20 };
        let corpus = Corpus::new(size, bytes)?;
        let mut subjects: Vec<&Server> = servers.iter().collect();
        let passes = plan::take_turns(repetitions, &mut subjects, |server| {
            let pass = load::pass(server, &corpus);
            pass.with_context(|| format!("{}, {size} B", server.name))
        })?;
        let names = servers.iter().map(|server| server.name);
        let row = Compared {
            size,
            servers: names.zip(passes).collect(),
        };
        write!(out, "{}", table(&row))?;
        rows.push(row);
    }
    Ok(rows)
}

fn table(compared: &Compared) -> String {
    let mut table = Table::new([
        ("message", -10),
        ("server", -24),
        ("MB/s", 8),
        ("x ws", 7),
        ("CPU s/GB", 10),
        ("wire/text", 10),
    ]);
    let rate = |passes: &[Pass]| median_of(passes, Pass::rate);
    let all = &compared.servers;
    let reference = all.iter().find(|(name, _)| *name == REFERENCE);
    let reference = reference.map_or(f64::NAN, |(_, passes)| rate(passes));
    let mut message = format!("{} B", compared.size);
    for (name, passes) in all {
        table.row([
            mem::take(&mut message),
            (*name).to_owned(),
            format!("{:.1}", rate(passes) / 1e6),
            format!("{:.2}", rate(passes) / reference),
            format!("{:.1}", 1e9 * median_of(passes, Pass::cpu)),
            format!("{:.3}", median_of(passes, Pass::share)),
        ]);
    }
    format!("\n{table}")
}
