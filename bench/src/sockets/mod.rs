//! Proxies under load, through sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `measure` | repetitions in which servers take turns |
//! | `table` | the results, for people |

pub(crate) mod measure;
pub(crate) mod table;

use std::io::{self, Write};

use anyhow::Result;
use host_tests::authority::Authority;
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::{NGINX, Proxies, RELAY};
use crate::size::Size;
use measure::{Cell, Effort, RATE};
use table::Columns;

const SIZES: [Size; 4] = [Size(125), Size(1 << 10), Size(16 << 10), Size(256 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const LEGEND: &str = "\
Clients and an echo server are one thread, which makes and checks every message as cheaply as it can; each proxy has one
thread for connections. With one connection 256 KiB are under way, with 500 one message of each.
messages/s   there and back, median of the repetitions; `middle half` is where the middle 50% of them lie
x relay      the same against the relay on tokio-tungstenite, with TLS against nginx: above 1 is faster
GB/s         payload in each direction, 10^9 bytes
CPU us       processor time of the proxy for each message, there and back
busy         the part of the time that the proxy and the load used their processors: whichever has all of it is what
             the row is bound by
latency      of a message sent when it was due, there and back, in us; medians of the repetitions'
             median, 99th and 99.9th percentile";

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false, true])?;
    let (secure, plain): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.is_secure);
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let effort = Effort::of(plan);
    let authority = Authority::new()?;
    let certificate = authority.issue("bench", &["127.0.0.1"])?;

    let mut out = io::stdout();
    writeln!(
        out,
        "\nProxies, through sockets, {} repetitions\n{}\n{LEGEND}, at {RATE} messages a second",
        effort.repetitions,
        processors.legend("Proxies run")
    )?;
    let mut rows = Vec::new();
    for (cells, certificate) in [(plain, None), (secure, Some(&certificate))] {
        if cells.is_empty() {
            continue;
        }
        let (reference, short) = match certificate {
            None => (RELAY, "relay"),
            Some(_) => {
                load.begin_with_tls(authority.roots()?)?;
                writeln!(
                    out,
                    "\nWith TLS in front; the load decrypts and encrypts too, and so is busier"
                )?;
                (NGINX, "nginx")
            }
        };
        let columns = Columns {
            reference,
            short,
            unit: ("GB", 1e9),
        };
        let proxies = Proxies::start(load.address(), plan, &processors, certificate)?;
        writeln!(out, "\n{}", proxies.versions())?;
        for cell in cells {
            let measured = measure::compare(cell, &mut load, &proxies.all, effort)?;
            write!(out, "{}", table::of(&measured, columns))?;
            rows.push(measured);
        }
    }
    Ok(json!({ "cells": rows }))
}
