//! That the benchmark runs and all outputs are right. How fast anything is is not a test's business.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_bench");
    Command::new(program)
        .args(args)
        .output()
        .expect("it starts")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_quick_run_checks_every_output_and_reports_every_cell() {
    let json = scratch("bench-smoke.json");
    let output = bench(&["--quick", "--json", json.to_str().expect("a plain path")]);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(
        text.contains("All outputs were checked and are right."),
        "{text}"
    );

    let report = fs::read(&json).expect("the report was written");
    let report: Value = serde_json::from_slice(&report).expect("it is JSON");
    let cells = report["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 35);
    for cell in cells {
        let subjects = cell["subjects"].as_array().expect("subjects");
        assert_eq!(subjects.len(), 5, "{cell}");
        for subject in subjects {
            assert!(
                subject["median_ns"].as_f64().is_some_and(|ns| ns > 0.0),
                "{subject}"
            );
        }
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let missing = scratch("no-such-component.wasm");
    let missing = missing.to_str().expect("a plain path");
    for (args, words) in [
        (["--component", missing], "no component"),
        (["--only", "no such cell"], "no comparison"),
        (["--subject", "no such subject"], "no subject"),
        (["--repetitions", "0"], "0"),
        (["--json", "/no/such/folder/bench.json"], "can't write"),
    ] {
        let output = bench(&args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        assert!(!errors.contains("panicked"), "{args:?}: {errors}");
    }
}
