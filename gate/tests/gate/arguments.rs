//! What the program says to wrong arguments, and when it can't run: one line, and an exit status.

use std::net::TcpListener;
use std::path::PathBuf;

use crate::process::{command, component};

/// Runs the program, which has to fail with this status and one line.
fn fails(status: i32, arguments: &[&str]) -> String {
    let output = command().args(arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("wsgate: "), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// Fails with a file that isn't the component.
fn fails_with(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    fails(1, &["--component", path, "--upstream", "ws://127.0.0.1:9"])
}

#[test]
fn wrong_arguments_are_status_2() {
    assert!(fails(2, &[]).contains("--upstream"));
    assert!(fails(2, &["--upstream", "wss://example.com"]).contains("TLS isn't supported yet"));
    assert!(fails(2, &["--upstream", "http://example.com"]).contains("ws://"));
    assert!(fails(2, &["--demo", "--listen", "8080"]).contains("--listen"));
    assert!(fails(2, &["--demo", "--max-message", "0"]).contains("from 1 B"));
    assert!(fails(2, &["--demo", "--whole-frames", "2MiB"]).contains("--memory"));
    assert!(fails(2, &["--demo", "--idle-timeout", "30"]).contains("500ms, 30s"));
    assert!(fails(2, &["--upstream", "/%63hat=ws://a"]).contains("\"/chat\""));
    let origin = |text| fails(2, &["--demo", "--origin", text]);
    assert!(origin("https://example.com/").contains("https://example.com (wsgate"));
    assert!(origin("https://example.*").contains("https://*.example.com"));
    assert!(fails(2, &["--demo", "--unheard-of"]).contains("--unheard-of"));
}

#[test]
fn a_page_that_cannot_be_read_and_a_folder_that_cannot_be_made_are_status_1() {
    let component = component();
    let with = |argument, path| {
        fails(
            1,
            &[
                "--component",
                component.to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
                "--demo",
                argument,
                path,
            ],
        )
    };
    assert!(with("--page", "/no/page.html").contains("/no/page.html"));
    let file = component.join("recordings");
    let file = file.to_str().unwrap();
    assert!(with("--record", file).contains(file));
}

#[test]
fn help_and_version_are_status_0() {
    let help = command().arg("--help").output().unwrap();
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for word in [
        "--upstream",
        "--demo",
        "Examples:",
        "16MiB",
        "30s",
        "Exit status",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert!(
        command()
            .arg("--version")
            .output()
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn a_component_that_is_not_there_is_status_1() {
    let error = fails(1, &["--component", "/nowhere/websocket.wasm", "--demo"]);
    assert!(error.contains("/nowhere/websocket.wasm"), "{error}");
    let error = fails(1, &["--demo"]);
    assert!(error.contains("WEBSOCKET_COMPONENT"), "{error}");
}

#[test]
fn a_component_that_is_damaged_or_another_is_status_1() {
    let whole = std::fs::read(component()).unwrap();
    fails_with("short.wasm", &whole[..whole.len() / 2]);
    let mut damaged = whole.clone();
    damaged[100] ^= 0xff;
    fails_with("damaged.wasm", &damaged);
    fails_with("text.wasm", b"this is no component\n");
    fails_with("empty.wasm", b"");
    let error = fails_with("other.wasm", b"\0asm\x0d\0\x01\0");
    assert!(
        error.contains("websocket:protocol/session@0.1.0"),
        "{error}"
    );
    // Another version of the contract: its name has the same length.
    let version = whole.windows(5).enumerate();
    let at: Vec<usize> = version
        .filter(|(_, bytes)| bytes == b"0.1.0")
        .map(|(at, _)| at)
        .collect();
    let mut other = whole.clone();
    for at in at {
        other[at..at + 5].copy_from_slice(b"0.9.0");
    }
    let error = fails_with("version.wasm", &other);
    assert!(error.contains("0.9.0"), "{error}");
}

#[test]
fn a_port_in_use_is_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let component = component();
    let component = component.to_str().unwrap();
    let upstream = ["--component", component, "--upstream", "ws://127.0.0.1:9"];
    let error = fails(1, &[&upstream[..], &["--listen", &address]].concat());
    assert!(error.contains(&address), "{error}");
    assert!(error.contains("in use"), "{error}");
}
