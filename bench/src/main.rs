//! Compares the engine, native and in its sandbox, with other WebSocket libraries: the same work, in one run, checked.
//!
//! | module | what it is |
//! |---|---|
//! | [`in_memory`] | decoding and encoding, without sockets |
//! | [`sandbox`] | the cost of the sandbox alone |
//! | [`deflate`] | servers that compress, through sockets; memory of sessions that do |
//! | [`sockets`] | proxies under load |
//! | [`streams`] | the stream for tokio compared with tokio-tungstenite |
//! | [`envoy`] | the filter's cost in Envoy |
//! | [`scale`] | many connections through proxies, and how long the gate takes to start |
//! | [`javascript`] | the npm package in Node |
//! | [`proxies`], [`servers`] | proxies, and the servers behind them, each a process |
//! | [`load`] | the clients, and the server at the other end of proxies |
//! | `plan`, `setting` | options of every part; the machine and versions of a run |
//! | `size`, `pin` | human-readable sizes; pinning to processors |

mod deflate;
mod envoy;
mod in_memory;
mod javascript;
mod load;
mod pin;
mod plan;
mod proxies;
mod sandbox;
mod scale;
mod servers;
mod setting;
mod size;
mod sockets;
mod streams;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::{Map, Value};

use crate::plan::Plan;

const ABOUT: &str = "\
Compares the engine, native and in its sandbox, with other WebSocket libraries: the same work, in one run, with \
checked output.

messages: each library reads and writes the same messages over an in-memory connection, checked byte for byte before \
the measurement, and by samples during it. A server and a client decode frames from reads of 64 KiB full of messages, \
and encode messages that are flushed every 64 KiB; and a server does both with one message a read or a flush. Times \
are processor time, so other programs' turns don't count; the subjects take turns, and each repetition begins with \
another. Reads and writes are copies in memory, as a kernel makes them, without the system calls. So reading and \
writing small pieces, which a processor's first-level cache holds, has an advantage here that it would pay for on a \
socket. tokio-websockets and fastwebsockets choose small pieces, which can't be configured; with --transfer 16 all \
libraries use them.

sandbox: the time to load the component, to make a guest for a connection, and to call it.

deflate: echo servers with permessage-deflate, through sockets, each a separate process with the same settings (level \
6, windows of 32 KiB, context takeover); and the memory of a session, by negotiated parameters.

sockets: the gate, a relay written on tokio-tungstenite, nginx, HAProxy and Envoy between clients and an echo server, \
each with one thread on its own processor: messages a second, processor time for each, and latency at a fixed rate, \
with 1 and 500 connections; and those that support TLS with it. A proxy that isn't installed is left out.

streams: an echo server on the stream for tokio compared with one on tokio-tungstenite, under the same load, with TLS \
and without.

envoy: the filter's cost in Envoy: Envoy alone, with an empty filter and with the project's, each with one thread on \
its own processor, between clients and an echo server; and the memory that an idle connection adds.

scale: 10,000 connections through each proxy, or as many as the limit on open files allows: memory, the time to open \
them, and messages over 1 in 100 of them; and how long the gate takes to start.

node: an echo server on the npm package compared with one on npm's ws, under the same load as the proxies, without \
compression and with it; clients on both; and the cost of a message without sockets, in Node and in Chromium.

Usually run as `cargo xtask bench`, which builds the component and installs the peers first; arguments follow `--`.";

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench
  cargo xtask bench -- --quick
  cargo xtask bench -- --json bench.json
  cargo xtask bench -- deflate
  cargo xtask bench -- messages --only 'decode server binary' --subject native --subject tungstenite";

#[derive(Debug, Parser)]
#[command(name = "bench", about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
struct Args {
    /// What to measure [default: all].
    #[arg(value_enum)]
    parts: Vec<Part>,

    #[command(flatten)]
    plan: Plan,

    /// For messages: the most that one read returns, and what is sent before a flush, in KiB. Libraries that have such
    /// a setting are given it.
    #[arg(long, value_name = "KIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    transfer: u32,

    /// Also writes all measurements to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    #[command(flatten)]
    server: servers::Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Decoding and encoding in memory.
    Messages,
    /// The sandbox alone.
    Sandbox,
    /// permessage-deflate.
    Deflate,
    /// Proxies under load.
    Sockets,
    /// The stream for tokio compared with tokio-tungstenite.
    Streams,
    /// The filter in Envoy.
    Envoy,
    /// Many connections through proxies, and the start of the gate.
    Scale,
    /// The npm package in Node.
    Node,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let served = args.server.serve(&args.plan.component);
    let result = served.unwrap_or_else(|| run(&args));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    // Fails before minutes of work, not after.
    if let Some(path) = &args.json {
        File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    }
    let plan = &args.plan;
    let parts = match &args.parts[..] {
        [] => Part::value_variants(),
        parts => parts,
    };
    let setting = setting::of(&plan.component);
    let mut out = io::stdout();
    write!(out, "{setting}")?;
    let lines = setting.0.into_iter();
    let lines = lines.map(|(name, text)| (name.to_owned(), Value::from(text)));
    let mut report = Map::from_iter([("setting".to_owned(), lines.collect())]);
    for part in parts {
        let measured = match part {
            Part::Messages => {
                let transfer = args.transfer as usize * 1024;
                in_memory::run(plan, transfer)?
            }
            Part::Sandbox => sandbox::run(plan)?,
            Part::Deflate => deflate::run(plan)?,
            Part::Sockets => sockets::run(plan)?,
            Part::Streams => streams::run(plan)?,
            Part::Envoy => envoy::run(plan)?,
            Part::Scale => scale::run(plan)?,
            Part::Node => javascript::run(plan)?,
        };
        let part = part.to_possible_value().context("a part without a name")?;
        report.insert(part.get_name().to_owned(), measured);
    }
    writeln!(out, "\nAll outputs were checked and are right.")?;
    if let Some(path) = &args.json {
        let text = format!("{:#}\n", Value::Object(report));
        fs::write(path, text).with_context(|| format!("can't write {}", path.display()))?;
        writeln!(out, "All measurements are in {}.", path.display())?;
    }
    Ok(())
}
