//! What `websocket-host` brings along, by its features: as its README has it. And with which features wasmtime is built.

use std::collections::BTreeSet;
use std::process::Command;

/// What a row of the table can name.
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

/// What wasmtime is built of in this workspace, over these kinds of dependencies: crates with their features.
fn wasmtime(edges: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--workspace", "--edges", edges, "--no-dedupe"]);
    cargo.args(["--prefix", "depth", "--format", " {p} {f}"]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success());
    let tree = String::from_utf8_lossy(&output.stdout);
    let nodes = tree.lines().filter_map(|line| {
        let (depth, node) = line.split_once(' ')?;
        Some((depth.parse::<u32>().ok()?, node))
    });
    let mut above = None;
    let below = nodes.filter(|(depth, node)| {
        above = above.filter(|above| depth > above);
        if above.is_none() && node.starts_with("wasmtime v") {
            above = Some(*depth);
        }
        above.is_some()
    });
    below.map(|(_, node)| node.to_owned()).collect()
}

#[test]
fn wasmtime_is_built_with_the_same_features_for_programs_as_for_tests() {
    let (programs, tests) = (wasmtime("normal,build"), wasmtime("normal,build,dev"));
    assert!(programs.len() > 50, "{programs:?}");
    // Tests have macros besides, which are built of some of the same with fewer features.
    let others: Vec<_> = programs.difference(&tests).collect();
    assert!(others.is_empty(), "{others:#?}");
}
