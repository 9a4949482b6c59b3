//! Handshakes: a server that is asked by a browser, and a client that is answered, over a connection in memory.
//!
//! fastwebsockets is not here: its handshake is hyper's.
//!
//! | module | what it is |
//! |---|---|
//! | `subjects` | each library's own way to make a handshake |
//! | `wire` | the connection, and the peer at its other end |

mod subjects;
mod wire;

use std::io::{self, Write};

use anyhow::{Context, Result};
use cpu_time::ThreadTime;
use serde_json::{Value, json};

use crate::plan::{self, Plan};
use crate::quantile;
use crate::role::Role;
use subjects::{REFERENCE, Subject};

const ROLES: [Role; 2] = [Role::Server, Role::Client];

const LEGEND: &str = "\
Each handshake has a session of its own, and in the sandbox one guest has them all, one after the other. Processor time; a
handshake that doesn't open is an error. The client's share holds the making of the answer, the same for all.
µs             median of the repetitions; `middle half` is where the middle 50% of them lie
x tungstenite  time against tungstenite's: below 1 is faster";

/// What one subject took in one role.
struct Row {
    name: &'static str,
    /// Microseconds for each handshake, of each repetition.
    times: Vec<f64>,
}

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let repetitions = plan.repetitions(15, 3);
    let count = if plan.is_quick { 50 } else { 1000 };
    let mut out = io::stdout();
    writeln!(
        out,
        "\nHandshakes, {repetitions} repetitions of {count}\n{LEGEND}"
    )?;
    let mut subjects = subjects::all(&plan.component)?;
    let mut report = Vec::new();
    for role in ROLES {
        let rows = measure(&mut subjects, role, repetitions, count)?;
        write!(out, "{}", table(role, &rows))?;
        report.extend(rows.iter().map(|row| row.report(role)));
    }
    Ok(report.into())
}

fn measure(
    subjects: &mut [Box<dyn Subject>],
    role: Role,
    repetitions: usize,
    count: usize,
) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = subjects
        .iter()
        .map(|subject| Row {
            name: subject.name(),
            times: Vec::new(),
        })
        .collect();
    for index in plan::turns(repetitions, subjects.len()) {
        let subject = &mut subjects[index];
        let start = ThreadTime::now();
        for _ in 0..count {
            let opened = subject.open(role);
            opened.with_context(|| format!("{}, {}", rows[index].name, role.name()))?;
        }
        let time = start.elapsed().as_secs_f64();
        rows[index].times.push(1e6 * time / count as f64);
    }
    Ok(rows)
}

impl Row {
    fn median(&self) -> f64 {
        quantile::median(&self.times)
    }

    fn report(&self, role: Role) -> Value {
        let (low, high) = quantile::middle_half(&self.times);
        json!({
            "role": role.name(),
            "subject": self.name,
            "median_us": self.median(),
            "quartiles_us": [low, high],
            "times_us": self.times,
        })
    }
}

fn table(role: Role, rows: &[Row]) -> String {
    let what = match role {
        Role::Server => "a server is asked by a browser",
        Role::Client => "a client asks and is answered",
    };
    let mut text = format!(
        "\n{what}\n{:<24} {:>8} {:>19} {:>12} {:>14}\n{}\n",
        "subject",
        "µs",
        "middle half",
        "a second",
        "x tungstenite",
        "-".repeat(81)
    );
    let reference = rows.iter().find(|row| row.name == REFERENCE);
    let reference = reference.map_or(f64::NAN, Row::median);
    for row in rows {
        let median = row.median();
        let (low, high) = quantile::middle_half(&row.times);
        let spread = format!("{low:.2} - {high:.2}");
        text += &format!(
            "{:<24} {median:>8.2} {spread:>19} {:>12.0} {:>14.2}\n",
            row.name,
            1e6 / median,
            median / reference,
        );
    }
    text
}
