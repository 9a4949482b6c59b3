//! Requests that break a rule, in bytes.

use host_tests::engine::rule;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Refusal};
use websocket_component::{Config, Role, Rule, State};

use super::server;

on_both_engines![
    class_18_another_version_is_answered_with_426_and_ours,
    bad_requests_are_answered_with_their_status,
    bad_requests_are_shown_if_the_host_asks_for_them,
    http_1_0_is_answered_with_505_unless_the_host_asks_for_bad_requests,
    a_probe_of_http_1_0_can_be_answered_by_the_host,
    a_malformed_host_is_refused_if_the_settings_say_so,
    a_refusal_of_a_head_request_has_no_body,
    class_01_lines_without_end,
    class_01_a_head_byte_by_byte,
    class_02_one_header_too_many,
    class_03_floods_of_commas_and_quotes,
    class_04_high_bytes_in_every_header_of_the_handshake,
];

fn class_18_another_version_is_answered_with_426_and_ours<E: Engine>() {
    for version in ["8", "0", "14", "13, 8", "013", ""] {
        let mut subject = server::<E>();
        let request = heads::request_with(&[("Sec-WebSocket-Version", version)]);
        assert_eq!(subject.receives(request), []);
        let failure = subject.engine.failure().unwrap();
        assert_eq!(failure, Rule::VersionUnsupported.into());
        let head = subject.writes_text();
        assert!(head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
        let ours = heads::field(&head, "Sec-WebSocket-Version");
        assert_eq!(ours, Some("13"));
        assert_eq!(subject.state(), State::Draining);
    }
}

/// Requests that break a rule of the handshake, which a host may want to see.
fn bad_requests() -> Vec<(Vec<u8>, Rule, u16)> {
    let with = |name, value| heads::request_with(&[(name, value)]);
    let twice = |name, one, two| heads::request_with(&[(name, one), (name, two)]);
    let post = heads::head("POST /chat HTTP/1.1", &heads::REQUEST);
    let options = heads::head("OPTIONS * HTTP/1.1", &heads::REQUEST);
    let asterisk = heads::head("GET * HTTP/1.1", &heads::REQUEST);
    vec![
        (post, Rule::MethodNotGet, 405),
        (options, Rule::MethodNotGet, 405),
        (asterisk, Rule::TargetMalformed, 400),
        (heads::request_without("Host"), Rule::HostMissing, 400),
        (twice("Host", "a", "b"), Rule::HostDuplicate, 400),
        (twice("Host", "", ""), Rule::HostDuplicate, 400),
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
        assert_eq!(subject.receives([request, early].concat()), [], "{rule:?}");
        let failure = subject.engine.failure().expect("it has failed");
        assert_eq!(failure, rule.into());
        assert_eq!(failure.status, Some(status));
        assert_eq!(subject.engine.request(), None);
        let response = subject.writes_text();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{rule:?}: {response}"
        );
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(rule.description()), "{body}");
        let length = body.len().to_string();
        assert_eq!(heads::field(head, "Content-Length"), Some(&*length));
        assert_eq!(subject.state(), State::Draining);
    }
}

fn bad_requests_are_shown_if_the_host_asks_for_them<E: Engine>() {
    let mut config = Config::default();
    config.expose_invalid_requests = true;
    for (request, rule, _) in bad_requests() {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.receives(request), [Event::Request], "{rule:?}");
        let shown = subject.engine.request().expect("a request");
        assert_eq!(shown.violation, Some(rule));
        let accepted = subject.engine.accept(&Acceptance::default(), subject.now);
        assert_eq!(accepted.expect_err("not acceptable").rule, rule);
        assert_eq!(subject.writes_bytes(), b"");
        let page = Refusal {
            body: b"<h1>hello</h1>".into(),
            ..Refusal::new(200)
        };
        subject.engine.refuse(&page, subject.now).unwrap();
        let response = subject.writes_text();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(response.ends_with("<h1>hello</h1>"));
        assert_eq!(subject.state(), State::Draining);
        assert_eq!(subject.failed_by(), None);
    }
}

const PROBES: [&str; 3] = [
    "GET /healthz HTTP/1.0\r\n\r\n",
    "HEAD / HTTP/1.0\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\n\r\n",
];

