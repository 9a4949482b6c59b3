//! Proxies under load, through sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `measure` | repetitions in which servers take turns |
//! | `table` | the results as text |

pub(crate) mod measure;
pub(crate) mod table;

use std::io::{self, Write};
use std::net::SocketAddr;

use anyhow::Result;
use host_tests::authority::{Authority, Issued};
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::{self, NGINX, RELAY};
use crate::servers::{self, Server};
use crate::size::Size;
use measure::{Cell, Compared, Effort, RATE};
use table::Reference;

const SIZES: [Size; 4] = [Size(125), Size(1 << 10), Size(16 << 10), Size(256 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const LEGEND: &str = "\
Clients and an echo server are one thread, which makes and checks every message as cheaply as it can; each proxy has one
thread for connections. With one connection 256 KiB are in flight, with 500 one message of each.
messages/s   there and back, median of the repetitions; `middle half` is where the middle 50% of them lie
x relay      the same relative to the relay on tokio-tungstenite, with TLS to nginx: above 1 is faster
GB/s         payload in each direction, 10^9 bytes
CPU us       processor time of the proxy for each message, there and back
busy         share of the time that the proxy and the load used their processors: the one at 100% limits the row
latency      from when a message was scheduled to be sent, there and back, in us; medians of the repetitions'
             median, 99th and 99.9th percentile";

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false, true])?;
    let processors = Processors::of_this_thread()?;
    let effort = Effort::of(plan);
    writeln!(
        io::stdout(),
        "\nProxies, through sockets, {} repetitions\n{}\n{LEGEND}, at {RATE} messages a second",
        effort.repetitions,
        processors.legend("Proxies run")
    )?;
    let rows = compare(cells, effort, &processors, |server, certificate| {
        let reference = match certificate {
            None => (RELAY, "relay"),
            Some(_) => (NGINX, "nginx"),
        };
        Ok((proxies::start(server, plan, certificate)?, reference))
    })?;
    Ok(json!({ "cells": rows }))
}

/// Measures the cells without TLS, then those with it. Servers are started for each kind: they get the address of a
/// server that they may be in front of, and the certificate that clients trust. Prints the table of each cell, with
/// ratios to one of the servers.
pub(crate) fn compare(
    cells: Vec<Cell>,
    effort: Effort,
    processors: &Processors,
    start: impl Fn(SocketAddr, Option<&Issued>) -> Result<(Vec<Server>, Reference)>,
) -> Result<Vec<Compared>> {
    let authority = Authority::new()?;
    let certificate = authority.issue("bench", &["127.0.0.1"])?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let mut out = io::stdout();
    let mut rows = Vec::new();
    let (secure, plain): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.is_secure);
    for (cells, certificate) in [(plain, None), (secure, Some(&certificate))] {
        if cells.is_empty() {
            continue;
        }
        if certificate.is_some() {
            load.begin_with_tls(authority.roots()?)?;
            writeln!(
                out,
                "\nWith TLS in front; the load decrypts and encrypts too, and so is busier"
            )?;
        }
        let (servers, reference) = processors.started(|| start(load.address(), certificate))?;
        writeln!(out, "\n{}", servers::versions(&servers))?;
        for cell in cells {
            let measured = measure::compare(cell, &mut load, &servers, effort)?;
            write!(out, "{}", table::of(&measured, reference))?;
            rows.push(measured);
        }
    }
    Ok(rows)
}
