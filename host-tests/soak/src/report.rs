//! The report of a run.

use std::fmt::Write;
use std::time::Duration;

use host_tests::quantile::quantile;
use host_tests::table::Table;
use host_tests::usage::Usage;

use crate::attack::Attack;
use crate::round::{Round, Stages};
use crate::tally::{Row, Witness};

/// Outcomes that are named for each kind; the rest are only counted.
const NAMED: usize = 4;

/// A round as text, in lines of up to 110 characters.
#[must_use]
pub fn text(round: &Round) -> String {
    let mut text = String::new();
    let plan = &round.plan;
    let hostile = round.tally.hostile();
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "{}: {} good connections, each a message every {} ms; {hostile} hostile connections",
        round.name,
        plan.good,
        plan.interval.as_millis()
    );
    let _ = writeln!(
        text,
        "{} messages and {} pings came back, once, in order, byte for byte\n",
        round.good.echoes, round.good.pongs
    );
    lateness(&mut text, round);
    usage(&mut text, round);
    attacks(&mut text, round);
    let sends_corpus = round
        .tally
        .rows
        .keys()
        .any(|(attack, _)| *attack == Attack::CorpusAfter);
    match round.corpus {
        _ if !sends_corpus => {}
        (_, 0) => text.push_str(
            "There is no corpus of the fuzzers (host-tests/fuzz/corpus): none of it was sent.\n",
        ),
        (sent, files) => {
            let _ = writeln!(
                text,
                "{sent} of the {files} files of the fuzzers' corpus were sent, without a handshake and after one."
            );
        }
    }
    for wrong in &round.wrong {
        let _ = writeln!(text, "WRONG: {wrong}");
    }
    text
}

/// Reports the latencies of good connections.
fn lateness(text: &mut String, round: &Round) {
    let mut table = Table::new([
        ("echoes of the good ones", -23),
        ("calm", 10),
        ("attack", 10),
        ("after", 10),
    ]);
    let seconds = |all: &[Duration]| all.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
    let phases = round.good.latencies.each_ref().map(|all| seconds(all));
    let mut row = |name: &str, cell: &dyn Fn(&[f64]) -> String| {
        let [calm, attack, after] = phases.each_ref().map(|all| cell(all));
        table.row([name.to_owned(), calm, attack, after]);
    };
    row("  count", &|all| all.len().to_string());
    for (name, part) in [
        ("  median", 0.5),
        ("  99 of 100 within", 0.99),
        ("  999 of 1000 within", 0.999),
        ("  longest", 1.0),
    ] {
        row(name, &|all| match all {
            [] => "-".to_owned(),
            all => format!("{:.1} ms", 1000.0 * quantile(all, part)),
        });
    }
    let _ = writeln!(text, "{table}");
}

/// Reports the gate's resources.
fn usage(text: &mut String, round: &Round) {
    let Stages {
        start,
        open,
        calm,
        attack,
        after,
        end,
    } = round.stages;
    let mut table = Table::new([
        ("the gate", -16),
        ("start", 10),
        ("opened", 10),
        ("calm", 10),
        ("most", 10),
        ("after", 10),
        ("closed", 10),
    ]);
    let mut row = |name: &str, cell: &dyn Fn(Usage) -> String| {
        let [start, open, calm, attack, after, end] =
            [start, open, calm, attack, after, end].map(cell);
        table.row([name.to_owned(), start, open, calm, attack, after, end]);
    };
    row("  resident", &|usage| {
        format!("{:.1} MiB", usage.resident as f64 / f64::from(1 << 20))
    });
    row("  descriptors", &|usage| usage.descriptors.to_string());
    row("  threads", &|usage| usage.threads.to_string());
    let _ = write!(text, "{table}");
    let calm_time = (open, calm, round.times[0]);
    let attack_time = (calm, attack, round.times[1]);
    for (name, (from, to, time)) in [("calm", calm_time), ("attack", attack_time)] {
        let share = |used: Duration| 100.0 * used.as_secs_f64() / time.as_secs_f64().max(0.001);
        let ran = to.cpu.saturating_sub(from.cpu);
        let waited = to.waiting.saturating_sub(from.waiting);
        let _ = writeln!(
            text,
            "  {name}, {:.0} s: it ran for {:.0}% of that on one core, and was kept waiting by other programs for {:.0}%",
            time.as_secs_f64(),
            share(ran),
            share(waited),
        );
    }
    text.push_str("  (all threads added up)\n\n");
}

/// Reports the outcomes of attacks.
fn attacks(text: &mut String, round: &Round) {
    text.push_str("attack                 told by      count   longest  how it ended\n");
    for ((attack, who), row) in &round.tally.rows {
        let name = match who {
            Witness::Bystander => "",
            Witness::Client | Witness::Upstream => attack.name(),
        };
        let _ = writeln!(
            text,
            "{name:<22} {:<10} {:>7} {:>7.2} s  {}",
            who.name(),
            row.count(),
            row.longest.as_secs_f64(),
            outcomes(row)
        );
    }
    let _ = writeln!(
        text,
        "The gate's deadlines, and {:?} for a busy machine, leave {:.0} s to each at most.",
        crate::plan::SLACK,
        round.plan.deadlines.longest().as_secs_f64()
    );
}

fn outcomes(row: &Row) -> String {
    let mut all: Vec<_> = row.outcomes.iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let named = all
        .iter()
        .take(NAMED)
        .map(|(outcome, count)| format!("{count} × {outcome}"));
    let mut text = named.collect::<Vec<_>>().join(", ");
    let others: u64 = all.iter().skip(NAMED).map(|(_, count)| **count).sum();
    if others > 0 {
        let _ = write!(text, ", {others} × others");
    }
    text
}
