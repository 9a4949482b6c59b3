//! The gate as a process.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;

/// A gate that listens on its own port, and ends when it is dropped.
#[derive(Debug)]
pub struct Gate {
    pub address: SocketAddr,
    pub process: Process,
}

impl Gate {
    /// Starts a gate with this component and these arguments.
    ///
    /// # Errors
    ///
    /// The component or the gate isn't built, or the gate doesn't start.
    pub fn start(component: &Path, arguments: &[&str]) -> io::Result<Gate> {
        if !component.is_file() {
            let path = component.display();
            let what = format!("there is no component at {path}: run `cargo xtask component`");
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        let mut command = Command::new(binary()?);
        command.arg("--component").arg(component);
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("NO_COLOR", "1");
        let process = Process::start("the gate", &mut command)?;
        let address = process.address()?;
        Ok(Gate { address, process })
    }

    /// Starts a gate in front of an upstream at this address.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn before(upstream: SocketAddr, component: &Path, arguments: &[&str]) -> io::Result<Gate> {
        let upstream = format!("ws://{upstream}");
        let arguments = [&["--upstream", &upstream], arguments].concat();
        Gate::start(component, &arguments)
    }
}

/// A file that a variable names, or where `cargo xtask` puts it.
#[must_use]
pub fn file(variable: &str, below_root: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => root().join(below_root),
    }
}

/// The folder of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The component that the gate is tested with.
#[must_use]
pub fn component() -> PathBuf {
    file("WEBSOCKET_COMPONENT", "target/component/websocket.wasm")
}

/// The component that traps, spins or exhausts memory when a text tells it to.
#[must_use]
pub fn misbehaving_component() -> PathBuf {
    file(
        "WEBSOCKET_COMPONENT_MISBEHAVE",
        "target/component/websocket-misbehave.wasm",
    )
}

/// The filter that Envoy is tested with.
#[must_use]
pub fn filter() -> PathBuf {
    file("WEBSOCKET_FILTER", "target/component/websocket-filter.wasm")
}

/// The one that traps when a request tells it to.
#[must_use]
pub fn misbehaving_filter() -> PathBuf {
    file(
        "WEBSOCKET_FILTER_MISBEHAVE",
        "target/component/websocket-filter-misbehave.wasm",
    )
}

/// The gate of this build: cargo puts it beside other programs, and above the folder of tests.
fn binary() -> io::Result<PathBuf> {
    let name = format!("wsgate{}", std::env::consts::EXE_SUFFIX);
    let this = std::env::current_exe()?;
    let mut folders = this.ancestors().skip(1).take(2);
    folders
        .find_map(|folder| Some(folder.join(&name)).filter(|path| path.is_file()))
        .ok_or_else(|| {
            let what = format!("there is no {name}: run `cargo build --release --bin wsgate`");
            io::Error::new(io::ErrorKind::NotFound, what)
        })
}
