//! What is aimed at, as ratios of one run, and whether it is met.

use super::measure::{Cell, Compared, Measured};
use crate::proxies::{ENVOY, GATE, HAPROXY, NGINX, RELAY, SMALL_RELAY, TERMINATING};
use crate::target::{Aim, Judged};

/// Above the table of them.
pub(super) const TITLE: &str =
    "Targets of the gate: the ratio that is aimed at, and where it comes worst";

/// What the gate is to reach in every cell of a kind, as a ratio to the best of others.
struct Target {
    what: &'static str,
    ours: &'static str,
    others: &'static [&'static str],
    concerns: fn(Cell) -> bool,
    ratio: fn(&Measured, &Measured) -> f64,
    aim: Aim,
}

const UNSEEN: &[&str] = &[HAPROXY, NGINX];
const RELAYS: &[&str] = &[RELAY, SMALL_RELAY];
const SMALL: usize = 1 << 10;
const MEDIUM: usize = 16 << 10;

const TARGETS: [Target; 11] = [
    Target {
        what: "125 B and 1 KiB: messages a second, of the faster of HAProxy and nginx",
        concerns: |cell| !cell.is_secure && cell.size.0 <= SMALL,
        ..inspecting(UNSEEN, 1.0)
    },
    Target {
        what: "16 KiB, 1 connection: the same",
        concerns: |cell| !cell.is_secure && cell.size.0 == MEDIUM && cell.connections == 1,
        ..inspecting(UNSEEN, 1.1)
    },
    Target {
        what: "16 KiB, 500 connections: the same",
        concerns: |cell| !cell.is_secure && cell.size.0 == MEDIUM && cell.connections > 1,
        ..inspecting(UNSEEN, 1.8)
    },
    Target {
        what: "256 KiB, 1 connection: the same",
        concerns: |cell| !cell.is_secure && cell.size.0 > MEDIUM && cell.connections == 1,
        ..inspecting(UNSEEN, 1.8)
    },
    Target {
        what: "256 KiB, 500 connections: the same",
        concerns: |cell| !cell.is_secure && cell.size.0 > MEDIUM && cell.connections > 1,
        ..inspecting(UNSEEN, 2.0)
    },
    Target {
        what: "messages a second, of Envoy",
        ..inspecting(&[ENVOY], 1.0)
    },
    Target {
        what: "messages a second, of the faster relay on tokio-tungstenite",
        ..inspecting(RELAYS, 1.0)
    },
    Target {
        what: "terminating: the same",
        ours: TERMINATING,
        ..inspecting(RELAYS, 1.0)
    },
    Target {
        what: "TLS in front: messages a second, of the faster of HAProxy and nginx",
        concerns: |cell| cell.is_secure,
        ..inspecting(UNSEEN, 1.0)
    },
    Target {
        what: "latency at the median, of HAProxy",
        ratio: |ours, other| ours.delay(0) / other.delay(0),
        concerns: has_latency,
        aim: Aim::AtMost(1.0),
        ..inspecting(&[HAPROXY], 1.0)
    },
    Target {
        what: "latency at 99 %, of HAProxy",
        ratio: |ours, other| ours.delay(1) / other.delay(1),
        concerns: has_latency,
        aim: Aim::AtMost(1.0),
        ..inspecting(&[HAPROXY], 1.0)
    },
];

/// So much of the messages a second of the best of these, in every cell, where the gate inspects.
const fn inspecting(others: &'static [&'static str], least: f64) -> Target {
    Target {
        what: "",
        ours: GATE,
        others,
        concerns: |cell| !cell.is_secure,
        ratio: Measured::ratio,
        aim: Aim::AtLeast(least),
    }
}

fn has_latency(cell: Cell) -> bool {
    !cell.is_secure && cell.size.0 <= MEDIUM
}

/// Those targets of which the run has a cell.
pub(super) fn judge(all: &[Compared]) -> Vec<Judged> {
    let judged = TARGETS.iter().filter_map(|target| {
        let cells = all
            .iter()
            .filter(|compared| (target.concerns)(compared.cell));
        let ratios = cells.flat_map(|compared| {
            let ours = compared.named(target.ours);
            let others = target.others.iter().filter_map(|name| compared.named(name));
            others.filter_map(move |other| Some((compared.cell, (target.ratio)(ours?, other))))
        });
        Judged::by_worst(target.what, target.aim, ratios)
    });
    judged.collect()
}
