//! The commands that build and start the project's programs.

use std::ffi::OsString;

use anyhow::Result;

use crate::component::{self, Kind};
use crate::{filter, javascript, needs, shell, system};

/// Runs the gate: as a demonstration, or with the given arguments.
pub(crate) fn run_gate(args: Vec<OsString>) -> Result<()> {
    needs::compilers()?;
    let component = component::build(Kind::Normal)?;
    // The gate embeds it.
    let package = args.is_empty().then(|| javascript::build(&component));
    eprintln!("Building and starting the gate (the first build takes some minutes)");
    let mut cargo = shell::cargo();
    cargo.args(["run", "--release", "--bin", "wsgate", "--"]);
    if let Some(package) = package {
        cargo.arg("--demo");
        match package {
            Ok(package) => _ = cargo.arg("--page").arg(package.page),
            Err(error) => eprintln!("There will be no page: {error:#}"),
        }
    }
    cargo.args(args);
    shell::become_command(&mut cargo)
}

/// Builds the gate, and other programs with it.
pub(crate) fn build_with_gate(others: &[&str]) -> Result<()> {
    needs::compilers()?;
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--bin", "wsgate"]);
    cargo.args(others.iter().flat_map(|other| ["--bin", other]));
    shell::run(&mut cargo)
}

/// Builds what these hosts of the Autobahn test suite need, or all hosts, and runs it. The program refuses unknown
/// names.
pub(crate) fn run_autobahn(hosts: &[String], more: &[String]) -> Result<()> {
    let is_asked_for = |name: &str| hosts.is_empty() || hosts.iter().any(|host| host == name);
    let component = component::build(Kind::Normal)?;
    if is_asked_for("node") {
        javascript::install(&javascript::build(&component)?)?;
    }
    if is_asked_for("envoy") || is_asked_for("envoy-filter") {
        filter::build(false)?;
        needs::envoy()?;
    }
    autobahn(hosts, more)
}

/// Runs the Autobahn test suite against these hosts, or all hosts, which are already built.
pub(crate) fn autobahn(hosts: &[String], more: &[String]) -> Result<()> {
    let suite = needs::autobahn()?;
    build_with_gate(&["autobahn"])?;
    let mut cargo = shell::cargo();
    cargo.args(["run", "--release", "--bin", "autobahn", "--", "run"]);
    cargo.args(hosts.iter().flat_map(|host| ["--host", host]));
    shell::run(cargo.args(more).env("WEBSOCKET_TEST_AUTOBAHN", suite))
}

/// Runs the gate under attack.
pub(crate) fn run_soak(args: Vec<OsString>) -> Result<()> {
    let misbehaving = component::build(Kind::Misbehave)?;
    let component = component::build(Kind::Normal)?;
    eprintln!("Building the gate and its attackers (the first build takes some minutes)");
    build_with_gate(&["soak"])?;
    let mut cargo = shell::cargo();
    cargo
        .args(["run", "--release", "--bin", "soak", "--"])
        .args(args);
    cargo.env("WEBSOCKET_COMPONENT", component);
    cargo.env("WEBSOCKET_COMPONENT_MISBEHAVE", misbehaving);
    shell::become_command(&mut cargo)
}

/// Runs the benchmarks, with their peers.
pub(crate) fn run_bench(args: Vec<OsString>) -> Result<()> {
    let peers = needs::peers()?;
    let chromium = system::CHROMIUM.find_or_install()?;
    component::build(Kind::WithoutDeflate)?;
    let component = component::build(Kind::Normal)?;
    let filter = filter::build(false)?;
    let javascript = javascript::install(&javascript::build(&component)?)?;
    needs::proxies()?;
    eprintln!("Building and starting the benchmarks (the first build takes some minutes)");
    build_with_gate(&[])?;
    let mut bench = shell::cargo();
    bench.args(["run", "--release", "--bin", "bench", "--"]);
    bench.args(args);
    bench.env("WEBSOCKET_COMPONENT", component);
    bench.env("WEBSOCKET_FILTER", filter);
    bench.env("WEBSOCKET_TEST_PYTHON", peers.python);
    bench.env("WEBSOCKET_TEST_NODE_DIR", peers.node_folder);
    bench.env("WEBSOCKET_TEST_JS_DIR", javascript);
    bench.env("WEBSOCKET_TEST_CHROMIUM", chromium);
    shell::become_command(&mut bench)
}
