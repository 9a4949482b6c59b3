//! permessage-deflate through a gate: negotiated by the two ends where it inspects, and separately with each side where
//! it terminates.

use std::net::TcpStream;

use rstest::rstest;
use websocket_component::handshake::{Acceptance, Extension, Request};
use websocket_component::{Config, Deflate, Instant, Message, Session};

use crate::peer::{Got, Peer, Upstream, config, pair, request};
use crate::process::{Gate, number};

const NAME: &str = "permessage-deflate";

/// A client and an upstream that compress if they can, on either side of a gate, and whether each has negotiated it.
fn compressing(gate: &Gate, upstream: &Upstream) -> ((Peer, Peer), [bool; 2]) {
    let start = Instant::from_nanos(0);
    let mut config: Config = config();
    config.deflate = Some(Deflate::default());
    let stream = TcpStream::connect(gate.address).unwrap();
    let session = Session::client(config, &[7; 32], start).unwrap();
    let mut client = Peer::new(stream, session);
    client.session.connect(&request(gate, "/"), start).unwrap();
    client.flush();
    let session = Session::server(config, start).unwrap();
    let mut server = Peer::new(upstream.accept(), session);
    server.arrives();
    server.accept(&Acceptance::default());
    client.opened();
    let agreed = [&client, &server].map(|peer| {
        let negotiated = peer.session.negotiated().unwrap();
        negotiated
            .extensions
            .iter()
            .any(|agreed| agreed.name == NAME)
    });
    ((client, server), agreed)
}

/// A client and an upstream that have negotiated it with each other.
fn compressed_pair(gate: &Gate, upstream: &Upstream) -> (Peer, Peer) {
    let (pair, agreed) = compressing(gate, upstream);
    assert_eq!(agreed, [true; 2]);
    pair
}

#[test]
fn compression_goes_from_end_to_end() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, mut server) = compressed_pair(&gate, &upstream);
    let text = "the same words again and again, ".repeat(100);
    // Later messages refer to the first one.
    for _ in 0..3 {
        client.send(Message::Text(&text));
        assert_eq!(server.receive(), Got::Text(text.clone()));
        server.send(Message::Text(&text));
        assert_eq!(client.receive(), Got::Text(text.clone()));
    }
    drop((client, server));
    let line = gate.logged(1, "close ended=");
    let sent = number(&line, "client_bytes");
    // As it is on the wire.
    assert!(sent < 300, "{sent} bytes for 9,600: {line}");
}

#[test]
fn class_08_a_bomb_ends_before_the_upstream_sees_the_end_of_it() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--max-message", "1MiB"]);
    let (mut client, mut server) = compressed_pair(&gate, &upstream);
    let zeros = vec![0; 8 << 20];
    client
        .session
        .send(Message::Binary(&zeros), None, client.now())
        .unwrap();
    client.flush();
    assert!(matches!(client.receive(), Got::Close(1009, _)));
    // None of it was forwarded, since the whole frame is short.
    assert_eq!(
        server.receive(),
        Got::Close(1001, "the client is gone".into())
    );
    gate.logged(1, r#"by="client" rule="message-too-big""#);
}

#[test]
fn a_message_within_the_limit_that_doesnt_compress_passes() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--max-message", "100KiB"]);
    let (mut client, mut server) = compressed_pair(&gate, &upstream);
    let noise: Vec<u8> = (0_u32..25_600)
        .flat_map(|number| {
            number
                .wrapping_mul(0x9e37_79b9)
                .rotate_left(13)
                .to_be_bytes()
        })
        .collect();
    client.send(Message::Binary(&noise));
    assert!(server.receive() == Got::Binary(noise));
}

#[test]
fn class_09_compressed_data_that_is_malformed_ends_with_1007() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let (mut client, mut server) = compressed_pair(&gate, &upstream);
    client.write(b"\xc1\x82\0\0\0\0\xff\xff");
    assert!(matches!(client.receive(), Got::Close(1007, _)));
    assert!(matches!(server.receive(), Got::Close(1001, _)));
}

#[test]
fn class_11_a_compressed_frame_without_compression_ends_with_1002() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &["--deflate", "strip"]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.write(b"\xc1\x80\0\0\0\0");
    assert!(matches!(client.receive(), Got::Close(1002, _)));
    assert!(matches!(server.receive(), Got::Close(1001, _)));
}

