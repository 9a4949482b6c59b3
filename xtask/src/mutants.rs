//! `cargo xtask mutants`: whether a test notices when a line of the engine does something else.
//!
//! Which files, which tests, and which mutants are no other program at all: `.cargo/mutants.toml`.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::shell;
use crate::tool::Tool;

const TOOL: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// A mutant whose tests take longer has been noticed, in seconds: without one they take a fifth of that on a slow machine.
const TIMEOUT: &str = "120";

pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let root = shell::root()?;
    let mut mutants = Command::new(TOOL.install(&root)?);
    // The tests as they are pass in `cargo xtask test`; here they would be those of the engine's own package only.
    mutants.args(["mutants", "--baseline", "skip", "--timeout", TIMEOUT]);
    mutants.arg("--output").arg(root.join("target"));
    shell::become_command(mutants.args(args).current_dir(&root))
}
