//! Where a compiler for the component's target comes from: rustup, or Debian's packages.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::{debian, shell};

/// The component's target.
pub(crate) const TARGET: &str = "wasm32-wasip2";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Where rustup can't reach its server it may wait for ever.
const RUSTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// A way to compile for the target.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The compiler in use has the target's standard library.
    Installed,
    /// Debian's compiler builds `core` and `alloc` from their source, which must be of its own version, and the linkers
    /// are those of the compiler in use, because Debian packages none for components.
    Debian {
        /// The folder with `wasm-component-ld`.
        linkers: PathBuf,
    },
}

impl Toolchain {
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
            Self::Installed => write!(f, "the installed {TARGET} target"),
            Self::Debian { .. } => write!(f, "Debian's rustc-web"),
        }
    }
}

/// A toolchain that is there, else one that can be installed, else an error that names both ways.
pub(crate) fn find_or_install() -> Result<Toolchain> {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let find_debian = || find_debian(Path::new(DEBIAN_RUSTC), &rustc);

    if has_target(&rustc)? {
        return Ok(Toolchain::Installed);
    }
    if let Ok(toolchain) = find_debian() {
        return Ok(toolchain);
    }
    eprintln!(
        "The target {TARGET} isn't installed: trying `rustup target add` for up to {RUSTUP_TIMEOUT:?}"
    );
    let rustup = match add_target() {
        Ok(()) if has_target(&rustc)? => return Ok(Toolchain::Installed),
        Ok(()) => anyhow!("it added the target to another toolchain than the one in use"),
        Err(error) => error,
    };
    let debian = match debian::install(&DEBIAN_PACKAGES).and_then(|()| find_debian()) {
        Ok(toolchain) => return Ok(toolchain),
        Err(error) => error,
    };
    bail!(
        "no compiler for {TARGET}, which the component is built for. There are two ways to get one:\n  \
         1. `rustup target add {TARGET}`: {rustup:#}\n  \
         2. Debian's packages {}: {debian:#}",
        DEBIAN_PACKAGES.join(" and "),
    )
}

/// Whether this compiler has the target's `core`.
fn has_target(rustc: &Path) -> Result<bool> {
    let folder =
        shell::output(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))?;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(false);
    };
    Ok(entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
}

fn add_target() -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).stdin(Stdio::null());
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
    let version = shell::output(Command::new(rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc doesn't name its host")
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
    fn a_missing_debian_compiler_is_named() {
        let error = find_debian(Path::new("/nowhere/rustc"), Path::new("rustc")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/rustc is missing");
    }
}
