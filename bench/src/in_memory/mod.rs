//! Decoding and encoding in memory: the engine, native and in its sandbox, beside other libraries.
//!
//! | module | what it is |
//! |---|---|
//! | `cell` | what is compared: a task, and the content and size of messages |
//! | `workload`, `transport` | the messages, and the connection in memory that carries them |
//! | `subjects` | the libraries that are compared, each behind the same trait |
//! | `seen` | checks of what was decoded |
//! | `measure`, `table` | measuring and reporting |

mod cell;
mod measure;
mod seen;
mod subjects;
mod table;
mod transport;
mod workload;

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::plan::Plan;
use crate::size::Size;
use cell::Cell;
use measure::{Compared, Effort};
use subjects::Named;
use workload::Workload;

/// Prints the measurements, and returns them. A read returns up to `transfer` bytes.
pub(crate) fn run(plan: &Plan, transfer: usize) -> Result<Value> {
    let cells = plan.wanted(Cell::all())?;
    let subjects: Vec<_> = subjects::all(&plan.component)?
        .into_iter()
        .filter(|(name, _)| plan.has(name))
        .collect();
    ensure!(!subjects.is_empty(), "no subject has such a name");
    let effort = Effort {
        repetitions: plan.repetitions(15, 3),
        turn: Duration::from_millis(if plan.is_quick { 1 } else { 15 }),
    };
    let mut out = io::stdout();
    writeln!(
        out,
        "\n{} repetitions, {} ms a turn; reads of up to {transfer}, a flush every {transfer}\n{}",
        effort.repetitions,
        effort.turn.as_millis(),
        table::LEGEND,
        transfer = Size(transfer),
    )?;
    let all = compare(&cells, &subjects, transfer, effort)?;
    Ok(json!({ "transfer": transfer, "cells": all }))
}

fn compare(
    cells: &[Cell],
    subjects: &[Named],
    transfer: usize,
    effort: Effort,
) -> Result<Vec<Compared>> {
    let mut out = io::stdout();
    let mut works: Vec<Rc<Workload>> = Vec::new();
    let mut all: Vec<Compared> = Vec::new();
    for cell in cells {
        let known = works.iter().find(|work| work.is_for(cell));
        let work = known.cloned().unwrap_or_else(|| {
            let work = Rc::new(Workload::new(cell, transfer));
            works.push(Rc::clone(&work));
            work
        });
        let compared = measure::compare(*cell, &work, subjects, effort)?;
        let heading = table::heading(cell, all.last());
        write!(out, "{heading}{}", table::lines(&compared))?;
        all.push(compared);
    }
    Ok(all)
}
