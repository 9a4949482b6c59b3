//! The client's side, in bytes.

use host_tests::engine::{ENTROPY, START};
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Pair, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Config, Message, Role, Rule, State};

use super::{asking, assert_refused, extension, header, key_in, plain};

on_both_engines![
    the_request_byte_by_byte,
    a_response_opens_the_session,
    frames_behind_the_response_are_heard,
    interim_responses_are_passed_over,
    class_18_a_value_of_the_request_with_a_line_end_is_refused,
    values_of_the_request_that_are_malformed,
    class_17_each_client_has_a_key_of_its_own,
    calls_that_are_not_the_next_step_change_nothing,
    a_pair_shakes_hands_over_a_wire_that_cuts,
];

fn the_request_byte_by_byte<E: Engine>() {
    let request = Request {
        subprotocols: vec!["chat".into(), "superchat".into()],
        extensions: vec![extension("x-of-mine")],
        headers: vec![header("Origin", "https://example.org")],
        ..Request::new("example.org:8080", "/chat?room=1")
    };
    let (_, head) = asking::<E>(&request);
    let key = key_in(&head);
    let expected = format!(
        "GET /chat?room=1 HTTP/1.1\r\n\
        Host: example.org:8080\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: {key}\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Extensions: x-of-mine\r\n\
        Origin: https://example.org\r\n\
        \r\n"
    );
    assert_eq!(head, expected);
    assert_eq!((key.len(), &key[22..]), (24, "=="));
}

fn a_response_opens_the_session<E: Engine>() {
    let (mut subject, head) = asking::<E>(&plain());
    assert_eq!(subject.state(), State::Connecting);
    let response = heads::response_to(key_in(&head));
    let (last, others) = response.split_last().unwrap();
    for byte in others {
        assert_eq!(subject.receives([*byte]), []);
    }
    assert_eq!(subject.receives([*last]), [Event::Opened]);
    assert_eq!(subject.state(), State::Open);
    let response = subject.engine.response().expect("a response");
    assert_eq!(response.status, 101);
    assert_eq!(response.reason, b"Switching Protocols");
    assert_eq!(response.headers.len(), 3);
    let negotiated = subject.engine.negotiated().unwrap();
    assert_eq!(negotiated.subprotocol, None);
}

fn frames_behind_the_response_are_heard<E: Engine>() {
    let (mut subject, head) = asking::<E>(&plain());
    let response = heads::response_to(key_in(&head));
    let frames = subject.peers(&[Frame::text("hello"), Frame::ping("?")]);
    let events = subject.receives([response, frames].concat());
    assert_eq!(events, [Event::Opened, Event::text("hello")]);
    assert_eq!(subject.writes(), [Frame::pong("?")]);
}

fn interim_responses_are_passed_over<E: Engine>() {
    let (mut subject, head) = asking::<E>(&plain());
    for first_line in ["HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints"] {
        assert_eq!(subject.receives(heads::head(first_line, &[("A", "b")])), []);
        assert_eq!(subject.state(), State::Connecting);
    }
    let response = heads::response_to(key_in(&head));
    assert_eq!(subject.receives(response), [Event::Opened]);
}

fn class_18_a_value_of_the_request_with_a_line_end_is_refused<E: Engine>() {
    let mut subject = Subject::<E>::new(Role::Client, &Config::default());
    let bad = "a\r\nX-Injected: b";
    for (request, rule) in [
        (Request::new("example.org", bad), Rule::TargetInvalid),
        (
            Request::new("example.org", "/a HTTP/1.1\r\nX: b"),
            Rule::TargetInvalid,
        ),
        (Request::new(bad, "/"), Rule::AuthorityInvalid),
        (
            Request {
                subprotocols: vec![bad.into()],
                ..plain()
            },
            Rule::SubprotocolInvalid,
        ),
        (
            Request {
                extensions: vec![extension(bad)],
                ..plain()
            },
            Rule::ExtensionInvalid,
        ),
        (
            Request {
                headers: vec![header("X", bad)],
                ..plain()
            },
            Rule::HeaderValueInvalid,
        ),
        (
            Request {
                headers: vec![header(bad, "x")],
                ..plain()
            },
            Rule::HeaderNameInvalid,
        ),
    ] {
        assert_refused(subject.engine.connect(&request, subject.now), rule);
        assert_eq!(subject.writes_bytes(), b"");
    }
    subject.engine.connect(&plain(), subject.now).unwrap();
    assert_eq!(subject.writes_text().lines().count(), 7);
}

