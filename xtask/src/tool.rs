//! Cargo subcommands from crates.io, installed below target/.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// A cargo subcommand, in the version that the project uses.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// Returns its program, built now if this version isn't installed.
    pub(crate) fn install(&self, root: &Path) -> Result<PathBuf> {
        let Self { name, version } = self;
        let folder = root.join("target/tools");
        let program = folder.join("bin").join(name);
        let subcommand = name.trim_start_matches("cargo-");
        let there = shell::output(Command::new(&program).args([subcommand, "--version"]));
        if there.is_ok_and(|said| said.ends_with(version)) {
            return Ok(program);
        }
        eprintln!("Installing {name} {version} below target/ (a minute or two)");
        let mut cargo = shell::cargo();
        cargo.args(["install", name, "--locked", "--version", version]);
        shell::run(cargo.arg("--root").arg(folder))
            .with_context(|| format!("{name} was not installed"))?;
        Ok(program)
    }
}
