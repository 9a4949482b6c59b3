//! permessage-deflate (RFC 7692), which a session without settings for it neither offers nor accepts: whatever a peer
//! proposes, nothing is inflated, and no compressed message is accepted.

use host_tests::wire::{CONTINUATION, FIN, Frame, RSV1};
use host_tests::{Engine, Event, ROLES, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Extension, Negotiated, Request};
use websocket_component::{Config, Rule, State};

use super::{accept, asked, asking, key_in, plain};

on_both_engines![
    class_05_no_parameter_of_an_offer_gets_in_the_way,
    class_05_an_offer_that_is_no_list_is_declined,
    class_08_a_bomb_ends_at_its_first_byte,
    class_08_frames_of_the_hosts_extension_are_limited_as_they_are_on_the_wire,
    class_09_malformed_data_ends_at_its_first_byte,
    class_10_window_bits_are_declined_whatever_they_are,
    class_10_an_answer_with_window_bits_never_opens,
    class_11_rsv1_ends_every_kind_of_frame,
    class_11_rsv1_is_the_hosts_extensions_but_not_on_control_frames,
    class_30_only_what_the_host_chose_is_negotiated,
];

const FIELD: &str = "Sec-WebSocket-Extensions";

/// A server that was offered this opens without it, and accepts uncompressed messages.
#[track_caller]
fn declines<E: Engine>(offer: &str) {
    let mut subject = asked::<E>(&[(FIELD, offer)]);
    accept(&mut subject);
    assert_eq!(subject.state(), State::Open, "{offer}");
    let head = subject.writes_text();
    assert_eq!(heads::field(&head, FIELD), None, "{offer}");
    let events = subject.receives_frames(&[Frame::text("plain")]);
    assert_eq!(events, [Event::text("plain")], "{offer}");
}

fn class_05_no_parameter_of_an_offer_gets_in_the_way<E: Engine>() {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=\"true\"",
        "permessage-deflate; unknown; unknown=2; x=\"y\"",
        "permessage-deflate; a=b, permessage-deflate; c, x-other, permessage-deflate",
        "x-webkit-deflate-frame, permessage-bzip2",
        "PERMESSAGE-DEFLATE",
    ] {
        declines::<E>(offer);
    }
}

fn class_05_an_offer_that_is_no_list_is_declined<E: Engine>() {
    for offer in [
        "permessage-deflate;",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"",
        "permessage-deflate; server_max_window_bits=\"1 2\"",
        "permessage-deflate; =10",
        "permessage-deflate x",
        ",",
    ] {
        declines::<E>(offer);
    }
}

/// As RFC 7692, section 6, marks the first frame of a compressed message.
fn compressed(frame: Frame) -> Frame {
    frame.reserved(RSV1)
}

fn class_08_a_bomb_ends_at_its_first_byte<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let bomb = subject.peers(&[compressed(Frame::binary(vec![0; 1 << 20]))]);
        assert_eq!(subject.receives(&bomb[..1]), []);
        assert_eq!(subject.has_failed(Rule::ReservedBits), []);
    }
}

fn class_09_malformed_data_ends_at_its_first_byte<E: Engine>() {
    let truncated = [0xf2, 0x48, 0xcd];
    let bad_block = [0x07];
    let after_the_final_block = [0x03, 0x00, 0xff];
    let payloads: [&[u8]; 4] = [&truncated, &bad_block, &after_the_final_block, &[]];
    for role in ROLES {
        for payload in payloads {
            let mut subject = Subject::<E>::open(role, &Config::default());
            let bytes = subject.peers(&[compressed(Frame::text(payload))]);
            assert_eq!(subject.receives(&bytes[..1]), []);
            assert_eq!(subject.has_failed(Rule::ReservedBits), []);
        }
    }
}

fn class_10_window_bits_are_declined_whatever_they_are<E: Engine>() {
    for side in ["server_max_window_bits", "client_max_window_bits"] {
        for bits in 0..=17 {
            declines::<E>(&format!("permessage-deflate; {side}={bits}"));
            declines::<E>(&format!("permessage-deflate; {side}=\"{bits}\""));
            declines::<E>(&format!("permessage-deflate; {side}=0{bits}"));
        }
        declines::<E>(&format!("permessage-deflate; {side}"));
        declines::<E>(&format!("permessage-deflate; {side}=15; {side}=8"));
    }
}

