//! What is sent, and over how many connections.

use std::fmt;

use anyhow::{Result, ensure};

use crate::plan::Plan;
use crate::size::Size;

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
