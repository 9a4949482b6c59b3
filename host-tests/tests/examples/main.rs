//! The examples of `host/`, as their users run them.

#![cfg(all(feature = "component", feature = "processes"))]

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use host_tests::authority::{Authority, Issued};
use host_tests::process::Process;
use host_tests::tools;

const ANY_PORT: &str = "127.0.0.1:0";

/// An example, which `cargo test` builds beside the tests unless it is told to build only some of them.
fn example(name: &str) -> Command {
    let tests = env::current_exe().expect("the test's program");
    let built = tests.ancestors().nth(2).map(PathBuf::from);
    let program = built.unwrap_or_default().join("examples").join(name);
    assert!(
        program.is_file(),
        "there is no {}: run `cargo build --release --workspace --examples`",
        program.display()
    );
    Command::new(program)
}

/// Starts an example that is a server. Returns its URL, too.
fn serving(name: &str, arguments: &[&str]) -> io::Result<(Process, String)> {
    let server = Process::start(name, example(name).args(arguments))?;
    let url = server.line()?;
    Ok((server, url))
}

/// Returns the answers to the client's example.
fn answered(arguments: &[&str]) -> String {
    let output = example("connect").args(arguments).output();
    let output = output.expect("the client starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a page in Chromium as `peers/examples.mjs` says.
fn browse(what: &str, url: &str) {
    let mut browser = tools::node("examples.mjs");
    browser.args([what, url]).arg(tools::chromium());
    tools::run("the browser", browser);
}

fn issued() -> io::Result<(Authority, Issued)> {
    let authority = Authority::new()?;
    let issued = authority.issue("a", &["localhost", "127.0.0.1"])?;
    Ok((authority, issued))
}

#[test]
fn the_client_has_its_line_sent_back_over_tls() -> io::Result<()> {
    if tools::skipped("the_client_has_its_line_sent_back_over_tls") {
        return Ok(());
    }
    let (authority, issued) = issued()?;
    let mut server = tools::node("echo-server.mjs");
    server.args([issued.certificate(), issued.key()]);
    let server = Process::start("the server", &mut server)?;
    let url = format!("wss://localhost:{}/", server.address()?.port());
    assert_eq!(answered(&[&url, "hello", &authority.path()]), "hello\n");
    Ok(())
}

#[test]
fn a_relay_leads_to_a_server_whose_connections_share_guests() -> io::Result<()> {
    let (_server, url) = serving("shared", &[ANY_PORT])?;
    let (_relay, url) = serving("forward", &[&url, ANY_PORT])?;
    for line in ["one", "zażółć"] {
        assert_eq!(answered(&[&url, line]), format!("{line}\n"));
    }
    Ok(())
}

#[test]
fn a_server_beside_a_wasi_component_answers_with_what_that_tells() -> io::Result<()> {
    let (_server, url) = serving("wasi", &[ANY_PORT])?;
    let time = answered(&[&url, "how long?"]);
    assert!(time.ends_with("s\n"), "{time}");
    let number = time.trim_end_matches(|end: char| !end.is_ascii_digit());
    assert!(number.parse().is_ok_and(|time: f64| time > 0.0), "{time}");
    Ok(())
}

#[test]
fn a_server_of_hyper_s_sends_back_what_chromium_sends_over_http_1() -> io::Result<()> {
    let (_server, url) = serving("hyper", &[ANY_PORT])?;
    assert_eq!(answered(&[&url, "hello"]), "hello\n");
    if !tools::skipped("a_server_of_hyper_s_sends_back_what_chromium_sends_over_http_1") {
        browse("echo", &url);
    }
    Ok(())
}

#[test]
fn two_pages_in_chromium_chat_with_each_other_through_axum() -> io::Result<()> {
    if tools::skipped("two_pages_in_chromium_chat_with_each_other_through_axum") {
        return Ok(());
    }
    let (_server, url) = serving("chat", &[ANY_PORT])?;
    browse("chat", &url);
    Ok(())
}

#[test]
fn chromium_opens_a_websocket_on_the_connection_of_http_2_that_it_got_the_page_over()
-> io::Result<()> {
    let name = "chromium_opens_a_websocket_on_the_connection_of_http_2_that_it_got_the_page_over";
    if tools::skipped(name) {
        return Ok(());
    }
    let (_authority, issued) = issued()?;
    let arguments = [issued.certificate(), issued.key(), ANY_PORT];
    let (_server, url) = serving("http2", &arguments)?;
    browse("http2", &url);
    Ok(())
}
