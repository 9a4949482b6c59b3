//! What is aimed at, as ratios of one run, and whether it is met.

use super::measure::{Cell, Compared};
use crate::proxies::{GATE, HAPROXY, RELAY, SMALL_RELAY};
use crate::target::{Aim, Judged};

/// Above the table of them.
pub(super) const TITLE: &str = "Targets of the gate: the ratio of messages a second that is aimed at, and where it comes worst";

/// A part of another proxy's messages a second that the gate is to reach in every cell of a kind.
struct Target {
    what: &'static str,
    against: &'static str,
    concerns: fn(Cell) -> bool,
    aim: Aim,
}

const TARGETS: [Target; 3] = [
    Target {
        what: "125 B to 16 KiB: as many messages as the relay on tokio-tungstenite",
        against: RELAY,
        concerns: |cell| cell.size.0 <= 16 << 10,
        aim: Aim::AtLeast(1.0),
    },
    Target {
        what: "125 B to 16 KiB: as many as it with buffers of 4 KiB",
        against: SMALL_RELAY,
        concerns: |cell| cell.size.0 <= 16 << 10,
        aim: Aim::AtLeast(1.0),
    },
    Target {
        what: "16 KiB: 0.8 of the messages of HAProxy",
        against: HAPROXY,
        concerns: |cell| cell.size.0 == 16 << 10,
        aim: Aim::AtLeast(0.8),
    },
];

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
        Judged::by_worst(target.what, target.aim, ratios)
    });
    judged.collect()
}
