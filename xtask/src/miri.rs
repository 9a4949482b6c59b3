//! `cargo xtask miri`: the engine under Miri, which finds what is undefined, on targets that this machine is not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::libtest::Report;
use crate::shell;
use crate::steps::Seconds;

/// Another length of a pointer and another order of bytes show what depends on them.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "powerpc-unknown-linux-gnu"];

/// Miri takes some thousand times as long as the processor: random cases for each property, and no more.
const RANDOM_CASES: &str = "4";

/// Left out by name: what is about long or many inputs, and would take Miri hours. Where a test has a shorter form
/// under Miri, it says so itself.
const LEFT_OUT: [&str; 18] = [
    "class_01",
    "class_03",
    "class_04",
    "class_06",
    "class_08",
    "class_17_all_of_the_entropy_counts",
    "class_20",
    "class_21",
    "a_close_goes_after_the_data_before_it",
    "a_pair_on_a_wire_that_cuts_everything_into_single_bytes",
    "a_pair_stays_open_by_keepalives",
    "a_short_write_resumes_where_it_stopped",
    "control_frames_over_125_bytes",
    "data_that_get_longer_are_within_the_limit_if_the_message_is",
    "frames_over_the_limit",
    "lengths_not_in_their_shortest_form",
    "messages_of_all_lengths_go_both_ways",
    "the_policy_latest_answers_the_latest",
];

/// What is run: arguments that choose the test program, and a part of its tests' names.
struct Suite {
    name: &'static str,
    program: &'static [&'static str],
    filter: &'static [&'static str],
}

const SUITES: [Suite; 2] = [
    Suite {
        name: "unit tests",
        program: &["--package", "websocket-component", "--lib"],
        filter: &[],
    },
    Suite {
        name: "sessions, native",
        program: &[
            "--package",
            "host-tests",
            "--no-default-features",
            "--test",
            "session",
        ],
        filter: &["native::"],
    },
];

/// Every suite on every target.
pub(crate) fn run() -> Result<()> {
    let version = version()?;
    let mut rows = Vec::new();
    for suite in &SUITES {
        for target in TARGETS {
            println!("\n{target}, {}", suite.name);
            let started = Instant::now();
            let report = suite.run(target)?;
            rows.push((target, suite.name, report, started.elapsed()));
        }
    }

    println!("\nMiri, {version}");
    row([
        "target", "tests", "passed", "failed", "ignored", "left out", "time",
    ]
    .map(String::from));
    for (target, suite, report, time) in &rows {
        show(target, suite, report, *time);
    }
    let failed = rows.iter().flat_map(|(_, _, report, _)| &report.failed);
    let failed: Vec<&str> = failed.map(String::as_str).collect();
    if !failed.is_empty() {
        bail!("failed under Miri: {}", failed.join(", "));
    }
    Ok(())
}

/// cargo of the nightly toolchain: the one that started this program is another's.
fn nightly_cargo() -> Command {
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", "cargo"]);
    rustup
}

/// What `rustc` of the nightly toolchain says of itself, if it has all that is needed.
fn version() -> Result<String> {
    let found = shell::output(nightly_cargo().args(["miri", "--version"])).and_then(|_| {
        shell::output(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]))
    });
    found.map_err(|error| {
        anyhow!(
            "Miri is missing: {error:#}\nIt comes with a nightly toolchain: \
             `rustup toolchain install nightly --profile minimal --component miri --component rust-src`"
        )
    })
}

impl Suite {
    /// Runs the tests, and shows what they print as it comes.
    fn run(&self, target: &str) -> Result<Report> {
        let mut cargo = nightly_cargo();
        cargo.args(["miri", "test", "--target", target]);
        // A target folder of its own: the compiler is another.
        cargo.arg("--target-dir");
        cargo.arg(shell::root()?.join("target").join("miri"));
        cargo.args(self.program).args(["--no-fail-fast", "--"]);
        cargo.args(self.filter);
        cargo.args(LEFT_OUT.iter().flat_map(|name| ["--skip", name]));
        // The tests stay isolated from this machine, so that each run is the same; these two are let through.
        let settings = [
            ("PROPTEST_CASES", RANDOM_CASES),
            ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true"),
        ];
        cargo.envs(settings);
        let forward = settings.map(|(name, _)| format!("-Zmiri-env-forward={name}"));
        cargo.env("MIRIFLAGS", forward.join(" "));
        cargo.stdin(Stdio::null()).stdout(Stdio::piped());

        let mut child = cargo.spawn().context("can't start rustup")?;
        let mut printed = String::new();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line?;
                println!("{line}");
                printed.push_str(&line);
                printed.push('\n');
            }
        }
        let status = child.wait()?;
        let report = Report::read(&printed)
            .with_context(|| format!("{target}, {}: Miri ended with {status}", self.name))?;
        // Miri has more to object to than what a test can fail by.
        if !status.success() && report.failed.is_empty() {
            bail!("{target}, {}: Miri ended with {status}", self.name);
        }
        Ok(report)
    }
}

fn show(target: &str, suite: &str, report: &Report, time: Duration) {
    row([
        target.to_owned(),
        suite.to_owned(),
        report.passed.to_string(),
        report.failed.len().to_string(),
        report.ignored.to_string(),
        report.left_out.to_string(),
        Seconds(time).to_string(),
    ]);
}

fn row([target, suite, passed, failed, ignored, left_out, time]: [String; 7]) {
    println!(
        "{target:<26} {suite:<17} {passed:>6} {failed:>6} {ignored:>7} {left_out:>8}   {time}"
    );
}
