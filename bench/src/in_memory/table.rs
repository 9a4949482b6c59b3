//! The results, for people.

use host_tests::quantile;
use host_tests::table::{Table, number};

use crate::in_memory::cell::{Cell, Task};
use crate::in_memory::measure::{Compared, Measured};

/// What the columns mean.
pub(crate) const LEGEND: &str = "\
ns/message     median of the repetitions; `middle half` is where the middle 50% of them lie
GB/s           payload, 10^9 bytes
x tungstenite  time against tungstenite's, x fastest against the fastest peer's: below 1 is faster;
               each the median of the ratios within one repetition
reads, writes  of the transport for each message; they cost no system call here, on a socket they would";

const fn columns(transfers: &'static str) -> [(&'static str, isize); 8] {
    [
        ("size", -8),
        ("subject", -21),
        ("ns/message", 11),
        ("middle half", 21),
        ("GB/s", 8),
        ("x tungstenite", 13),
        ("x fastest", 10),
        (transfers, 7),
    ]
}

/// What stands above a cell's lines, if it begins a new group.
pub(crate) fn heading(cell: &Cell, before: Option<&Compared>) -> String {
    let group = |cell: &Cell| (cell.task, cell.content, cell.is_one_at_a_time);
    if before.is_some_and(|before| group(&before.cell) == group(cell)) {
        return String::new();
    }
    let one = match cell.is_one_at_a_time {
        true => ", one at a time",
        false => "",
    };
    let transfers = match cell.task {
        Task::Decode(_) => "reads",
        Task::Encode(_) => "writes",
    };
    format!(
        "\n{}, {}{one}: {}\n{}",
        cell.task,
        cell.content,
        cell.task.explanation(),
        Table::new(columns(transfers))
    )
}

/// A cell's lines, one a subject.
pub(crate) fn lines(compared: &Compared) -> Table {
    let size = compared.cell.size;
    let mut table = Table::without_head(columns(""));
    for (index, subject) in compared.subjects.iter().enumerate() {
        let (low, high) = quantile::middle_half(&subject.times);
        let rate = match size.0 {
            0 => f64::NAN,
            size => size as f64 / subject.median(),
        };
        table.row([
            if index == 0 {
                size.to_string()
            } else {
                String::new()
            },
            subject.name.to_owned(),
            number(subject.median()),
            format!("{} - {}", number(low), number(high)),
            number(rate),
            against(subject, compared.reference()),
            against(subject, compared.fastest_peer()),
            number(subject.transfers),
        ]);
    }
    table
}

fn against(subject: &Measured, other: Option<&Measured>) -> String {
    number(other.map_or(f64::NAN, |other| subject.ratio(other)))
}
