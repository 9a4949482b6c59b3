//! Compares the component in wasmtime's component model with the same component as `websocket-host` calls it, through
//! the canonical ABI of its core module. The same calls have the same results, in every field.
#![cfg(feature = "component")]

mod arguments;
mod functions;
mod inspectors;
mod log;
mod model;
mod sessions;

use std::fs;
use std::path::{Path, PathBuf};

use host_tests::sandboxed::{component_path, sandbox};
use model::Model;

/// The peers' bytes in the fuzzing corpus.
fn said(by: &str) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(by);
    let entries = fs::read_dir(corpus).expect("a corpus is kept");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).expect("readable"))
        .collect()
}

/// Makes the calls in both APIs, and compares their results in order.
fn compare(what: &str, by_core: &[String], by_model: &[String]) {
    for (index, (core, model)) in by_core.iter().zip(by_model).enumerate() {
        assert_eq!(core, model, "{what}, call {index}");
    }
    assert_eq!(by_core.len(), by_model.len(), "{what}");
}

#[test]
fn sessions_have_the_same_results_whatever_their_peers_say() {
    let model = Model::load(&component_path());
    for (role, said_to) in [("server", said("server")), ("client", said("client"))] {
        for (index, said) in said_to.iter().enumerate() {
            let by_core = sessions::by_core(sandbox(), role, said);
            let by_model = sessions::by_model(&model, role, said);
            compare(&format!("{role} {index}"), &by_core, &by_model);
        }
    }
}

#[test]
fn each_function_of_a_session_has_the_same_result() {
    let model = Model::load(&component_path());
    let by_core = functions::by_core(sandbox());
    let by_model = functions::by_model(&model);
    compare("functions", &by_core, &by_model);
}

#[test]
fn inspectors_have_the_same_results_whatever_both_sides_say() {
    let model = Model::load(&component_path());
    for (index, said) in said("inspector").iter().enumerate() {
        let by_core = inspectors::by_core(sandbox(), said);
        let by_model = inspectors::by_model(&model, said);
        compare(&format!("inspector {index}"), &by_core, &by_model);
    }
}
