//! The server's side, in bytes.

use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Refusal};
use websocket_component::{Config, Message, Role, Rule, State};

use super::{assert_refused, extension, header};

on_both_engines![
    a_request_is_shown_and_accepted,
    the_response_that_accepts_byte_by_byte,
    class_18_nothing_after_the_head_counts_before_the_request_is_accepted,
    a_subprotocol_is_chosen_by_the_host,
    an_extension_of_the_hosts_is_chosen,
    a_request_is_refused_with_a_body,
    a_refused_session_hears_nothing_more,
    class_18_another_version_is_answered_with_426_and_ours,
    bad_requests_are_answered_with_their_status,
    bad_requests_are_shown_if_the_host_asks_for_them,
    class_01_lines_without_end,
    class_01_a_head_byte_by_byte,
    class_02_one_header_too_many,
    class_03_floods_of_commas_and_quotes,
    class_04_high_bytes_in_every_header_of_the_handshake,
    class_18_a_value_of_the_answer_with_a_line_end_is_refused,
    class_18_fields_of_the_handshake_are_not_the_hosts,
    statuses_of_refusals,
    calls_that_are_not_the_next_step_change_nothing,
];

fn server<E: Engine>() -> Subject<E> {
    Subject::new(Role::Server, &Config::default())
}

/// A server that has heard a request.
fn asked<E: Engine>(fields: &[(&str, &str)]) -> Subject<E> {
    let mut subject = server::<E>();
    let request = heads::request_with(fields);
    assert_eq!(subject.hears(request), [Event::Request]);
    subject
}

fn accept<E: Engine>(subject: &mut Subject<E>) {
    subject.engine.accept(&Acceptance::default()).unwrap();
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
    subject.engine.accept(&acceptance).unwrap();
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
    let turn = subject.engine.exchange(&bytes, &[], subject.now, 1000);
    assert_eq!(turn.events, [Event::Request]);
    assert_eq!(turn.consumed, bytes.len() - early.len());
    for _ in 0..3 {
        let turn = subject.engine.exchange(&early, &[], subject.now, 1000);
        assert_eq!((turn.consumed, turn.more), (0, false));
        assert_eq!((turn.events, turn.output), (vec![], vec![]));
    }
    accept(&mut subject);
    assert_eq!(subject.hears(&early), [Event::text("early")]);
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
    let outcome = subject.engine.accept(&choose("other"));
    assert_refused(outcome, Rule::SubprotocolNotRequested);
    let negotiated = subject.engine.accept(&choose("superchat")).unwrap();
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
    let outcome = subject.engine.accept(&choose("x-other"));
    assert_refused(outcome, Rule::ExtensionNotRequested);
    let negotiated = subject.engine.accept(&choose("x-of-mine")).unwrap();
    assert_eq!(negotiated.extensions, [extension("x-of-mine")]);
    let head = subject.writes_text();
    let chosen = heads::field(&head, "Sec-WebSocket-Extensions");
    assert_eq!(chosen, Some("x-of-mine"));
    let events = subject.hears_frames(&[Frame::text("x").reserved(0x40)]);
    assert!(matches!(events[..], [Event::Frame { bits: 0xc1, .. }]));
}

fn a_request_is_refused_with_a_body<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    let refusal = Refusal {
        headers: vec![header("WWW-Authenticate", "Basic")],
        body: b"who are you?".into(),
        ..Refusal::new(401)
    };
    subject.engine.refuse(&refusal).unwrap();
    assert_eq!(subject.state(), State::Closing);
    let response = subject.writes_text();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
    assert_eq!(heads::field(head, "WWW-Authenticate"), Some("Basic"));
    assert_eq!(heads::field(head, "Content-Length"), Some("12"));
    assert_eq!(heads::field(head, "Connection"), Some("close"));
    assert_eq!(body, "who are you?");
    assert_eq!(subject.state(), State::Closed);
    assert_eq!(subject.failed_by(), None);
    assert_eq!(subject.engine.negotiated(), None);
}

