//! Decoding and encoding in memory: the engine, native and in its sandbox, beside other libraries.
//!
//! | module | what it is |
//! |---|---|
//! | `message`, `workload`, `transport` | the messages, and the connection in memory that carries them |
//! | `subjects` | what is compared, each behind the same trait |
//! | `seen`, `frames` | how outputs are checked |
//! | `cell`, `run`, `measure`, `clock` | what is done and how it is measured |
//! | `table`, `json` | how it is told |

mod cell;
mod clock;
mod frames;
mod json;
mod measure;
mod message;
mod run;
mod seen;
mod subjects;
mod table;
mod transport;
mod workload;

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::plan::Plan;
use crate::size::Size;
use cell::Cell;
use measure::{Compared, Effort};
use subjects::Subject;
use workload::Workload;

/// Prints what is measured, and returns it. A read brings in up to `transfer` bytes.
pub(crate) fn run(plan: &Plan, transfer: usize) -> Result<Value> {
    let cells: Vec<_> = Cell::all().filter(|cell| plan.wants(cell)).collect();
    ensure!(!cells.is_empty(), "no comparison has such a name");
    let subjects = subjects::all(&plan.component)?;
    let subjects: Vec<_> = subjects
        .iter()
        .map(|subject| &**subject)
        .filter(|subject| plan.has(subject.name()))
        .collect();
    ensure!(!subjects.is_empty(), "no subject has such a name");
    let effort = effort(plan);
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
    write!(out, "{}", table::summary(&all))?;
    Ok(json::report(transfer, effort, &all))
}

fn effort(plan: &Plan) -> Effort {
    Effort {
        repetitions: plan.repetitions(15, 3),
        turn: Duration::from_millis(if plan.is_quick { 1 } else { 15 }),
    }
}

fn compare(
    cells: &[Cell],
    subjects: &[&dyn Subject],
    transfer: usize,
    effort: Effort,
) -> Result<Vec<Compared>> {
    let mut out = io::stdout();
    let mut works: Vec<Rc<Workload>> = Vec::new();
    let mut all: Vec<Compared> = Vec::new();
    for cell in cells {
        let known = works
            .iter()
            .find(|w| (w.content, w.batch, w.size) == (cell.content, cell.batch, cell.size));
        let work = known.cloned().unwrap_or_else(|| {
            let work = Rc::new(Workload::new(cell.content, cell.batch, cell.size, transfer));
            works.push(Rc::clone(&work));
            work
        });
        let compared = measure::compare(*cell, &work, subjects, effort)?;
        if let Some(heading) = table::heading(&compared, all.last()) {
            writeln!(out, "{heading}")?;
        }
        write!(out, "{}", table::lines(&compared))?;
        all.push(compared);
    }
    Ok(all)
}