pub(crate) fn extension(name: &str, parameters: &[(&str, Option<&str>)]) -> Extension {
    let owned = |(name, value): &(&str, Option<&str>)| ((*name).into(), value.map(Into::into));
    Extension {
        name: name.into(),
        parameters: parameters.iter().map(owned).collect(),
    }
}

#[test]
fn class_30_the_upstream_is_offered_what_can_be_checked_and_nothing_else() {
    let upstream = Upstream::bind();
    let gate = Gate::before(upstream.address, &[]);
    let offers = [
        extension("permessage-deflate", &[("client_max_window_bits", None)]),
        extension("permessage-bzip2", &[]),
        extension("permessage-deflate", &[("x-unknown", Some("1"))]),
    ];
    let mut client = Peer::ask(
        &gate,
        Request {
            extensions: offers.to_vec(),
            ..request(&gate, "/")
        },
    );
    let (mut server, asked) = upstream.request();
    assert_eq!(asked.extensions, [offers[0].clone(), offers[2].clone()]);
    // It declines, and so does the gate.
    server.accept(&Acceptance::default());
    client.opened();
    let negotiated = client.session.negotiated().unwrap();
    assert_eq!(negotiated.extensions, []);
}

#[test]
fn class_30_an_answer_that_was_not_offered_is_502() {
    for (offer, answer) in [
        (&[][..], "permessage-deflate; client_max_window_bits=10"),
        (&[], "permessage-deflate; x-unknown"),
        (
            &[("server_max_window_bits", Some("10"))],
            "permessage-deflate",
        ),
        (&[], "x-other"),
    ] {
        let upstream = Upstream::bind();
        let gate = Gate::before(upstream.address, &[]);
        let offer = extension("permessage-deflate", offer);
        let mut client = Peer::ask(
            &gate,
            Request {
                extensions: vec![offer],
                ..request(&gate, "/")
            },
        );
        let (mut server, _) = upstream.request();
        server.accept_with(&format!("Sec-WebSocket-Extensions: {answer}"));
        assert_eq!(client.refused().status, 502, "{answer}");
    }
}

#[rstest]
fn a_gate_that_terminates_compresses_on_either_side_by_itself(
    #[values(&[], &["--deflate-client"], &["--deflate-upstream"], &["--deflate-client", "--deflate-upstream"])]
    sides: &[&str],
    #[values(false, true)] by_itself: bool,
) {
    let upstream = Upstream::bind();
    let without_takeover: &[&str] = if by_itself {
        &["--deflate-no-takeover"]
    } else {
        &[]
    };
    let gate = Gate::before(
        upstream.address,
        &[&["--mode", "terminate"], sides, without_takeover].concat(),
    );
    let ((mut client, mut server), agreed) = compressing(&gate, &upstream);
    let expected = ["--deflate-client", "--deflate-upstream"].map(|side| sides.contains(&side));
    assert_eq!(agreed, expected);
    let text = "the same words again and again, ".repeat(1000);
    for _ in 0..3 {
        for text in [&text[..], "short"] {
            client.send(Message::Text(text));
            assert_eq!(server.receive(), Got::Text(text.into()));
            server.send(Message::Text(text));
            assert_eq!(client.receive(), Got::Text(text.into()));
        }
    }
    drop((client, server));
    // The limit of messages, whatever their length on the wire.
    let line = gate.logged(1, "close ended=");
    for field in ["client_bytes", "upstream_bytes"] {
        assert_eq!(number(&line, field), 3 * (text.len() as u64 + 5));
    }
}

#[test]
fn messages_below_a_length_are_not_compressed() {
    for (least, compresses) in [("100B", true), ("101B", false)] {
        let upstream = Upstream::bind();
        let arguments = ["--mode=terminate", "--deflate-client"];
        let arguments = [&arguments[..], &["--deflate-min-length", least]].concat();
        let gate = Gate::before(upstream.address, &arguments);
        let ((mut client, mut server), _) = compressing(&gate, &upstream);
        server.send(Message::Binary(&[b'x'; 100]));
        let first = client.receive_raw(2)[0];
        assert_eq!(first & 0x40 != 0, compresses, "{least}");
    }
}
