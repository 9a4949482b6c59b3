//! `cargo xtask test`: everything a change has to pass, from a fresh clone, in one command.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::broken;
use crate::commands;
use crate::component::{self, Kind};
use crate::filter;
use crate::instructions;
use crate::javascript;
use crate::libtest;
use crate::needs::{self, Needs};
use crate::packages;
use crate::same_product;
use crate::shell;
use crate::steps::Steps;
use crate::system;

/// The engine with the bindings of the component, natively.
const BINDINGS: [&str; 2] = ["--features", "component"];

/// The components, as absolute paths.
struct Components {
    normal: PathBuf,
    without_deflate: PathBuf,
    misbehave: PathBuf,
}

/// The filters for Envoy, as absolute paths.
struct Filters {
    normal: PathBuf,
    misbehave: PathBuf,
}

/// The npm package, as absolute paths.
struct Package {
    page: PathBuf,
    /// The folder in which the npm package is installed, beside its tests.
    tests: PathBuf,
}

/// Runs all tests, or with `fast` those that need only Rust. Steps that depend on a failed one are left out.
pub(crate) fn run(fast: bool) -> Result<()> {
    let mut steps = Steps::new();
    if fast {
        run_fast(&mut steps)
    } else {
        run_all(&mut steps)
    };
    steps.finish()
}

fn run_fast(steps: &mut Steps) -> Option<()> {
    let components = steps.run("The component, and others for tests", build_components)?;
    steps.run("Engine, xtask, and what fuzzing has kept", test_engine);
    steps.run("Tests with the component: host, gate, peers", || {
        test_hosts(&components, None)
    })
}

fn run_all(steps: &mut Steps) -> Option<()> {
    system::list();
    let needs = steps.run("Install what the tests need", needs::install)?;
    // A formatting error is reported with everything else, not instead of it.
    steps.run("Formatting", check_formatting);
    steps.run("Lints", check_lints);
    let components = steps.run("The component, and others for tests", build_components)?;
    let filters = steps.run("The filter for Envoy", build_filters)?;
    let package = steps.run("The npm package and its page", || make_package(&components))?;
    steps.run("Engine, xtask, and what fuzzing has kept", test_engine);
    steps.run("The native engine, broken on purpose", || broken::run(true));
    let peers = Some((&needs, &filters, &package));
    steps.run("Tests with the component: host, gate, peers", || {
        test_hosts(&components, peers)
    });
    steps.run(
        "The crates, packed, and a program that has nothing else",
        packages::check,
    );
    steps.run("The component by the other toolchain", same_product::check);
    steps.run("Instruction counts", || instructions::run(false));
    steps.run("The component in Node", || test_node(&components, &needs));
    steps.run("The npm package, in Node and Chromium", || {
        test_package(&components, &package, &needs)
    });
    steps.run("Autobahn, the fast part", test_autobahn)
}

fn check_formatting() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
        .context("`cargo fmt` puts it right")
}