fn a_refused_session_hears_nothing_more<E: Engine>() {
    let mut subject = asked::<E>(&[]);
    subject.engine.refuse(&Refusal::new(503)).unwrap();
    subject.writes_bytes();
    assert_eq!(subject.hears(heads::request()), []);
    assert_eq!(subject.hears_frames(&[Frame::text("x")]), []);
    assert_eq!(subject.writes_bytes(), b"");
    let said = subject.says(Message::Text("x"));
    assert_refused(said, Rule::AlreadyClosing);
}

fn class_18_another_version_is_answered_with_426_and_ours<E: Engine>() {
    for version in ["8", "0", "14", "13, 8", "013", ""] {
        let mut subject = server::<E>();
        let request = heads::request_with(&[("Sec-WebSocket-Version", version)]);
        assert_eq!(subject.hears(request), []);
        let failure = subject.engine.failure().unwrap();
        assert_eq!(failure, Rule::VersionUnsupported.into());
        let head = subject.writes_text();
        assert!(head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
        let ours = heads::field(&head, "Sec-WebSocket-Version");
        assert_eq!(ours, Some("13"));
        assert_eq!(subject.state(), State::Closed);
    }
}

/// Requests that break a rule of the handshake, which a host may want to see.
fn bad_requests() -> Vec<(Vec<u8>, Rule, u16)> {
    let with = |name, value| heads::request_with(&[(name, value)]);
    let twice = |name, one, two| heads::request_with(&[(name, one), (name, two)]);
    let post = heads::head("POST /chat HTTP/1.1", &heads::REQUEST);
    let asterisk = heads::head("GET * HTTP/1.1", &heads::REQUEST);
    vec![
        (post, Rule::MethodNotGet, 405),
        (asterisk, Rule::TargetMalformed, 400),
        (heads::request_without("Host"), Rule::HostMissing, 400),
        (twice("Host", "a", "b"), Rule::HostDuplicate, 400),
        (with("Host", "a b"), Rule::HostMalformed, 400),
        (heads::request_without("Upgrade"), Rule::UpgradeMissing, 426),
        (with("Upgrade", "h2c"), Rule::UpgradeMissing, 426),
        (
            heads::request_without("Connection"),
            Rule::ConnectionMissing,
            400,
        ),
        (
            with("Connection", "keep-alive"),
            Rule::ConnectionMissing,
            400,
        ),
        (
            heads::request_without("Sec-WebSocket-Version"),
            Rule::VersionMissing,
            426,
        ),
        (
            heads::request_without("Sec-WebSocket-Key"),
            Rule::KeyMissing,
            400,
        ),
        (
            twice("Sec-WebSocket-Key", heads::KEY, heads::KEY),
            Rule::KeyDuplicate,
            400,
        ),
        (with("Sec-WebSocket-Key", "AAAA"), Rule::KeyMalformed, 400),
        (
            with("Sec-WebSocket-Protocol", "a b"),
            Rule::SubprotocolMalformed,
            400,
        ),
        (
            with("Sec-WebSocket-Extensions", "a; b=\""),
            Rule::ExtensionMalformed,
            400,
        ),
        (with("Content-Length", "5"), Rule::BodyNotAllowed, 400),
        (
            with("Transfer-Encoding", "chunked"),
            Rule::BodyNotAllowed,
            400,
        ),
    ]
}

fn bad_requests_are_answered_with_their_status<E: Engine>() {
    for (request, rule, status) in bad_requests() {
        let mut subject = server::<E>();
        let early = subject.peers(&[Frame::text("early")]);
        assert_eq!(subject.hears([request, early].concat()), [], "{rule:?}");
        let failure = subject.engine.failure().expect("it has failed");
        assert_eq!(failure, rule.into());
        assert_eq!(failure.status, Some(status));
        let response = subject.writes_text();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{rule:?}: {response}"
        );
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(rule.description()), "{body}");
        let length = body.len().to_string();
        assert_eq!(heads::field(head, "Content-Length"), Some(&*length));
        assert_eq!(subject.state(), State::Closed);
    }
}

