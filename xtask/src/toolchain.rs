//! Where a compiler for the component's target comes from: rustup, or else Debian's packages.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::{debian, shell};

/// The component's target.
pub(crate) const TARGET: &str = "wasm32-wasip2";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Where rustup can't reach its server it may wait for ever.
const RUSTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// Whose compiler and libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// The compiler in use, with the target that rustup adds to it
    Rustup,
    /// Debian's rustc-web, which builds core and alloc from rust-web-src
    Debian,
}

impl Source {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Rustup => Self::Debian,
            Self::Debian => Self::Rustup,
        }
    }

    /// This toolchain, if it is there.
    pub(crate) fn find(self) -> Result<Toolchain> {
        let rustc = compiler_in_use();
        match self {
            Self::Rustup => find_rustup(&rustc),
            Self::Debian => find_debian(Path::new(DEBIAN_RUSTC), &rustc),
        }
    }

    /// This toolchain, installed now if it isn't there.
    pub(crate) fn find_or_install(self) -> Result<Toolchain> {
        if let Ok(toolchain) = self.find() {
            return Ok(toolchain);
        }
        match self {
            Self::Rustup => add_target(TARGET)?,
            Self::Debian => debian::install(&DEBIAN_PACKAGES)?,
        }
        self.find()
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

/// A way to compile for the target.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The compiler in use has the target's standard library. It lacks `memcmp` and its kin, which the target's libc has.
    Rustup {
        /// The folder with that libc.
        libc: PathBuf,
    },
    /// Debian's compiler builds `core` and `alloc` from their source, which must be of its own version, and the linkers
    /// are those of the compiler in use, because Debian packages none for components.
    Debian {
        /// The folder with `wasm-component-ld`.
        linkers: PathBuf,
    },
}

impl Toolchain {
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Rustup { .. } => Source::Rustup,
            Self::Debian { .. } => Source::Debian,
        }
    }

    /// Where the source of the standard library is, if it is installed, and how the compiler names that folder otherwise.
    pub(crate) fn library(&self) -> Result<(PathBuf, String)> {
        match self {
            Self::Rustup { .. } => library_in_use(),
            Self::Debian { .. } => library(Path::new(DEBIAN_RUSTC)),
        }
    }

    /// What the compiler is told only by this toolchain.
    pub(crate) fn flags(&self) -> Result<Vec<String>> {
        Ok(match self {
            Self::Rustup { libc } => {
                let libc = libc
                    .to_str()
                    .context("the compiler's folder is not UTF-8")?;
                vec![format!("-Clink-arg=-L{libc}"), "-Clink-arg=-lc".into()]
            }
            Self::Debian { .. } => Vec::new(),
        })
    }

    /// Makes a cargo command build with this toolchain.
    pub(crate) fn apply(&self, cargo: &mut Command) -> Result<()> {
        if let Self::Debian { linkers } = self {
            cargo.arg("-Zbuild-std=core,alloc");
            // `memcmp` and its kin, which no libc supplies here.
            cargo.arg("-Zbuild-std-features=compiler-builtins-mem");
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            cargo.env(
                "CARGO_TARGET_WASM32_WASIP2_LINKER",
                component_linker(linkers),
            );
            cargo.env("PATH", shell::path_with(&linkers.join("gcc-ld"))?);
        }
        Ok(())
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustup { .. } => write!(f, "rustup's {TARGET} target"),
            Self::Debian { .. } => write!(f, "Debian's rustc-web"),
        }
    }
}

/// rustup's toolchain, or else Debian's, or else an error that names both ways.
pub(crate) fn find_or_install() -> Result<Toolchain> {
    first_of(Source::find_or_install)
}