fn http_1_0_is_answered_with_505_unless_the_host_asks_for_bad_requests<E: Engine>() {
    for probe in PROBES {
        let mut subject = server::<E>();
        let version = probe.find("HTTP/1.0").unwrap() + "HTTP/1.".len();
        assert_eq!(subject.receives(&probe[..version]), []);
        assert_eq!(subject.failed_by(), None);
        assert_eq!(subject.receives(&probe[version..]), []);
        assert_eq!(subject.failed_by(), Some(Rule::HttpVersion));
        assert!(subject.writes_text().starts_with("HTTP/1.1 505 "));
        assert_eq!(subject.state(), State::Draining);
    }
}

/// RFC 9112, section 9.3: an HTTP/1.0 client without keep-alive reads to the end of the connection.
fn a_probe_of_http_1_0_can_be_answered_by_the_host<E: Engine>() {
    let mut config = Config::default();
    config.expose_invalid_requests = true;
    for probe in PROBES {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.receives(probe), [Event::Request]);
        let shown = subject.engine.request().expect("a request");
        assert_eq!(shown.violation, Some(Rule::HttpVersion));
        let line = format!("{} {} HTTP/1.0\r\n", shown.method, shown.target);
        assert!(probe.starts_with(&line), "{line:?}");
        let accepted = subject.engine.accept(&Acceptance::default(), subject.now);
        assert_eq!(rule(accepted), Rule::HttpVersion);
        let health = Refusal {
            body: b"ok\n".into(),
            ..Refusal::new(200)
        };
        subject.engine.refuse(&health, subject.now).unwrap();
        let response = subject.writes_text();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(heads::field(head, "Content-Length"), Some("3"));
        assert_eq!(heads::field(head, "Connection"), Some("close"));
        let expected = if shown.method == "HEAD" { "" } else { "ok\n" };
        assert_eq!(body, expected);
        assert_eq!(
            (subject.state(), subject.failed_by()),
            (State::Draining, None)
        );
    }
    for other in ["GET / HTTP/1.2\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"] {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.receives(other), [], "{other}");
        assert_eq!(subject.failed_by(), Some(Rule::HttpVersion));
    }
}

fn a_malformed_host_is_refused_if_the_settings_say_so<E: Engine>() {
    let mut config = Config::default();
    config.allow_malformed_host = false;
    for host in ["::1:8080", "[fe80::1%25eth0]:80", "a b", ":80"] {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.receives(heads::request_with(&[("Host", host)])), []);
        assert_eq!(subject.failed_by(), Some(Rule::HostMalformed), "{host}");
        assert!(subject.writes_text().starts_with("HTTP/1.1 400 "));
    }
    let mut subject = Subject::<E>::new(Role::Server, &config);
    let empty = heads::request_with(&[("Host", "")]);
    assert_eq!(subject.receives(empty), [Event::Request]);
    assert_eq!(subject.engine.request().unwrap().tolerated, []);
}

/// RFC 9110, section 9.3.2.
fn a_refusal_of_a_head_request_has_no_body<E: Engine>() {
    let mut config = Config::default();
    config.expose_invalid_requests = true;
    let mut subject = Subject::<E>::new(Role::Server, &config);
    subject.receives(heads::head("HEAD /chat HTTP/1.1", &heads::REQUEST));
    let page = Refusal {
        body: b"<h1>hello</h1>".into(),
        ..Refusal::new(200)
    };
    subject.engine.refuse(&page, subject.now).unwrap();
    let response = subject.writes_text();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!(heads::field(head, "Content-Length"), Some("14"));
    assert_eq!(body, "");
}

/// Sends bytes until the server refuses. Returns the rule, and how many were sent.
fn says_until_refused<E: Engine>(
    config: &Config,
    start: &str,
    more: impl AsRef<[u8]>,
) -> (Rule, usize) {
    let mut subject = Subject::<E>::new(Role::Server, config);
    subject.receives(start);
    let mut said = start.len();
    while subject.failed_by().is_none() {
        assert!(said < 100_000, "no end of {start:?}");
        subject.receives(more.as_ref());
        said += more.as_ref().len();
    }
    let rule = subject.failed_by().unwrap();
    let status = rule.status().expect("a status");
    let response = subject.writes_text();
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")));
    (rule, said)
}

