//! What a message takes without sockets, in Node and in Chromium.

use std::io::{self, Write};
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::process::Process;
use host_tests::table::Table;
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
    writeln!(
        io::stdout(),
        "\nA message without sockets, {rounds} rounds\n{LEGEND}\n"
    )?;
    let mut table = Table::new([
        ("", -10),
        ("", -10),
        ("size", 8),
        ("a call or post", 15),
        ("ns a message", 12),
    ]);
    let mut all = Vec::new();
    for place in ["Node", "Chromium"] {
        let rows: Vec<Value> = serde_json::from_str(&process.line()?)?;
        for row in &rows {
            let count = |name: &str| row[name].as_u64().unwrap_or(0);
            table.row([
                place.to_owned(),
                row["what"].as_str().unwrap_or("?").to_owned(),
                Size(count("size") as usize).to_string(),
                count("together").to_string(),
                format!("{:.0}", row["ns"].as_f64().context("no time")?),
            ]);
        }
        all.push(json!({ "where": place, "rows": rows }));
    }
    write!(io::stdout(), "{table}")?;
    Ok(all.into())
}