fn values_of_the_request_that_are_malformed<E: Engine>() {
    let mut subject = Subject::<E>::new(Role::Client, &Config::default());
    for target in ["", "chat", "*", "/a b", "/a#b", "http://a/", "/\u{e9}"] {
        let outcome = subject
            .engine
            .connect(&Request::new("a", target), subject.now);
        assert_refused(outcome, Rule::TargetInvalid);
    }
    for authority in ["", "a b", "a/b", "user@a", "a:b", "a:65536"] {
        let outcome = subject
            .engine
            .connect(&Request::new(authority, "/"), subject.now);
        assert_refused(outcome, Rule::AuthorityInvalid);
    }
    for names in [&["a b"][..], &[""], &["a", "a"]] {
        let request = Request {
            subprotocols: names.iter().map(|name| (*name).into()).collect(),
            ..plain()
        };
        let outcome = subject.engine.connect(&request, subject.now);
        assert_refused(outcome, Rule::SubprotocolInvalid);
    }
    for name in ["Host", "upgrade", "Sec-WebSocket-Key", "Content-Length"] {
        let request = Request {
            headers: vec![header(name, "x")],
            ..plain()
        };
        let outcome = subject.engine.connect(&request, subject.now);
        assert_refused(outcome, Rule::HeaderReserved);
    }
}

fn class_17_each_client_has_a_key_of_its_own<E: Engine>() {
    let mut keys = Vec::new();
    for seed in 0..50 {
        let mut engine = E::client(&Config::default(), &[seed; 32], START).unwrap();
        engine.connect(&plain(), START).unwrap();
        let head = engine.exchange(b"", &[], Default::default(), 10_000).output;
        let head = String::from_utf8(head).unwrap();
        keys.push(key_in(&head).to_owned());
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 50);
}

fn calls_that_are_not_the_next_step_change_nothing<E: Engine>() {
    let mut engine = E::client(&Config::default(), &ENTROPY, START).unwrap();
    let acceptance = Acceptance::default();
    assert_refused(engine.accept(&acceptance, START), Rule::WrongRole);
    assert_refused(engine.end_server_handshake(START), Rule::WrongRole);
    let ended = engine.end_client_handshake(101, &[], START);
    assert_refused(ended, Rule::HandshakeOutOfOrder);
    engine.connect(&plain(), START).unwrap();
    assert_refused(engine.connect(&plain(), START), Rule::HandshakeOutOfOrder);
    let ended = engine.end_client_handshake(101, &[], START);
    assert_refused(ended, Rule::HandshakeOutOfOrder);
    let said = engine.send(Message::Text("x"), None, Default::default());
    assert_refused(said, Rule::NotOpen);
    let head = engine.exchange(b"", &[], Default::default(), 10_000).output;
    let heads = String::from_utf8(head).unwrap();
    assert_eq!(heads.matches("GET ").count(), 1);
}

fn a_pair_shakes_hands_over_a_wire_that_cuts<E: Engine>() {
    let request = Request {
        subprotocols: vec!["chat".into()],
        ..plain()
    };
    for chunks in [vec![1], vec![7, 2], vec![usize::MAX]] {
        let config = Config::default();
        let mut pair = Pair::<E>::connecting(&config, &config, &request);
        pair.server.acceptance = Some(Acceptance {
            subprotocol: Some("chat".into()),
            ..Acceptance::default()
        });
        pair.client.wire.chunks = chunks.clone();
        pair.server.wire.chunks = chunks;
        pair.drive();
        assert_eq!(pair.states(), (State::Open, State::Open));
        assert_eq!(pair.client.events(), [Event::Opened]);
        assert_eq!(pair.server.events(), [Event::Request]);
        let agreed = pair.client.engine.negotiated();
        assert_eq!(agreed, pair.server.engine.negotiated());
        assert_eq!(agreed.unwrap().subprotocol.as_deref(), Some("chat"));
        pair.client_sends(Message::Text("hello")).unwrap();
        pair.drive();
        assert_eq!(pair.server.events(), [Event::text("hello")]);
    }
    // Nothing can be said too early.
    let mut pair = Pair::<E>::connecting(&Config::default(), &Config::default(), &request);
    let said = pair.client_sends(Message::Text("hello"));
    assert_refused(said, Rule::NotOpen);
}
