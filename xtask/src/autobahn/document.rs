//! docs/autobahn.md: what a full run found, and how it was made.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::runs::{Finished, Tools};
use super::table;
use crate::shell;
use crate::steps::Seconds;

const INTRODUCTION: &str = "\
# Autobahn

The original case files of the Autobahn test suite, run by kosoku, against an echo server and an echo client. Each is run on the component in
its sandbox, through `websocket_host::stream`, and on the native engine (`autobahn/`), on the npm package in Node (`js/test/autobahn.mjs`), and
with a proxy between the suite and the native engine: the gate in both modes, and Envoy with the filter and without. With TLS, which the suite
doesn't have, the stream is at the end of a tunnel, and two gates are behind each other with TLS between them. This page is written by the
commands

```sh
cargo xtask autobahn --write
cargo xtask autobahn --host envoy --write
```

of which the second writes only its own part. They fail if a case fails, or is NON-STRICT without the filter, in its messages or in its close, or if
the report lacks one of the 517 cases. INFORMATIONAL is what the test suite says of what the specification leaves open. The cases of 12.* and
13.* are about permessage-deflate. In them the engine compresses every message, since this port of the test suite ends with an error of its own
when one comes back that isn't compressed; and as a client it offers to do without takeover, since the fuzzing server asks for that only if it was
offered.

The filter in Envoy closes both sides at once when one breaks a rule. So a message right before the broken rule isn't answered any more by the other
side, which makes up to ten cases NON-STRICT; their closes are right. The gate waits for such answers. Each run through the gate or the filter also
fails if the engine behind it ever sees a broken rule. Through Envoy without the filter it sees all of them.

Without `--write`, `cargo xtask autobahn --help` lists what else there is; the fast part (without 9.*, 12.* and 13.*), on the component, on the npm
package and through a gate, is a step of `cargo xtask test`.

A section's time is the sum of its cases' times, of which two run at once. Strings of more than 60 characters are cut in what was expected and
got.
";

/// What a part of the page begins with.
const HEADING: &str = "\n## ";

/// Writes these runs into the page, and leaves the others as they are.
pub(crate) fn write(tools: &Tools, finished: &[Finished]) -> Result<()> {
    let path = shell::root()?.join("docs").join("autobahn.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let mut parts: Vec<String> = before.split(HEADING).skip(1).map(str::to_owned).collect();
    let setting = setting(tools)?;
    for done in finished {
        let part = part(done, &setting)?;
        let name = done.run.to_string();
        let of_run = |part: &String| part.lines().next() == Some(name.as_str());
        match parts.iter().position(of_run) {
            Some(index) => parts[index] = part,
            None => parts.push(part),
        }
    }
    let parts = parts
        .iter()
        .map(|part| format!("{HEADING}{}\n", part.trim_end()));
    let text = format!("{INTRODUCTION}{}", parts.collect::<String>());
    fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    println!("\nWritten to {}", path.display());
    Ok(())
}

/// One run.
fn part(done: &Finished, setting: &str) -> Result<String> {
    let started = done.cases.iter().map(|case| case.started.as_str()).min();
    // 2026-01-31T23:59:59.123456+00:00, of which the seconds are of no use.
    let started = started
        .and_then(|time| time.get(..16))
        .map(|time| time.replace('T', " "));
    Ok(format!(
        "{}\n\n{}{}\n{} cases in {}, {} UTC. {setting}\n",
        done.run,
        table::table(done),
        table::notes(done),
        done.cases.len(),
        Seconds(done.time),
        started.context("the report has no time")?,
    ))
}

/// With what the runs were made, in a line.
fn setting(tools: &Tools) -> Result<String> {
    let component = fs::metadata(&tools.component)?.len();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(format!(
        "{processors} processors, {} {}; {}, profile release; component of {component} bytes; wasmtime {}; Node {}; \
         kosoku {}, {}.",
        std::env::consts::OS,
        std::env::consts::ARCH,
        shell::output(Command::new("rustc").arg("--version"))?,
        locked_version(&shell::root()?, "wasmtime")?,
        shell::output(Command::new("node").arg("--version"))?,
        suite_version(tools)?,
        shell::output(Command::new(tools.environment.join("python")).arg("--version"))?,
    ))
}

fn suite_version(tools: &Tools) -> Result<String> {
    const SCRIPT: &str = "import importlib.metadata; print(importlib.metadata.version('kosoku'))";
    shell::output(Command::new(tools.environment.join("python")).args(["-c", SCRIPT]))
}

/// The version of a package in Cargo.lock.
fn locked_version(root: &Path, package: &str) -> Result<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("can't read Cargo.lock")?;
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| **line != name);
    let version = lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = "));
    let version = version.with_context(|| format!("Cargo.lock has no {package}"))?;
    Ok(version.trim_matches('"').to_owned())
}
