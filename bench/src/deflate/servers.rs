//! Servers that send everything back, compressed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::gate::file;

use crate::servers::Server;
use crate::setting;

/// Starts all of them.
pub(super) fn start(component: &Path) -> Result<Vec<Server>> {
    let own = |name, library, package| {
        let version = setting::version(package);
        Server::own(name, version, &[library, "--deflate"], component)
    };
    let mut ws = Command::new("node");
    ws.args(["peers/deflate-server.mjs", "[{}]"]);
    ws.current_dir(file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node"));
    let mut websockets = Command::new(file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python"));
    websockets
        .arg(file("", "host-tests/python/deflate_server.py"))
        .arg("[{}]");
    let installed = |name, mut command| {
        Server::start(name, String::new(), &mut command)
            .context("run `cargo xtask bench`, which installs the peers first")
    };
    Ok(vec![
        own("native engine", "native", "websocket-component")?,
        own("component in sandbox", "component", "websocket-host")?,
        own("yawc", "yawc", "yawc")?,
        installed("ws", ws)?,
        installed("websockets", websockets)?,
    ])
}
