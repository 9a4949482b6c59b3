//! The npm package in Node compared with npm's ws, under the same load as proxies; and the cost of a message without
//! sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `servers` | echo servers, each a process |
//! | `clients` | clients in Node, of an echo server that is here |
//! | `messages` | without sockets, in Node and in Chromium |

mod clients;
mod messages;
mod servers;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use host_tests::gate::file;
use serde_json::{Value, json};

use crate::deflate;
use crate::pin::Processors;
use crate::plan::Plan;
use crate::size::Size;
use crate::sockets;
use crate::sockets::measure::{Cell, Effort};
use crate::sockets::table::Reference;

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
const WS_NATIVE: &str = "ws, native add-on";

const REFERENCE: Reference = (WS, "ws");

const LEGEND: &str = "\
Echo servers in Node, without compression; the clients are one thread on the other processor, which makes and checks every
message as cheaply as it can. `no proxy` is what they achieve with an echo server of their own. ws is measured as npm
installs it, and with its optional native package, bufferutil. The columns are those of the proxies";

/// Prints the measurements, and returns them.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false])?;
    let processors = Processors::of_this_thread()?;
    // ws compresses in threads of its own, which may use both processors.
    let compressing = servers::compressing(plan)?;
    let libraries = servers::libraries(plan)?;
    let effort = Effort::of(plan);
    writeln!(
        io::stdout(),
        "\nThe npm package, through sockets, {} repetitions\n{LEGEND}",
        effort.repetitions
    )?;
    let rows = sockets::compare(cells.clone(), effort, &processors, |_, _| {
        Ok((servers::start(&libraries)?, REFERENCE))
    })?;
    let clients = clients::compare(plan, &libraries, &cells, &processors)?;
    let deflate = deflate::compare(&compressing, plan)?;
    drop(processors);
    let messages = messages::measure(plan)?;
    Ok(json!({ "cells": rows, "clients": clients, "deflate": deflate, "messages": messages }))
}

/// The folder of the scripts, in which the package and ws are installed.
fn folder() -> PathBuf {
    file("WEBSOCKET_TEST_JS_DIR", "js/test")
}
