//! `cargo xtask broken`: builds engines that are broken on purpose, and checks that tests detect it.
//!
//! The engine can be built without one of a few rules (`src/faults.rs`). With each of these faults tests have to fail, and
//! not just any: those that are named after the rule. Without a fault the same tests have to pass.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::component::{self, Kind};
use crate::{libtest, shell};

/// The faults by their names in `src/faults.rs`, each with what the names of the rule's tests contain, one or the other.
const FAULTS: [(&str, &[&str]); 5] = [
    ("reserved-bit", &["reserved_bit"]),
    ("mask", &["mask"]),
    ("length", &["length"]),
    ("utf8", &["utf8"]),
    ("close-code", &["close_code", "reserved_code"]),
];

/// No fault.
const INTACT: &str = "";

/// Tests, and the build of the engine that they run on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suite {
    Engine,
    Sessions,
    Component,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Engine => "unit tests",
            Self::Sessions => "sessions, native",
            Self::Component => "sessions, component",
        }
    }

    /// The test programs. Native ones are built with the fault; the component's are those of the intact engine, in the build
    /// that everything with wasmtime has, and load the component that is given.
    fn cargo(self, fault: &str, component: &Path) -> Result<Command> {
        let mut cargo = shell::cargo();
        cargo.arg("test");
        match self {
            Self::Engine => cargo.args(["--package", "websocket-component", "--lib"]),
            Self::Sessions => {
                cargo.args(["--package", "host-tests", "--no-default-features"]);
                cargo.args(["--test", "session"])
            }
            Self::Component => {
                cargo.args(["--release", "--workspace", "--test", "session"]);
                cargo.env("WEBSOCKET_COMPONENT", component)
            }
        };
        if self != Self::Component {
            // The flag goes to every crate, so this build has its own target folder, the same for all faults: which one
            // is active is chosen at run time.
            cargo.arg("--target-dir");
            cargo.arg(shell::root()?.join("target/broken"));
            cargo.env("CARGO_ENCODED_RUSTFLAGS", component::BROKEN_FLAG);
            cargo.env(component::BROKEN_VARIABLE, fault);
        }
        Ok(cargo)
    }

    /// Builds the test programs; returns the command that runs the tests with these parts of names.
    fn built(self, fault: &'static str, names: &[&str]) -> Result<Command> {
        let component = match (self, fault) {
            (Self::Component, INTACT) => component::build(Kind::Normal)?,
            (Self::Component, _) => component::build(Kind::Broken(fault))?,
            _ => PathBuf::new(),
        };
        // Built separately from the run, so that an engine that can't be built never counts as a detected fault.
        shell::run(self.cargo(fault, &component)?.arg("--no-run"))?;
        let mut cargo = self.cargo(fault, &component)?;
        cargo.args(["--no-fail-fast", "--"]).args(names);
        if self == Self::Component {
            // The program has the tests of the native engine too, which is not broken.
            cargo.args(["--skip", "native::"]);
        }
        // Failures of random tests in a broken engine say nothing about the intact one, so they aren't kept.
        cargo.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        Ok(cargo)
    }
}

/// Checks that tests of every suite fail with each fault; with `fast`, only the suites on the native engine.
pub(crate) fn run(fast: bool) -> Result<()> {
    let suites = [Suite::Engine, Suite::Sessions, Suite::Component];
    let all: Vec<&str> = FAULTS
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let mut unnoticed = Vec::new();
    for suite in suites {
        if fast && suite == Suite::Component {
            continue;
        }
        let name = suite.name();
        libtest::run(&mut suite.built(INTACT, &all)?).context("without a fault")?;
        for (fault, names) in FAULTS {
            let output = suite.built(fault, names)?.output();
            let is_noticed = !output.context("can't start cargo")?.status.success();
            println!(
                "{name:<20} {fault:<14} {}",
                if is_noticed { "noticed" } else { "NOT NOTICED" }
            );
            if !is_noticed {
                unnoticed.push(format!("{fault} ({name})"));
            }
        }
    }
    let unnoticed = unnoticed.join(", ");
    ensure!(
        unnoticed.is_empty(),
        "not noticed by tests that are named after the rule: {unnoticed}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::FAULTS;

    #[test]
    fn each_fault_is_one_of_the_engine_and_the_other_way_round() {
        let engine = include_str!("../../src/faults.rs");
        let names = engine.split(r#"is_left_out(""#).skip(1);
        let mut known: Vec<&str> = names
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| !name.is_empty())
            .collect();
        known.sort_unstable();
        let mut faults = FAULTS.map(|(fault, _)| fault);
        faults.sort_unstable();
        assert_eq!(known, faults);
    }
}
