//! Proxies under load, through sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `measure` | repetitions in which the proxies take turns |
//! | `table` | the results, for people and for machines |

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
use measure::{Cell, Effort};
use table::Columns;

const SIZES: [Size; 4] = [Size(125), Size(1 << 10), Size(16 << 10), Size(256 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const COLUMNS: Columns = Columns {
    reference: RELAY,
    short: "relay",
    unit: ("GB", 1e9),
};

const TLS_COLUMNS: Columns = Columns {
    reference: NGINX,
    short: "nginx",
    unit: ("GB", 1e9),
};

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false, true])?;
    let (secure, plain): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.is_secure);
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let effort = Effort::of(plan);

    let mut out = io::stdout();
    writeln!(
        out,
        "\nProxies, through sockets, {} repetitions",
        effort.repetitions
    )?;
    let mut rows = Vec::new();
    if !plain.is_empty() {
        let proxies = Proxies::start(load.address(), plan, &processors)?;
        writeln!(out, "{}", table::legend(&proxies, &processors))?;
        for cell in plain {
            let measured = measure::compare(cell, &mut load, &proxies.all, effort)?;
            write!(out, "{}", table::of(&measured, COLUMNS))?;
            rows.push(measured);
        }
    }
    if !secure.is_empty() {
        let authority = Authority::new()?;
        let certificate = authority.issue("bench", &["127.0.0.1"])?;
        let proxies = Proxies::with_tls(load.address(), plan, &processors, &certificate)?;
        load.begin_with_tls(authority.roots()?)?;
        writeln!(
            out,
            "\nWith TLS in front; the load decrypts and encrypts too, and so is busier\n{}",
            table::legend(&proxies, &processors)
        )?;
        for cell in secure {
            let measured = measure::compare(cell, &mut load, &proxies.all, effort)?;
            write!(out, "{}", table::of(&measured, TLS_COLUMNS))?;
            rows.push(measured);
        }
    }
    Ok(json!({
        "cells": rows.iter().map(table::report).collect::<Vec<_>>(),
    }))
}
