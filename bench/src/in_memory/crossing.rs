//! What the border of the sandbox costs: the same engine within it and without, by size and by messages in a call.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

use anyhow::Result;
use serde_json::{Value, json};

use super::cell::{Batch, Cell, Task};
use super::measure::{self, Compared};
use super::message::Content;
use super::workload::Workload;
use super::{effort, subjects};
use crate::number::number;
use crate::plan::Plan;
use crate::role::Role;
use crate::size::Size;

const SIZES: [Size; 5] = [
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
];
/// Messages in a call.
const COUNTS: [usize; 5] = [1, 4, 16, 64, 512];
/// More bytes than this aren't in a call, unless one message is.
const MOST: usize = 256 << 10;

const LEGEND: &str = "\
A server reads binary messages, so many in each call: ns for each, native engine / component in its sandbox, and how many
times as long the latter takes";

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let subjects = subjects::own(&plan.component)?;
    let subjects: Vec<_> = subjects.iter().map(|subject| &**subject).collect();
    let mut rows = Vec::new();
    for size in SIZES {
        let counts = COUNTS.into_iter();
        let counts = counts.filter(|count| *count == 1 || count * size.0 <= MOST);
        let row = counts.map(|count| {
            let (content, batch) = (Content::Binary, Batch::Of(count));
            let cell = Cell {
                task: Task::Decode(Role::Server),
                content,
                batch,
                size,
            };
            let work = Rc::new(Workload::new(content, batch, size, 0));
            Ok((
                count,
                measure::compare(cell, &work, &subjects, effort(plan))?,
            ))
        });
        rows.push((size, row.collect::<Result<Vec<_>>>()?));
    }
    let mut out = io::stdout();
    write!(out, "\n{}", table(&rows))?;
    Ok(rows.iter().flat_map(|(_, row)| row).map(report).collect())
}

fn table(rows: &[(Size, Vec<(usize, Compared)>)]) -> String {
    let mut text = format!("{LEGEND}\n\n{:<8}", "size");
    for count in COUNTS {
        let _ = write!(text, " {:>21}", format!("{count} a call"));
    }
    text += &format!("\n{}\n", "-".repeat(8 + 22 * COUNTS.len()));
    for (size, row) in rows {
        let _ = write!(text, "{size:<8}");
        for (_, compared) in row {
            let [native, component] = &compared.subjects[..] else {
                continue;
            };
            let (own, sandboxed) = (number(native.median()), number(component.median()));
            let ratio = component.ratio(native);
            let _ = write!(text, " {:>21}", format!("{own} / {sandboxed}  x{ratio:.1}"));
        }
        text.push('\n');
    }
    text
}

fn report((count, compared): &(usize, Compared)) -> Value {
    let subjects = compared.subjects.iter();
    let times = subjects.map(|subject| (subject.name.to_owned(), json!(subject.times)));
    json!({
        "size": compared.cell.size.0,
        "messages_in_a_call": count,
        "times_ns": times.collect::<serde_json::Map<_, _>>(),
    })
}
