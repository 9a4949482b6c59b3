//! A run as a table in Markdown, and the cases in it that need a word.

use std::fmt::Write;
use std::time::Duration;

use super::report::{Case, Verdict};
use super::runs::Finished;

const HEAD: [&str; 8] = [
    "section",
    "cases",
    "OK",
    "NON-STRICT",
    "INFORMATIONAL",
    "UNIMPLEMENTED",
    "failed",
    "time",
];

/// A line for each section, and one for all of them. The times are those of the cases: some run at the same time, so the
/// run is shorter than their sum.
pub(crate) fn table(done: &Finished) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for section in &done.sections {
        let cases = done.cases.iter();
        let cases = cases.filter(|case| case.id.section() == section.number);
        let title = format!("{}.* {}", section.number, section.title);
        rows.push(row(title, &cases.collect::<Vec<_>>()));
    }
    rows.push(row(
        "all".to_owned(),
        &done.cases.iter().collect::<Vec<_>>(),
    ));
    markdown(&rows)
}

fn row(title: String, cases: &[&Case]) -> [String; 8] {
    let count = |verdict| {
        let cases = cases.iter().filter(|case| case.verdict == verdict);
        cases.count().to_string()
    };
    let time: Duration = cases.iter().map(|case| case.time).sum();
    [
        title,
        cases.len().to_string(),
        count(Verdict::Ok),
        count(Verdict::NonStrict),
        count(Verdict::Informational),
        count(Verdict::Unimplemented),
        count(Verdict::Failed),
        format!("{:.2} s", time.as_secs_f64()),
    ]
}

/// The first row is the head. The first column is aligned to the left, all others to the right.
fn markdown<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if number == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                text.push_str(&match column {
                    0 => format!("|{dashes}-|"),
                    _ => format!("{dashes}:|"),
                });
            }
            text.push('\n');
        }
    }
    text
}

/// Each case that isn't OK, with what was expected and what came; those that can't be told from one another in a line for
/// their section.
pub(crate) fn notes(done: &Finished) -> String {
    let mut text = String::new();
    let told = done.cases.iter().filter(|case| {
        let verdict = case.verdict;
        !matches!(verdict, Verdict::Ok | Verdict::Unimplemented)
    });
    for case in told {
        let _ = writeln!(text, "* {}: {}", case.id, case.story);
    }
    for section in &done.sections {
        let cases = done.cases.iter().filter(|case| {
            case.id.section() == section.number && case.verdict == Verdict::Unimplemented
        });
        let count = cases.count();
        if count > 0 {
            let _ = writeln!(
                text,
                "* {}.*: UNIMPLEMENTED, {count} of {} cases",
                section.number, section.cases
            );
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\n{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let text = markdown(&[row(["name", "n"]), row(["é", "100"])]);
        assert_eq!(text, "| name |   n |\n|------|----:|\n| é    | 100 |\n");
    }
}
