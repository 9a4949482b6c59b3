//! Real clients and servers with the gate between them, all with their default settings: they offer permessage-deflate,
//! which the gate does not take up.

use std::io;
use std::process::Command;

use host_tests::gate::{Gate, component};
use host_tests::process::Process;

use crate::{alone, tools};

/// The client checks what it gets back. The server tells what it saw, a line each.
fn passes_through(client: Command, mut server: Command) -> io::Result<()> {
    let _alone = alone();
    let server = Process::start("the server", &mut server)?;
    let gate = Gate::before(
        server.address()?,
        &component(),
        &["--log", "warn", "--max-connections", "100"],
    )?;
    let mut client = client;
    client.arg(format!("ws://{}/chat?room=1", gate.address));
    tools::run("the client", client);

    for (code, reason) in [
        (4001, "the client has had enough"),
        (4002, "the server has had enough"),
    ] {
        let opened = server.line()?;
        for part in [
            r#""opened":"/chat?room=1""#,
            r#""header":"carried""#,
            r#""protocol":"echo""#,
            r#""extensions":"""#,
        ] {
            assert!(opened.contains(part), "no {part} in {opened}");
        }
        let closed = server.line()?;
        let expected = format!(r#"{{"closed":{code},"reason":"{reason}"}}"#);
        assert_eq!(closed, expected);
    }
    assert_eq!(gate.process.log(), "");
    Ok(())
}

#[test]
fn ws_to_ws() -> io::Result<()> {
    if tools::skipped("ws_to_ws") {
        return Ok(());
    }
    passes_through(tools::node("client.mjs"), tools::node("echo-server.mjs"))
}

#[test]
fn ws_to_python_websockets() -> io::Result<()> {
    if tools::skipped("ws_to_python_websockets") {
        return Ok(());
    }
    passes_through(tools::node("client.mjs"), tools::python("echo_server.py"))
}

#[test]
fn python_websockets_to_ws() -> io::Result<()> {
    if tools::skipped("python_websockets_to_ws") {
        return Ok(());
    }
    passes_through(tools::python("client.py"), tools::node("echo-server.mjs"))
}

#[test]
fn python_websockets_to_python_websockets() -> io::Result<()> {
    if tools::skipped("python_websockets_to_python_websockets") {
        return Ok(());
    }
    passes_through(tools::python("client.py"), tools::python("echo_server.py"))
}
