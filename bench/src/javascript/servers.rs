//! Echo servers in Node, each a process.

use std::process::Command;

use anyhow::{Context, Result};
use host_tests::process::Process;

use super::{OWN, WS, WS_NATIVE, folder};
use crate::deflate;
use crate::plan::Plan;
use crate::proxies::Proxy;

/// Those that are asked for, without compression.
pub(super) fn start(plan: &Plan) -> Result<Vec<Proxy>> {
    let asked = [OWN, WS, WS_NATIVE].into_iter();
    asked.filter(|name| plan.has(name)).map(server).collect()
}

/// Those that compress every message.
pub(super) fn compressing(plan: &Plan) -> Result<Vec<deflate::Server>> {
    let asked = [OWN, WS].into_iter().filter(|name| plan.has(name));
    asked
        .map(|name| {
            let process = process(name, &["deflate"])?;
            Ok(deflate::Server {
                name,
                address: process.address()?,
                process,
            })
        })
        .collect()
}

/// An echo server; the first line that it prints says where it listens, the second the version.
fn server(name: &'static str) -> Result<Proxy> {
    let process = process(name, &[])?;
    let address = process.address()?;
    let version = process.line()?.replace("version ", "");
    Ok(Proxy {
        name,
        version,
        address,
        process,
    })
}

fn process(name: &str, arguments: &[&str]) -> Result<Process> {
    let mut command = script("echo-server.mjs", name);
    Process::start(name, command.args(arguments))
        .context("run `cargo xtask bench`, which builds the package first")
}

/// A script of the package's tests, on one of the libraries.
pub(super) fn script(file: &str, library: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder());
    command.arg(format!("support/{file}"));
    if library == WS_NATIVE {
        command.arg(WS);
    } else {
        // It is installed for the other one.
        command.arg(library).env("WS_NO_BUFFER_UTIL", "1");
    }
    command
}
