//! `cargo xtask broken`: an engine that is broken on purpose, and the tests that have to notice.
//!
//! The engine can be built without one of a few rules (`src/faults.rs`). With each of these faults the tests have to
//! fail, and not just somewhere: in tests that are named after the rule that is broken. A fault that is not noticed by
//! every suite, or an engine that can't be built, is an error; and so is a test that fails without any fault.
//!
//! The fast form has the native engine only, and runs only the tests that are named after the rule.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::component::{self, Kind};
use crate::libtest::Report;
use crate::shell;
use crate::steps::Seconds;

/// How many names of tests a row shows.
const SHOWN: usize = 3;

/// A rule that the engine can be built without.
struct Fault {
    /// Its name in `src/faults.rs`.
    name: &'static str,
    /// What the names of the tests of this rule hold, one or the other.
    names: &'static [&'static str],
}

const FAULTS: [Fault; 5] = [
    Fault {
        name: "reserved-bit",
        names: &["reserved_bit"],
    },
    Fault {
        name: "mask",
        names: &["mask"],
    },
    Fault {
        name: "length",
        names: &["length"],
    },
    Fault {
        name: "utf8",
        names: &["utf8"],
    },
    Fault {
        name: "close-code",
        names: &["close_code", "reserved_code"],
    },
];

/// Tests, and the build of the engine that they run on.
#[derive(Clone, Copy)]
enum Suite {
    Engine,
    Sessions,
    Component,
}

impl Suite {
    const NATIVE: [Suite; 2] = [Suite::Engine, Suite::Sessions];
    const ALL: [Suite; 3] = [Suite::Engine, Suite::Sessions, Suite::Component];

    fn name(self) -> &'static str {
        match self {
            Self::Engine => "unit tests",
            Self::Sessions => "sessions, native",
            Self::Component => "sessions, component",
        }
    }

    /// The test programs of this suite. Native ones are built with the fault; the component's are those of the engine as
    /// it is, in the build that everything with wasmtime has, and load the component that is given.
    fn cargo(self, fault: Option<&str>, component: &Path) -> Result<Command> {
        let mut cargo = shell::cargo();
        cargo.arg("test");
        match self {
            Self::Engine => {
                cargo.args(["--package", "websocket-component", "--lib"]);
            }
            Self::Sessions => {
                cargo.args(["--package", "host-tests", "--no-default-features"]);
                cargo.args(["--test", "session"]);
            }
            Self::Component => {
                cargo.args(["--release", "--workspace", "--test", "session"]);
                cargo.env("WEBSOCKET_COMPONENT", component);
                return Ok(cargo);
            }
        }
        if let Some(fault) = fault {
            // The flag goes to every crate, so this build has a folder of its own. It is the same for all faults: which of
            // them it has is said when it runs.
            let folder = shell::root()?.join("target").join("broken");
            cargo.arg("--target-dir").arg(folder);
            cargo.env("CARGO_ENCODED_RUSTFLAGS", component::BROKEN_FLAG);
            cargo.env(component::BROKEN_VARIABLE, fault);
        }
        Ok(cargo)
    }

    /// Runs the tests with these parts of names, or all of the suite.
    fn test(self, fault: Option<&str>, component: &Path, names: &[&str]) -> Result<Report> {
        // Apart from the run, so that an engine that can't be built is never taken for a fault that was noticed.
        shell::run(self.cargo(fault, component)?.arg("--no-run"))?;
        let mut cargo = self.cargo(fault, component)?;
        cargo.args(["--no-fail-fast", "--"]).args(names);
        if let Self::Component = self {
            // The program has the tests of the native engine too, which is not broken.
            cargo.args(["component::", "--skip", "native::"]);
        }
        cargo.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        // What a random test finds in a broken engine says nothing of the sound one: it isn't kept.
        cargo.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        let output = cargo.output().context("can't start cargo")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        Report::read(&printed).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("{}: {}", self.name(), said.trim())
        })
    }
}

