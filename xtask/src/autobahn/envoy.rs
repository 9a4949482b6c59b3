//! Envoy between the test suite and its peer, by the configuration that the filter is published with.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::background::Background;
use crate::shell;

/// Below the root.
const CONFIGURATION: &str = "envoy/config/http1.yaml";

/// The longest that Envoy may take to listen.
const START_TIME: Duration = Duration::from_secs(60);

/// Starts it in front of an upstream, with the filter or without. Returns it, and the URL to connect to.
pub(crate) fn start(
    program: &Path,
    folder: &Path,
    upstream: &str,
    filters: bool,
) -> Result<(Background, String)> {
    let root = shell::root()?;
    let published = root.join(CONFIGURATION);
    let published = fs::read_to_string(&published)
        .with_context(|| format!("can't read {}", published.display()))?;
    // It was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let text = configuration(&published, address, upstream, filters)?;
    fs::create_dir_all(folder)?;
    let file = folder.join("envoy.yaml");
    fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
    let mut envoy = Command::new(program);
    envoy
        .arg("-c")
        .arg(file)
        .args(["--concurrency", "1", "--log-level", "warning"])
        .args([
            "--component-log-level",
            "wasm:info",
            "--disable-hot-restart",
        ])
        // The filter is named from there.
        .current_dir(root);
    let mut envoy = Background::start(&mut envoy)?;
    envoy.listens(address, START_TIME)?;
    Ok((envoy, format!("ws://{address}")))
}

/// The published configuration with other addresses, and for the messages that the test suite sends.
fn configuration(
    published: &str,
    address: SocketAddr,
    upstream: &str,
    filters: bool,
) -> Result<String> {
    let port = |address: &str| -> Result<String> {
        let address = address.trim_start_matches("ws://").trim_end_matches('/');
        let address: SocketAddr = address.parse().context("no address of an upstream")?;
        Ok(format!("port_value: {}", address.port()))
    };
    let mut changes = vec![
        ("port_value: 9901", "port_value: 0".to_owned()),
        ("port_value: 10000", port(&address.to_string())?),
        ("port_value: 9001", port(upstream)?),
        // Messages are of up to 16 MiB; and a ping that the test suite hasn't asked for is an answer to it.
        (
            r#"{"max_message_bytes": 1048576, "ping_seconds": 30}"#,
            r#"{"max_message_bytes": 16777216}"#.to_owned(),
        ),
    ];
    if !filters {
        let name = "- name: websocket-filter\n";
        changes.push((name, format!("{name}            disabled: true\n")));
    }
    let mut text = published.to_owned();
    for (from, to) in changes {
        let count = text.matches(from).count();
        ensure!(
            count == 1,
            "{CONFIGURATION} has {from:?} {count} times, not once"
        );
        text = text.replace(from, &to);
    }
    Ok(text)
}
