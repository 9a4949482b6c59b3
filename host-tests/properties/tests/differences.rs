//! Each row of the table of differences: that the libraries differ so, and that docs/fuzzing.md says so.

use host_tests::Frame;
use host_tests::wire::{LengthForm, RSV1};
use properties::differential::{ROWS, rows_for};
use websocket_component::Role;

const LIMIT: usize = 1000;

/// What a client hears.
fn rows(bytes: &[u8]) -> Vec<&'static str> {
    rows_for(Role::Client, LIMIT, bytes)
}

#[test]
fn sound_conversations_differ_in_nothing() {
    let frames = [
        Frame::text("κόσ").not_last(),
        Frame::ping("?"),
        Frame::continuation("με"),
        Frame::pong("!"),
        Frame::binary([0; 126]),
        Frame::close(1000, "bye"),
    ];
    for role in host_tests::ROLES {
        let peer = role.peer();
        let bytes = host_tests::wire::bytes_of(&frames, peer);
        assert_eq!(rows_for(role, LIMIT, &bytes), [""; 0]);
    }
}

#[test]
fn codes_of_the_registry_differ_in_nothing() {
    let allowed = (1000..=1003).chain(1007..=1013).chain(3000..=4999);
    for code in allowed {
        assert_eq!(rows(&Frame::close(code, "").bytes()), [""; 0], "{code}");
    }
}

#[test]
fn tungstenite_takes_1014_for_a_forbidden_code() {
    let rows = rows(&Frame::close(1014, "").bytes());
    assert_eq!(rows, ["tungstenite takes 1014 for a forbidden code"]);
}

#[test]
fn tungstenite_takes_lengths_that_are_not_minimal() {
    let long = Frame::binary("x").bytes_with(LengthForm::Sixteen, 1);
    let rows = rows(&long);
    assert!(
        rows.contains(&"tungstenite takes lengths that are not minimal"),
        "{rows:?}"
    );
}

#[test]
fn tungstenite_shows_a_close_with_a_forbidden_code_as_one_with_1002() {
    let rows = rows(&Frame::close(1005, "").bytes());
    let row = "tungstenite shows a close with a forbidden code as one with 1002";
    assert_eq!(rows, [row]);
}

#[test]
fn tokio_websockets_takes_text_that_an_empty_frame_ends_inside_a_character() {
    let frames = [Frame::text(b"\xf0\x9f").not_last(), Frame::continuation("")];
    let rows = rows(&host_tests::wire::bytes_of(&frames, Role::Server));
    let row = "tokio-websockets takes text that an empty frame ends inside a character";
    assert_eq!(rows, [row]);
}

#[test]
fn tokio_websockets_refuses_a_close_of_one_byte_at_its_header() {
    let rows = rows(b"\x88\x01\x03");
    let row = "tokio-websockets refuses a close of one byte at its header";
    assert_eq!(rows, [row]);
}

#[test]
fn a_frame_that_breaks_two_rules() {
    let long = Frame::text("").reserved(RSV1).header(LIMIT as u64 + 1);
    let rows = rows(&long);
    assert!(rows.contains(&"a frame that breaks two rules"), "{rows:?}");
}

#[test]
fn the_frame_is_judged_when_more_of_it_has_come() {
    let row = "the frame is judged when more of it has come";
    assert!(rows(b"\xc1\x01x").contains(&row));
}

#[test]
fn the_docs_have_every_row() {
    let docs = include_str!("../../../docs/fuzzing.md");
    for row in ROWS {
        assert!(docs.contains(&format!("| {} |", row.name)), "{}", row.name);
    }
}
