//! Errors for wrong arguments, and when the program can't run: one line, and an exit status.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use crate::process::{Gate, command, component, fails};

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
    assert!(fails(2, &["--upstream", "wss://example.com:0"]).contains("no port 0"));
    assert!(fails(2, &["--demo", "--tls-key", "key.pem"]).contains("--tls-certificate"));
    assert!(fails(2, &["--upstream", "http://example.com"]).contains("ws://"));
    assert!(fails(2, &["--demo", "--listen", "8080"]).contains("--listen"));
    assert!(fails(2, &["--demo", "--max-message", "0"]).contains("from 1 B"));
    assert!(fails(2, &["--demo", "--whole-frames", "2MiB"]).contains("--memory"));
    assert!(fails(2, &["--demo", "--idle-timeout", "30"]).contains("500ms, 30s"));
    assert!(fails(2, &["--upstream", "/%63hat=ws://a"]).contains("\"/chat\""));
    let origin = |text| fails(2, &["--demo", "--origin", text]);
    assert!(origin("https://example.com/").contains("https://example.com (see wsgate"));
    assert!(origin("https://example.*").contains("https://*.example.com"));
    assert!(fails(2, &["--demo", "--unheard-of"]).contains("--unheard-of"));
}

#[test]
fn a_page_that_cannot_be_read_and_a_folder_that_cannot_be_made_are_status_1() {
    let with = |argument, path| Gate::refused(&["--demo", argument, path]);
    assert!(with("--page", "/no/page.html").contains("/no/page.html"));
    let file = component().join("recordings");
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

/// With `--help` after them, arguments are parsed and nothing is started.
#[test]
fn every_command_of_the_documents_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for document in ["README.md", "../README.md", "../docs/wsgate.md"] {
        let text = fs::read_to_string(folder.join(document)).unwrap();
        for block in text.split("```").skip(1).step_by(2) {
            let block = block.replace("\\\n", " ");
            let commands = block.lines().filter_map(|line| {
                let command = line.split_once("   #").map_or(line, |(command, _)| command);
                let command = command.trim_start_matches("target/release/");
                let arguments = command.strip_prefix("wsgate ");
                arguments.or_else(|| command.strip_prefix("cargo xtask run -- "))
            });
            for arguments in commands {
                count += 1;
                let mut gate = command();
                let gate = gate.args(arguments.split_whitespace()).arg("--help");
                let output = gate.output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{document}: {arguments}: {errors}");
            }
        }
    }
    assert!(count > 8, "{count} commands");
}

/// It is given no file.
#[test]
fn the_component_is_in_the_program() {
    Gate::of(command(), &["--demo"]);
}

#[test]
fn a_component_that_is_not_there_is_status_1() {
    let error = fails(1, &["--component", "/nowhere/websocket.wasm", "--demo"]);
    assert!(error.contains("/nowhere/websocket.wasm"), "{error}");
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
        error.contains("websocket:protocol/session@0.2.0"),
        "{error}"
    );
    // Another version of the contract: its name has the same length.
    let version = whole.windows(5).enumerate();
    let at: Vec<usize> = version
        .filter(|(_, bytes)| bytes == b"0.2.0")
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

#[test]
fn an_address_that_is_wrong_is_status_2_and_names_the_form_that_is_right() {
    let wrong = |address| fails(2, &["--demo", "--listen", address]);
    for (address, form) in [
        ("8080", "127.0.0.1:8080 or [::1]:8080"),
        ("localhost:8080", "127.0.0.1:8080 or [::1]:8080"),
        ("::1", "[::1]:8080"),
    ] {
        let error = wrong(address);
        assert!(
            error.contains("--listen") && error.contains(form),
            "{error}"
        );
    }
}

#[test]
fn a_gate_listens_on_several_addresses_and_names_them_all() {
    let addresses = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let mut gate = Gate::start(&[&["--demo"], &addresses[..]].concat());
    let listening = gate.listening();
    assert_eq!(listening.len(), 3);
    for address in listening {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"nonsense\r\n\r\n").unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    }
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    gate.logged(1, "ended connections=3");
}

#[cfg(unix)]
#[test]
fn a_limit_of_open_files_that_is_too_small_is_a_warning_at_the_start() {
    let start = |files: &str, arguments: &[&str]| {
        let mut limited = std::process::Command::new("sh");
        let script = format!(r#"ulimit -n {files}; exec "$0" "$@""#);
        limited.args(["-c", &script]).arg(command().get_program());
        limited.arg("--component").arg(component());
        let upstream = ["--upstream", "ws://127.0.0.1:9"];
        let mut gate = Gate::of(limited, &[&upstream, arguments].concat());
        gate.terminate();
        gate.wait();
        gate.logged(1, "ended connections");
        gate.log()
    };
    let log = start("200", &["--max-connections", "1000"]);
    let line = log.lines().next().unwrap();
    for word in ["WARN", "limit=200", "needed=2128", "max_connections=1000"] {
        assert!(line.contains(word), "{word}: {line}");
    }
    let log = start("200", &["--max-connections", "10"]);
    assert!(!log.contains("WARN"), "{log}");
}