fn bad_requests_are_shown_if_the_host_asks_for_them<E: Engine>() {
    let mut config = Config::default();
    config.show_bad_requests = true;
    for (request, rule, _) in bad_requests() {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.hears(request), [Event::Request], "{rule:?}");
        let shown = subject.engine.request().expect("a request");
        assert_eq!(shown.violation, Some(rule));
        let accepted = subject.engine.accept(&Acceptance::default());
        assert_eq!(accepted.expect_err("not acceptable").rule, rule);
        assert_eq!(subject.writes_bytes(), b"");
        let page = Refusal {
            body: b"<h1>hello</h1>".into(),
            ..Refusal::new(200)
        };
        subject.engine.refuse(&page).unwrap();
        let response = subject.writes_text();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(response.ends_with("<h1>hello</h1>"));
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.failed_by(), None);
    }
}

/// Says bytes until the server refuses. Returns the rule, and how many it took.
fn says_until_refused<E: Engine>(start: &str, more: impl AsRef<[u8]>) -> (Rule, usize) {
    let mut subject = server::<E>();
    subject.hears(start);
    let mut said = start.len();
    while subject.failed_by().is_none() {
        assert!(said < 100_000, "no end of {start:?}");
        subject.hears(more.as_ref());
        said += more.as_ref().len();
    }
    let rule = subject.failed_by().unwrap();
    let status = rule.status().expect("a status");
    let response = subject.writes_text();
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")));
    (rule, said)
}

fn class_01_lines_without_end<E: Engine>() {
    let (rule, said) = says_until_refused::<E>("GET /", "a");
    assert_eq!((rule, said), (Rule::RequestLineTooLong, 8193), "the target");
    let (rule, said) = says_until_refused::<E>("", "G");
    assert_eq!((rule, said), (Rule::RequestLineTooLong, 8193), "the method");
    let line = "GET / HTTP/1.1\r\n";
    for start in ["", "A", "A: "] {
        let (rule, said) = says_until_refused::<E>(&[line, start].concat(), "a");
        assert_eq!(rule, Rule::HeaderLineTooLong);
        assert_eq!(said, line.len() + 8193);
    }
    let (rule, said) = says_until_refused::<E>(line, "A: bcdef\r\nB: cdefghijklmnop\r\n");
    assert_eq!(rule, Rule::TooManyHeaders);
    assert_eq!(said, line.len() + 51 * 29);
    let long = format!("A: {}\r\n", "b".repeat(1000));
    let (rule, said) = says_until_refused::<E>(line, long);
    assert_eq!(rule, Rule::HeadTooLong);
    assert!(said < 16_384 + 1005);
    assert_eq!(Rule::RequestLineTooLong.status(), Some(414));
    assert_eq!(Rule::HeaderLineTooLong.status(), Some(431));
    assert_eq!(Rule::HeadTooLong.status(), Some(431));
}

fn class_01_a_head_byte_by_byte<E: Engine>() {
    let mut subject = server::<E>();
    let request = heads::request_with(&[("X", &"y".repeat(8000))]);
    let (last, others) = request.split_last().unwrap();
    for byte in others {
        let turn = subject.engine.exchange(&[*byte], &[], subject.now, 1000);
        assert_eq!((turn.consumed, turn.events), (1, vec![]));
    }
    assert_eq!(subject.hears([*last]), [Event::Request]);
}

fn class_02_one_header_too_many<E: Engine>() {
    let mut config = Config::default();
    config.limits.headers = 20;
    let more: Vec<_> = (0..15).map(|index| (format!("X-{index}"), "y")).collect();
    let more: Vec<_> = more.iter().map(|(name, value)| (&**name, *value)).collect();
    let mut subject = Subject::<E>::new(Role::Server, &config);
    let most = heads::request_with(&more);
    assert_eq!(subject.hears(most), [Event::Request]);
    let one_more = [&more[..], &[("X-15", "y")]].concat();
    let mut subject = Subject::<E>::new(Role::Server, &config);
    assert_eq!(subject.hears(heads::request_with(&one_more)), []);
    assert_eq!(subject.failed_by(), Some(Rule::TooManyHeaders));
    assert!(subject.writes_text().starts_with("HTTP/1.1 431 "));
}

