//! `--record`.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::{Value, json};
use websocket_component::Message;

use crate::peer::{Got, Peer, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE, command, component};

/// A path where nothing exists.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // From an earlier run.
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// The files of a folder, by name, and their lines.
fn recordings(folder: &Path) -> Vec<Vec<Value>> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let lines = |path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    files.into_iter().map(lines).collect()
}

/// The bytes in one direction on one side.
fn bytes(recording: &[Value], side: &str, way: &str) -> Vec<u8> {
    let lines = recording.iter();
    let lines = lines.filter(|line| line["side"] == side && line["way"] == way);
    lines
        .flat_map(|line| STANDARD.decode(line["bytes"].as_str().unwrap()).unwrap())
        .collect()
}

fn ends_with_a_close(bytes: &[u8], first: &[u8]) -> bool {
    bytes.starts_with(first) && bytes.windows(2).any(|pair| pair[0] == 0x88)
}

/// Stops the gate, which ends its recordings.
fn end(mut gate: Gate) -> Gate {
    gate.terminate();
    assert_eq!(gate.wait().code(), Some(0));
    gate
}

#[rstest]
fn what_goes_through_a_connection_is_recorded_on_both_sides(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let folder = folder(&format!("recordings-{mode}"));
    let upstream = Upstream::bind();
    for run in 1..=2 {
        let gate = Gate::in_mode(
            mode,
            upstream.address,
            &["--record", folder.to_str().unwrap()],
        );
        let (mut client, mut server) = pair(&gate, &upstream);
        let peer = client.stream.local_addr().unwrap().to_string();
        client.send(Message::Text("recorded"));
        assert_eq!(server.receive(), Got::Text("recorded".into()));
        client.send(Message::CloseWith(1000, b""));
        assert_eq!(server.receive(), Got::Close(1000, String::new()));
        assert_eq!(server.receive(), Got::End);
        drop((client, server));
        end(gate);

        // Those of earlier runs come first, and are left alone.
        let all = recordings(&folder);
        assert_eq!(all.len(), run);
        let recording = &all[run - 1];
        let first = json!({"recording": "wsgate", "version": 1, "peer": peer});
        assert_eq!(recording[0], first);
        let of = |side, way| bytes(recording, side, way);
        assert!(ends_with_a_close(&of("client", "in"), b"GET "));
        assert!(ends_with_a_close(&of("client", "out"), b"HTTP/1.1 101 "));
        assert!(ends_with_a_close(&of("upstream", "out"), b"GET "));
        assert!(ends_with_a_close(&of("upstream", "in"), b"HTTP/1.1 101 "));
        let last = recording.last().unwrap();
        assert_eq!((&last["end"], &last["missing"]), (&json!(true), &json!(0)));
    }
}

#[rstest]
fn connections_that_are_cut_off_at_the_end_have_whole_recordings(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let folder = folder(&format!("recordings-cut-{mode}"));
    let upstream = Upstream::bind();
    let arguments = [
        "--record",
        folder.to_str().unwrap(),
        "--shutdown-timeout",
        "1ms",
    ];
    let gate = Gate::in_mode(mode, upstream.address, &arguments);
    let _open: Vec<_> = (0..3).map(|_| pair(&gate, &upstream)).collect();
    end(gate);
    let all = recordings(&folder);
    assert_eq!(all.len(), 3);
    for recording in all {
        assert_eq!(recording.last().unwrap()["missing"], 0);
        assert!(bytes(&recording, "client", "out").starts_with(b"HTTP/1.1 101 "));
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_recordings() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder("recordings-private");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let inner = folder.join("inner");
    let arguments = ["--record", inner.to_str().unwrap()];
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &arguments);
    drop(pair(&gate, &upstream));
    let log = end(gate).log();
    assert!(!log.contains("folder of recordings"), "{log}");
    for path in [&folder, &inner] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    let file = fs::read_dir(&inner).unwrap().next().unwrap().unwrap();
    assert_eq!(mode(&file.path()), 0o600);

    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
    let gate = Gate::before(upstream.address, &arguments);
    let line = gate.logged(1, "folder of recordings");
    assert!(line.contains("WARN") && line.contains("755"), "{line}");
}

/// A limit on the size of files acts like a full disk.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_holds_up_nothing_and_files_say_what_is_missing() {
    let folder = folder("recordings-full");
    let upstream = Upstream::bind();
    let mut limited = std::process::Command::new("sh");
    // 8 MiB in blocks of 512 bytes. Without the signal, writing fails as on a disk that is full.
    let script = r#"trap "" XFSZ; ulimit -f 16384; exec "$0" "$@""#;
    limited.args(["-c", script]).arg(command().get_program());
    limited.arg("--component").arg(component());
    let url = format!("ws://{}", upstream.address);
    let arguments = ["--upstream", &url, "--record", folder.to_str().unwrap()];
    let gate = Gate::of(limited, &arguments);
    for _ in 0..2 {
        let (mut client, mut server) = pair(&gate, &upstream);
        for message in ["fits", &"doesn't fit".repeat(700_000), "fits again"] {
            std::thread::scope(|scope| {
                scope.spawn(|| client.send(Message::Text(message)));
                assert!(server.receive() == Got::Text(message.into()));
            });
        }
    }
    let log = end(gate).log();
    assert_eq!(log.matches("recordings are incomplete").count(), 1, "{log}");
    let all = recordings(&folder);
    assert_eq!(all.len(), 2);
    for recording in all {
        let last = recording.last().unwrap();
        assert!(last["end"] == true && last["why"].is_string(), "{last}");
        assert!(last["missing"].as_u64() >= Some(3), "{last}");
        assert!(last["missing_bytes"].as_u64() > Some(1 << 20), "{last}");
        // What came before was recorded: the handshake, and a message.
        assert!(bytes(&recording, "upstream", "out").starts_with(b"GET "));
        assert!(bytes(&recording, "client", "in").len() > 1 << 20);
    }
}

#[test]
fn a_folder_that_is_gone_is_a_warning_and_connections_go_on() {
    let folder = folder("recordings-gone");
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--record", folder.to_str().unwrap()]);
    fs::remove_dir_all(&folder).unwrap();
    for _ in 0..3 {
        let mut client = Peer::connect(&gate);
        let _server = upstream.open();
        client.opened();
    }
    gate.logged(1, "recordings are incomplete");
}
