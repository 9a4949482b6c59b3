//! docs/autobahn.md: what a full run found, and how it was made.

use std::fmt::Write;
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
its sandbox, through `websocket_host::stream`, and on the native engine (`autobahn/`), and on the npm package in Node (`js/test/autobahn.mjs`).
This page is written by the command

```sh
cargo xtask autobahn --write
```

which fails if a case fails or is NON-STRICT, in its messages or in its close, or if the report lacks one of the 517 cases. INFORMATIONAL is
what the test suite says of what the specification leaves open. The cases of 12.* and 13.* are about permessage-deflate. In them the
engine compresses every message, since this port of the test suite ends with an error of its own when one comes back that isn't compressed; and as a
client it offers to do without takeover, since the fuzzing server asks for that only if it was offered. Without `--write`, `cargo xtask autobahn
--help` lists what else there is; the fast part (without 9.*, 12.* and 13.*), on the component and on the npm package, is a step of `cargo xtask test`.

A section's time is the sum of its cases' times, of which two run at once. Strings of more than 60 characters are cut in what was expected and
got.
";

/// Writes the page.
pub(crate) fn write(tools: &Tools, finished: &[Finished]) -> Result<()> {
    let path = shell::root()?.join("docs").join("autobahn.md");
    let text = page(tools, finished)?;
    fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    println!("\nWritten to {}", path.display());
    Ok(())
}

fn page(tools: &Tools, finished: &[Finished]) -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    let cases = finished.iter().flat_map(|done| &done.cases);
    let started = cases.map(|case| case.started.as_str()).min();
    // 2026-01-31T23:59:59.123456+00:00, of which the seconds are of no use.
    let started = started
        .and_then(|time| time.get(..16))
        .map(|time| time.replace('T', " "));
    let component = fs::metadata(&tools.component)?.len();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    write!(
        text,
        "\n```text\n\
         date       {} UTC\n\
         command    cargo xtask autobahn --write\n\
         machine    {processors} processors, {} {}\n\
         compiler   {}, profile release\n\
         component  {component} bytes\n\
         wasmtime   {}\n\
         Node       {}\n\
         suite      kosoku {}, {}\n\
         time       {} in all\n\
         ```\n",
        started.context("the report has no time")?,
        std::env::consts::OS,
        std::env::consts::ARCH,
        shell::output(Command::new("rustc").arg("--version"))?,
        locked_version(&shell::root()?, "wasmtime")?,
        shell::output(Command::new("node").arg("--version"))?,
        suite_version(tools)?,
        shell::output(Command::new(tools.environment.join("python")).arg("--version"))?,
        Seconds(finished.iter().map(|done| done.time).sum()),
    )?;
    for done in finished {
        write!(
            text,
            "\n## {}\n\n{}{}\n{} cases in {}.\n",
            done.run,
            table::table(done),
            table::notes(done),
            done.cases.len(),
            Seconds(done.time),
        )?;
    }
    Ok(text)
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
