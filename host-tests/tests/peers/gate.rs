//! The gate as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;

/// A gate that listens on a port of its own, and ends when it is dropped.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Gate {
    /// Starts a gate with the component of this build, and these arguments.
    pub(crate) fn start(component: &Path, arguments: &[&str]) -> Gate {
        assert!(
            component.is_file(),
            "there is no component at {}: run `cargo xtask component`",
            component.display()
        );
        let mut command = Command::new(binary());
        command.arg("--component").arg(component);
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("NO_COLOR", "1");
        let process = Process::start("the gate", &mut command);
        let address = process.address();
        Gate { address, process }
    }

    /// In front of an upstream at this address.
    pub(crate) fn before(upstream: SocketAddr, component: &Path, arguments: &[&str]) -> Gate {
        let upstream = format!("ws://{upstream}");
        let arguments = [&["--upstream", &upstream], arguments].concat();
        Gate::start(component, &arguments)
    }
}

/// A file that a variable names, or where `cargo xtask` puts it.
pub(crate) fn file(variable: &str, below_root: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => root().join(below_root),
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("this package is in the workspace")
}

/// The component that the gate is tested with.
pub(crate) fn component() -> PathBuf {
    file("WEBSOCKET_COMPONENT", "target/component/websocket.wasm")
}

/// The gate of this build: cargo puts it beside the folder of the test's own file.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("it is in a folder of cargo's");
    let binary = folder.join(format!("wsgate{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.is_file(),
        "{} is missing: run `cargo build --release --package wsgate`",
        binary.display()
    );
    binary
}
