//! `--record`.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use websocket_component::Message;

use crate::peer::{Got, Upstream, pair};
use crate::process::Gate;

/// What went one way on one side.
fn bytes(recording: &str, side: &str, way: &str) -> Vec<u8> {
    let marks = format!("\"side\":\"{side}\",\"way\":\"{way}\",\"bytes\":\"");
    let parts = recording.lines().filter_map(|line| line.split_once(&marks));
    let parts = parts.map(|(_, rest)| rest.strip_suffix("\"}").unwrap());
    parts
        .flat_map(|part| STANDARD.decode(part).unwrap())
        .collect()
}

fn ends_with_a_close(bytes: &[u8], first: &[u8]) -> bool {
    bytes.starts_with(first) && bytes.windows(2).any(|pair| pair[0] == 0x88)
}

#[test]
fn what_goes_through_a_connection_is_recorded_on_both_sides() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recordings");
    // Of an earlier run.
    let _ = fs::remove_dir_all(&folder);
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--record", folder.to_str().unwrap()]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::Text("recorded"));
    assert_eq!(server.receive(), Got::Text("recorded".into()));
    client.send(Message::CloseWith(1000, b""));
    assert_eq!(server.receive(), Got::Close(1000, String::new()));
    assert_eq!(server.receive(), Got::End);
    gate.logged(1, "closed");

    let recording = fs::read_to_string(folder.join("000001.jsonl")).unwrap();
    let head = recording.lines().next().unwrap();
    assert!(
        head.starts_with(r#"{"recording":"wsgate","version":1,"peer":"127.0.0.1:"#),
        "{head}"
    );
    let of = |side, way| bytes(&recording, side, way);
    assert!(ends_with_a_close(&of("client", "in"), b"GET "));
    assert!(ends_with_a_close(&of("client", "out"), b"HTTP/1.1 101 "));
    assert!(ends_with_a_close(&of("upstream", "out"), b"GET "));
    assert!(ends_with_a_close(&of("upstream", "in"), b"HTTP/1.1 101 "));
}
