//! Long payloads that bypass the guest in a relay.

use websocket_host::protocol::{
    Compression, Config, Negotiated, Outgoing, OutgoingKind, Rule, State,
};
use websocket_host::{CallError, Guest, Role, Session};

use crate::frames::{BINARY, CONTINUATION, FIN, PING, TEXT, bytes, frame};
use crate::support::sandbox;

const ENTROPY: [u8; 32] = [7; 32];

/// A server and a client in one guest, as in a relay from one to the other, and the memory they take.
fn relay() -> (Guest, Session, Session) {
    let mut guest = sandbox().guest().expect("a guest");
    let mut config = Config::default();
    config.leave_payloads = Some(1000);
    let negotiated = Negotiated::default();
    let server = guest.open_server(&config, &negotiated, 0);
    let client = guest.open_client(&config, &ENTROPY, &negotiated, 0);
    (guest, server.expect("a server"), client.expect("a client"))
}

/// Relays one frame that arrives in parts of this length. Returns what is written.
fn relayed(
    guest: &mut Guest,
    from: &Session,
    to: &Session,
    frame: &[u8],
    piece: usize,
) -> Result<Vec<u8>, CallError> {
    let begun = guest.begin_payload(from, frame, 1)?;
    let (header, mut payload) = begun.expect("a long payload");
    let mut written = Vec::new();
    let mut read = frame[header..].to_vec();
    for piece in read.chunks_mut(piece) {
        let relayed = guest.relay_payload(from, to, &mut payload, piece, 1)?;
        let (count, header) = relayed;
        let header = header.expect("nothing waits");
        assert_eq!(count, piece.len());
        written.extend(header.as_bytes());
        written.extend(&piece[..count]);
    }
    Ok(written)
}

#[test]
fn a_relayed_payload_costs_the_guest_no_memory_and_arrives_in_fragments() {
    let text = "zażółć gęślą jaźń ".repeat(50_000);
    for (first, data) in [
        (FIN | TEXT, text.as_bytes()),
        (FIN | BINARY, &bytes(1 << 20)),
    ] {
        for from_client in [true, false] {
            let (mut guest, server, client) = relay();
            let before = guest.memory();
            let (from, to, by, receiver) = match from_client {
                true => (&server, &client, Role::Client, Role::Server),
                false => (&client, &server, Role::Server, Role::Client),
            };
            let said = frame(first, data, by);
            let written = relayed(&mut guest, from, to, &said, 65_537).expect("relayed");
            assert_eq!(guest.memory(), before);

            // What a session of the other side receives.
            let mut other = sandbox().guest().expect("a guest");
            let (config, negotiated) = (Config::default(), Negotiated::default());
            let session = match receiver {
                Role::Server => other.open_server(&config, &negotiated, 0),
                Role::Client => other.open_client(&config, &ENTROPY, &negotiated, 0),
            }
            .expect("a session");
            let result = other
                .exchange(&session, &written, &[], b"", 1, 4 << 20)
                .expect("a result");
            assert_eq!(result.consumed, written.len());
            let [event] = &result.events[..] else {
                panic!("{:?}", result.events);
            };
            assert!(result.bytes(event) == data);
        }
    }
}

#[test]
fn a_relayed_text_that_is_none_ends_the_session_it_came_to() {
    let (mut guest, server, client) = relay();
    let mut text = "x".repeat(5000).into_bytes();
    text[4000] = 0xff;
    let said = frame(FIN | TEXT, &text, Role::Client);
    match relayed(&mut guest, &server, &client, &said, 1000) {
        Err(CallError::Failure(failure)) => assert_eq!(failure.rule(), Some(Rule::InvalidUtf8)),
        other => panic!("{other:?}"),
    }
    assert_eq!(guest.state(&server), Ok(State::Closing));
    assert_eq!(guest.state(&client), Ok(State::Open));
}

#[test]
fn a_relayed_payload_waits_for_what_the_other_side_has_queued() {
    let (mut guest, server, client) = relay();
    let said = frame(FIN | BINARY, &bytes(5000), Role::Client);
    let (header, mut payload) = guest
        .begin_payload(&server, &said, 1)
        .expect("a result")
        .expect("a long payload");
    let ping = frame(FIN | PING, b"?", Role::Server);
    let result = guest.exchange(&client, &ping, &[], b"", 1, 1);
    assert_eq!(result.expect("a result").output.len(), 1);
    let mut rest = said[header..].to_vec();
    let relayed = guest.relay_payload(&server, &client, &mut payload, &mut rest[..2000], 1);
    assert_eq!(
        relayed.map(|(count, header)| (count, header.is_none())),
        Ok((2000, true))
    );
    // They are unmasked, to be sent with `exchange`.
    assert!(rest[..2000] == bytes(2000));
    let fragment = Outgoing {
        kind: OutgoingKind::BinaryFragment(Compression::Automatic),
        start: 0,
        length: 2000,
        context: None,
    };
    let sent = guest.exchange(&client, b"", &[fragment], &rest[..2000], 1, 1 << 20);
    assert_eq!(sent.expect("a result").accepted, 1);
    // Then nothing is queued any more.
    let relayed = guest.relay_payload(&server, &client, &mut payload, &mut rest[2000..], 1);
    let (count, header) = relayed.expect("both are open");
    assert_eq!((count, payload.left()), (3000, 0));
    assert_eq!(
        header.expect("nothing waits").as_bytes()[0],
        FIN | CONTINUATION
    );
}

#[test]
fn a_source_that_fails_changes_nothing_of_the_target() {
    let (mut guest, server, client) = relay();
    let mut text = "x".repeat(5000).into_bytes();
    text[4000] = 0xff;
    let said = frame(FIN | TEXT, &text, Role::Client);
    relayed(&mut guest, &server, &client, &said, 5000).expect_err("it is no text");
    let header = guest
        .frame_header(&client, false, true, 3)
        .expect("it is open");
    assert_eq!(header.expect("nothing waits").as_bytes()[0], FIN | BINARY);
}
