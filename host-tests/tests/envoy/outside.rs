//! Real clients and servers with Envoy between them, all with their default settings.

use std::io;
use std::process::Command;

use host_tests::envoy::Http;
use host_tests::process::Process;
use host_tests::tools;
use rstest::rstest;
use serde_json::json;

use crate::proxy::{Proxy, Version};

fn client(name: &str) -> Command {
    match name {
        "ws" => tools::node("client.mjs"),
        _ => tools::python("client.py"),
    }
}

fn server(name: &str) -> Command {
    match name {
        "ws" => tools::node("echo-server.mjs"),
        _ => tools::python("echo_server.py"),
    }
}

#[rstest]
fn clients_and_servers_that_people_have_speak_through_the_filter(
    #[values("ws", "websockets")] from: &str,
    #[values("ws", "websockets")] to: &str,
) -> io::Result<()> {
    if Version::Latest.program().is_none() {
        return Ok(());
    }
    let server = Process::start("the server", &mut server(to))?;
    let Some(proxy) = Proxy::before(Version::Latest, server.address()?, |builder| builder) else {
        return Ok(());
    };
    let authority = proxy.envoy.address.to_string();
    tools::speak(
        client(from),
        &server,
        &format!("ws://{authority}"),
        "permessage-deflate",
    )?;
    for entry in proxy.envoy.access_log(2)? {
        assert_eq!(entry["ws_verdict"], "ok", "{entry}");
    }
    Ok(())
}

#[test]
fn they_speak_without_compression_if_the_filter_takes_it_out() -> io::Result<()> {
    if Version::Latest.program().is_none() {
        return Ok(());
    }
    let server = Process::start("the server", &mut server("ws"))?;
    let settings = json!({ "deflate": "strip" });
    let set = |builder: host_tests::envoy::Builder| builder.configuration(settings);
    let Some(proxy) = Proxy::before(Version::Latest, server.address()?, set) else {
        return Ok(());
    };
    let authority = proxy.envoy.address.to_string();
    tools::speak(
        client("websockets"),
        &server,
        &format!("ws://{authority}"),
        "",
    )
}

/// A server that accepts Chromium's offer.
fn server_for_chromium(name: &str) -> Command {
    let mut server = match name {
        "ws" => tools::node("deflate-server.mjs"),
        _ => tools::python("deflate_server.py"),
    };
    server.arg("[{}]");
    server
}

#[rstest]
fn chromium_speaks_through_the_filter(#[values("ws", "websockets")] to: &str) -> io::Result<()> {
    if Version::Latest.program().is_none() {
        return Ok(());
    }
    let server = Process::start("the server", &mut server_for_chromium(to))?;
    let Some(proxy) = Proxy::before(Version::Latest, server.address()?, |builder| builder) else {
        return Ok(());
    };
    let mut browser = tools::node("deflate-browser.mjs");
    browser.arg(tools::chromium()).arg("1048576");
    browser.arg(format!("ws://{}/", proxy.envoy.address));
    tools::run("the browser", browser);
    assert_eq!(proxy.envoy.access_log(1)?[0]["ws_verdict"], "ok");
    Ok(())
}

#[test]
fn chromium_speaks_over_http2_and_tls_to_a_server_of_http1() -> io::Result<()> {
    if Version::Latest.program().is_none() {
        return Ok(());
    }
    let server = Process::start("the server", &mut server_for_chromium("ws"))?;
    let set = |builder: host_tests::envoy::Builder| builder.tls().downstream(Http::Two);
    let Some(proxy) = Proxy::before(Version::Latest, server.address()?, set) else {
        return Ok(());
    };
    let mut browser = tools::node("deflate-browser.mjs");
    browser.arg(tools::chromium()).arg("1048576");
    browser.arg(format!("wss://localhost:{}/", proxy.envoy.address.port()));
    tools::run("the browser", browser);
    // The page itself was answered over the same connection.
    let entries = proxy.envoy.access_log(2)?;
    let websockets: Vec<_> = entries
        .iter()
        .filter(|entry| entry["ws_verdict"] == "ok")
        .collect();
    assert_eq!(websockets.len(), 1, "{entries:?}");
    assert_eq!(websockets[0]["code"], 101);
    Ok(())
}
