//! The server's side, in bytes.

use std::time::Duration;

use host_tests::engine::START;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Refusal};
use websocket_component::{Config, Deflate, Message, Role, Rule, State};

use super::{accept, asked, assert_refused, extension, header, server};

on_both_engines![
    a_request_is_shown_and_accepted,
    the_response_that_accepts_byte_by_byte,
    class_18_nothing_after_the_head_counts_before_the_request_is_accepted,
    settings_may_depend_on_what_is_asked_for,
    settings_change_only_while_the_request_waits_for_an_answer,
    a_subprotocol_is_chosen_by_the_host,
    an_extension_of_the_hosts_is_chosen,
    a_request_is_refused_with_a_body,
    a_refused_session_hears_nothing_more,
    a_request_whose_connection_is_lost_can_not_be_answered,
    class_18_a_value_of_the_answer_with_a_line_end_is_refused,
    class_18_fields_of_the_handshake_are_not_the_hosts,
    statuses_of_refusals,
    calls_that_are_not_the_next_step_change_nothing,
];

fn settings_may_depend_on_what_is_asked_for<E: Engine>() {
    let offer = ("Sec-WebSocket-Extensions", "permessage-deflate");
    let mut subject = asked::<E>(&[offer]);
    let mut config = Config::default();
    config.limits.message = 4;
    config.limits.queued_output = 0;
    config.deflate = Some(Deflate::default());
    config.timeouts.idle = Some(Duration::from_secs(7));
    subject.engine.set_config(&config).unwrap();
    accept(&mut subject);
    assert!(subject.writes_text().contains("permessage-deflate"));
    assert_eq!(subject.next_deadline(), Some(Duration::from_secs(7)));
    // Longer than the limit: only on an empty queue.
    subject.queues(Message::Text("one")).unwrap();
    assert_refused(subject.queues(Message::Text("two")), Rule::QueueFull);
    subject.receives_frames(&[Frame::text("large")]);
    assert_eq!(subject.failed_by(), Some(Rule::MessageTooBig));
}

fn settings_change_only_while_the_request_waits_for_an_answer<E: Engine>() {
    let mut client = Subject::<E>::new(Role::Client, &Config::default());
    let changed = client.engine.set_config(&Config::default());
    assert_refused(changed, Rule::WrongRole);
    let mut subject = server::<E>();
    let changed = subject.engine.set_config(&Config::default());
    assert_refused(changed, Rule::HandshakeOutOfOrder);
    subject = asked::<E>(&[]);
    subject.engine.set_config(&Config::default()).unwrap();
    accept(&mut subject);
    let changed = subject.engine.set_config(&Config::default());
    assert_refused(changed, Rule::HandshakeOutOfOrder);
}

fn a_request_is_shown_and_accepted<E: Engine>() {
    let mut subject = asked::<E>(&[
        ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Sec-WebSocket-Extensions", "x-of-mine; a=1; b"),
        ("Origin", "https://example.org"),
    ]);
    assert_eq!(subject.state(), State::Connecting);
    let request = subject.engine.request().expect("a request");
    assert_eq!(request.method, "GET");
    assert_eq!(request.target, "/chat");
    assert_eq!(request.authority, "example.org");
    assert_eq!(request.subprotocols, ["chat", "superchat"]);
    assert_eq!(request.extensions[0].name, "x-of-mine");
    let parameters = [("a".into(), Some("1".into())), ("b".into(), None)];
    assert_eq!(request.extensions[0].parameters, parameters);
    assert_eq!(request.violation, None);
    assert_eq!(request.headers.len(), 8);
    assert_eq!(request.headers[7], header("Origin", "https://example.org"));
    accept(&mut subject);
    assert_eq!(subject.engine.request(), None);
    assert_eq!(subject.state(), State::Open);
    let negotiated = subject.engine.negotiated().unwrap();
    assert_eq!(negotiated.subprotocol, None);
    assert_eq!(negotiated.extensions, []);
}

fn the_response_that_accepts_byte_by_byte<E: Engine>() {
    let mut subject = asked::<E>(&[("Sec-WebSocket-Protocol", "chat")]);
    let acceptance = Acceptance {
        subprotocol: Some("chat".into()),
        headers: vec![header("Server", "this")],
        ..Acceptance::default()
    };
    subject.engine.accept(&acceptance, subject.now).unwrap();
    subject.queues(Message::Text("hello")).unwrap();
    let head = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\
        Server: this\r\n\
        \r\n";
    let expected = [head.as_bytes(), &Frame::text("hello").bytes()].concat();
    assert_eq!(subject.writes_bytes(), expected);
}

