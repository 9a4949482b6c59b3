//! Echo servers in Node, each a process.

use std::process::Command;

use anyhow::{Context, Result};

use super::{OWN, WS, WS_NATIVE, folder};
use crate::plan::Plan;
use crate::servers::Server;

/// One on each library, without compression.
pub(super) fn start(libraries: &[&'static str]) -> Result<Vec<Server>> {
    libraries.iter().map(|name| server(name, &[])).collect()
}

/// The selected libraries. The native add-on is left out, with a note, where there is none for this machine.
pub(super) fn libraries(plan: &Plan) -> Result<Vec<&'static str>> {
    let asked = [OWN, WS, WS_NATIVE]
        .into_iter()
        .filter(|name| plan.has(name));
    let mut libraries: Vec<_> = asked.collect();
    if libraries.contains(&WS_NATIVE) {
        let mut node = Command::new("node");
        let says = node
            .arg("support/native-add-on.mjs")
            .current_dir(folder())
            .output()?;
        if !says.status.success() {
            eprintln!(
                "{WS_NATIVE} is left out: {}",
                String::from_utf8_lossy(&says.stderr)
            );
            libraries.retain(|name| *name != WS_NATIVE);
        }
    }
    Ok(libraries)
}

/// Those that compress every message.
pub(super) fn compressing(plan: &Plan) -> Result<Vec<Server>> {
    let asked = [OWN, WS].into_iter().filter(|name| plan.has(name));
    asked.map(|name| server(name, &["deflate"])).collect()
}

/// An echo server; the first line that it prints says where it listens, the second the version.
fn server(name: &'static str, arguments: &[&str]) -> Result<Server> {
    let mut command = script("echo-server.mjs", name);
    let server = Server::start(name, String::new(), command.args(arguments))
        .context("run `cargo xtask bench`, which builds the package first")?;
    let version = server.process.line()?.replace("version ", "");
    Ok(Server { version, ..server })
}

/// A script of the package's tests, on one of the libraries.
pub(super) fn script(file: &str, library: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder());
    command.arg(format!("support/{file}"));
    if library == WS_NATIVE {
        command.arg(WS).env_remove("WS_NO_BUFFER_UTIL");
    } else {
        // It is installed for the other one.
        command.arg(library).env("WS_NO_BUFFER_UTIL", "1");
    }
    command
}
