//! The programs of the system that the commands need: which, what for, and the Debian packages that bring them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{debian, shell};

/// A program that is not built or installed below `target/`.
pub(crate) struct Program {
    /// What it may be called; the first is what people call it.
    names: &'static [&'static str],
    packages: &'static [&'static str],
    what_for: &'static str,
    /// The commands do without it.
    is_optional: bool,
}

const fn program(
    names: &'static [&'static str],
    packages: &'static [&'static str],
    what_for: &'static str,
) -> Program {
    Program {
        names,
        packages,
        what_for,
        is_optional: false,
    }
}

const fn optional(program: Program) -> Program {
    Program {
        is_optional: true,
        ..program
    }
}

pub(crate) const COMPILER: Program = program(
    &["cc"],
    &["gcc", "libc6-dev"],
    "TLS (ring): all but the engine",
);
pub(crate) const MAKE: Program = program(&["make"], &["make"], "the gate's allocator (jemalloc)");
pub(crate) const NODE: Program = program(
    &["node"],
    &["nodejs"],
    "the npm package and the page; 20 or later",
);
pub(crate) const NPM: Program = program(&["npm"], &["npm"], "the same");
pub(crate) const PYTHON: Program = program(
    &["python3"],
    &["python3", "python3-venv"],
    "tests: peers, Envoy, Autobahn",
);
pub(crate) const JAVA: Program = program(&["javac"], &["default-jdk-headless"], "tests: a peer");
pub(crate) const CHROMIUM: Program = program(
    &["chromium", "chromium-browser", "google-chrome"],
    &["chromium"],
    "tests: a peer, and the page",
);
pub(crate) const VALGRIND: Program = program(&["valgrind"], &["valgrind"], "instruction counts");
pub(crate) const SKOPEO: Program =
    program(&["skopeo"], &["skopeo"], "reading packed OCI layouts back");
pub(crate) const NGINX: Program = optional(program(
    &["nginx"],
    &["nginx-light"],
    "benchmarks: a proxy beside the gate",
));
pub(crate) const HAPROXY: Program =
    optional(program(&["haproxy"], &["haproxy"], "benchmarks: the same"));

const ALL: [Program; 11] = [
    COMPILER, MAKE, NODE, NPM, PYTHON, JAVA, CHROMIUM, VALGRIND, SKOPEO, NGINX, HAPROXY,
];

impl Program {
    fn name(&self) -> &'static str {
        self.names.first().unwrap_or(&"?")
    }

    /// Where it is: on PATH, or where Debian keeps what administrators use.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let administrators = self
            .names
            .iter()
            .map(|name| Path::new("/usr/sbin").join(name));
        shell::find_program(self.names)
            .or_else(|| administrators.into_iter().find(|path| path.is_file()))
    }

    /// Where it is; installed first if it isn't there.
    pub(crate) fn find_or_install(&self) -> Result<PathBuf> {
        let name = self.name();
        if let Some(path) = self.find() {
            return Ok(path);
        }
        debian::install(self.packages).with_context(|| format!("{name} is missing"))?;
        let packages = self.packages.join(" and ");
        self.find()
            .with_context(|| format!("{packages} brought no {name}"))
    }
}

/// Lists all programs, what they are for, and where they are or how to get them. An error if one is missing that a command
/// can't do without.
pub(crate) fn doctor() -> Result<()> {
    let mut missing = Vec::new();
    for program in &ALL {
        let place = program.find().map(|path| path.display().to_string());
        let absent = if program.is_optional {
            "not there"
        } else {
            "MISSING"
        };
        println!(
            "{:<10} {:<45} {}",
            program.name(),
            program.what_for,
            place.as_deref().unwrap_or(absent)
        );
        if place.is_none() && !program.is_optional {
            missing.extend(program.packages);
        }
    }
    println!(
        "\nEverything else comes from the registries of crates, npm and PyPI, and goes below target/ and node_modules/."
    );
    if missing.is_empty() {
        return Ok(());
    }
    missing.dedup();
    bail!(
        "something is missing; on Debian, as root: {}",
        debian::install_line(&missing)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_each_of_its_names() {
        let found = program(&["no-such-program", "sh"], &[], "").find();
        assert!(found.is_some_and(|path| path.ends_with("sh")));
        assert!(program(&["no-such-program"], &[], "").find().is_none());
    }
}