fn class_01_lines_without_end<E: Engine>() {
    let mut config = Config::default();
    config.limits.head = 8192;
    let line = "GET / HTTP/1.1\r\n";
    for start in ["GET /", ""] {
        let (rule, said) = says_until_refused::<E>(&config, start, "G");
        assert_eq!((rule, said), (Rule::RequestLineTooLong, 8193), "{start}");
    }
    for start in ["", "A", "A: "] {
        let start = [line, start].concat();
        let (rule, said) = says_until_refused::<E>(&config, &start, "a");
        assert_eq!((rule, said), (Rule::HeadTooLong, 8193), "{start}");
    }
    let default = Config::default();
    let long = format!("A: {}\r\n", "b".repeat(1000));
    let (rule, said) = says_until_refused::<E>(&default, line, &long);
    assert_eq!(rule, Rule::HeadTooLong);
    assert!((65_536..65_536 + long.len()).contains(&said));
    let two = "A: bcdef\r\nB: cdefghijklmnop\r\n";
    let (rule, said) = says_until_refused::<E>(&default, line, two);
    assert_eq!(rule, Rule::TooManyHeaders);
    assert_eq!(said, line.len() + (256 / 2 + 1) * two.len());
    assert_eq!(Rule::RequestLineTooLong.status(), Some(414));
    assert_eq!(Rule::HeadTooLong.status(), Some(431));
}

fn class_01_a_head_byte_by_byte<E: Engine>() {
    let mut subject = server::<E>();
    let request = heads::request_with(&[("X", &"y".repeat(8000))]);
    let (last, others) = request.split_last().unwrap();
    for byte in others {
        let result = subject.engine.exchange(&[*byte], &[], subject.now, 1000);
        assert_eq!((result.consumed, result.events), (1, vec![]));
    }
    assert_eq!(subject.receives([*last]), [Event::Request]);
}

fn class_02_one_header_too_many<E: Engine>() {
    let mut config = Config::default();
    config.limits.headers = 20;
    let more: Vec<_> = (0..15).map(|index| (format!("X-{index}"), "y")).collect();
    let more: Vec<_> = more.iter().map(|(name, value)| (&**name, *value)).collect();
    let mut subject = Subject::<E>::new(Role::Server, &config);
    let most = heads::request_with(&more);
    assert_eq!(subject.receives(most), [Event::Request]);
    let one_more = [&more[..], &[("X-15", "y")]].concat();
    let mut subject = Subject::<E>::new(Role::Server, &config);
    assert_eq!(subject.receives(heads::request_with(&one_more)), []);
    assert_eq!(subject.failed_by(), Some(Rule::TooManyHeaders));
    assert!(subject.writes_text().starts_with("HTTP/1.1 431 "));
}

fn class_03_floods_of_commas_and_quotes<E: Engine>() {
    for (value, offered) in [
        (",".repeat(60_000), 0),
        (", ".repeat(30_000), 0),
        (format!("a{}b", ", ,".repeat(20_000)), 2),
        ("a;b=\"".repeat(10_000), 0),
        (format!("a;b=\"{}", "\\\"".repeat(30_000)), 0),
        (format!("a{}", ";b".repeat(30_000)), 1),
        ("\"".repeat(60_000), 0),
    ] {
        let mut subject = server::<E>();
        let request = heads::request_with(&[("Sec-WebSocket-Extensions", &value)]);
        assert_eq!(subject.receives(request), [Event::Request]);
        let shown = subject.engine.request().unwrap();
        assert_eq!(shown.extensions.len(), offered, "{}", &value[..10]);
        let tolerated = match offered {
            0 => vec![Rule::ExtensionMalformed],
            _ => vec![],
        };
        assert_eq!(shown.tolerated, tolerated);
    }
}

fn class_04_high_bytes_in_every_header_of_the_handshake<E: Engine>() {
    let mut config = Config::default();
    config.allow_malformed_host = false;
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
            let mut subject = Subject::<E>::new(Role::Server, &config);
            assert_eq!(subject.receives(request), []);
            assert_eq!(subject.failed_by(), Some(rule), "{byte:x} in {name}");
        }
        let mut request = heads::request();
        request.truncate(request.len() - 2);
        request.extend([b'X', b':', byte, b'\r', b'\n', b'\r', b'\n']);
        let mut subject = server::<E>();
        assert_eq!(subject.receives(request), [Event::Request]);
        let shown = subject.engine.request().unwrap();
        assert_eq!(shown.headers.last().unwrap().value, [byte]);
    }
}
