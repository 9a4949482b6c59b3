//! Checks that the toolchain that is not in use builds an equivalent component.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::toolchain::{self, COMPONENT};
use crate::{component, libtest, shell};

/// How far two builds may differ in size, as a fraction of the smaller one.
const TOLERANCE: f64 = 0.05;

/// Builds the component with both toolchains, compares their sizes, and runs the session tests with the one of the
/// other toolchain. Where there is no other, it says so and checks nothing.
pub(crate) fn check() -> Result<()> {
    let used = toolchain::find_or_install(&COMPONENT)?;
    let other = match used.source().other().find_or_install(&COMPONENT) {
        Ok(other) => other,
        Err(error) => {
            println!("Nothing to compare with {used}: {error:#}");
            return Ok(());
        }
    };
    let paths = [
        component::build_beside(&used)?,
        component::build_beside(&other)?,
    ];
    let [size, other_size] = paths.each_ref().map(|path| {
        let file = fs::metadata(path);
        file.with_context(|| format!("can't read {}", path.display()))
    });
    let (size, other_size) = (size?.len(), other_size?.len());
    println!("{used}: {size} bytes; {other}: {other_size} bytes");
    let difference = size.max(other_size) as f64 / size.min(other_size) as f64 - 1.0;
    ensure!(
        difference <= TOLERANCE,
        "their sizes differ by {:.1}%, and {:.0}% is the most",
        100.0 * difference,
        100.0 * TOLERANCE
    );
    let mut cargo = shell::cargo();
    // All packages, so that wasmtime is not built with other features than for everything else.
    cargo.args(["test", "--release", "--workspace", "--test", "session"]);
    cargo.env("WEBSOCKET_COMPONENT", &paths[1]);
    libtest::run(cargo.args(["--", "--skip", "native::"]))
}
