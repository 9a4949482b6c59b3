//! `soak`: the gate under attack, for minutes. Usually run as `cargo xtask soak`.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use host_tests::gate::{component, misbehaving_component, root};
use host_tests::setting::{Setting, load, nice};
use soak::attack::Attack;
use soak::corpus::Corpus;
use soak::plan::{Deadlines, Plan};
use soak::round::Round;
use soak::{report, round};

const ABOUT: &str = "\
Attacks the gate with thousands of hostile connections, beside good ones that count every message.

Three gates are started for each mode of a gate, one after the other, as processes of their own. The first runs the \
component as it is, and is attacked over the wire: the fuzzers' corpus, random bytes, slow senders, floods, silence, \
resets, clients that leave while their upstream is slow, odd closes, from clients and from upstreams. So is the second, \
in which 16 connections share a sandbox, good ones with hostile ones. The third runs a build of the component that \
traps, spins or hoards memory when a text tells it to. Each has a calm phase before, as long as the attack, to compare \
with.

It fails if a good connection loses, swaps or alters a message or is closed, if a hostile one stays longer than the \
gate's deadlines allow, if the gate ends, or if its memory, descriptors or threads don't come back.";

/// The head of docs/soak.md.
const PAGE: &str = include_str!("page.md");

/// No echo may take so long. It is far above what is aimed at, since the machine may have other things to do.
const TOO_LATE: Duration = Duration::from_secs(20);

#[derive(Debug, Parser)]
#[command(name = "soak", about = ABOUT, max_term_width = 100)]
struct Args {
    /// How long the run takes, about.
    #[arg(long, value_name = "MINUTES", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: u32,

    /// How many good connections there are.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    good: u32,

    /// How many attackers are at work at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=500))]
    attackers: u32,

    /// Where the random bytes come from: the same number, the same bytes.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Writes what is printed to docs/soak.md as well, if nothing is wrong.
    #[arg(long)]
    write: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let corpus = root().join("host-tests/fuzz/corpus");
    let read = || Corpus::read(&corpus).with_context(|| format!("can't read {}", corpus.display()));
    let all = Duration::from_secs(60 * u64::from(args.minutes));
    let deadlines = Deadlines {
        handshake: Duration::from_secs(3),
        message: Duration::from_secs(6),
        keepalive: Duration::from_secs(3),
        pong: Duration::from_secs(6),
        write: Duration::from_secs(6),
        close: Duration::from_secs(2),
    };
    // What of a round is neither calm nor attack: the last attacks, and settling.
    let rest = 6 * (deadlines.longest() + Duration::from_secs(3));
    let phases = all.saturating_sub(rest) / 2;
    let phases = phases.max(Duration::from_secs(20));
    let wire = Plan {
        mode: "inspect",
        sandbox: "connection",
        calm: phases * 2 / 10,
        attack: phases * 2 / 10,
        good: args.good as usize,
        interval: Duration::from_millis(100),
        attackers: args.attackers as usize,
        readers_of_corpus: 24,
        rest: Duration::from_millis(100),
        deadlines,
        seed: args.seed,
    };
    let shared = Plan {
        sandbox: "16",
        ..wire.clone()
    };
    let guests = Plan {
        calm: phases / 10,
        attack: phases / 10,
        attackers: 6,
        rest: Duration::from_secs(1),
        ..wire.clone()
    };
    let mut rounds = Vec::new();
    for mode in ["inspect", "terminate"] {
        for (what, component, plan, attacks, corpus) in [
            (
                "over the wire",
                component(),
                &wire,
                &Attack::OF_WIRE[..],
                read()?,
            ),
            (
                "over the wire, 16 connections in a sandbox",
                component(),
                &shared,
                &Attack::OF_WIRE[..],
                read()?,
            ),
            (
                "guests that misbehave",
                misbehaving_component(),
                &guests,
                &Attack::OF_GUEST[..],
                Corpus::default(),
            ),
        ] {
            let name = format!("{mode}: {what}");
            let (calm, attack) = (plan.calm.as_secs(), plan.attack.as_secs());
            eprintln!("{name}: {calm} s of calm, {attack} s of attack, and until it is over");
            let plan = Plan {
                mode,
                ..plan.clone()
            };
            let round = round::run(&name, &component, &plan, attacks, corpus).context(name)?;
            println!("{}", report::text(&round));
            rounds.push(round);
        }
    }
    let wrong: usize = rounds.iter().map(|round| round.wrong.len()).sum();
    ensure!(wrong == 0, "{wrong} things are WRONG above");
    for round in &rounds {
        let longest = round.good.latencies.iter().flatten().max();
        ensure!(
            longest.is_none_or(|longest| *longest < TOO_LATE),
            "an echo took {longest:?}: the good ones are to be served during an attack, not after it"
        );
    }
    if args.write {
        write(&rounds)?;
    }
    Ok(())
}

/// The run, as a page of the documentation.
fn write(rounds: &[Round]) -> Result<()> {
    let path = root().join("docs/soak.md");
    let tables: Vec<String> = rounds.iter().map(report::text).collect();
    let load = format!(
        "{} at the end (1-minute average, this run included), at nice {}",
        load(),
        nice()
    );
    let setting = Setting::of("cargo xtask soak").with("load", load);
    let page = format!("{PAGE}\n```text\n{setting}\n{}```\n", tables.join("\n"));
    fs::write(&path, page).with_context(|| format!("can't write {}", path.display()))
}
