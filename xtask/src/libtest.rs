//! What Rust's test programs print, read back.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// So much of what a failed test has printed is said again at the end of a run.
const SAID_AGAIN: usize = 30;
/// How long the last lines may take when all tests have ended.
const LEFT_OVER: Duration = Duration::from_secs(2);

/// Runs tests, and shows what they print as it comes; an error says again what those printed that failed.
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
    // What a test has left running may hold the output open.
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

/// What failed tests have printed, as their programs show it at their ends.
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

/// The outcome of one or more test programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    /// The names of those that failed, with their modules.
    pub(crate) failed: Vec<String>,
}

impl Report {
    /// How many tests ran.
    pub(crate) fn run(&self) -> usize {
        self.passed + self.failed.len()
    }

    /// Reads all that was printed; an error if a program didn't come to its end.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut report = Self::default();
        let mut started = 0;
        let mut ended = 0;
        let mut failed = 0;
        for line in text.lines() {
            if line.starts_with("running ") {
                started += 1;
            } else if let Some(counts) = line.strip_prefix("test result: ") {
                ended += 1;
                report.passed += count(counts, "passed");
                failed += count(counts, "failed");
            } else if let Some(name) = failed_test(line) {
                report.failed.push(name.to_owned());
            }
        }
        ensure!(started > 0, "no test program ran");
        ensure!(
            started == ended,
            "a test program ended before its last test"
        );
        ensure!(
            failed == report.failed.len(),
            "{failed} tests failed, but {} names were printed",
            report.failed.len()
        );
        Ok(report)
    }
}

/// The number before a word.
fn count(text: &str, word: &str) -> usize {
    let words: Vec<&str> = text.split([' ', ';']).collect();
    let pair = words.windows(2).find(|pair| pair[1] == word);
    pair.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

fn failed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    // Of a test that has to panic: `name - should panic`.
    Some(name.split(' ').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "
running 3 tests
test frame::good ... ok
test frame::slow ... ignored, minutes
test frame::bad ... FAILED

failures:
    frame::bad

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 12 filtered out; finished in 0.01s
";

    #[test]
    fn counts_and_names_are_read() {
        let report = Report::read(&PRINTED.repeat(2)).unwrap();
        assert_eq!(report.passed, 2);
        assert_eq!(report.failed, ["frame::bad", "frame::bad"]);
        assert_eq!(report.run(), 4);
    }

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

    #[test]
    fn a_program_that_ends_early_or_never_began_is_no_report() {
        let (cut, _) = PRINTED.split_once("test result").unwrap();
        assert!(Report::read(cut).is_err());
        assert!(Report::read("error: could not compile").is_err());
    }
}
