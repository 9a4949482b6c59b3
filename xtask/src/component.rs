//! The component: built from the root package, checked, and put where its hosts look for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::toolchain::Toolchain;
use crate::{imports, shell, toolchain};

/// Code generation of the component, the same whichever toolchain builds it.
///
/// The engine is `no_std`, so none of wasi-libc's start files are wanted. The stack is linked first, so that an
/// overflow traps instead of reaching data, and is kept small: a host holds one instance for each connection.
const RUSTFLAGS: [&str; 3] = [
    "-Ctarget-feature=+simd128",
    "-Clink-self-contained=no",
    "-Clink-arg=-zstack-size=65536",
];

/// What separates flags in `CARGO_ENCODED_RUSTFLAGS`.
const FLAG_SEPARATOR: &str = "\x1f";

/// Which component.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The one to use.
    Normal,
    /// The one without permessage-deflate, for hosts that don't want it: it is smaller.
    WithoutDeflate,
    /// The one that misbehaves when told to, for the sandbox tests.
    Misbehave,
    /// One that breaks a rule, for tests of the tests: the engine's feature for this fault.
    Broken(&'static str),
}

impl Kind {
    fn features(self) -> String {
        match self {
            Self::Normal => "component,deflate".into(),
            Self::WithoutDeflate => "component".into(),
            Self::Misbehave => "misbehave,deflate".into(),
            Self::Broken(fault) => format!("component,deflate,{fault}"),
        }
    }

    fn file_name(self) -> String {
        match self {
            Self::Normal => "websocket.wasm".into(),
            Self::WithoutDeflate => "websocket-without-deflate.wasm".into(),
            Self::Misbehave => "websocket-misbehave.wasm".into(),
            Self::Broken(fault) => format!("websocket-{fault}.wasm"),
        }
    }
}

/// Builds a component, checks it, says where it is, and returns its absolute path.
pub(crate) fn build(kind: Kind) -> Result<PathBuf> {
    let toolchain = toolchain::find_or_install()?;
    // A target folder of its own: the component's compiler and flags must not rebuild the hosts.
    let folder = shell::root()?.join("target").join("component");
    compile(kind, &toolchain, &folder)?;

    let built = folder
        .join(toolchain::TARGET)
        .join("component")
        .join("websocket_component.wasm");
    let wasm = fs::read(&built).with_context(|| format!("can't read {}", built.display()))?;
    imports::check_none(&wasm)?;

    let path = folder.join(kind.file_name());
    put(&path, &wasm).with_context(|| format!("can't write {}", path.display()))?;
    println!("{}: {} bytes, no imports", path.display(), wasm.len());
    Ok(path)
}

fn compile(kind: Kind, toolchain: &Toolchain, folder: &Path) -> Result<()> {
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
        &kind.features(),
        "--profile",
        "component",
        "--target",
        toolchain::TARGET,
    ]);
    cargo.arg("--target-dir").arg(folder);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join(FLAG_SEPARATOR));
    toolchain.apply(&mut cargo)?;
    shell::run(&mut cargo).context("the component was not built")
}

/// Replaces a file in one go, so that a host that starts meanwhile never reads half of it.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}