fn class_03_floods_of_commas_and_quotes<E: Engine>() {
    for (value, rule) in [
        (",".repeat(8000), Some(Rule::ExtensionMalformed)),
        (", ".repeat(4000), Some(Rule::ExtensionMalformed)),
        (format!("a{}b", ", ,".repeat(2500)), None),
        ("a;b=\"".repeat(1000), Some(Rule::ExtensionMalformed)),
        (
            format!("a;b=\"{}", "\\\"".repeat(3000)),
            Some(Rule::ExtensionMalformed),
        ),
        (format!("a{}", ";b".repeat(3000)), None),
        ("\"".repeat(8000), Some(Rule::ExtensionMalformed)),
    ] {
        let mut subject = server::<E>();
        let request = heads::request_with(&[("Sec-WebSocket-Extensions", &value)]);
        let events = subject.hears(request);
        assert_eq!(subject.failed_by(), rule, "{}", &value[..10]);
        assert_eq!(events.is_empty(), rule.is_some());
    }
}

fn class_04_high_bytes_in_every_header_of_the_handshake<E: Engine>() {
    let rules = [
        Rule::HostMalformed,
        Rule::UpgradeMissing,
        Rule::ConnectionMissing,
        Rule::KeyMalformed,
        Rule::VersionUnsupported,
    ];
    for byte in [0x80, 0xc3, 0xe9, 0xff] {
        for ((name, _), rule) in heads::REQUEST.into_iter().zip(rules) {
            let mut request = heads::request_without(name);
            request.truncate(request.len() - 2);
            request.extend(name.bytes().chain(*b": "));
            request.extend([byte, b'\r', b'\n', b'\r', b'\n']);
            let mut subject = server::<E>();
            assert_eq!(subject.hears(request), []);
            assert_eq!(subject.failed_by(), Some(rule), "{byte:x} in {name}");
        }
        let mut request = heads::request();
        request.truncate(request.len() - 2);
        request.extend([b'X', b':', byte, b'\r', b'\n', b'\r', b'\n']);
        let mut subject = server::<E>();
        assert_eq!(subject.hears(request), [Event::Request]);
        let shown = subject.engine.request().unwrap();
        assert_eq!(shown.headers.last().unwrap().value, [byte]);
    }
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
        assert_refused(subject.engine.accept(&acceptance), rule);
        let refusal = Refusal {
            headers,
            ..Refusal::new(403)
        };
        assert_refused(subject.engine.refuse(&refusal), rule);
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
        let outcome = subject.engine.accept(&acceptance);
        assert_refused(outcome, Rule::HeaderReserved);
    }
    accept(&mut subject);
}

fn statuses_of_refusals<E: Engine>() {
    for status in [0, 99, 100, 101, 199, 1000, u16::MAX] {
        let mut subject = asked::<E>(&[]);
        let outcome = subject.engine.refuse(&Refusal::new(status));
        assert_refused(outcome, Rule::StatusInvalid);
        assert_eq!(subject.state(), State::Connecting);
    }
    for status in [200, 302, 404, 503, 999] {
        let mut subject = asked::<E>(&[]);
        subject.engine.refuse(&Refusal::new(status)).unwrap();
        let response = subject.writes_text();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")));
    }
}

fn calls_that_are_not_the_next_step_change_nothing<E: Engine>() {
    use websocket_component::handshake::Request;
    let mut subject = server::<E>();
    let acceptance = Acceptance::default();
    let engine = &mut subject.engine;
    assert_refused(engine.accept(&acceptance), Rule::HandshakeOutOfOrder);
    assert_refused(engine.refuse(&Refusal::new(403)), Rule::HandshakeOutOfOrder);
    let request = Request::new("example.org", "/");
    assert_refused(engine.connect(&request), Rule::WrongRole);
    assert_refused(engine.end_client_handshake(101, &[]), Rule::WrongRole);
    assert_refused(engine.end_server_handshake(), Rule::HandshakeOutOfOrder);
    assert_refused(subject.says(Message::Text("x")), Rule::NotOpen);
    assert_refused(subject.says(Message::Close), Rule::NotOpen);
    subject.hears(heads::request());
    accept(&mut subject);
    let again = subject.engine.accept(&acceptance);
    assert_refused(again, Rule::HandshakeOutOfOrder);
    let refused = subject.engine.refuse(&Refusal::new(403));
    assert_refused(refused, Rule::HandshakeOutOfOrder);
    assert_eq!(subject.state(), State::Open);
    assert!(subject.writes_text().starts_with("HTTP/1.1 101 "));
}
