//! Checks the dependencies of `websocket-host` by its features against its README, and the features that wasmtime is
//! built with.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// The crates that a row of the table can name.
const NAMED: [&str; 6] = [
    "wasmtime",
    "tokio",
    "rustls",
    "hyper",
    "axum-core",
    "zlib-rs",
];

/// The crates that are built with these features, without versions.
fn crates(features: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--package", "websocket-host", "--edges", "normal"]);
    cargo.args(["--prefix", "none", "--no-dedupe", "--no-default-features"]);
    cargo.args(["--features", features]);
    let output = cargo.output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let tree = String::from_utf8_lossy(&output.stdout);
    let name = |line: &str| line.split(" (").next().unwrap_or(line).to_owned();
    tree.lines().map(name).collect()
}

#[test]
fn the_features_of_the_host_bring_along_what_its_readme_says() {
    let readme = include_str!("../../host/README.md");
    let (_, table) = readme
        .split_once("| features | crates | with |\n")
        .expect("a table");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let mut checked = 0;
    for row in rows {
        let [features, count, with] = row.trim_matches('|').split('|').collect::<Vec<_>>()[..]
        else {
            panic!("{row}");
        };
        let features: Vec<&str> = features.split('`').skip(1).step_by(2).collect();
        let built = crates(&features.join(","));
        assert_eq!(count.trim(), built.len().to_string(), "{row}");
        let is_built = |name: &&str| {
            let prefix = format!("{name} v");
            built.iter().any(|built| built.starts_with(&prefix))
        };
        let named: Vec<&str> = with.trim().split(", ").collect();
        let found: Vec<&str> = NAMED.into_iter().filter(is_built).collect();
        assert_eq!(named, found, "{row}");
        checked += 1;
    }
    assert!(checked > 3, "{checked} rows");
}

/// Returns wasmtime's packages with their features, when the whole workspace is built like this.
fn wasmtime(command: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(command);
    cargo.args([
        "--release",
        "--workspace",
        "--unit-graph",
        "-Z",
        "unstable-options",
    ]);
    // The unit graph is unstable, but nothing else tells the features of host and target apart.
    let output = cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let graph: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let units = graph["units"].as_array().expect("units");
    let is_wasmtime =
        |unit: &Value| unit["target"]["name"] == "wasmtime" && unit["mode"] == "build";
    let mut waiting: Vec<usize> = (0..units.len())
        .filter(|index| is_wasmtime(&units[*index]))
        .collect();
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    while let Some(index) = waiting.pop() {
        if !seen.insert(index) {
            continue;
        }
        let unit = &units[index];
        found.insert(format!(
            "{} {} {}",
            unit["pkg_id"], unit["mode"], unit["features"]
        ));
        let needed = unit["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter();
        waiting.extend(needed.filter_map(|needed| usize::try_from(needed["index"].as_u64()?).ok()));
    }
    found
}

#[test]
fn wasmtime_is_built_with_the_same_features_for_programs_as_for_tests() {
    let (programs, tests) = (
        wasmtime(&["build", "--bins"]),
        wasmtime(&["test", "--no-run"]),
    );
    assert!(programs.len() > 50, "{programs:?}");
    assert_eq!(programs, tests);
}
