//! The results, for people.

use std::fmt::Write;

use crate::in_memory::cell::{Cell, Task};
use crate::in_memory::measure::{Compared, Measured};
use crate::number::number;
use crate::role::Role;

/// What the columns mean.
pub(crate) const LEGEND: &str = "\
ns/message     median of the repetitions; `middle half` is where the middle 50% of them lie
GB/s           payload, 10^9 bytes
x tungstenite  time against tungstenite's, x fastest against the fastest peer's: below 1 is faster;
               each the median of the ratios within one repetition
reads, writes  of the transport for each message; they cost no system call here, on a socket they would";

const WIDTH: usize = 106;

/// The line above a cell's lines, if it begins a new group.
pub(crate) fn heading(compared: &Compared, before: Option<&Compared>) -> Option<String> {
    let Cell {
        task,
        content,
        batch,
        ..
    } = compared.cell;
    if before.is_some_and(|b| (b.cell.task, b.cell.content, b.cell.batch) == (task, content, batch))
    {
        return None;
    }
    let one = if compared.cell.is_full() {
        ""
    } else {
        ", one at a time"
    };
    let title = format!(
        "{}, {}{one}: {}",
        task.name(),
        content.name(),
        task.explanation()
    );
    let transfers = if task.is_decode() { "reads" } else { "writes" };
    let columns = columns([
        "size",
        "subject",
        "ns/message",
        "middle half",
        "GB/s",
        "x tungstenite",
        "x fastest",
        transfers,
    ]);
    Some(format!("\n{title}\n{columns}\n{}", "-".repeat(WIDTH)))
}

fn columns(texts: [&str; 8]) -> String {
    let [
        size,
        subject,
        time,
        spread,
        rate,
        reference,
        fastest,
        transfers,
    ] = texts;
    format!(
        "{size:<8} {subject:<21} {time:>11} {spread:>21} {rate:>8} {reference:>13} {fastest:>10} {transfers:>7}"
    )
}

/// A cell's lines, one a subject.
pub(crate) fn lines(compared: &Compared) -> String {
    let mut text = String::new();
    for (index, subject) in compared.subjects.iter().enumerate() {
        let size = if index == 0 {
            compared.cell.size.to_string()
        } else {
            String::new()
        };
        let (low, high) = subject.quartiles();
        let rate = match compared.cell.size.0 {
            0 => f64::NAN,
            size => size as f64 / subject.median(),
        };
        let line = columns([
            &size,
            subject.name,
            &number(subject.median()),
            &format!("{} - {}", number(low), number(high)),
            &number(rate),
            &against(subject, compared.reference()),
            &against(subject, compared.fastest_peer()),
            &number(subject.transfers),
        ]);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn against(subject: &Measured, other: Option<&Measured>) -> String {
    other.map_or_else(|| "-".to_owned(), |other| number(subject.ratio(other)))
}

/// The project's own subjects against the peers, one line a cell.
pub(crate) fn summary(all: &[Compared]) -> String {
    let mut text = format!(
        "\nIn short: time against tungstenite's, and against the fastest peer's (below 1 is faster)\n\
         {:<40} {:>9} {:>9} {:>11} {:>9}  fastest peer\n{:<40} {:>9} {:>9} {:>11} {:>9}\n{}\n",
        "",
        "native",
        "",
        "component",
        "",
        "",
        "x tungst.",
        "x fastest",
        "x tungst.",
        "x fastest",
        "-".repeat(WIDTH),
    );
    for compared in all {
        let _ = write!(text, "{:<40}", label(compared));
        let own = compared.subjects.iter().filter(|subject| !subject.is_peer);
        for (subject, width) in own.zip([9, 11]) {
            let reference = against(subject, compared.reference());
            let fastest = against(subject, compared.fastest_peer());
            let _ = write!(text, " {reference:>width$} {fastest:>9}");
        }
        let fastest = compared.fastest_peer().map_or("-", |peer| peer.name);
        let _ = writeln!(text, "  {fastest}");
    }
    text
}

fn label(compared: &Compared) -> String {
    let task = match compared.cell.task {
        Task::Decode(Role::Server) => "decode masked",
        Task::Decode(Role::Client) => "decode",
        Task::Encode(Role::Server) => "encode",
        Task::Encode(Role::Client) => "encode masked",
        Task::Echo => "echo",
    };
    let one = if compared.cell.is_full() {
        ""
    } else {
        ", one a time"
    };
    let content = compared.cell.content.name();
    format!("{task}, {content}, {}{one}", compared.cell.size)
}
