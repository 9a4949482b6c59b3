//! Servers that send everything back, compressed: each a process of its own.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use host_tests::gate::file;
use host_tests::process::Process;

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

/// Starts all of them.
pub(crate) fn start(component: &Path) -> Result<Vec<Server>> {
    let this = env::current_exe()?;
    let autobahn = this.with_file_name("autobahn-peer");
    ensure!(
        autobahn.is_file(),
        "there is no {}: run `cargo xtask bench`",
        autobahn.display()
    );
    let mut native = Command::new(&autobahn);
    native.args(["--engine", "native", "server"]);
    let mut sandbox = Command::new(&autobahn);
    sandbox.arg("--component").arg(component);
    sandbox.args(["--engine", "component", "server"]);
    let mut yawc = Command::new(&this);
    yawc.arg("--serve-yawc");
    let mut ws = Command::new("node");
    ws.args(["peers/deflate-server.mjs", "[{}]"]);
    ws.current_dir(file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node"));
    let mut websockets = Command::new(file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python"));
    websockets
        .arg(file("", "host-tests/python/deflate_server.py"))
        .arg("[{}]");

    let commands = [
        ("native engine", native),
        ("component in sandbox", sandbox),
        ("yawc", yawc),
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
