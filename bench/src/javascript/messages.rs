//! The cost of a message without sockets, in Node and in Chromium.

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
decode     a server's session in the sandbox decodes a client's frames, called as by a connection with ws's API
port       the class `WebSocket` receives messages over a MessagePort, whose other end posts frames: each message is
           delivered in its own task, as the standard requires
bare port  a port receives the same bytes, unparsed";

/// Prints the measurements, and returns them.
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