/// In release, like everything that contains wasmtime.
fn check_lints() -> Result<()> {
    let arguments = [
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    shell::run(shell::cargo().args(arguments))?;
    let mut cargo = shell::cargo();
    cargo.args(["doc", "--release", "--workspace", "--no-deps"]);
    shell::run(cargo.env("RUSTDOCFLAGS", "-Dwarnings"))?;
    // Features without others, and without wasmtime: in the whole workspace all of them are on.
    for features in ["stream", "rustls", "client", "axum,client,deflate,rustls"] {
        let mut cargo = shell::cargo();
        cargo.args([
            "clippy",
            "--package",
            "websocket-host",
            "--no-default-features",
        ]);
        shell::run(cargo.args(["--features", features, "--", "-D", "warnings"]))?;
    }
    // Only a module has the ABI of proxy-wasm.
    filter::check_lints()?;
    // Features that no other package of the workspace enables: the bindings of the component.
    let bindings = [
        "clippy",
        "--package",
        "websocket-component",
        "--all-targets",
    ];
    let mut cargo = shell::cargo();
    shell::run(
        cargo
            .args(bindings)
            .args(BINDINGS)
            .args(["--", "-D", "warnings"]),
    )
}

fn build_components() -> Result<Components> {
    let misbehave = component::build(Kind::Misbehave)?;
    Ok(Components {
        without_deflate: component::build(Kind::WithoutDeflate)?,
        normal: component::build(Kind::Normal)?,
        misbehave,
    })
}

fn build_filters() -> Result<Filters> {
    Ok(Filters {
        normal: filter::build(false)?,
        misbehave: filter::build(true)?,
    })
}

fn make_package(components: &Components) -> Result<Package> {
    let package = javascript::build(&components.normal)?;
    Ok(Package {
        tests: javascript::install(&package)?,
        page: package.page,
    })
}

/// In the dev profile: overflow checks and debug assertions are part of the test.
fn test_engine() -> Result<()> {
    let packages = [
        "websocket-component",
        "websocket-filter",
        "xtask",
        "properties",
    ];
    let packages = packages.map(|package| ["--package", package]);
    // Without its default features `properties` takes no wasmtime.
    let arguments = ["test", "--no-fail-fast", "--no-default-features"];
    libtest::run(shell::cargo().args(arguments).args(packages.as_flattened()))?;
    // The component's bindings, whose layout is tested. In a run of their own: `properties` doesn't build the engine with them.
    let mut cargo = shell::cargo();
    cargo.args(arguments).args(packages[0]).args(BINDINGS);
    libtest::run(cargo.args(["--lib", "component::"]))
}

fn test_hosts(components: &Components, peers: Option<(&Needs, &Filters, &Package)>) -> Result<()> {
    let mut cargo = shell::cargo();
    // All packages, as for the lints: a selection would have other features of shared crates, and build wasmtime once
    // more.
    cargo.args(["test", "--release", "--workspace", "--no-fail-fast"]);
    cargo.env("WEBSOCKET_COMPONENT", &components.normal);
    cargo.env(
        "WEBSOCKET_COMPONENT_WITHOUT_DEFLATE",
        &components.without_deflate,
    );
    cargo.env("WEBSOCKET_COMPONENT_MISBEHAVE", &components.misbehave);
    match peers {
        Some((needs, filters, package)) => {
            cargo.env("WEBSOCKET_TEST_PYTHON", &needs.peers.python);
            cargo.env("WEBSOCKET_TEST_NODE_DIR", &needs.peers.node_folder);
            cargo.env("WEBSOCKET_TEST_CHROMIUM", &needs.chromium);
            let [envoy, old_envoy] = &needs.envoys;
            cargo.env("WEBSOCKET_FILTER", &filters.normal);
            cargo.env("WEBSOCKET_FILTER_MISBEHAVE", &filters.misbehave);
            cargo.env("WEBSOCKET_TEST_ENVOY", envoy);
            cargo.env("WEBSOCKET_TEST_ENVOY_OLD", old_envoy);
            cargo.env("WEBSOCKET_TEST_PAGE", &package.page);
            cargo.env("WEBSOCKET_TEST_JS_DIR", &package.tests);
        }
        None => {
            cargo.env("WEBSOCKET_TEST_FAST", "1");
        }
    }
    libtest::run(&mut cargo)
}

fn test_node(components: &Components, needs: &Needs) -> Result<()> {
    let tests = needs::node_tests(&needs.peers.node_folder)?;
    let mut node = Command::new("node");
    node.arg("--test")
        .args(tests)
        .current_dir(&needs.peers.node_folder);
    shell::run(node.env("WEBSOCKET_COMPONENT", &components.normal))
}

fn test_package(components: &Components, package: &Package, needs: &Needs) -> Result<()> {
    let Components {
        normal, misbehave, ..
    } = components;
    javascript::test(&package.tests, normal, misbehave, &needs.chromium)
}

/// The fast cases on the component, through the gate and on the npm package.
fn test_autobahn() -> Result<()> {
    let hosts = ["component", "inspect", "terminate", "node"].map(str::to_owned);
    commands::autobahn(&hosts, &["--fast".to_owned()])
}
