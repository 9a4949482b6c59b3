//! The record of what was run: fuzz/runs.tsv, and the tables in docs/fuzzing.md that are made of it.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Folders;
use super::target::ALL;
use crate::shell;

const BEGIN: &str = "<!-- The tables are made of fuzz/runs.tsv by `cargo xtask fuzz`. -->\n";
const END: &str = "<!-- End of the tables. -->";

/// Some rounds of one target: a line of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In UTC, such as 2026-11-22.
    pub(crate) date: String,
    pub(crate) command: String,
    pub(crate) target: String,
    pub(crate) executions: u64,
    pub(crate) cpu: Duration,
    pub(crate) findings: u64,
}

impl Entry {
    /// An entry of today's, of a run for this long.
    pub(crate) fn today(time: Duration) -> Result<Entry> {
        Ok(Entry {
            date: shell::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?,
            command: format!("cargo xtask fuzz --minutes {}", time.as_secs() / 60),
            ..Entry::default()
        })
    }

    /// Executions in a second of CPU time.
    pub(crate) fn rate(&self) -> u64 {
        (self.executions as f64 / self.cpu.as_secs_f64().max(0.001)) as u64
    }

    fn add(&mut self, other: &Entry) {
        self.executions += other.executions;
        self.cpu += other.cpu;
        self.findings += other.findings;
    }

    fn line(&self) -> String {
        format!(
            "{}\t{}\t{}\t{:.1}\t{}\t{}\n",
            self.date,
            self.target,
            self.executions,
            self.cpu.as_secs_f64(),
            self.findings,
            self.command
        )
    }

    fn parse(line: &str) -> Option<Entry> {
        let mut words = line.split('\t');
        let mut next = || words.next();
        Some(Entry {
            date: next()?.into(),
            target: next()?.into(),
            executions: next()?.parse().ok()?,
            cpu: Duration::try_from_secs_f64(next()?.parse().ok()?).ok()?,
            findings: next()?.parse().ok()?,
            command: next()?.into(),
        })
    }
}

/// Adds a round to those that are not in the record yet.
pub(crate) fn add_pending(folders: &Folders, entry: &Entry) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(pending(folders))?;
    Ok(file.write_all(entry.line().as_bytes())?)
}

/// Moves the pending rounds to the record, and makes the tables anew. Returns the whole record.
pub(crate) fn keep_pending(folders: &Folders) -> Result<Vec<Entry>> {
    let path = folders.package.join("runs.tsv");
    let mut entries = parse(&fs::read_to_string(&path).unwrap_or_default())?;
    // Moved aside first: a run that goes on meanwhile starts a new file.
    let taken = pending(folders).with_extension("taken");
    if fs::rename(pending(folders), &taken).is_ok() {
        for round in parse(&fs::read_to_string(&taken)?)? {
            merge(&mut entries, round);
        }
    }
    let lines: String = entries.iter().map(Entry::line).collect();
    fs::write(&path, lines).with_context(|| format!("can't write {}", path.display()))?;
    let docs = folders.root.join("docs/fuzzing.md");
    let text =
        fs::read_to_string(&docs).with_context(|| format!("can't read {}", docs.display()))?;
    fs::write(&docs, with_tables(&text, &entries)?)?;
    if taken.is_file() {
        fs::remove_file(taken)?;
    }
    Ok(entries)
}

/// All that was run of a target.
pub(crate) fn total(entries: &[Entry], target: &str) -> Entry {
    let mut total = Entry::default();
    for entry in entries.iter().filter(|entry| entry.target == target) {
        total.add(entry);
    }
    total
}

fn pending(folders: &Folders) -> PathBuf {
    folders.work.join("pending.tsv")
}

fn parse(text: &str) -> Result<Vec<Entry>> {
    let entry = |line| Entry::parse(line).with_context(|| format!("not an entry: {line}"));
    text.lines().map(entry).collect()
}

/// Rounds of one day and one command are one entry.
fn merge(entries: &mut Vec<Entry>, round: Entry) {
    let same = |entry: &&mut Entry| {
        (&entry.date, &entry.command, &entry.target) == (&round.date, &round.command, &round.target)
    };
    match entries.iter_mut().find(same) {
        Some(entry) => entry.add(&round),
        None => entries.push(round),
    }
}

fn with_tables(text: &str, entries: &[Entry]) -> Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .context("the tables have no beginning")?;
    let (_, after) = rest.split_once(END).context("the tables have no end")?;
    let mut tables = String::from(
        "| target | executions | CPU time | a second | findings |\n|---|---|---|---|---|\n",
    );
    for target in ALL {
        let total = total(entries, target.name);
        writeln!(
            tables,
            "| `{}` | {} | {} min | {} | {} |",
            target.name,
            total.executions,
            total.cpu.as_secs() / 60,
            total.rate(),
            total.findings
        )?;
    }
    tables.push_str("\nEach run:\n\n| date | command | target | executions | CPU time | findings |\n|---|---|---|---|---|---|\n");
    for entry in entries {
        writeln!(
            tables,
            "| {} | `{}` | `{}` | {} | {} s | {} |",
            entry.date,
            entry.command,
            entry.target,
            entry.executions,
            entry.cpu.as_secs(),
            entry.findings
        )?;
    }
    Ok(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(target: &str, executions: u64) -> Entry {
        Entry {
            date: "2026-11-22".into(),
            command: "cargo xtask fuzz --minutes 1".into(),
            target: target.into(),
            executions,
            cpu: Duration::from_millis(1500),
            findings: 0,
        }
    }

    #[test]
    fn an_entry_is_read_back_from_its_line() {
        let entry = entry("server", 12);
        assert_eq!(parse(&entry.line()).unwrap(), [entry]);
        assert!(parse("2026-11-22\tserver").is_err());
    }

    #[test]
    fn rounds_of_one_day_and_command_add_up() {
        let mut entries = vec![entry("server", 1)];
        merge(&mut entries, entry("server", 2));
        merge(&mut entries, entry("client", 4));
        assert_eq!(entries.len(), 2);
        assert_eq!(total(&entries, "server").executions, 3);
        assert_eq!(total(&entries, "server").cpu, Duration::from_secs(3));
    }

    #[test]
    fn the_tables_in_the_docs_are_those_of_the_record() {
        let record = parse(include_str!("../../../fuzz/runs.tsv")).unwrap();
        let docs = include_str!("../../../docs/fuzzing.md");
        assert_eq!(with_tables(docs, &record).unwrap(), docs);
    }
}
