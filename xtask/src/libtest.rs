//! What Rust's test programs print, read back.

use anyhow::{Result, ensure};

/// The outcome of one or more test programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) ignored: usize,
    /// Left out by name.
    pub(crate) left_out: usize,
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
                report.ignored += count(counts, "ignored");
                report.left_out += count(counts, "filtered");
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
        assert_eq!((report.passed, report.ignored, report.left_out), (2, 2, 24));
        assert_eq!(report.failed, ["frame::bad", "frame::bad"]);
        assert_eq!(report.run(), 4);
    }

    #[test]
    fn a_program_that_ends_early_or_never_began_is_no_report() {
        let (cut, _) = PRINTED.split_once("test result").unwrap();
        assert!(Report::read(cut).is_err());
        assert!(Report::read("error: could not compile").is_err());
    }
}