fn class_10_an_answer_with_window_bits_never_opens<E: Engine>() {
    for bits in ["8", "15", "08", "16", "\"8\""] {
        let (mut subject, head) = asking::<E>(&plain());
        let accept = heads::accept_for(key_in(&head));
        let answer = format!("permessage-deflate; server_max_window_bits={bits}");
        let fields = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept.as_str()),
            (FIELD, answer.as_str()),
        ];
        let response = heads::head("HTTP/1.1 101 Switching Protocols", &fields);
        assert_eq!(subject.receives(response), []);
        assert_eq!(subject.failed_by(), Some(Rule::ExtensionNotOffered));
        assert_eq!(subject.state(), State::Closed);
    }
}

fn class_11_rsv1_ends_every_kind_of_frame<E: Engine>() {
    let started = [Frame::text("start").not_last()];
    let cases: [(Frame, &[Frame]); 6] = [
        (Frame::text("x"), &[]),
        (Frame::binary("x").not_last(), &[]),
        (Frame::continuation("x"), &started),
        (Frame::continuation("x").not_last(), &started),
        (Frame::ping("x"), &started),
        (Frame::close(1000, ""), &[]),
    ];
    for role in ROLES {
        for (frame, before) in &cases {
            let mut subject = Subject::<E>::open(role, &Config::default());
            subject.receives_frames(before);
            let bytes = subject.peers(&[compressed(frame.clone())]);
            assert_eq!(subject.receives(&bytes[..1]), []);
            assert_eq!(subject.has_failed(Rule::ReservedBits), []);
        }
    }
}

fn of_the_host() -> Negotiated {
    Negotiated {
        subprotocol: None,
        extensions: vec![deflate(&[("server_max_window_bits", Some("8"))])],
    }
}

fn deflate(parameters: &[(&str, Option<&str>)]) -> Extension {
    let owned = |&(name, value): &(&str, Option<&str>)| (name.into(), value.map(Into::into));
    Extension {
        name: "permessage-deflate".into(),
        parameters: parameters.iter().map(owned).collect(),
    }
}

/// The host limits what an extension decodes; the engine still limits the frames.
fn class_08_frames_of_the_hosts_extension_are_limited_as_they_are_on_the_wire<E: Engine>() {
    let mut config = Config::default();
    config.limits.message = 100;
    for role in ROLES {
        let mut subject = Subject::<E>::open_with(role, &config, &of_the_host());
        let first = compressed(Frame::binary([1; 60]).not_last());
        let second = Frame::continuation([2; 41]);
        let events = subject.receives_frames(&[first, second]);
        assert_eq!(events.len(), 1);
        assert_eq!(subject.has_failed(Rule::MessageTooBig), []);
    }
}

fn class_11_rsv1_is_the_hosts_extensions_but_not_on_control_frames<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open_with(role, &Config::default(), &of_the_host());
        let frames = [
            compressed(Frame::text("a").not_last()),
            compressed(Frame::continuation("b")),
            Frame::text("c"),
        ];
        let bits: Vec<u8> = subject
            .receives_frames(&frames)
            .into_iter()
            .map(|event| match event {
                Event::ExtensionFrame { bits, .. } => bits,
                other => panic!("{other:?}"),
            })
            .collect();
        let plain = Frame::text("").first;
        assert_eq!(
            bits,
            [(plain | RSV1) & !FIN, FIN | RSV1 | CONTINUATION, plain]
        );
        subject.receives_frames(&[compressed(Frame::pong(""))]);
        assert_eq!(subject.has_failed(Rule::ReservedBits), []);
    }
}

fn class_30_only_what_the_host_chose_is_negotiated<E: Engine>() {
    let offer = "permessage-deflate; server_max_window_bits=8, x-other";
    declines::<E>(offer);
    let mut subject = asked::<E>(&[(FIELD, offer)]);
    let acceptance = Acceptance {
        extensions: vec![deflate(&[("server_max_window_bits", Some("8"))])],
        ..Acceptance::default()
    };
    let negotiated = subject.engine.accept(&acceptance, subject.now).unwrap();
    assert_eq!(negotiated, of_the_host());
    let head = subject.writes_text();
    let answer = heads::field(&head, FIELD);
    assert_eq!(answer, Some("permessage-deflate; server_max_window_bits=8"));
    let plain = Request::new("example.org", "/chat");
    let (_, head) = asking::<E>(&plain);
    assert_eq!(heads::field(&head, FIELD), None, "nothing is offered");
}