fn class_18_nothing_after_the_head_counts_before_the_request_is_accepted<E: Engine>() {
    let mut subject = server::<E>();
    let early = subject.peers(&[Frame::text("early"), Frame::ping("?")]);
    let bytes = [heads::request(), early.clone()].concat();
    let result = subject.engine.exchange(&bytes, &[], subject.now, 1000);
    assert_eq!(result.events, [Event::Request]);
    assert_eq!(result.consumed, bytes.len() - early.len());
    for _ in 0..3 {
        let result = subject.engine.exchange(&early, &[], subject.now, 1000);
        assert_eq!((result.consumed, result.more), (0, false));
        assert_eq!((result.events, result.output), (vec![], vec![]));
    }
    accept(&mut subject);
    assert_eq!(subject.receives(&early), [Event::text("early")]);
    let written = subject.writes_bytes();
    assert!(written.starts_with(b"HTTP/1.1 101 "));
    assert!(written.ends_with(&Frame::pong("?").bytes()));
}

fn a_subprotocol_is_chosen_by_the_host<E: Engine>() {
    let offers = [("Sec-WebSocket-Protocol", "chat, superchat")];
    let choose = |name: &str| Acceptance {
        subprotocol: Some(name.into()),
        ..Acceptance::default()
    };
    let mut subject = asked::<E>(&offers);
    let outcome = subject.engine.accept(&choose("other"), subject.now);
    assert_refused(outcome, Rule::SubprotocolNotRequested);
    let negotiated = subject
        .engine
        .accept(&choose("superchat"), subject.now)
        .unwrap();
    assert_eq!(negotiated.subprotocol.as_deref(), Some("superchat"));
    let head = subject.writes_text();
    let chosen = heads::field(&head, "Sec-WebSocket-Protocol");
    assert_eq!(chosen, Some("superchat"));
    let mut subject = asked::<E>(&offers);
    accept(&mut subject);
    let head = subject.writes_text();
    assert_eq!(heads::field(&head, "Sec-WebSocket-Protocol"), None);
}

fn an_extension_of_the_hosts_is_chosen<E: Engine>() {
    let mut subject = asked::<E>(&[("Sec-WebSocket-Extensions", "x-of-mine")]);
    let choose = |name| Acceptance {
        extensions: vec![extension(name)],
        ..Acceptance::default()
    };
    let outcome = subject.engine.accept(&choose("x-other"), subject.now);
    assert_refused(outcome, Rule::ExtensionNotRequested);
    let negotiated = subject
        .engine
        .accept(&choose("x-of-mine"), subject.now)
        .unwrap();
    assert_eq!(negotiated.extensions, [extension("x-of-mine")]);
    let head = subject.writes_text();
    let chosen = heads::field(&head, "Sec-WebSocket-Extensions");
    assert_eq!(chosen, Some("x-of-mine"));
    let events = subject.receives_frames(&[Frame::text("x").reserved(0x40)]);
    assert!(matches!(
        events[..],
        [Event::ExtensionFrame { bits: 0xc1, .. }]
    ));
}

fn a_request_is_refused_with_a_body<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    let refusal = Refusal {
        headers: vec![header("WWW-Authenticate", "Basic")],
        body: b"who are you?".into(),
        ..Refusal::new(401)
    };
    subject.engine.refuse(&refusal, subject.now).unwrap();
    assert_eq!(subject.engine.request(), None);
    assert_eq!(subject.state(), State::Closing);
    let response = subject.writes_text();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
    assert_eq!(heads::field(head, "WWW-Authenticate"), Some("Basic"));
    assert_eq!(heads::field(head, "Content-Length"), Some("12"));
    assert_eq!(heads::field(head, "Connection"), Some("close"));
    assert_eq!(body, "who are you?");
    assert_eq!(subject.state(), State::Draining);
    assert_eq!(subject.failed_by(), None);
    assert_eq!(subject.engine.negotiated(), None);
}

fn a_refused_session_hears_nothing_more<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    subject
        .engine
        .refuse(&Refusal::new(503), subject.now)
        .unwrap();
    subject.writes_bytes();
    assert_eq!(subject.receives(heads::request()), []);
    assert_eq!(subject.receives_frames(&[Frame::text("x")]), []);
    assert_eq!(subject.writes_bytes(), b"");
    let said = subject.sends(Message::Text("x"));
    assert_refused(said, Rule::AlreadyClosing);
}

