//! `cargo xtask fuzz`: runs the targets in fuzz/, keeps what they find, and adds to the record of what was run.
//!
//! What a run writes is below target/fuzz until the end: the inputs in `found`, the rounds in `pending.tsv`. Only then are the
//! kept corpus and the record, which are committed, brought up to date.

mod cargo_fuzz;
mod corpus;
mod lib_fuzzer;
mod record;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::component::{self, Kind};
use crate::shell;
use corpus::Kept;
use record::Entry;
use target::{ALL, Target};

/// The longest part of a run: what is lost, at most, when a run is ended from outside.
const ROUND: Duration = Duration::from_secs(300);

/// The shortest one: a round runs by the clock on the wall, so on a busy machine there is always a little CPU time left.
const SHORTEST: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The targets, or all of them: server, client, operations, inspector, differential, component.
    targets: Vec<String>,
    /// CPU time for each target, in minutes. With 0 nothing is run, and what earlier runs have left is kept and recorded.
    #[arg(long)]
    minutes: u64,
    /// Leave the kept corpus and the record as they are: a run with `--minutes 0` brings them up to date.
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
        package: root.join("fuzz"),
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
    let mut findings = Vec::new();
    for (target, program) in targets.iter().zip(&programs) {
        if let Some(finding) = run_target(target, program, time, &folders)? {
            findings.push((*target, finding));
        }
    }
    if !args.keep_later {
        keep(&targets, &programs, &folders)?;
    }
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
            "{count} findings; once fixed, keep the input as fuzz/regressions/<target>/<what it shows>"
        ),
    }
}

/// Runs a target in rounds, until its time is used up or something is found, which is returned.
fn run_target(
    target: &Target,
    program: &Path,
    time: Duration,
    folders: &Folders,
) -> Result<Option<PathBuf>> {
    let mut used = Duration::ZERO;
    while time > used + Duration::from_millis(500) {
        let left = time - used;
        eprintln!(
            "{}: {} of {} s of CPU time used",
            target.name,
            used.as_secs(),
            time.as_secs()
        );
        let round = lib_fuzzer::round(target, program, left.clamp(SHORTEST, ROUND), folders)?;
        used += round.cpu;
        record::add_pending(
            folders,
            &Entry {
                target: target.name.into(),
                executions: round.executions,
                cpu: round.cpu,
                findings: u64::from(round.finding.is_some()),
                ..Entry::today(time)?
            },
        )?;
        if round.finding.is_some() {
            return Ok(round.finding);
        }
    }
    Ok(None)
}

/// Brings the kept corpora and the record up to date, and prints both.
fn keep(targets: &[&Target], programs: &[PathBuf], folders: &Folders) -> Result<()> {
    let entries = record::keep_pending(folders)?;
    println!(
        "{:<14}{:>14}{:>10}{:>10}{:>8}{:>10}{:>8}{:>10}{:>10}",
        "target",
        "executions",
        "CPU s",
        "per s",
        "inputs",
        "bytes",
        "edges",
        "features",
        "findings"
    );
    for (target, program) in targets.iter().zip(programs) {
        let Kept {
            inputs,
            bytes,
            edges,
            features,
        } = corpus::keep(target, program, folders)?;
        let total = record::total(&entries, target.name);
        println!(
            "{:<14}{:>14}{:>10}{:>10}{inputs:>8}{bytes:>10}{edges:>8}{features:>10}{:>10}",
            target.name,
            total.executions,
            total.cpu.as_secs(),
            total.rate(),
            total.findings,
        );
    }
    corpus::check_size(&folders.package, ALL)
}
