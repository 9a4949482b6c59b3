//! Responses that never open a session, in bytes.

use host_tests::wire::Frame;
use host_tests::{Engine, heads, on_both_engines};
use websocket_component::handshake::Request;
use websocket_component::{Rule, State};

use super::{asking, extension, header, key_in, plain};

on_both_engines![
    class_18_responses_that_never_open,
    class_18_data_before_the_response,
    class_01_a_response_without_end,
    class_25_a_redirect_is_not_followed,
    an_answer_that_was_not_offered,
];

/// A response that ends the session by this rule, whatever follows it.
#[track_caller]
fn never_opens<E: Engine>(request: &Request, response: &dyn Fn(&str) -> Vec<u8>, rule: Rule) {
    let (mut subject, head) = asking::<E>(request);
    let frame = subject.peers(&[Frame::text("never heard")]);
    let response = response(&heads::accept_for(key_in(&head)));
    let text = String::from_utf8_lossy(&response).into_owned();
    let events = subject.receives([response, frame].concat());
    assert_eq!(events, [], "{text}");
    assert_eq!(subject.failed_by(), Some(rule), "{text}");
    assert_eq!(subject.state(), State::Closed);
    assert_eq!(subject.writes_bytes(), b"");
    assert_eq!(subject.engine.negotiated(), None);
}

/// Says that a response has no body, so that it is complete with its head.
const EMPTY: (&str, &str) = ("Content-Length", "0");

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols";

fn class_18_responses_that_never_open<E: Engine>() {
    let upgrade = ("Upgrade", "websocket");
    let connection = ("Connection", "Upgrade");
    for status in [200, 201, 204, 301, 400, 426, 503, 999] {
        let line = format!("HTTP/1.1 {status} ");
        let response = |accept: &str| {
            let accept = ("Sec-WebSocket-Accept", accept);
            heads::head(&line, &[upgrade, connection, accept, EMPTY])
        };
        never_opens::<E>(&plain(), &response, Rule::HandshakeRefused);
    }
    let wrong = |_: &str| {
        let accept = ("Sec-WebSocket-Accept", heads::ACCEPT);
        heads::head(SWITCHING, &[upgrade, connection, accept])
    };
    never_opens::<E>(&plain(), &wrong, Rule::AcceptWrong);
    type Fields<'a> = Vec<(&'a str, &'a str)>;
    type Make = for<'a> fn(&'a str) -> Fields<'a>;
    let cases: [(Make, Rule); 6] = [
        (
            |_| vec![("Upgrade", "websocket"), ("Connection", "Upgrade")],
            Rule::AcceptMissing,
        ),
        (
            |a| {
                let accept = ("Sec-WebSocket-Accept", a);
                vec![
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    accept,
                    accept,
                ]
            },
            Rule::AcceptDuplicate,
        ),
        (
            |a| vec![("Connection", "Upgrade"), ("Sec-WebSocket-Accept", a)],
            Rule::UpgradeMissing,
        ),
        (
            |a| {
                vec![
                    ("Upgrade", "h2c"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Accept", a),
                ]
            },
            Rule::UpgradeMissing,
        ),
        (
            |a| vec![("Upgrade", "websocket"), ("Sec-WebSocket-Accept", a)],
            Rule::ConnectionMissing,
        ),
        (
            |a| {
                vec![
                    ("Upgrade", "websocket"),
                    ("Connection", "close"),
                    ("Sec-WebSocket-Accept", a),
                ]
            },
            Rule::ConnectionMissing,
        ),
    ];
    for (fields, rule) in cases {
        let response = |accept: &str| heads::head(SWITCHING, &fields(accept));
        never_opens::<E>(&plain(), &response, rule);
    }
    let old = |_: &str| heads::head("HTTP/1.0 101 x", &[]);
    never_opens::<E>(&plain(), &old, Rule::HttpVersion);
}

fn class_18_data_before_the_response<E: Engine>() {
    for early in [
        Frame::text("early").bytes(),
        b"\r\n".to_vec(),
        b" ".to_vec(),
        b"\x88\x00".to_vec(),
    ] {
        let response = |_: &str| early.clone();
        never_opens::<E>(&plain(), &response, Rule::HeadMalformed);
    }
}

fn class_01_a_response_without_end<E: Engine>() {
    for (start, more, rule) in [
        ("HTTP/1.1 101 ", "a", Rule::HeadTooLong),
        ("HTTP/1.1 101 \r\nA: ", "b", Rule::HeadTooLong),
        ("HTTP/1.1 101 \r\n", "A: b\r\n", Rule::TooManyHeaders),
    ] {
        let (mut subject, _) = asking::<E>(&plain());
        subject.receives(start);
        let mut said = start.len();
        while subject.failed_by().is_none() {
            subject.receives(more);
            said += more.len();
            assert!(said <= 65_537);
        }
        assert_eq!(subject.failed_by(), Some(rule));
        assert_eq!(subject.writes_bytes(), b"");
    }
}

/// Credentials are sent nowhere else: nothing more is written, and only the host reads the redirect's target.
fn class_25_a_redirect_is_not_followed<E: Engine>() {
    let request = Request {
        headers: vec![header("Authorization", "Bearer secret")],
        ..plain()
    };
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let line = format!("HTTP/1.1 {status} ");
        let elsewhere = ("Location", "ws://evil.example/");
        let response = |_: &str| heads::head(&line, &[elsewhere, EMPTY]);
        never_opens::<E>(&request, &response, Rule::HandshakeRefused);
        let (mut subject, _) = asking::<E>(&request);
        subject.receives(response(""));
        let shown = subject.engine.response().expect("the redirect");
        assert_eq!(shown.status, status);
        assert_eq!(shown.headers[0], header(elsewhere.0, elsewhere.1));
        assert!(subject.engine.connect(&request, subject.now).is_err());
    }
}

fn an_answer_that_was_not_offered<E: Engine>() {
    let request = Request {
        subprotocols: vec!["chat".into(), "superchat".into()],
        extensions: vec![extension("x-of-mine")],
        ..plain()
    };
    for (name, value, rule) in [
        (
            "Sec-WebSocket-Protocol",
            "other",
            Rule::SubprotocolNotOffered,
        ),
        (
            "Sec-WebSocket-Protocol",
            "Chat",
            Rule::SubprotocolNotOffered,
        ),
        (
            "Sec-WebSocket-Protocol",
            "chat, superchat",
            Rule::SubprotocolDuplicate,
        ),
        (
            "Sec-WebSocket-Extensions",
            "x-other",
            Rule::ExtensionNotOffered,
        ),
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate",
            Rule::ExtensionNotOffered,
        ),
        (
            "Sec-WebSocket-Extensions",
            "x-of-mine;=",
            Rule::ExtensionMalformed,
        ),
    ] {
        let response = |accept: &str| {
            let fields = [
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", accept),
                (name, value),
            ];
            heads::head(SWITCHING, &fields)
        };
        never_opens::<E>(&request, &response, rule);
    }
}