/// The tests that failed and are named after the rule, without their modules.
fn named_after<'a>(fault: &Fault, report: &'a Report) -> Vec<&'a str> {
    let failed = report.failed.iter();
    let names = failed.map(|name| name.rsplit("::").next().unwrap_or(name));
    let mut named: Vec<&str> = names
        .filter(|name| fault.names.iter().any(|part| name.contains(part)))
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// With each fault every suite fails, and without one none does.
pub(crate) fn run(fast: bool) -> Result<()> {
    let mut rows = Vec::new();
    let mut unnoticed = Vec::new();
    if !fast {
        let component = component::build(Kind::Normal)?;
        for suite in Suite::ALL {
            let (row, report) = timed("none", suite, || suite.test(None, &component, &[]))?;
            rows.push(row);
            ensure!(report.run() > 0, "{}: there are no tests", suite.name());
            if !report.failed.is_empty() {
                bail!("without a fault these fail: {}", report.failed.join(", "));
            }
        }
    }
    for fault in &FAULTS {
        let component = match fast {
            true => PathBuf::new(),
            false => component::build(Kind::Broken(fault.name))?,
        };
        let (suites, names) = match fast {
            true => (&Suite::NATIVE[..], fault.names),
            false => (&Suite::ALL[..], &[][..]),
        };
        for suite in suites {
            let test = || suite.test(Some(fault.name), &component, names);
            let (mut row, report) = timed(fault.name, *suite, test)?;
            let named = named_after(fault, &report);
            row.named = named.into_iter().map(str::to_owned).collect();
            if row.named.is_empty() {
                unnoticed.push(format!("{} ({})", fault.name, suite.name()));
            }
            rows.push(row);
        }
    }
    println!("\nfault                tests                    failed     time   among them");
    rows.iter().for_each(|row| println!("{row}"));
    if !unnoticed.is_empty() {
        bail!(
            "not noticed in tests that are named after the rule: {}",
            unnoticed.join(", ")
        );
    }
    println!(
        "Each of {} faults was noticed by every suite.",
        FAULTS.len()
    );
    Ok(())
}

/// What came of a fault in a suite.
struct Row {
    fault: &'static str,
    suite: Suite,
    failed: usize,
    run: usize,
    time: Duration,
    named: Vec<String>,
}

/// Runs the tests, building included, and says what came of them.
fn timed(
    fault: &'static str,
    suite: Suite,
    test: impl FnOnce() -> Result<Report>,
) -> Result<(Row, Report)> {
    let started = Instant::now();
    let report = test()?;
    let row = Row {
        fault,
        suite,
        failed: report.failed.len(),
        run: report.run(),
        time: started.elapsed(),
        named: Vec::new(),
    };
    Ok((row, report))
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fault, suite) = (self.fault, self.suite.name());
        let failed = format!("{} of {}", self.failed, self.run);
        let time = Seconds(self.time).to_string();
        let shown = &self.named[..self.named.len().min(SHOWN)];
        let names = shown.join(", ");
        write!(
            f,
            "{fault:<20} {suite:<20} {failed:>10} {time:>8}   {names}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(names: &[&str]) -> Report {
        Report {
            failed: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Report::default()
        }
    }

    #[test]
    fn only_tests_that_are_named_after_the_rule_count() {
        let [_, _, _, utf8, _] = &FAULTS;
        let report = failed(&[
            "frame::utf8::tests::long_text",
            "rules::native::text_not_utf8",
        ]);
        assert_eq!(named_after(utf8, &report), ["text_not_utf8"]);
        assert_eq!(named_after(utf8, &failed(&[])), [""; 0]);
    }

    #[test]
    fn each_fault_is_one_of_the_engine_and_the_other_way_round() {
        let engine = include_str!("../../src/faults.rs");
        let names = engine.split(r#"is_left_out(""#).skip(1);
        let mut known: Vec<&str> = names
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| !name.is_empty())
            .collect();
        known.sort_unstable();
        let mut faults = FAULTS.map(|fault| fault.name);
        faults.sort_unstable();
        assert_eq!(known, faults);
    }
}
