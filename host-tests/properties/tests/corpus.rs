//! Every input that fuzzing has kept, and every one that once showed something, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use properties::ALL;

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

/// Runs a property on all inputs of its target; the path of each is printed if it panics.
fn replay(name: &str) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let property = ALL.iter().find(|property| property.name == name).unwrap();
    let corpus = inputs(&fuzz.join("corpus").join(name));
    assert!(!corpus.is_empty(), "no corpus is kept for {name}");
    let regressions = inputs(&fuzz.join("regressions").join(name));
    for path in corpus.iter().chain(&regressions) {
        println!("{}", path.display());
        (property.holds)(&fs::read(path).unwrap());
    }
}

#[test]
fn a_server_whatever_its_peer_says() {
    replay("server");
}

#[test]
fn a_client_whatever_its_peer_says() {
    replay("client");
}

#[test]
fn a_client_and_a_server_whatever_their_hosts_do() {
    replay("operations");
}

#[test]
fn an_inspector_whatever_both_sides_say() {
    replay("inspector");
}

#[test]
fn the_engine_beside_two_other_libraries() {
    replay("differential");
}

#[cfg(feature = "component")]
#[test]
fn the_component_beside_the_native_engine() {
    replay("component");
}
