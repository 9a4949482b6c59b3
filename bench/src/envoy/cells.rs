//! What is sent, and over how many connections.

use std::fmt;

use anyhow::{Result, ensure};

use crate::plan::Plan;
use crate::size::Size;
use crate::target::Aim;

/// The smallest.
pub(super) const MESSAGE: Size = Size(125);
const LARGE: Size = Size(16 << 10);
const HUGE: Size = Size(1 << 20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) size: Size,
    pub(super) connections: usize,
    /// How many messages of each connection are in flight.
    pub(super) window: u64,
}

/// What is aimed at in every cell of a kind, as a ratio to the empty filter.
pub(super) struct Target {
    pub(super) what: &'static str,
    pub(super) aim: Aim,
    pub(super) concerns: fn(Cell) -> bool,
}

pub(super) const TARGETS: [Target; 3] = [
    Target {
        what: "125 B, 16 in flight",
        aim: Aim::AtMost(1.15),
        concerns: |cell| cell.size == MESSAGE && cell.window > 1,
    },
    Target {
        what: "16 KiB",
        aim: Aim::AtMost(1.15),
        concerns: |cell| cell.size == LARGE,
    },
    Target {
        what: "1 MiB",
        aim: Aim::AtMost(1.1),
        concerns: |cell| cell.size == HUGE,
    },
];

const fn cell(size: Size, connections: usize, window: u64) -> Cell {
    Cell {
        size,
        connections,
        window,
    }
}

const CELLS: [Cell; 11] = [
    cell(MESSAGE, 1, 1),
    cell(MESSAGE, 8, 1),
    cell(MESSAGE, 500, 1),
    cell(MESSAGE, 1, 16),
    cell(MESSAGE, 8, 16),
    cell(MESSAGE, 500, 16),
    cell(LARGE, 1, 4),
    cell(LARGE, 8, 4),
    cell(LARGE, 500, 1),
    cell(HUGE, 1, 1),
    cell(HUGE, 4, 1),
];

impl Cell {
    /// Those that are asked for.
    pub(super) fn wanted(plan: &Plan) -> Result<Vec<Cell>> {
        let cells: Vec<_> = CELLS.into_iter().filter(|cell| plan.wants(cell)).collect();
        ensure!(!cells.is_empty(), "no comparison has such a name");
        Ok(cells)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "{}, {} connection{}, {} in flight",
            self.size,
            self.connections,
            if self.connections == 1 { "" } else { "s" },
            self.window
        );
        f.pad(&text)
    }
}
