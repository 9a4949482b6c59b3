//! The npm package in Node beside npm's ws: echo servers, each a process, under the same load as proxies are.

use std::io::{self, Write};
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::gate::file;
use host_tests::process::Process;
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::Proxy;
use crate::size::Size;
use crate::sockets::measure::{self, Cell, Effort};
use crate::sockets::table::{self, Columns};

const SIZES: [Size; 5] = [
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
];
const CONNECTIONS: [usize; 2] = [1, 100];

const OWN: &str = "websocket-component";
/// What everything is compared with.
const WS: &str = "ws";

const COLUMNS: Columns = Columns {
    reference: WS,
    short: WS,
    unit: ("MB", 1e6),
};

const LEGEND: &str = "\
Echo servers in Node, without compression; the clients are one thread on the other processor, which makes and checks every
message as cheaply as it can. `no proxy` is what they do with an echo server of their own. ws is installed as npm
installs it, without its optional packages of native code. The columns are those of the proxies";

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false])?;
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    processors.pin(processors.proxy)?;
    let servers: Vec<_> = [OWN, WS]
        .into_iter()
        .filter(|name| plan.has(name))
        .map(server)
        .collect::<Result<_>>()?;
    processors.pin(processors.load)?;
    let effort = Effort::of(plan);

    let mut out = io::stdout();
    let versions: Vec<_> = servers
        .iter()
        .map(|server| format!("{} {}", server.name, server.version))
        .collect();
    writeln!(
        out,
        "\nThe npm package, through sockets, {} repetitions\n{}\n{LEGEND}",
        effort.repetitions,
        versions.join(", ")
    )?;
    let mut rows = Vec::new();
    for cell in cells {
        let measured = measure::compare(cell, &mut load, &servers, effort)?;
        write!(out, "{}", table::of(&measured, COLUMNS))?;
        rows.push(table::report(&measured));
    }
    Ok(json!({ "cells": rows }))
}

/// An echo server on one of the two; the first line that it prints says where it listens, the second the version.
fn server(name: &'static str) -> Result<Proxy> {
    let mut command = Command::new("node");
    command.arg("support/echo-server.mjs").arg(name);
    command.current_dir(file("WEBSOCKET_TEST_JS_DIR", "js/test"));
    let process = Process::start(name, &mut command)
        .context("run `cargo xtask bench`, which builds the package first")?;
    let address = process.address()?;
    let version = process.line()?.replace("version ", "");
    Ok(Proxy {
        name,
        version,
        address,
        process,
    })
}
