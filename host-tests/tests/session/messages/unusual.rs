//! Without masks, and with frames of the host's extension.

use std::time::Duration;

use host_tests::engine::{ENTROPY, START, rule};
use host_tests::wire::{self, BINARY, FIN, Frame, RSV1, TEXT};
use host_tests::{Engine, Event, ROLES, Subject, on_both_engines};
use websocket_component::handshake::{Extension, Negotiated};
use websocket_component::{Config, Message, Role, Rule};

use super::{pattern, pieces};

on_both_engines![
    without_masking_a_client_uses_the_key_0,
    without_masking_a_server_takes_both,
    frames_of_an_extension_of_the_hosts,
    an_extension_of_the_hosts_has_data_frames_only,
    frames_of_an_extension_are_whole_even_if_messages_come_in_pieces,
    frames_of_an_extension_without_one,
];

fn of_the_hosts() -> Negotiated {
    let extension = Extension {
        name: "x-of-mine".into(),
        parameters: Vec::new(),
    };
    Negotiated {
        subprotocol: None,
        extensions: vec![extension],
    }
}

fn without_masking_a_client_uses_the_key_0<E: Engine>() {
    let mut config = Config::default();
    config.masking = false;
    let negotiated = Negotiated::default();
    let mut engine = E::open_client(&config, &ENTROPY, &negotiated, START).unwrap();
    let batch = [Message::Text("hello").into(), Message::Ping(b"?").into()];
    let result = engine.exchange(b"", &batch, Default::default(), 100);
    let mut frames = wire::read_frames(&result.output);
    frames.sort_by_key(|frame| frame.first);
    let zero = [0; 4];
    let expected = [
        Frame::text("hello").masked(zero),
        Frame::ping("?").masked(zero),
    ];
    assert_eq!(frames, expected);
}

fn without_masking_a_server_takes_both<E: Engine>() {
    let mut config = Config::default();
    config.masking = false;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.receives(Frame::text("1").bytes());
    assert_eq!(events, [Event::text("1")]);
    let events = subject.receives(Frame::text("2").masked([9; 4]).bytes());
    assert_eq!(events, [Event::text("2")]);
}

fn frames_of_an_extension_of_the_hosts<E: Engine>() {
    for role in ROLES {
        let config = Config::default();
        let mut subject = Subject::<E>::open_with(role, &config, &of_the_hosts());
        let frames = [
            Frame::text(b"\xff").reserved(RSV1).not_last(),
            Frame::ping("?"),
            Frame::continuation("x"),
            Frame::binary(""),
        ];
        let frame = |bits, payload: &[u8]| Event::ExtensionFrame {
            bits,
            payload: payload.into(),
        };
        let expected = [
            frame(RSV1 | TEXT, b"\xff"),
            frame(FIN, b"x"),
            frame(FIN | BINARY, b""),
        ];
        let bytes = subject.peers(&frames);
        assert_eq!(subject.receives(&bytes), expected);
        let mut events = Vec::new();
        for byte in bytes {
            events.extend(subject.receives([byte]));
        }
        assert_eq!(events, expected);
        subject.writes();
        subject
            .sends(Message::ExtensionFrame(FIN | RSV1 | TEXT, b"z"))
            .unwrap();
        let sent = Frame::text("z").reserved(RSV1);
        assert_eq!(subject.writes(), [sent]);
    }
}

/// An extension marks data frames. Opcodes that RFC 6455 reserves and control frames don't belong to it.
fn an_extension_of_the_hosts_has_data_frames_only<E: Engine>() {
    for role in ROLES {
        let config = Config::default();
        let mut subject = Subject::<E>::open_with(role, &config, &of_the_hosts());
        for opcode in 0x3..=0xf {
            let refused = subject.sends(Message::ExtensionFrame(FIN | opcode, b""));
            assert_eq!(rule(refused), Rule::FrameHeaderInvalid, "{opcode:x}");
        }
        for (frame, rule) in [
            (Frame::ping("").reserved(RSV1), Rule::ReservedBits),
            (Frame::new(0x3, "a"), Rule::ReservedOpcode),
            (Frame::new(0xb, "a"), Rule::ReservedOpcode),
        ] {
            let mut subject = Subject::<E>::open_with(role, &config, &of_the_hosts());
            assert_eq!(subject.receives_frames(&[frame]), []);
            assert_eq!(subject.has_failed(rule), []);
        }
    }
}

fn frames_of_an_extension_are_whole_even_if_messages_come_in_pieces<E: Engine>() {
    let mut config = pieces();
    config.receive_buffer = 256;
    for gather in [None, Some(Duration::from_millis(20))] {
        config.timeouts.coalesce = gather;
        let payload = pattern(1000);
        let mut subject = Subject::<E>::open_with(Role::Server, &config, &of_the_hosts());
        let said = subject.peers(&[Frame::binary(&payload), Frame::binary("x")]);
        let mut events = subject.receives(&said);
        for part in said.chunks(300) {
            events.extend(subject.receives(part));
        }
        let frame = |payload: &[u8]| Event::ExtensionFrame {
            bits: FIN | BINARY,
            payload: payload.into(),
        };
        let expected = [frame(&payload), frame(b"x"), frame(&payload), frame(b"x")];
        assert_eq!(events, expected);
    }
}

fn frames_of_an_extension_without_one<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let refused = subject.sends(Message::ExtensionFrame(FIN | TEXT, b"x"));
        assert_eq!(rule(refused), Rule::FrameHeaderInvalid);
    }
}
