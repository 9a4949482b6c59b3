//! Independent peers: Node, Python, and the browser.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::gate::file;
use crate::process::Process;

/// Whether the tests run without anything but Rust (`cargo xtask test --fast`), which is then said.
#[must_use]
pub fn skipped(test: &str) -> bool {
    if is_fast() {
        note_skipped(test, "outside peers");
    }
    is_fast()
}

/// The same, without saying so.
#[must_use]
pub fn is_fast() -> bool {
    std::env::var_os("WEBSOCKET_TEST_FAST").is_some_and(|value| value == "1")
}

/// Says that a test doesn't run, because this is missing.
pub fn note_skipped(test: &str, needs: &str) {
    // Not with a macro: what those write is shown for tests that fail only.
    let note = format!("SKIPPED: {test} needs {needs}: run `cargo xtask test`\n");
    let _ = std::io::stderr().write_all(note.as_bytes());
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
///
/// # Panics
///
/// If they aren't installed.
#[must_use]
pub fn node(script: &str) -> Command {
    let folder = node_folder();
    let mut command = Command::new("node");
    command.arg(format!("peers/{script}")).current_dir(folder);
    command
}

/// A peer of host-tests/python.
///
/// # Panics
///
/// If they aren't installed.
#[must_use]
pub fn python(script: &str) -> Command {
    let mut command = interpreter();
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/").to_owned() + script);
    command
}

/// A program that was installed beside those peers.
///
/// # Panics
///
/// If they aren't installed.
#[must_use]
pub fn python_module(name: &str) -> Command {
    let mut command = interpreter();
    command.args(["-m", name]);
    command
}

fn interpreter() -> Command {
    let python = file("WEBSOCKET_TEST_PYTHON", "target/python/bin/python");
    assert!(
        python.is_file(),
        "the Python peers are missing: run `cargo xtask test`"
    );
    Command::new(python)
}

/// The browser.
#[must_use]
pub fn chromium() -> PathBuf {
    let named = std::env::var_os("WEBSOCKET_TEST_CHROMIUM");
    named.map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from)
}

/// Runs a peer that has to end well.
///
/// # Panics
///
/// If it doesn't.
pub fn run(name: &str, mut command: Command) {
    let ended = Process::start(name, &mut command).and_then(Process::succeed);
    ended.unwrap_or_else(|error| panic!("{error}"));
}

/// Runs a client that checks the echoes of a server, and checks the lines in which the server reports what it received.
/// Both negotiate the extension of this name, if it isn't empty.
///
/// # Errors
///
/// The server says nothing more.
///
/// # Panics
///
/// If the client doesn't get what it should, or the server sees something else.
pub fn speak(mut client: Command, server: &Process, url: &str, extension: &str) -> io::Result<()> {
    client.arg(format!("{url}/chat?room=1"));
    client.arg(extension);
    run("the client", client);
    for (code, reason) in [
        (4001, "the client has had enough"),
        (4002, "the server has had enough"),
    ] {
        let opened = server.line()?;
        let agreed = match extension {
            "" => r#""extensions":"""#.to_owned(),
            extension => format!(r#""extensions":"{extension}"#),
        };
        for part in [
            r#""opened":"/chat?room=1""#,
            r#""header":"carried""#,
            r#""protocol":"echo""#,
            &agreed,
        ] {
            assert!(opened.contains(part), "no {part} in {opened}");
        }
        let closed = server.line()?;
        let expected = format!(r#"{{"closed":{code},"reason":"{reason}"}}"#);
        assert_eq!(closed, expected);
    }
    Ok(())
}
