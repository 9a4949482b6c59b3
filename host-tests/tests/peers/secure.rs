//! Real clients over TLS, and real servers that the gate reaches over TLS: all check names and issuers, and trust one
//! authority.

use std::io;
use std::process::Command;

use host_tests::authority::{Authority, Issued};
use host_tests::gate::{Gate, component, file, root};
use host_tests::process::Process;
use host_tests::tools;
use rstest::rstest;

use crate::alone;
use crate::outside::extension;

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A client that trusts an authority, by the variables of Node and of OpenSSL.
fn trusting(mut client: Command, authority: &Authority) -> Command {
    client
        .env("NODE_EXTRA_CA_CERTS", authority.path())
        .env("SSL_CERT_FILE", authority.path());
    client
}

/// A server with TLS.
fn showing(mut server: Command, issued: &Issued) -> Command {
    server.args([issued.certificate(), issued.key()]);
    server
}

/// The client checks its echoes. The server prints a line for each message.
fn passes_through(mode: &str, client: Command, server: Command) -> io::Result<()> {
    let _alone = alone();
    let authority = Authority::new()?;
    let issued = authority.issue("a", &NAMES)?;
    let server = Process::start("the server", &mut showing(server, &issued))?;
    let upstream = format!("wss://localhost:{}", server.address()?.port());
    let issuers = authority.path();
    let arguments = [
        &[
            "--upstream",
            &upstream,
            "--upstream-ca",
            &issuers,
            "--mode",
            mode,
        ][..],
        &["--log", "warn", "--max-connections", "100"],
        &issued.arguments(),
    ];
    let gate = Gate::start(&component(), &arguments.concat())?;
    let client = trusting(client, &authority);
    let url = format!("wss://{}", gate.address);
    tools::speak(client, &server, &url, extension(mode))?;
    assert_eq!(gate.process.log(), "");
    Ok(())
}

#[rstest]
fn ws_over_tls_on_both_sides(#[values("inspect", "terminate")] mode: &str) -> io::Result<()> {
    if tools::skipped("ws_over_tls_on_both_sides") {
        return Ok(());
    }
    let server = tools::node("echo-server.mjs");
    passes_through(mode, tools::node("client.mjs"), server)
}

#[rstest]
fn python_websockets_over_tls_on_both_sides(
    #[values("inspect", "terminate")] mode: &str,
) -> io::Result<()> {
    if tools::skipped("python_websockets_over_tls_on_both_sides") {
        return Ok(());
    }
    let server = tools::python("echo_server.py");
    passes_through(mode, tools::python("client.py"), server)
}

/// A gate with an echo server, and with TLS.
fn demo(authority: &Authority, arguments: &[&str]) -> io::Result<Gate> {
    let issued = authority.issue("a", &NAMES)?;
    let always = ["--demo", "--log", "warn", "--max-connections", "100"];
    let arguments = [&always[..], &issued.arguments(), arguments].concat();
    Gate::start(&component(), &arguments)
}

#[rstest]
fn java_s_http_client_over_tls(#[values("inspect", "terminate")] mode: &str) -> io::Result<()> {
    if tools::skipped("java_s_http_client_over_tls") {
        return Ok(());
    }
    let _alone = alone();
    let authority = Authority::new()?;
    let gate = demo(&authority, &["--mode", mode])?;
    let mut client = Command::new("java");
    client
        .arg(root().join("host-tests/java/Client.java"))
        .arg(format!("wss://localhost:{}/", gate.address.port()))
        .arg(authority.path());
    tools::run("Java's client", client);
    assert_eq!(gate.process.log(), "");
    Ok(())
}

#[test]
fn chromium_over_tls() -> io::Result<()> {
    if tools::skipped("chromium_over_tls") {
        return Ok(());
    }
    let _alone = alone();
    let authority = Authority::new()?;
    let page = file("WEBSOCKET_TEST_PAGE", "js/inspector/dist/index.html");
    let page = page.to_str().unwrap_or_default();
    let gate = demo(&authority, &["--page", page])?;
    let mut browser = tools::node("browser.mjs");
    browser
        .arg(format!("https://{}/", gate.address))
        .arg(tools::chromium())
        .arg(root().join("target/screenshots/tls"));
    tools::run("the browser", browser);
    assert_eq!(gate.process.log(), "");
    Ok(())
}

/// By Mozilla's recommendations for public servers, and by known attacks.
#[test]
fn sslyze_finds_nothing() -> io::Result<()> {
    if tools::skipped("sslyze_finds_nothing") {
        return Ok(());
    }
    let _alone = alone();
    let authority = Authority::new()?;
    let gate = demo(&authority, &[])?;
    let mut sslyze = tools::python_module("sslyze");
    sslyze
        .args(["--mozilla_config", "intermediate", "--certinfo_ca_file"])
        .arg(authority.path())
        .arg(format!("localhost:{}:127.0.0.1", gate.address.port()));
    let output = sslyze.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(": OK - Compliant."), "{said}");
    let complaints = ["VULNERABLE", "FAILED -"].map(|word| {
        let lines = said.lines().filter(|line| line.contains(word));
        // Other programs don't trust an authority of a test.
        let lines = lines.filter(|line| !line.contains("CA Store"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(complaints.concat(), Vec::<String>::new(), "{said}");
    Ok(())
}
