//! The results as text.

use std::mem;

use host_tests::quantile;
use host_tests::table::{Table, number};

use crate::in_memory::cell::Cell;
use crate::in_memory::measure::{Compared, Measured};

/// What the columns mean.
pub(crate) const LEGEND: &str = "\
Servers read masked frames and clients write them.
ns/message     median of the repetitions; `middle half` is where the middle 50% of them lie
GB/s           payload, 10^9 bytes
x tungstenite  time relative to tungstenite's, x fastest to the fastest peer's: below 1 is faster;
               each the median of the ratios within one repetition";

const COLUMNS: [(&str, isize); 7] = [
    ("size", -8),
    ("subject", -21),
    ("ns/message", 11),
    ("middle half", 21),
    ("GB/s", 8),
    ("x tungstenite", 13),
    ("x fastest", 10),
];

/// Returns the heading above a cell's lines, if it begins a new group.
pub(crate) fn heading(cell: &Cell, before: Option<&Compared>) -> String {
    match before {
        Some(before) if before.cell.group() == cell.group() => String::new(),
        _ => format!("\n{}\n{}", cell.group(), Table::new(COLUMNS)),
    }
}

/// Returns a cell's lines, one for each subject.
pub(crate) fn lines(compared: &Compared) -> Table {
    let size = compared.cell.size;
    let mut table = Table::without_head(COLUMNS);
    let mut first = size.to_string();
    for subject in &compared.subjects {
        let (low, high) = quantile::middle_half(&subject.times);
        let rate = match size.0 {
            0 => f64::NAN,
            size => size as f64 / subject.median(),
        };
        table.row([
            mem::take(&mut first),
            subject.name.to_owned(),
            number(subject.median()),
            format!("{} - {}", number(low), number(high)),
            number(rate),
            against(subject, compared.reference()),
            against(subject, compared.fastest_peer()),
        ]);
    }
    table
}

fn against(subject: &Measured, other: Option<&Measured>) -> String {
    number(other.map_or(f64::NAN, |other| subject.ratio(other)))
}
