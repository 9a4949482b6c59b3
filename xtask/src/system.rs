//! The system programs that the commands need, what for, and the Debian packages that have them; and which of them this
//! machine has, the first thing to know about a failed run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::toolchain::{COMPONENT, FILTER, Source};
use crate::{debian, shell};

/// A program that is not built or installed below `target/`.
pub(crate) struct Program {
    /// The names of its executable; the first is the usual one.
    names: &'static [&'static str],
    packages: &'static [&'static str],
    what_for: &'static str,
    /// The variable that names it if it isn't on PATH, or nothing.
    variable: Option<&'static str>,
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
        variable: None,
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
pub(crate) const CHROMIUM: Program = Program {
    variable: Some("WEBSOCKET_TEST_CHROMIUM"),
    ..program(
        &["chromium", "chromium-browser", "google-chrome"],
        &["chromium"],
        "tests: a peer, and the page",
    )
};
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

    /// Returns its path: from its variable, on PATH, or in Debian's folders for administrators.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let named = self.variable.and_then(std::env::var_os).map(PathBuf::from);
        let administrators = self.names.iter();
        let mut administrators = administrators.map(|name| Path::new("/usr/sbin").join(name));
        named
            .or_else(|| shell::find_program(self.names))
            .or_else(|| administrators.find(|path| path.is_file()))
    }

    /// Returns the first line of its version output, or else its path.
    fn version(&self) -> Option<String> {
        let path = self.find()?;
        let said = shell::output(Command::new(&path).arg("--version"));
        let line = said
            .ok()
            .and_then(|said| said.lines().next().map(str::to_owned));
        Some(line.unwrap_or_else(|| path.display().to_string()))
    }

    /// Returns its path; installs it first if it is missing.
    pub(crate) fn find_or_install(&self) -> Result<PathBuf> {
        let name = self.name();
        if let Some(path) = self.find() {
            return Ok(path);
        }
        debian::install(self.packages).with_context(|| format!("{name} is missing"))?;
        let packages = self.packages.join(" and ");
        self.find().with_context(|| {
            let variable = self.variable.map(|name| format!("; {name} can name one"));
            format!(
                "{packages} brought no {name}{}",
                variable.unwrap_or_default()
            )
        })
    }
}

/// Lists the Rust in use, all programs and what they are for, with their versions, and the compilers for WebAssembly.
pub(crate) fn list() {
    for program in [
        program(&["rustc"], &[], "everything"),
        program(&["cargo"], &[], "everything"),
        program(&["rustup"], &[], "the targets for WebAssembly"),
    ] {
        let version = program.version().unwrap_or_else(|| "not there".to_owned());
        println!("{:<24} {:<45} {version}", program.name(), program.what_for);
    }
    for program in &ALL {
        let absent = if program.is_optional {
            "not there"
        } else {
            "MISSING"
        };
        let version = program.version().unwrap_or_else(|| absent.to_owned());
        println!("{:<24} {:<45} {version}", program.name(), program.what_for);
    }
    for target in [&COMPONENT, &FILTER] {
        for source in [Source::Rustup, Source::Debian] {
            let found = source.find(target);
            let found = found.map_or_else(|error| format!("{error:#}"), |found| found.to_string());
            println!("{:<24} {:<45} {found}", target.name, source.to_string());
        }
    }
}

/// Prints the list, and how to get what is missing. An error if a command can't do without it.
pub(crate) fn doctor() -> Result<()> {
    list();
    println!(
        "\nEither compiler for WebAssembly will do. Everything else comes from the registries of crates, npm and PyPI, and goes \
         below target/ and node_modules/."
    );
    let missing = ALL
        .iter()
        .filter(|program| !program.is_optional && program.find().is_none());
    let mut packages: Vec<&str> = missing
        .flat_map(|program| program.packages)
        .copied()
        .collect();
    packages.dedup();
    ensure!(
        packages.is_empty(),
        "something is missing; on Debian, as root: {}",
        debian::install_line(&packages)
    );
    Ok(())
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
