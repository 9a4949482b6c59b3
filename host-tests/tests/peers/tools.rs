//! The outside peers: Node's, Python's, and the browser.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use host_tests::gate::file;
use host_tests::process::Process;

/// Whether the tests run without anything but Rust (`cargo xtask test --fast`), which is then said.
pub(crate) fn skipped(test: &str) -> bool {
    let fast = std::env::var_os("WEBSOCKET_TEST_FAST").is_some_and(|value| value == "1");
    if fast {
        // Not with a macro: what those write is shown for tests that fail only.
        let note = format!("SKIPPED: {test} needs outside peers: run `cargo xtask test`\n");
        let _ = std::io::stderr().write_all(note.as_bytes());
    }
    fast
}

/// The folder with the Node peers and their packages.
fn node_folder() -> PathBuf {
    let folder = file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node");
    assert!(
        folder.join("node_modules/ws").is_dir(),
        "the Node peers are missing: run `npm ci` in {}, or `cargo xtask test`",
        folder.display()
    );
    folder
}

/// A peer of host-tests/node/peers.
pub(crate) fn node(script: &str) -> Command {
    let folder = node_folder();
    let mut command = Command::new("node");
    command.arg(format!("peers/{script}")).current_dir(folder);
    command
}

/// A peer of host-tests/python.
pub(crate) fn python(script: &str) -> Command {
    let python = file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python");
    assert!(
        python.is_file(),
        "the Python peers are missing: run `cargo xtask test`"
    );
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/").to_owned() + script);
    command
}

/// The browser.
pub(crate) fn chromium() -> PathBuf {
    let named = std::env::var_os("WEBSOCKET_TEST_CHROMIUM");
    named.map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)
}

/// Runs a peer that has to end well.
pub(crate) fn run(name: &str, mut command: Command) {
    let ended = Process::start(name, &mut command).and_then(Process::succeed);
    ended.unwrap_or_else(|error| panic!("{error}"));
}
