//! Runs Rust's test programs: shows their output, and repeats that of failed tests at the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell;

/// How many lines of a failed test's output are repeated at the end of a run.
const SAID_AGAIN: usize = 30;
/// How long to wait for the last lines when all tests have ended.
const LEFT_OVER: Duration = Duration::from_secs(2);

/// Runs tests, and shows their output as it comes; an error repeats the output of failed tests.
pub(crate) fn run(cargo: &mut Command) -> Result<()> {
    let line = shell::line(cargo);
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start `{line}`"))?;
    let output = child.stdout.take().context("it has no output")?;
    let (sender, printed) = mpsc::channel();
    thread::spawn(move || show(output, &sender));
    let status = child.wait()?;
    // A process that a test has left running may hold the output open.
    let mut failures = Failures::default();
    while let Ok(line) = printed.recv_timeout(LEFT_OVER) {
        failures.take(&String::from_utf8_lossy(&line));
    }
    if !status.success() {
        bail!("`{line}` failed ({status}){}", failures.said);
    }
    Ok(())
}

/// Shows each line, and hands it over.
fn show(output: impl Read, to: &Sender<Vec<u8>>) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let mut out = std::io::stdout();
        let shown = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        if shown.is_err() || to.send(line).is_err() {
            break;
        }
    }
}

/// The output of failed tests, as their programs show it at their ends.
#[derive(Default)]
struct Failures {
    said: String,
    /// How many lines of the test are still taken that is shown now.
    left: usize,
}

impl Failures {
    fn take(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            self.left = SAID_AGAIN;
        } else if line == "failures:" {
            self.left = 0;
        }
        if self.left > 0 {
            self.left -= 1;
            self.said.push('\n');
            self.said.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_tests_print_is_said_again_as_far_as_it_is_short() {
        let mut failures = Failures::default();
        let shown = format!(
            "failures:\n\n---- frame::bad stdout ----\npanicked: no\n{}\nfailures:\n    frame::bad\n",
            "more\n".repeat(100)
        );
        shown.lines().for_each(|line| failures.take(line));
        let said: Vec<&str> = failures.said.trim().lines().collect();
        assert_eq!(
            said[..3],
            ["---- frame::bad stdout ----", "panicked: no", "more"]
        );
        assert_eq!(said.len(), SAID_AGAIN);
    }
}
