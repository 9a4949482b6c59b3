//! What is aimed at, as ratios of one run, and whether it is met.

use std::fmt::Write;

use serde_json::{Value, json};

use super::measure::{Cell, Compared};
use crate::proxies::{GATE, HAPROXY, RELAY, SMALL_RELAY};

/// A part of another proxy's messages a second that the gate is to reach in every cell of a kind.
struct Target {
    what: &'static str,
    against: &'static str,
    concerns: fn(Cell) -> bool,
    least: f64,
}

const TARGETS: [Target; 3] = [
    Target {
        what: "125 B to 16 KiB: as many messages as the relay on tokio-tungstenite",
        against: RELAY,
        concerns: |cell| cell.size.0 <= 16 << 10,
        least: 1.0,
    },
    Target {
        what: "125 B to 16 KiB: as many as it with buffers of 4 KiB",
        against: SMALL_RELAY,
        concerns: |cell| cell.size.0 <= 16 << 10,
        least: 1.0,
    },
    Target {
        what: "16 KiB: 0.8 of the messages of HAProxy",
        against: HAPROXY,
        concerns: |cell| cell.size.0 == 16 << 10,
        least: 0.8,
    },
];

/// A target, and the cell that is furthest from it.
pub(super) struct Judged {
    target: &'static Target,
    worst: Cell,
    ratio: f64,
}

/// Those targets of which the run has a cell.
pub(super) fn judge(all: &[Compared]) -> Vec<Judged> {
    let judged = TARGETS.iter().filter_map(|target| {
        let cells = all
            .iter()
            .filter(|compared| (target.concerns)(compared.cell));
        let ratios = cells.filter_map(|compared| {
            let ratio = compared.named(GATE)?.ratio(compared.named(target.against)?);
            Some((compared.cell, ratio))
        });
        let (worst, ratio) = ratios.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some(Judged {
            target,
            worst,
            ratio,
        })
    });
    judged.collect()
}

impl Judged {
    fn is_met(&self) -> bool {
        self.ratio >= self.target.least
    }
}

pub(super) fn table(judged: &[Judged]) -> String {
    let mut text = format!(
        "\nTargets of the gate: the ratio of messages a second that is aimed at, and where it comes worst\n{}\n",
        "-".repeat(106)
    );
    for judged in judged {
        let word = if judged.is_met() { "met" } else { "missed" };
        let _ = writeln!(
            text,
            "{:<66} {:>4.1} {:>5.2} {word:<7} {}",
            judged.target.what, judged.target.least, judged.ratio, judged.worst
        );
    }
    text
}

pub(super) fn report(judged: &[Judged]) -> Value {
    let judged = judged.iter().map(|judged| {
        json!({
            "target": judged.target.what,
            "at_least": judged.target.least,
            "worst": judged.ratio,
            "cell": judged.worst.to_string(),
            "met": judged.is_met(),
        })
    });
    judged.collect()
}
