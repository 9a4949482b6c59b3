//! permessage-deflate: servers that send back what they get, and what memory a session takes.
//!
//! | module | what it is |
//! |---|---|
//! | `corpus` | the messages, and what a client that compresses writes to send them |
//! | `servers` | who is compared |
//! | `load` | the client: it writes what was made before, and checks what comes back after the clock has stopped |
//! | `memory` | what a session of the component takes |

mod corpus;
mod load;
mod memory;
mod servers;

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::plan::{self, Plan};
use crate::quantile::median_of;
use crate::servers::Server;
use corpus::{Corpus, SIZES};
use load::Pass;

/// The server that everything is compared with.
const REFERENCE: &str = "ws";

const LEGEND: &str = "\
Echo servers on a socket, one connection, level 6, windows of 32 KiB with takeover, everything is compressed.
Messages are pieces of countries.json of npm's world-countries. The client has compressed them before, and inflates
what came back when the clock has stopped, so its share of the time is small.
MB/s       payload that came back, by the clock on the wall; median of the repetitions
x ws       the same against npm's ws: above 1 is faster
CPU s/GB   processor time of the server for each 10^9 bytes of payload, all its threads
wire/text  bytes that the server wrote for each byte of payload";

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let echo = compare(&servers::start(&plan.component)?, plan)?;
    let sessions = memory::measure(&plan.component)?;
    write!(io::stdout(), "\n{}", memory::table(&sessions))?;
    Ok(json!({ "echo": echo, "sessions": memory::report(&sessions) }))
}

/// Compares these servers, which compress every message: prints what is measured, and returns it.
pub(crate) fn compare(servers: &[Server], plan: &Plan) -> Result<Vec<Value>> {
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
        let measured = passes(servers, &corpus, repetitions)?;
        write!(out, "{}", table(size, servers, &measured))?;
        rows.push(report(size, servers, &measured));
    }
    Ok(rows)
}

/// The passes of each server.
fn passes(servers: &[Server], corpus: &Corpus, repetitions: usize) -> Result<Vec<Vec<Pass>>> {
    let mut servers: Vec<&Server> = servers.iter().collect();
    plan::take_turns(repetitions, &mut servers, |server| {
        let pass = load::pass(server, corpus);
        pass.with_context(|| format!("{}, {} B", server.name, corpus.size))
    })
}

fn table(size: usize, servers: &[Server], measured: &[Vec<Pass>]) -> String {
    let mut text = format!(
        "\n{:<10} {:<24} {:>8} {:>7} {:>10} {:>10}\n{}\n",
        "message",
        "server",
        "MB/s",
        "x ws",
        "CPU s/GB",
        "wire/text",
        "-".repeat(74)
    );
    let reference = servers.iter().position(|server| server.name == REFERENCE);
    let reference = reference.map_or(f64::NAN, |index| median_of(&measured[index], Pass::rate));
    for (index, (server, passes)) in servers.iter().zip(measured).enumerate() {
        let size = if index == 0 {
            format!("{size} B")
        } else {
            String::new()
        };
        let rate = median_of(passes, Pass::rate);
        text += &format!(
            "{size:<10} {:<24} {:>8.1} {:>7.2} {:>10.1} {:>10.3}\n",
            server.name,
            rate / 1e6,
            rate / reference,
            1e9 * median_of(passes, Pass::cpu),
            median_of(passes, Pass::share),
        );
    }
    text
}

fn report(size: usize, servers: &[Server], measured: &[Vec<Pass>]) -> Value {
    let servers = servers.iter().zip(measured).map(|(server, passes)| {
        json!({
            "server": server.name,
            "bytes_per_second": passes.iter().map(Pass::rate).collect::<Vec<_>>(),
            "cpu_seconds_per_byte": passes.iter().map(Pass::cpu).collect::<Vec<_>>(),
            "wire_bytes_per_byte": median_of(passes, Pass::share),
        })
    });
    json!({ "size": size, "servers": servers.collect::<Vec<_>>() })
}
