//! What this machine has before anything is installed: the first thing to know of a run that fails elsewhere.

use std::path::Path;
use std::process::Command;

use crate::shell;
use crate::toolchain::{COMPONENT, FILTER, Source};

/// The programs that the steps use, each with the argument that makes it tell its version.
const PROGRAMS: [(&str, &str); 8] = [
    ("cargo", "--version"),
    ("rustc", "--version"),
    ("rustup", "--version"),
    ("node", "--version"),
    ("npm", "--version"),
    ("python3", "--version"),
    ("chromium", "--version"),
    ("valgrind", "--version"),
];

/// Lists what is there.
pub(crate) fn print() {
    println!("Found on this machine:");
    for (name, argument) in PROGRAMS {
        row(name, &version(Path::new(name), argument));
    }
    for target in [&COMPONENT, &FILTER] {
        for source in [Source::Rustup, Source::Debian] {
            let found = source.find(target);
            let found = found.map_or_else(|error| format!("{error:#}"), |found| found.to_string());
            row(&format!("{} ({source})", target.name), &found);
        }
    }
}

fn row(name: &str, found: &str) {
    println!("  {name:<24} {found}");
}

/// The first line of what a program says of itself.
fn version(program: &Path, argument: &str) -> String {
    let said = shell::output(Command::new(program).arg(argument));
    let line = said
        .ok()
        .and_then(|said| Some(said.lines().next()?.to_owned()));
    line.unwrap_or_else(|| "not there".into())
}
