//! The stream for tokio compared with tokio-tungstenite: echo servers, each a process with one thread, under the load
//! of the proxies, with TLS and without; and the cost of a connection by how many share a guest.

use std::io::{self, Write};

use anyhow::Result;
use host_tests::authority::Issued;
use host_tests::usage;
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::scale::{self, Row};
use crate::servers::Server;
use crate::setting;
use crate::size::Size;
use crate::sockets;
use crate::sockets::measure::{Cell, Effort};
use crate::sockets::table::Reference;

const SIZES: [Size; 2] = [Size(125), Size(16 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const NATIVE: &str = "without a sandbox";
/// The subject that it is compared with.
const PEER: &str = "tokio-tungstenite";

/// An echo server: its name, and the arguments with which this program runs as it.
type Echo = (&'static str, &'static [&'static str]);

const SERVERS: [Echo; 3] = [
    ("websocket-host", &["component"]),
    (NATIVE, &["native"]),
    (PEER, &["tokio-tungstenite"]),
];

/// By how many connections a guest has.
const PLACEMENTS: [Echo; 6] = [
    ("1 in a guest", &["component"]),
    ("10 in a guest", &["component", "--each", "10"]),
    ("100 in a guest", &["component", "--each", "100"]),
    ("1000 in a guest", &["component", "--each", "1000"]),
    (NATIVE, &["native"]),
    (PEER, &["tokio-tungstenite"]),
];

/// As many connections as the last of these has in a guest.
const PLACED: usize = 1000;

const REFERENCE: Reference = (PEER, "peer");

const LEGEND: &str = "\
Echo servers on tokio with one thread, with the settings that they come with; the clients are one thread on the other
processor. `no proxy` is what they do with an echo server of their own. websocket-host has each connection in a guest of
its own, and `without a sandbox` it runs the native engine. The columns are those of the proxies";

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false, true])?;
    let processors = Processors::of_this_thread()?;
    let effort = Effort::of(plan);
    writeln!(
        io::stdout(),
        "\nThe stream for tokio, through sockets, {} repetitions\n{LEGEND}",
        effort.repetitions
    )?;
    let rows = sockets::compare(cells, effort, &processors, |_, certificate| {
        let servers = SERVERS.into_iter().filter(|(name, _)| plan.has(name));
        let servers = servers.map(|echo| server(echo, plan, certificate));
        Ok((servers.collect::<Result<_>>()?, REFERENCE))
    })?;
    let placements = placements(plan, &processors)?;
    Ok(json!({ "placements": placements, "cells": rows }))
}

/// Prints the cost of a connection by how many share a guest, and returns it.
fn placements(plan: &Plan, processors: &Processors) -> Result<Vec<Row>> {
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let repetitions = plan.repetitions(3, 1);
    let count = if plan.is_quick { PLACED / 10 } else { PLACED };
    let mut out = io::stdout();
    writeln!(
        out,
        "\n{count} connections to each echo server, {repetitions} repetitions. The columns are those of many connections"
    )?;
    // Those of the previous repetition may still be closing.
    usage::allow_files(2 * PLACED as u64)?;
    let mut rows = Vec::new();
    for placement in PLACEMENTS {
        if !plan.has(placement.0) {
            continue;
        }
        let server = processors.started(|| server(placement, plan, None))?;
        let row = scale::measure(&server, &mut load, count, repetitions, plan)?;
        rows.push(row);
    }
    write!(out, "{}", scale::table(&rows, count))?;
    Ok(rows)
}

fn server((name, words): Echo, plan: &Plan, certificate: Option<&Issued>) -> Result<Server> {
    let tls =
        certificate.map(|issued| ["--certificate", issued.certificate(), "--key", issued.key()]);
    let tls = tls.as_ref().map_or(&[][..], |tls| tls);
    Server::own(
        name,
        setting::version(name),
        &[words, tls].concat(),
        &plan.component,
    )
}
