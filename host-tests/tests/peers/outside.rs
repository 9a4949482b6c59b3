//! Real clients and servers with the gate between them, all with their default settings: they offer permessage-deflate,
//! which is negotiated end to end where the gate inspects, and which it declines where it terminates.

use std::io;
use std::process::Command;

use host_tests::gate::{Gate, component};
use host_tests::process::Process;
use host_tests::tools;
use rstest::rstest;

use crate::alone;

/// The extensions that both sides negotiate in this mode.
pub(crate) fn extension(mode: &str) -> &'static str {
    match mode {
        "inspect" => "permessage-deflate",
        _ => "",
    }
}

/// The client checks its echoes. The server prints a line for each message.
fn passes_through(mode: &str, client: Command, mut server: Command) -> io::Result<()> {
    let _alone = alone();
    let server = Process::start("the server", &mut server)?;
    let gate = Gate::before(
        server.address()?,
        &component(),
        &["--log", "warn", "--max-connections", "100", "--mode", mode],
    )?;
    let url = format!("ws://{}", gate.address);
    tools::speak(client, &server, &url, extension(mode))?;
    assert_eq!(gate.process.log(), "");
    Ok(())
}

#[rstest]
fn ws_to_ws(#[values("inspect", "terminate")] mode: &str) -> io::Result<()> {
    if tools::skipped("ws_to_ws") {
        return Ok(());
    }
    passes_through(
        mode,
        tools::node("client.mjs"),
        tools::node("echo-server.mjs"),
    )
}

#[rstest]
fn ws_to_python_websockets(#[values("inspect", "terminate")] mode: &str) -> io::Result<()> {
    if tools::skipped("ws_to_python_websockets") {
        return Ok(());
    }
    passes_through(
        mode,
        tools::node("client.mjs"),
        tools::python("echo_server.py"),
    )
}

#[rstest]
fn python_websockets_to_ws(#[values("inspect", "terminate")] mode: &str) -> io::Result<()> {
    if tools::skipped("python_websockets_to_ws") {
        return Ok(());
    }
    passes_through(
        mode,
        tools::python("client.py"),
        tools::node("echo-server.mjs"),
    )
}

#[rstest]
fn python_websockets_to_python_websockets(
    #[values("inspect", "terminate")] mode: &str,
) -> io::Result<()> {
    if tools::skipped("python_websockets_to_python_websockets") {
        return Ok(());
    }
    passes_through(
        mode,
        tools::python("client.py"),
        tools::python("echo_server.py"),
    )
}
