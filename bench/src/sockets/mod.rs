//! Proxies under load, through sockets.
//!
//! | module | what it is |
//! |---|---|
//! | `measure` | repetitions in which the proxies take turns |
//! | `table` | the results, for people and for machines |
//! | `targets` | what is aimed at, and whether it is met |

pub(crate) mod measure;
pub(crate) mod table;
mod targets;

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::{Proxies, RELAY};
use crate::size::Size;
use crate::target;
use measure::{Cell, Effort};
use table::Columns;

const SIZES: [Size; 4] = [Size(125), Size(1 << 10), Size(16 << 10), Size(256 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const COLUMNS: Columns = Columns {
    reference: RELAY,
    short: "relay",
    unit: ("GB", 1e9),
};

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS)?;
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let proxies = Proxies::start(load.address(), plan, &processors)?;
    let effort = Effort::of(plan);

    let mut out = io::stdout();
    writeln!(
        out,
        "\nProxies, through sockets, {} repetitions",
        effort.repetitions
    )?;
    writeln!(out, "{}", table::legend(&proxies, &processors))?;
    let mut rows = Vec::new();
    for cell in cells {
        let measured = measure::compare(cell, &mut load, &proxies.all, effort)?;
        write!(out, "{}", table::of(&measured, COLUMNS))?;
        rows.push(measured);
    }
    let judged = targets::judge(&rows);
    write!(out, "{}", target::table(targets::TITLE, &judged))?;
    Ok(json!({
        "cells": rows.iter().map(table::report).collect::<Vec<_>>(),
        "targets": target::report(&judged),
    }))
}
