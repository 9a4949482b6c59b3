//! Checks dependencies: packages only as ARCHITECTURE.md draws them, the layers of the engine only downwards, no
//! cycles.

mod circles;
mod modules;
#[path = "../tree/mod.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use circles::circles;
use modules::{Graph, Module};
use serde_json::Value;
use tree::{root, text_of};

/// The layers of the engine from above, as ARCHITECTURE.md lists them; those in a row are one layer.
const LAYERS: [&[&str]; 9] = [
    &["component"],
    &["inspector"],
    &["session"],
    &["stream"],
    &["deflate"],
    &["handshake"],
    &["http"],
    &["frame"],
    &["error", "failure", "limits"],
];

/// Modules in no layer: builds for tests, and the allocator's C names.
const BESIDE: [&str; 3] = ["c_allocator", "faults", "misbehave"];

/// The packages of the workspace, with those that each needs to be built.
fn packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success());
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<String> = packages
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    let described = packages.iter().map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let needed = dependencies.iter().filter(|needed| needed["kind"] != "dev");
        let needed = needed.map(|needed| text(&needed["name"]));
        let needed = needed.filter(|name| names.contains(name)).collect();
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let folder = manifest
            .parent()
            .and_then(|folder| folder.strip_prefix(root()).ok());
        let folder = folder.expect("it is below the root").to_owned();
        (text(&package["name"]), (folder, needed))
    });
    described.collect()
}

/// The arrows of the picture in ARCHITECTURE.md, `a --> b` or `a --> b & c`; nodes are `name` or `name["what"]`.
fn drawn() -> BTreeSet<(String, String)> {
    let document = text_of(root().join("ARCHITECTURE.md"));
    let (_, picture) = document.split_once("```mermaid\n").expect("a picture");
    let (picture, _) = picture.split_once("```").expect("its end");
    let name = |node: &str| node.split('[').next().unwrap_or_default().trim().to_owned();
    let mut arrows = BTreeSet::new();
    for line in picture.lines() {
        if let Some((from, to)) = line.split_once(" --> ") {
            arrows.extend(to.split('&').map(|to| (name(from), name(to))));
        }
    }
    arrows
}

#[test]
fn packages_use_each_other_as_the_picture_in_architecture_has_it() {
    let used = packages()
        .into_iter()
        .flat_map(|(from, (_, needed))| needed.into_iter().map(move |to| (from.clone(), to)));
    let used: BTreeSet<(String, String)> = used.collect();
    assert_eq!(used, drawn());
}

#[test]
fn no_layer_of_the_engine_uses_one_above_it() {
    let graph = Graph::of(Path::new("src"));
    let place = |module: &Module| {
        let name = module.first()?;
        LAYERS
            .iter()
            .position(|layer| layer.contains(&name.as_str()))
    };
    let mut checked = 0;
    for (from, to) in graph.arrows() {
        let (Some(above), Some(below)) = (place(from), place(to)) else {
            let is_beside = |module: &Module| {
                module
                    .first()
                    .is_none_or(|name| BESIDE.contains(&name.as_str()))
            };
            assert!(
                is_beside(from) || is_beside(to),
                "{from:?} or {to:?} is in no layer"
            );
            continue;
        };
        assert!(above <= below, "{} uses {}", from.join("::"), to.join("::"));
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}

/// A folder's `mod.rs` may use what is in it, and what is in it may use the folder's own; all others have one direction.
#[test]
fn no_modules_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (name, (folder, _)) in packages() {
        let graph = Graph::of(&folder.join("src"));
        assert!(!graph.is_empty(), "{name} has no modules");
        let beside =
            |(from, to): &(&Module, &Module)| !from.starts_with(to) && !to.starts_with(from);
        let files = graph
            .arrows()
            .filter(beside)
            .map(|(from, to)| (from.clone(), to.clone()));
        found.extend(
            circles(files)
                .into_iter()
                .map(|circle| format!("{name}: {circle}")),
        );
        // The same of folders, in which what is in them counts as theirs, beside others of their folder.
        let deepest = graph
            .arrows()
            .map(|(from, _)| from.len())
            .max()
            .unwrap_or(0);
        for depth in 0..deepest {
            let folders = graph.arrows().filter_map(|(from, to)| {
                let (above, below) = (from.get(..=depth)?, to.get(..=depth)?);
                let is_beside = above[..depth] == below[..depth] && above != below;
                is_beside.then(|| (above.to_vec(), below.to_vec()))
            });
            found.extend(
                circles(folders)
                    .into_iter()
                    .map(|circle| format!("{name}: {circle}")),
            );
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
