//! What a message takes without sockets, in Node and in Chromium.

use std::io::{self, Write};
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::process::Process;
use serde_json::{Value, json};

use super::folder;
use crate::plan::Plan;
use crate::size::Size;

const LEGEND: &str = "\
decode     a server's session in the sandbox is given a client's frames, as a connection in ws's shape gives it what is read
port       the class `WebSocket` hears messages over a MessagePort, whose other end posts frames: each message is a task of
           its own, as the standard has it
bare port  a port hears the same bytes, and nobody looks at them";

/// Prints what is measured, and returns it.
pub(super) fn measure(plan: &Plan) -> Result<Value> {
    let rounds = if plan.is_quick { 1 } else { 10 }.to_string();
    let mut command = Command::new("node");
    command.current_dir(folder());
    command.args(["support/print-per-message.mjs", &rounds]);
    let process = Process::start("print-per-message.mjs", &mut command)?;
    let mut out = io::stdout();
    writeln!(
        out,
        "\nA message without sockets, {rounds} rounds\n{LEGEND}\n\n{:<10} {:<10} {:>8} {:>15} {:>12}\n{}",
        "",
        "",
        "size",
        "a call or post",
        "ns a message",
        "-".repeat(59)
    )?;
    let mut all = Vec::new();
    for place in ["Node", "Chromium"] {
        let rows: Vec<Value> = serde_json::from_str(&process.line()?)?;
        for row in &rows {
            write!(out, "{}", line(place, row)?)?;
        }
        all.push(json!({ "where": place, "rows": rows }));
    }
    Ok(all.into())
}

fn line(place: &str, row: &Value) -> Result<String> {
    let count = |name: &str| row[name].as_u64().unwrap_or(0);
    Ok(format!(
        "{place:<10} {:<10} {:>8} {:>15} {:>12.0}\n",
        row["what"].as_str().unwrap_or("?"),
        Size(count("size") as usize).to_string(),
        count("together"),
        row["ns"].as_f64().context("no time")?,
    ))
}
