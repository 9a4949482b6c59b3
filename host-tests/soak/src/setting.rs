//! The environment of a run.

use std::process::Command;
use std::{env, fs, thread};

/// The circumstances, a line each.
#[must_use]
pub fn text() -> String {
    let args: Vec<_> = env::args().skip(1).collect();
    let command = format!("cargo xtask soak {}", args.join(" "));
    let date = Command::new("date")
        .args(["-u", "+%Y-%m-%d %H:%M UTC"])
        .output();
    let date = date.map_or_else(
        |_| "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "date       {date}\ncommand    {}\nmachine    {}\nload       {load} at the end (1-minute average, this run included), at nice {}\n",
        command.trim_end(),
        machine(),
        nice().as_deref().unwrap_or("unknown")
    )
}

/// How this process, and with it the gate, stands to others when the processor is to be shared.
fn nice() -> Option<String> {
    const NICE: usize = 16;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(NICE).map(str::to_owned)
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .and_then(|rest| rest.split_once(": "))
        .map_or(env::consts::ARCH, |(_, name)| name);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores, {}", env::consts::OS)
}
