//! cargo-fuzz, which builds the targets.
//!
//! Without a sanitizer it works on a stable compiler. The engine forbids `unsafe`, so there is little for one to find;
//! debug assertions and overflow checks are on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::Folders;
use super::target::Target;
use crate::tool::Tool;
use crate::{shell, toolchain};

pub(crate) const TOOL: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
};

/// Builds a target; returns its program.
pub(crate) fn build(tool: &Path, target: &Target, folders: &Folders) -> Result<PathBuf> {
    let mut command = Command::new(tool);
    command.args(["fuzz", "build", "--sanitizer", "none", "--target-dir"]);
    command
        .arg(&folders.work)
        .arg("--fuzz-dir")
        .arg(&folders.package);
    command.args(features(target));
    command.arg(target.name).current_dir(&folders.root);
    shell::run(&mut command)?;
    let host = toolchain::host(Path::new("rustc"))?;
    Ok(folders.work.join(host).join("release").join(target.name))
}

/// The command that shows a finding again, for a person to type.
pub(crate) fn reproduction(target: &Target, finding: &Path) -> String {
    format!(
        "target/tools/bin/cargo-fuzz fuzz run --sanitizer none --target-dir target/fuzz --fuzz-dir host-tests/fuzz {}{} {}",
        features(target).map_or(String::new(), |feature| format!("{feature} ")),
        target.name,
        finding.display()
    )
}

fn features(target: &Target) -> Option<&'static str> {
    target.needs_component.then_some("--features=component")
}