/// Only a toolchain that can't be had is passed over. One that is there and builds no component is an error, whatever
/// else is installed.
fn first_of(find: impl Fn(Source) -> Result<Toolchain>) -> Result<Toolchain> {
    let rustup = match find(Source::Rustup) {
        Ok(toolchain) => return Ok(toolchain),
        Err(error) => error,
    };
    find(Source::Debian).map_err(|debian| {
        anyhow!(
            "no compiler for {TARGET}, which the component is built for. There are two ways to get one:\n  \
             1. `rustup target add {TARGET}`: {rustup:#}\n  \
             2. Debian's packages {}: {debian:#}",
            DEBIAN_PACKAGES.join(" and "),
        )
    })
}

/// The compiler that cargo uses.
fn compiler_in_use() -> PathBuf {
    std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

/// Where the source of the standard library of the compiler in use is, as [`Toolchain::library`] says.
pub(crate) fn library_in_use() -> Result<(PathBuf, String)> {
    library(&compiler_in_use())
}

fn library(rustc: &Path) -> Result<(PathBuf, String)> {
    let source = sysroot(rustc)?.join("lib/rustlib/src/rust");
    let commit = said_of(rustc, "commit-hash")?;
    Ok((source, format!("/rustc/{commit}")))
}

/// The compiler in use, if it has the target's `core` and libc.
fn find_rustup(rustc: &Path) -> Result<Toolchain> {
    let folder = libraries(rustc, TARGET)?;
    let libc = folder.join("self-contained");
    if !has_core(&folder) || !libc.join("libc.a").is_file() {
        bail!("the compiler in use has no {TARGET}");
    }
    Ok(Toolchain::Rustup { libc })
}

/// The folder of a target's libraries, which need not be there.
fn libraries(rustc: &Path, target: &str) -> Result<PathBuf> {
    let mut rustc = Command::new(rustc);
    shell::output(rustc.args(["--print", "target-libdir", "--target", target])).map(PathBuf::from)
}

fn has_core(libraries: &Path) -> bool {
    std::fs::read_dir(libraries).is_ok_and(|entries| {
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("libcore-"))
    })
}

/// Has rustup add a target to the compiler in use, if it isn't there.
pub(crate) fn add_target(target: &str) -> Result<()> {
    if has_core(&libraries(&compiler_in_use(), target)?) {
        return Ok(());
    }
    eprintln!(
        "The target {target} isn't installed: trying `rustup target add` for up to {RUSTUP_TIMEOUT:?}"
    );
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target]).stdin(Stdio::null());
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
fn find_debian(debian_rustc: &Path, rustc: &Path) -> Result<Toolchain> {
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
    if !component_linker(&linkers).is_file() {
        bail!(
            "{} is missing; a rustup toolchain has it",
            component_linker(&linkers).display()
        );
    }
    Ok(Toolchain::Debian { linkers })
}

fn component_linker(folder: &Path) -> PathBuf {
    folder
        .join("wasm-component-ld")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn sysroot(rustc: &Path) -> Result<PathBuf> {
    shell::output(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// The target that this machine's programs are built for.
pub(crate) fn host(rustc: &Path) -> Result<String> {
    said_of(rustc, "host")
}

/// What a compiler says of itself under this name.
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
        let rustup = || Toolchain::Rustup { libc: "a".into() };
        let debian = || Toolchain::Debian {
            linkers: "b".into(),
        };
        let found = first_of(|source| match source {
            Source::Rustup => Ok(rustup()),
            Source::Debian => panic!("it was asked"),
        });
        assert_eq!(found.unwrap().source(), Source::Rustup);

        let found = first_of(|source| match source {
            Source::Rustup => bail!("no network"),
            Source::Debian => Ok(debian()),
        });
        assert_eq!(found.unwrap().source(), Source::Debian);
    }

    #[test]
    fn where_there_is_no_toolchain_both_ways_to_get_one_are_named() {
        let error = first_of(|source| bail!("no {source}"))
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
        let error = find_debian(Path::new("/nowhere/rustc"), Path::new("rustc")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/rustc is missing");
    }
}