fn a_request_whose_connection_is_lost_can_not_be_answered<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    subject.engine.end_of_input(subject.now);
    assert_eq!(subject.engine.request(), None);
    let accepted = subject.engine.accept(&Acceptance::default(), subject.now);
    assert_refused(accepted, Rule::HandshakeOutOfOrder);
    let refused = subject.engine.refuse(&Refusal::new(503), subject.now);
    assert_refused(refused, Rule::HandshakeOutOfOrder);
    assert_eq!(subject.writes_bytes(), b"");
}

fn class_18_a_value_of_the_answer_with_a_line_end_is_refused<E: Engine>() {
    let mut subject = asked::<E>(&[("Sec-WebSocket-Protocol", "chat")]);
    for (name, value, rule) in [
        ("X", "a\r\nSet-Cookie: b", Rule::HeaderValueInvalid),
        ("X", "a\nb", Rule::HeaderValueInvalid),
        ("X", "a\rb", Rule::HeaderValueInvalid),
        ("X", "a\0b", Rule::HeaderValueInvalid),
        ("X\r\nY", "a", Rule::HeaderNameInvalid),
        ("X: a\r\nY", "a", Rule::HeaderNameInvalid),
        ("", "a", Rule::HeaderNameInvalid),
    ] {
        let headers = vec![header(name, value)];
        let acceptance = Acceptance {
            headers: headers.clone(),
            ..Acceptance::default()
        };
        assert_refused(subject.engine.accept(&acceptance, subject.now), rule);
        let refusal = Refusal {
            headers,
            ..Refusal::new(403)
        };
        assert_refused(subject.engine.refuse(&refusal, subject.now), rule);
    }
    assert_eq!(subject.writes_bytes(), b"");
    accept(&mut subject);
    let head = subject.writes_text();
    assert_eq!(head.lines().count(), 5, "{head}");
}

fn class_18_fields_of_the_handshake_are_not_the_hosts<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    for name in [
        "Upgrade",
        "connection",
        "SEC-WEBSOCKET-ACCEPT",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
    ] {
        let acceptance = Acceptance {
            headers: vec![header(name, "x")],
            ..Acceptance::default()
        };
        let outcome = subject.engine.accept(&acceptance, subject.now);
        assert_refused(outcome, Rule::HeaderReserved);
    }
    accept(&mut subject);
}

fn statuses_of_refusals<E: Engine>() {
    for status in [0, 99, 100, 101, 199, 1000, u16::MAX] {
        let mut subject = asked::<E>(&[]);
        let outcome = subject.engine.refuse(&Refusal::new(status), subject.now);
        assert_refused(outcome, Rule::StatusInvalid);
        assert_eq!(subject.state(), State::Connecting);
    }
    for status in [200, 302, 404, 503, 999] {
        let mut subject = asked::<E>(&[]);
        subject
            .engine
            .refuse(&Refusal::new(status), subject.now)
            .unwrap();
        let response = subject.writes_text();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")));
    }
}

fn calls_that_are_not_the_next_step_change_nothing<E: Engine>() {
    use websocket_component::handshake::Request;
    let mut subject = server::<E>();
    let acceptance = Acceptance::default();
    let engine = &mut subject.engine;
    assert_refused(engine.accept(&acceptance, START), Rule::HandshakeOutOfOrder);
    assert_refused(
        engine.refuse(&Refusal::new(403), START),
        Rule::HandshakeOutOfOrder,
    );
    let request = Request::new("example.org", "/");
    assert_refused(engine.connect(&request, START), Rule::WrongRole);
    assert_refused(
        engine.end_client_handshake(101, &[], START),
        Rule::WrongRole,
    );
    assert_refused(
        engine.end_server_handshake(START),
        Rule::HandshakeOutOfOrder,
    );
    assert_refused(subject.sends(Message::Text("x")), Rule::NotOpen);
    assert_refused(subject.sends(Message::Close), Rule::NotOpen);
    subject.receives(heads::request());
    accept(&mut subject);
    let again = subject.engine.accept(&acceptance, subject.now);
    assert_refused(again, Rule::HandshakeOutOfOrder);
    let refused = subject.engine.refuse(&Refusal::new(403), subject.now);
    assert_refused(refused, Rule::HandshakeOutOfOrder);
    assert_eq!(subject.state(), State::Open);
    assert!(subject.writes_text().starts_with("HTTP/1.1 101 "));
}
