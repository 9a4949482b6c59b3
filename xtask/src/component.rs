//! Builds the component from the root package, checks it, and puts it where its hosts look for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::toolchain::{self, Toolchain};
use crate::{imports, metadata, shell};

/// Code generation of the component, the same whichever toolchain builds it.
///
/// The engine is `no_std`, so none of wasi-libc's start files are wanted. A component is no shared library, so its code
/// need not be position-independent, which this target's is by default. The stack is linked first, so that an overflow
/// traps instead of reaching data, and is kept small: a host holds one instance for each connection.
const RUSTFLAGS: [&str; 4] = [
    "-Ctarget-feature=+simd128",
    "-Crelocation-model=static",
    "-Clink-self-contained=no",
    "-Clink-arg=-zstack-size=65536",
];

/// The separator of flags in `CARGO_ENCODED_RUSTFLAGS`.
pub(crate) const FLAG_SEPARATOR: &str = "\x1f";

/// Builds an engine that is broken on purpose: without the rule that the variable names (`src/faults.rs`).
pub(crate) const BROKEN_FLAG: &str = "--cfg=websocket_broken";
pub(crate) const BROKEN_VARIABLE: &str = "WEBSOCKET_BROKEN";

/// Which component.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The one to use.
    Normal,
    /// The one without permessage-deflate, for hosts that don't want it: it is smaller.
    WithoutDeflate,
    /// The one that misbehaves on request, for the sandbox tests.
    Misbehave,
    /// One that breaks a rule, for tests of the tests: a name of `src/faults.rs`.
    Broken(&'static str),
}

impl Kind {
    fn features(self) -> &'static str {
        match self {
            Self::WithoutDeflate => "component",
            _ => "component,deflate",
        }
    }

    /// Flags for the engine's crate only: builds for tests are not features, since other crates could turn those on.
    fn apply(self, cargo: &mut Command) {
        match self {
            Self::Normal | Self::WithoutDeflate => {}
            Self::Misbehave => _ = cargo.args(["--", "--cfg=websocket_misbehave"]),
            Self::Broken(fault) => {
                cargo.args(["--", BROKEN_FLAG]).env(BROKEN_VARIABLE, fault);
            }
        }
    }

    fn file_name(self) -> String {
        match self {
            Self::Normal => "websocket.wasm".into(),
            Self::WithoutDeflate => "websocket-without-deflate.wasm".into(),
            Self::Misbehave => "websocket-misbehave.wasm".into(),
            Self::Broken(fault) => format!("websocket-broken-{fault}.wasm"),
        }
    }
}

/// Builds a component with the first toolchain that is installed or can be, checks it, prints where it is, and returns
/// its absolute path.
pub(crate) fn build(kind: Kind) -> Result<PathBuf> {
    build_with(kind, &toolchain::find_or_install(&toolchain::COMPONENT)?)
}

/// The same with this toolchain.
pub(crate) fn build_with(kind: Kind, toolchain: &Toolchain) -> Result<PathBuf> {
    let path = folder()?.join(kind.file_name());
    let wasm = compile(&Sources::here(toolchain)?, kind, toolchain)?;
    put(&path, &wasm)?;
    if let Kind::Normal = kind {
        bundle(&wasm)?;
    }
    println!("{}: {} bytes, no imports", path.display(), wasm.len());
    Ok(path)
}

/// Puts the component into the crate that bundles it, which is rebuilt only if the component has changed.
fn bundle(wasm: &[u8]) -> Result<()> {
    let path = shell::root()?.join("host/wasm/websocket.wasm");
    match fs::read(&path).is_ok_and(|bundled| bundled == wasm) {
        true => Ok(()),
        false => put(&path, wasm),
    }
}

/// Builds the component with this toolchain, beside the one in use. Returns its absolute path.
pub(crate) fn build_beside(toolchain: &Toolchain) -> Result<PathBuf> {
    let path = folder()?.join(format!("websocket-by-{}.wasm", toolchain.source()));
    let wasm = compile(&Sources::here(toolchain)?, Kind::Normal, toolchain)?;
    put(&path, &wasm)?;
    Ok(path)
}

/// Builds the component from a copy of the engine in another folder.
pub(crate) fn build_elsewhere(package: &Path, toolchain: &Toolchain) -> Result<Vec<u8>> {
    let sources = Sources {
        package: package.to_path_buf(),
        target: package.join("target"),
    };
    compile(&sources, Kind::Normal, toolchain)
}

/// The engine's sources, and what to build from them.
struct Sources {
    package: PathBuf,
    target: PathBuf,
}

impl Sources {
    fn here(toolchain: &Toolchain) -> Result<Sources> {
        Ok(Sources {
            package: shell::root()?,
            target: folder()?.join(toolchain.source().to_string()),
        })
    }
}

/// The folder of components, a separate one for each toolchain: their compilers and flags differ, and must rebuild
/// neither each other's crates nor the hosts.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(shell::root()?.join("target").join("component"))
}

/// Compiles a component, and checks that it imports nothing.
fn compile(sources: &Sources, kind: Kind, toolchain: &Toolchain) -> Result<Vec<u8>> {
    eprintln!(
        "Building the component ({}) with {toolchain}",
        kind.file_name()
    );
    let mut cargo = shell::cargo();
    cargo.args([
        "rustc",
        "--package",
        "websocket-component",
        "--lib",
        "--crate-type",
        "cdylib",
    ]);
    cargo.args([
        "--no-default-features",
        "--features",
        kind.features(),
        "--profile",
        "component",
        "--target",
        toolchain::COMPONENT.name,
    ]);
    cargo.arg("--target-dir").arg(&sources.target);
    let manifest = sources.package.join("Cargo.toml");
    cargo.arg("--manifest-path").arg(manifest);
    let mut flags = RUSTFLAGS.map(str::to_owned).to_vec();
    flags.extend(remaps(toolchain)?);
    flags.extend(toolchain.flags()?);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(FLAG_SEPARATOR));
    toolchain.apply(&mut cargo)?;
    // Last, because flags of the compiler end the arguments.
    kind.apply(&mut cargo);
    shell::run(&mut cargo).context("the component was not built")?;

    let built = sources
        .target
        .join(toolchain::COMPONENT.name)
        .join("component")
        .join("websocket_component.wasm");
    let wasm = fs::read(&built).with_context(|| format!("can't read {}", built.display()))?;
    imports::check_none(&wasm)?;
    metadata::set(&wasm)
}

/// Flags that keep this machine's paths out of the component's panic locations, so that it is the same wherever it was
/// built.
pub(crate) fn remaps(toolchain: &Toolchain) -> Result<Vec<String>> {
    let sources = shell::cargo_home()?.join("registry").join("src");
    let registries =
        fs::read_dir(&sources).with_context(|| format!("can't read {}", sources.display()))?;
    let mut remaps: Vec<String> = registries
        .flatten()
        .map(|registry| remap(&registry.path().join(""), ""))
        .collect();
    // Where the standard library's source is installed, its panic locations have that path.
    let (library, public) = toolchain.library()?;
    remaps.push(remap(&library, &public));
    Ok(remaps)
}

fn remap(folder: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// Replaces a file atomically, so that a host that starts meanwhile never reads half of it.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("can't write {}", path.display()))
}
