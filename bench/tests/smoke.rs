//! Tests that the benchmark runs and all outputs are right, not how fast anything is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host_tests::tools::is_fast;
use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_bench");
    Command::new(program)
        .args(args)
        .output()
        .expect("it starts")
}

/// Runs the part that these arguments select, and returns its report.
fn quick_run(part: &str, chosen: &[&str]) -> Value {
    let json = scratch(&format!("bench-{part}.json"));
    let path = json.to_str().expect("a plain path");
    let output = bench(&[&[part, "--quick", "--json", path], chosen].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(
        text.contains("All outputs were checked and are right."),
        "{text}"
    );
    let report = fs::read(&json).expect("the report was written");
    let mut report: Value = serde_json::from_slice(&report).expect("it is JSON");
    report[part].take()
}

/// The values of a list.
fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Whether it is a number above 0.
fn is_positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number > 0.0)
}

/// Whether messages came back in every pass of a server.
fn has_carried(server: &Value) -> bool {
    let passes = list(&server["passes"]);
    !passes.is_empty() && passes.iter().all(|pass| is_positive(&pass["messages"]))
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_quick_run_of_messages_checks_every_output_and_reports_every_cell() {
    let report = quick_run("messages", &[]);
    let cells = list(&report["cells"]);
    assert_eq!(cells.len(), 12 * 7);
    for cell in cells {
        let subjects = list(&cell["subjects"]);
        assert_eq!(subjects.len(), 5, "{cell}");
        for subject in subjects {
            let times = list(&subject["times"]);
            assert_eq!(times.len(), 3, "{subject}");
            assert!(times.iter().all(is_positive), "{subject}");
        }
    }
}

#[test]
fn a_quick_run_of_the_sandbox_has_a_time_for_everything() {
    let report = quick_run("sandbox", &[]);
    let rows = list(&report["times"]);
    assert!(rows.len() > 6, "{rows:?}");
    for row in rows {
        assert!(is_positive(&row["times"][0]), "{row}");
    }
}

#[test]
fn a_quick_run_of_deflate_has_every_peer_and_every_window() {
    // `cargo xtask test --fast` has no other libraries' peers.
    if is_fast() {
        return;
    }
    let report = quick_run("deflate", &[]);
    let rows = list(&report["echo"]);
    assert_eq!(rows.len(), 3);
    for row in rows {
        let servers = list(&row["servers"]);
        assert_eq!(servers.len(), 5, "{row}");
        for server in servers {
            // Its name, and its passes.
            let pass = &server[1][0];
            let bytes = |name: &str| pass[name].as_f64().expect("bytes");
            assert!(bytes("written") > 0.0, "{server}");
            assert!(bytes("written") < 0.5 * bytes("bytes"), "{server}");
        }
    }
    let sessions = list(&report["sessions"]);
    assert_eq!(sessions.len(), 3);
    for session in sessions {
        let bytes = |name: &str| session[name].as_u64().expect("bytes");
        assert!(bytes("receiving") > 0, "{session}");
        // Without context takeover it keeps next to nothing.
        assert!(bytes("sending") > bytes("without_takeover"), "{session}");
    }
}

#[test]
fn a_quick_run_of_sockets_has_messages_through_every_proxy() {
    let report = quick_run("sockets", &[]);
    let cells = list(&report["cells"]);
    assert_eq!(cells.len(), 2 * 4 * 2);
    for cell in cells {
        let cell_of = &cell["cell"];
        let proxies = list(&cell["servers"]);
        let names: Vec<_> = proxies
            .iter()
            .filter_map(|proxy| proxy["name"].as_str())
            .collect();
        let always: &[&str] = match cell_of["is_secure"] == true {
            true => &["wsgate", "wsgate terminate"],
            false => &[
                "no proxy",
                "wsgate",
                "wsgate terminate",
                "wsgate, shared",
                "tokio-tungstenite",
            ],
        };
        assert!(names.starts_with(always), "{names:?}");
        for proxy in proxies {
            // In a tenth of a second not every proxy carries 256 KiB over each of 500 connections.
            let is_large = cell_of["size"] == 256 << 10;
            assert!(is_large || has_carried(proxy), "{proxy}");
        }
    }
}

#[test]
fn a_quick_run_of_streams_has_every_server_send_every_message_back() {
    let report = quick_run("streams", &[]);
    let cells = list(&report["cells"]);
    assert_eq!(cells.len(), 2 * 2 * 2);
    for cell in cells {
        let servers = list(&cell["servers"]);
        let direct = usize::from(cell["cell"]["is_secure"] != true);
        assert_eq!(servers.len(), direct + 3, "{cell}");
        for server in servers {
            assert!(has_carried(server), "{server}");
        }
    }
    let placements = list(&report["placements"]);
    assert_eq!(placements.len(), 6);
    for placement in placements {
        assert!(is_positive(&placement["bytes_each"]), "{placement}");
    }
}

#[test]
fn a_quick_run_of_scale_has_memory_and_times_of_the_gate() {
    let report = quick_run("scale", &[]);
    assert_eq!(report["connections"], 200);
    let gate = &report["proxies"][0];
    assert_eq!(gate["name"], "wsgate");
    assert!(is_positive(&gate["bytes_each"]), "{gate}");
    for start in list(&report["starts"]) {
        let time = |name: &str| start[name][0].as_f64().expect("a time");
        assert!(
            time("seconds_to_listen") < time("seconds_to_answer"),
            "{start}"
        );
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let missing = scratch("no-such-component.wasm");
    let missing = missing.to_str().expect("a plain path");
    for (args, words) in [
        (&["messages", "--component", missing][..], "no component"),
        (&["messages", "--only", "no such cell"], "no comparison"),
        (&["messages", "--subject", "no such subject"], "no subject"),
        (&["--repetitions", "0"], "0"),
        (&["--json", "/no/such/folder/bench.json"], "can't write"),
    ] {
        let output = bench(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        assert!(!errors.contains("panicked"), "{args:?}: {errors}");
    }
}

#[test]
fn a_quick_run_of_node_has_every_server_and_client_see_every_message_again() {
    if is_fast() {
        return;
    }
    let report = quick_run("node", &["--only", "1 KiB"]);
    for (part, count) in [("cells", 4), ("clients", 3)] {
        let cells = list(&report[part]);
        assert_eq!(cells.len(), 2);
        for cell in cells {
            let subjects = list(&cell["servers"]);
            assert_eq!(subjects.len(), count, "{cell}");
            assert!(subjects.iter().all(has_carried), "{cell}");
        }
    }
    let deflate = list(&report["deflate"]);
    assert_eq!(deflate.len(), 3);
    let messages = list(&report["messages"]);
    let messages: Vec<_> = messages
        .iter()
        .flat_map(|place| list(&place["rows"]))
        .collect();
    assert_eq!(messages.len(), 2 * 3 * 4);
    for message in messages {
        assert!(is_positive(&message["ns"]), "{message}");
    }
}
