//! The component as each toolchain builds it, side by side: the same product, whichever there is.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::toolchain::{self, COMPONENT};
use crate::{component, shell};

/// How far two builds may differ, in size and in what their kernels take, as a part of the smaller one.
const TOLERANCE: f64 = 0.05;

/// Something that was measured of two builds.
struct Row {
    name: String,
    one: u64,
    other: u64,
}

impl Row {
    /// By how much the larger is larger.
    fn difference(&self) -> f64 {
        let (smaller, larger) = (self.one.min(self.other), self.one.max(self.other));
        larger as f64 / smaller as f64 - 1.0
    }
}

/// Builds the component with the toolchain that is in use and with the other one, and compares them. Where there is no
/// other, that is said, and there is nothing to compare.
pub(crate) fn check() -> Result<()> {
    let used = toolchain::find_or_install(&COMPONENT)?;
    let other = match used.source().other().find_or_install(&COMPONENT) {
        Ok(other) => other,
        Err(error) => {
            println!("Nothing to compare with {used}: {error:#}");
            return Ok(());
        }
    };
    let components = [
        component::build_beside(&used)?,
        component::build_beside(&other)?,
    ];
    let [one, other_one] = components.each_ref().map(|path| measure(path));
    let rows = side_by_side(one?, other_one?)?;
    println!("\n{:<24} {:>14} {:>14}", "", used.source(), other.source());
    for row in &rows {
        let Row { name, one, other } = row;
        println!(
            "{name:<24} {one:>14} {other:>14} {:>6.1}%",
            100.0 * row.difference()
        );
    }
    let differing: Vec<&str> = rows
        .iter()
        .filter(|row| row.difference() > TOLERANCE)
        .map(|row| row.name.as_str())
        .collect();
    if !differing.is_empty() {
        bail!(
            "{used} and {other} differ by more than {:.0}% in: {}",
            100.0 * TOLERANCE,
            differing.join(", ")
        );
    }
    Ok(())
}

/// The size of a component in bytes, and the instructions that its kernels take.
fn measure(path: &Path) -> Result<Vec<(String, u64)>> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("can't read {}", path.display()))?
        .len();
    let mut cargo = shell::cargo();
    // All packages, so that wasmtime is not built with other features than for everything else.
    cargo.args([
        "run",
        "--release",
        "--quiet",
        "--bin",
        "component_instructions",
        "--",
    ]);
    let counts = shell::output(cargo.arg(path))?;
    let mut rows = vec![("size in bytes".to_owned(), size)];
    for line in counts.lines() {
        let (name, count) = line.split_once('\t').context("a line without a tab")?;
        rows.push((name.to_owned(), count.parse()?));
    }
    Ok(rows)
}

fn side_by_side(one: Vec<(String, u64)>, other: Vec<(String, u64)>) -> Result<Vec<Row>> {
    if one.len() != other.len() {
        bail!("the two builds have different kernels");
    }
    let pairs = one.into_iter().zip(other);
    let row = |((name, one), (_, other))| Row { name, one, other };
    Ok(pairs.map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_difference_is_the_same_whichever_of_the_two_is_larger() {
        let row = |one, other| Row {
            name: String::new(),
            one,
            other,
        };
        assert_eq!(row(100, 105).difference(), row(105, 100).difference());
        assert!(row(100, 106).difference() > super::TOLERANCE);
        assert!(row(104, 100).difference() < super::TOLERANCE);
    }
}
