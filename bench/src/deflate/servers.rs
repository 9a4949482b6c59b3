//! Servers that send everything back, compressed: each a process of its own.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::gate::file;
use host_tests::process::Process;

use super::echo::Library;

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

/// Starts all of them.
pub(crate) fn start(component: &Path) -> Result<Vec<Server>> {
    let this = env::current_exe()?;
    let serve = |library: Library| {
        let mut command = Command::new(&this);
        command.args(["--serve", library.name(), "--component"]);
        command.arg(component);
        command
    };
    let mut ws = Command::new("node");
    ws.args(["peers/deflate-server.mjs", "[{}]"]);
    ws.current_dir(file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node"));
    let mut websockets = Command::new(file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python"));
    websockets
        .arg(file("", "host-tests/python/deflate_server.py"))
        .arg("[{}]");

    let commands = [
        ("native engine", serve(Library::Native)),
        ("component in sandbox", serve(Library::Component)),
        ("yawc", serve(Library::Yawc)),
        ("ws", ws),
        ("websockets", websockets),
    ];
    commands
        .into_iter()
        .map(|(name, mut command)| {
            let process = Process::start(name, &mut command)
                .context("run `cargo xtask bench`, which installs the peers first")?;
            Ok(Server {
                name,
                address: process.address()?,
                process,
            })
        })
        .collect()
}
