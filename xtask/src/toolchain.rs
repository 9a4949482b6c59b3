//! Where a compiler for WebAssembly comes from: rustup, or else Debian's packages.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::{debian, shell};

/// A compilation target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name in rustc.
    pub(crate) name: &'static str,
    /// Whether functions such as `memcmp` come from a libc that the target has.
    has_libc: bool,
    /// The crates of the standard library that a program for it needs.
    library: &'static str,
    /// Its linker, in the compiler's own folder, and the variable that tells cargo.
    linker: (&'static str, &'static str),
}

/// The component's.
pub(crate) const COMPONENT: Target = Target {
    name: "wasm32-wasip2",
    has_libc: true,
    library: "core,alloc",
    linker: ("wasm-component-ld", "CARGO_TARGET_WASM32_WASIP2_LINKER"),
};

/// The filter's: it has no operating system, and its imports are the proxy's.
pub(crate) const FILTER: Target = Target {
    name: "wasm32-unknown-unknown",
    has_libc: false,
    library: "std,panic_abort",
    linker: ("rust-lld", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"),
};

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Where rustup can't reach its server it may wait for ever.
const RUSTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// The origin of the compiler and libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// The compiler in use, with the target that rustup adds to it
    Rustup,
    /// Debian's rustc-web, which builds the standard library from rust-web-src
    Debian,
}

impl Source {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Rustup => Self::Debian,
            Self::Debian => Self::Rustup,
        }
    }

    /// Finds this toolchain, if it is installed.
    pub(crate) fn find(self, target: &'static Target) -> Result<Toolchain> {
        let rustc = compiler_in_use();
        match self {
            Self::Rustup => find_rustup(&rustc, target),
            Self::Debian => find_debian(Path::new(DEBIAN_RUSTC), &rustc, target),
        }
    }

    /// Finds this toolchain, or installs it now.
    pub(crate) fn find_or_install(self, target: &'static Target) -> Result<Toolchain> {
        if let Ok(toolchain) = self.find(target) {
            return Ok(toolchain);
        }
        match self {
            Self::Rustup => add(target)?,
            Self::Debian => debian::install(&DEBIAN_PACKAGES)?,
        }
        self.find(target)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        })
    }
}

/// A way to compile for a target.
#[derive(Debug)]
pub(crate) struct Toolchain {
    target: &'static Target,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The compiler in use has the target's standard library. If that lacks `memcmp` and its kin, the target's libc has
    /// them: its folder.
    Rustup { libc: Option<PathBuf> },
    /// Debian's compiler builds the standard library from its source, which must be of its own version, and the linkers
    /// are those of the compiler in use, because Debian packages none: their folder.
    Debian { linkers: PathBuf },
}

impl Toolchain {
    pub(crate) fn source(&self) -> Source {
        match self.kind {
            Kind::Rustup { .. } => Source::Rustup,
            Kind::Debian { .. } => Source::Debian,
        }
    }

    /// Where the source of the standard library is, if it is installed, and how the compiler names that folder otherwise.
    pub(crate) fn library(&self) -> Result<(PathBuf, String)> {
        let rustc = match self.kind {
            Kind::Rustup { .. } => compiler_in_use(),
            Kind::Debian { .. } => DEBIAN_RUSTC.into(),
        };
        let source = sysroot(&rustc)?.join("lib/rustlib/src/rust");
        let commit = said_of(&rustc, "commit-hash")?;
        Ok((source, format!("/rustc/{commit}")))
    }

    /// Compiler flags of this toolchain only.
    pub(crate) fn flags(&self) -> Result<Vec<String>> {
        Ok(match &self.kind {
            Kind::Rustup { libc: Some(libc) } => {
                let libc = libc
                    .to_str()
                    .context("the compiler's folder is not UTF-8")?;
                vec![format!("-Clink-arg=-L{libc}"), "-Clink-arg=-lc".into()]
            }
            _ => Vec::new(),
        })
    }

    /// Makes a cargo command build with this toolchain.
    pub(crate) fn apply(&self, cargo: &mut Command) -> Result<()> {
        if let Kind::Debian { linkers } = &self.kind {
            cargo.arg(format!("-Zbuild-std={}", self.target.library));
            // `memcmp` and its kin, which no libc supplies here.
            cargo.arg("-Zbuild-std-features=compiler-builtins-mem");
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            let (_, variable) = self.target.linker;
            cargo.env(variable, linker(linkers, self.target));
            cargo.env("PATH", shell::path_with(&linkers.join("gcc-ld"))?);
        }
        Ok(())
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Rustup { .. } => write!(f, "rustup's {} target", self.target.name),
            Kind::Debian { .. } => write!(f, "Debian's rustc-web"),
        }
    }
}

/// Returns rustup's toolchain, or else Debian's, or else an error that names both ways.
pub(crate) fn find_or_install(target: &'static Target) -> Result<Toolchain> {
    first_of(target, |source| source.find_or_install(target))
}

/// Only a toolchain that can't be installed is skipped. One that is installed but can't build is an error, even if
/// there is another.
fn first_of(target: &Target, find: impl Fn(Source) -> Result<Toolchain>) -> Result<Toolchain> {
    let rustup = match find(Source::Rustup) {
        Ok(toolchain) => return Ok(toolchain),
        Err(error) => error,
    };
    let name = target.name;
    find(Source::Debian).map_err(|debian| {
        anyhow!(
            "no compiler for {name}. There are two ways to get one:\n  \
             1. `rustup target add {name}`: {rustup:#}\n  \
             2. Debian's packages {}: {debian:#}",
            DEBIAN_PACKAGES.join(" and "),
        )
    })
}

