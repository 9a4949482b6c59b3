//! `cargo xtask fuzz`: runs the targets in host-tests/fuzz/, and keeps what they find.
//!
//! What a run finds is below target/fuzz until the end. Only then is the kept corpus, which is committed, brought up to date.

mod cargo_fuzz;
mod corpus;
mod lib_fuzzer;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::component::{self, Kind};
use crate::shell;
use corpus::Kept;
use target::{ALL, Target};

/// The longest part of a run: what is lost, at most, when a run is ended from outside.
const ROUND: Duration = Duration::from_secs(300);

/// The shortest one: a round runs by the clock on the wall, so on a busy machine there is always a little CPU time left.
const SHORTEST: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The targets, or all of them: server, client, operations, inspector, differential, component.
    targets: Vec<String>,
    /// CPU time for each target, in minutes. With 0 nothing is run, and what earlier runs have left is kept.
    #[arg(long)]
    minutes: u64,
    /// Leave the kept corpus as it is: a run with `--minutes 0` brings it up to date.
    #[arg(long)]
    keep_later: bool,
}

/// Where everything is.
struct Folders {
    root: PathBuf,
    /// What is built and what is found, below target/.
    work: PathBuf,
    /// The package with the targets.
    package: PathBuf,
}

impl Folders {
    fn component(&self) -> PathBuf {
        self.work.join("websocket.wasm")
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let targets = target::named(&args.targets)?;
    let root = shell::root()?;
    let folders = Folders {
        work: root.join("target/fuzz"),
        package: root.join("host-tests/fuzz"),
        root,
    };
    let tool = cargo_fuzz::TOOL.install(&folders.root)?;
    if targets.iter().any(|target| target.needs_component) {
        // A copy: what is built later, from another engine, is not what these targets are held against.
        let built = component::build(Kind::Normal)?;
        fs::create_dir_all(&folders.work)?;
        fs::copy(built, folders.component())?;
    }
    let programs = targets
        .iter()
        .map(|target| cargo_fuzz::build(&tool, target, &folders));
    let programs: Vec<PathBuf> = programs.collect::<Result<_>>()?;
    let time = Duration::from_secs(args.minutes * 60);
    let mut runs = Vec::new();
    for (target, program) in targets.iter().zip(&programs) {
        runs.push((*target, run_target(target, program, time, &folders)?));
    }
    println!(
        "{:<14}{:>14}{:>10}{:>10}",
        "target", "executions", "CPU s", "findings"
    );
    for (target, run) in &runs {
        println!(
            "{:<14}{:>14}{:>10}{:>10}",
            target.name,
            run.executions,
            run.cpu.as_secs(),
            u32::from(run.finding.is_some())
        );
    }
    if !args.keep_later {
        keep(&targets, &programs, &folders)?;
    }
    let findings = runs
        .iter()
        .filter_map(|(target, run)| Some((target, run.finding.as_ref()?)));
    let findings: Vec<_> = findings.collect();
    for (target, finding) in &findings {
        eprintln!(
            "{}: a finding. To see it again:\n  {}",
            target.name,
            cargo_fuzz::reproduction(target, finding)
        );
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!(
            "{count} findings; once fixed, keep the input as host-tests/fuzz/regressions/<target>/<what it shows>"
        ),
    }
}

/// What came of a target.
#[derive(Default)]
struct Run {
    executions: u64,
    cpu: Duration,
    finding: Option<PathBuf>,
}

/// Runs a target in rounds, until its time is used up or something is found.
fn run_target(target: &Target, program: &Path, time: Duration, folders: &Folders) -> Result<Run> {
    let mut run = Run::default();
    while run.finding.is_none() && time > run.cpu + Duration::from_millis(500) {
        let (used, whole) = (run.cpu.as_secs(), time.as_secs());
        eprintln!("{}: {used} of {whole} s of CPU time used", target.name);
        let length = (time - run.cpu).clamp(SHORTEST, ROUND);
        let round = lib_fuzzer::round(target, program, length, folders)?;
        run.executions += round.executions;
        run.cpu += round.cpu;
        run.finding = round.finding;
    }
    Ok(run)
}

/// Brings the kept corpora up to date, and prints what they are.
fn keep(targets: &[&Target], programs: &[PathBuf], folders: &Folders) -> Result<()> {
    println!(
        "\n{:<14}{:>8}{:>10}{:>8}{:>10}",
        "kept", "inputs", "bytes", "edges", "features"
    );
    for (target, program) in targets.iter().zip(programs) {
        let Kept {
            inputs,
            bytes,
            edges,
            features,
        } = corpus::keep(target, program, folders)?;
        println!(
            "{:<14}{inputs:>8}{bytes:>10}{edges:>8}{features:>10}",
            target.name
        );
    }
    corpus::check_size(&folders.package, ALL)
}