/// The compiler that cargo uses.
fn compiler_in_use() -> PathBuf {
    std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

/// The compiler in use, if it has the target's `core`, and its libc if it has one.
fn find_rustup(rustc: &Path, target: &'static Target) -> Result<Toolchain> {
    let name = target.name;
    let mut libraries = Command::new(rustc);
    let libraries = libraries.args(["--print", "target-libdir", "--target", name]);
    let folder = PathBuf::from(shell::output(libraries)?);
    let has_core = std::fs::read_dir(&folder).is_ok_and(|entries| {
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("libcore-"))
    });
    let libc = target.has_libc.then(|| folder.join("self-contained"));
    let lacks_libc = libc
        .as_ref()
        .is_some_and(|libc| !libc.join("libc.a").is_file());
    if !has_core || lacks_libc {
        bail!("the compiler in use has no {name}");
    }
    let kind = Kind::Rustup { libc };
    Ok(Toolchain { target, kind })
}

/// Adds a target to the compiler in use with rustup.
fn add(target: &Target) -> Result<()> {
    let name = target.name;
    eprintln!(
        "The target {name} isn't installed: trying `rustup target add` for up to {RUSTUP_TIMEOUT:?}"
    );
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", name]).stdin(Stdio::null());
    let status = shell::status_within(&mut rustup, RUSTUP_TIMEOUT)?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("it failed ({status})"),
        None => bail!(
            "it did not finish in {RUSTUP_TIMEOUT:?}; where the network is slow, run it by hand"
        ),
    }
}

/// Debian's compiler, if it is new enough, its library's source is there, and the compiler in use has the linkers.
fn find_debian(debian_rustc: &Path, rustc: &Path, target: &'static Target) -> Result<Toolchain> {
    if !debian_rustc.is_file() {
        bail!("{} is missing", debian_rustc.display());
    }
    let version = shell::output(Command::new(debian_rustc).arg("--version"))?;
    let needed = env!("CARGO_PKG_RUST_VERSION");
    if minor_version(&version) < minor_version(needed) {
        bail!(
            "{} is too old ({version}; {needed} is needed)",
            debian_rustc.display()
        );
    }
    let core = sysroot(debian_rustc)?.join("lib/rustlib/src/rust/library/core");
    if !core.is_dir() {
        bail!(
            "the source of its core library is missing ({})",
            core.display()
        );
    }
    let linkers = sysroot(rustc)?
        .join("lib/rustlib")
        .join(host(rustc)?)
        .join("bin");
    let linker = linker(&linkers, target);
    if !linker.is_file() {
        bail!("{} is missing; a rustup toolchain has it", linker.display());
    }
    let kind = Kind::Debian { linkers };
    Ok(Toolchain { target, kind })
}

fn linker(folder: &Path, target: &Target) -> PathBuf {
    let (name, _) = target.linker;
    folder
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn sysroot(rustc: &Path) -> Result<PathBuf> {
    shell::output(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// The target that this machine's programs are built for.
fn host(rustc: &Path) -> Result<String> {
    said_of(rustc, "host")
}

/// Returns the value of this name in a compiler's own description.
fn said_of(rustc: &Path, name: &str) -> Result<String> {
    let version = shell::output(Command::new(rustc).arg("-vV"))?;
    let mut values = version.lines().filter_map(|line| line.split_once(": "));
    let value = values.find(|(other, _)| *other == name);
    value
        .map(|(_, value)| value.to_owned())
        .with_context(|| format!("rustc doesn't name its {name}"))
}

/// The second number of the first word that looks like `1.95` or `1.95.0`.
fn minor_version(text: &str) -> Option<u32> {
    text.split_whitespace()
        .find_map(|word| word.split('.').nth(1)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_minor_number() {
        assert_eq!(
            minor_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some(96)
        );
        assert_eq!(minor_version("1.95"), Some(95));
        assert!(minor_version("rustc 1.100.0") > minor_version("1.95"));
        assert!(minor_version("no version") < minor_version("1.95"));
    }

    #[test]
    fn debian_is_asked_only_where_rustup_has_nothing_to_offer() {
        let toolchain = |kind| Toolchain {
            target: &COMPONENT,
            kind,
        };
        let rustup = || toolchain(Kind::Rustup { libc: None });
        let linkers = "b".into();
        let debian = || {
            toolchain(Kind::Debian {
                linkers: PathBuf::clone(&linkers),
            })
        };
        let found = first_of(&COMPONENT, |source| match source {
            Source::Rustup => Ok(rustup()),
            Source::Debian => panic!("it was asked"),
        });
        assert_eq!(found.unwrap().source(), Source::Rustup);

        let found = first_of(&COMPONENT, |source| match source {
            Source::Rustup => bail!("no network"),
            Source::Debian => Ok(debian()),
        });
        assert_eq!(found.unwrap().source(), Source::Debian);
    }

    #[test]
    fn where_there_is_no_toolchain_both_ways_to_get_one_are_named() {
        let error = first_of(&COMPONENT, |source| bail!("no {source}"))
            .unwrap_err()
            .to_string();
        for part in [
            "rustup target add wasm32-wasip2",
            "no rustup",
            "rustc-web",
            "no debian",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_missing_debian_compiler_is_named() {
        let error =
            find_debian(Path::new("/nowhere/rustc"), Path::new("rustc"), &FILTER).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/rustc is missing");
    }
}
