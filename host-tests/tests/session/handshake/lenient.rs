//! Untidy but harmless heads, as real peers send them, are accepted, and reported in a clean form.

use host_tests::engine::{ENTROPY, START};
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, HandshakeKind, RequestHead};
use websocket_component::{Config, Instant, Role, Rule, State};

use super::{accept, asked, asking, header, key_in, plain, server};

on_both_engines![
    a_key_with_bits_left_over_is_accepted,
    an_offer_of_extensions_that_cannot_be_read_offers_nothing,
    an_empty_list_of_subprotocols_asks_for_none,
    a_repeated_subprotocol_counts_once,
    a_malformed_host_is_no_authority,
    an_empty_host_is_no_authority_and_breaks_no_rule,
    a_target_of_the_scheme_ws_is_as_one_of_http,
    a_101_opens_whatever_body_it_announces,
    a_101_of_http_1_0_opens_if_the_settings_say_so,
    a_refusal_of_http_1_0_is_one,
    heads_of_a_whole_browser_session_fit_the_default_limits,
    a_request_in_headers_may_be_untidy_too,
];

/// Returns what is reported of a request, which is then accepted.
#[track_caller]
fn accepted<E: Engine>(request: impl AsRef<[u8]>) -> RequestHead {
    let mut subject = server::<E>();
    assert_eq!(subject.receives(request), [Event::Request]);
    let shown = subject.engine.request().expect("a request");
    assert_eq!(shown.violation, None);
    accept(&mut subject);
    assert!(subject.writes_text().starts_with("HTTP/1.1 101 "));
    assert_eq!(subject.state(), State::Open);
    shown
}

fn accepted_with<E: Engine>(name: &str, value: &str) -> RequestHead {
    let shown = accepted::<E>(heads::request_with(&[(name, value)]));
    assert!(shown.headers.contains(&header(name, value)), "as it came");
    shown
}

/// As in the example of RFC 6455, section 4.1.
fn a_key_with_bits_left_over_is_accepted<E: Engine>() {
    for key in ["AQIDBAUGBwgJCgsMDQ4PEC==", "AQIDBAUGBwgJCgsMDQ4PEP=="] {
        let mut subject = asked::<E>(&[("Sec-WebSocket-Key", key)]);
        accept(&mut subject);
        let head = subject.writes_text();
        let accept = heads::field(&head, "Sec-WebSocket-Accept");
        assert_eq!(accept, Some(&*heads::accept_for(key)));
    }
}

fn an_offer_of_extensions_that_cannot_be_read_offers_nothing<E: Engine>() {
    for offer in [
        "",
        ",",
        "permessage-deflate;",
        "bbf-usp-protocol; eid=\"proto::agent-1\"",
        "x-of-mine, x y",
    ] {
        let shown = accepted_with::<E>("Sec-WebSocket-Extensions", offer);
        assert_eq!(shown.extensions, [], "{offer:?}");
        assert_eq!(shown.tolerated, [Rule::ExtensionMalformed], "{offer:?}");
    }
    let shown = accepted_with::<E>("Sec-WebSocket-Extensions", "x-of-mine");
    assert_eq!((shown.extensions.len(), shown.tolerated), (1, vec![]));
}

fn an_empty_list_of_subprotocols_asks_for_none<E: Engine>() {
    for value in ["", " \t ", ",", " , "] {
        let request = heads::request_with(&[("Sec-WebSocket-Protocol", value)]);
        let shown = accepted::<E>(request);
        assert_eq!((shown.subprotocols, shown.tolerated), (vec![], vec![]));
    }
}

fn a_repeated_subprotocol_counts_once<E: Engine>() {
    let shown = accepted_with::<E>("Sec-WebSocket-Protocol", "ocpp2.0, ocpp1.6, ocpp2.0");
    assert_eq!(shown.subprotocols, ["ocpp2.0", "ocpp1.6"]);
    assert_eq!(shown.tolerated, []);
    let mut subject = asked::<E>(&[("Sec-WebSocket-Protocol", "ocpp1.6, ocpp1.6")]);
    let acceptance = Acceptance {
        subprotocol: Some("ocpp1.6".into()),
        ..Acceptance::default()
    };
    subject.engine.accept(&acceptance, subject.now).unwrap();
    let head = subject.writes_text();
    let chosen = heads::field(&head, "Sec-WebSocket-Protocol");
    assert_eq!(chosen, Some("ocpp1.6"));
}

fn a_malformed_host_is_no_authority<E: Engine>() {
    for host in ["::1:8080", "[fe80::1%25eth0]:80", ":80", "a b", "a, b"] {
        let shown = accepted_with::<E>("Host", host);
        assert_eq!(shown.authority, "", "{host:?}");
        assert_eq!(shown.tolerated, [Rule::HostMalformed], "{host:?}");
    }
}

/// RFC 9112, section 3.2; for example from a client over a Unix socket.
fn an_empty_host_is_no_authority_and_breaks_no_rule<E: Engine>() {
    let shown = accepted_with::<E>("Host", "");
    assert_eq!((&*shown.authority, shown.tolerated), ("", vec![]));
}

fn a_target_of_the_scheme_ws_is_as_one_of_http<E: Engine>() {
    for scheme in ["ws", "wss", "http", "HTTPS"] {
        let line = format!("GET {scheme}://other.example:81/chat?a HTTP/1.1");
        let shown = accepted::<E>(heads::head(&line, &heads::REQUEST));
        assert_eq!(shown.target, "/chat?a");
        assert_eq!(shown.authority, "other.example:81");
    }
}

/// RFC 9112, section 6.3, rule 1.
fn a_101_opens_whatever_body_it_announces<E: Engine>() {
    for fields in [
        &[("Transfer-Encoding", "chunked")][..],
        &[("Content-Length", "5")],
        &[("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
    ] {
        let (mut subject, head) = asking::<E>(&plain());
        let mut response = heads::response_to(key_in(&head));
        response.truncate(response.len() - 2);
        for (name, value) in fields {
            response.extend(format!("{name}: {value}\r\n").bytes());
        }
        response.extend(b"\r\n\x81\x05hello");
        let events = subject.receives(response);
        assert_eq!(events, [Event::Opened, Event::text("hello")], "{fields:?}");
        let shown = subject.engine.response().unwrap();
        assert_eq!((shown.body, shown.body_complete), (vec![], true));

        let mut client = E::client(&Config::default(), &ENTROPY, START).unwrap();
        let form = HandshakeKind::Upgrade;
        let request = client
            .begin_client_handshake(form, &[], &[], &[], START)
            .unwrap();
        let key = String::from_utf8(request[2].value.clone()).unwrap();
        let mut response = vec![
            header("Upgrade", "websocket"),
            header("Connection", "Upgrade"),
            header("Sec-WebSocket-Accept", &heads::accept_for(&key)),
        ];
        response.extend(fields.iter().map(|(name, value)| header(name, value)));
        assert!(client.end_client_handshake(101, &response, START).is_ok());
    }
}

fn a_101_of_http_1_0_opens_if_the_settings_say_so<E: Engine>() {
    for allowed in [true, false] {
        let mut config = Config::default();
        config.allow_http10_response = allowed;
        let mut subject = Subject::<E>::new(Role::Client, &config);
        subject.engine.connect(&plain(), subject.now).unwrap();
        let head = subject.writes_text();
        let response = String::from_utf8(heads::response_to(key_in(&head))).unwrap();
        let events = subject.receives(response.replace("HTTP/1.1", "HTTP/1.0"));
        let (expected, rule) = match allowed {
            true => (vec![Event::Opened], None),
            false => (vec![], Some(Rule::HttpVersion)),
        };
        assert_eq!((events, subject.failed_by()), (expected, rule));
    }
}

fn a_refusal_of_http_1_0_is_one<E: Engine>() {
    for allowed in [true, false] {
        let mut config = Config::default();
        config.allow_http10_response = allowed;
        let mut subject = Subject::<E>::new(Role::Client, &config);
        subject.engine.connect(&plain(), subject.now).unwrap();
        subject.writes_text();
        subject.receives(heads::head(
            "HTTP/1.0 403 Forbidden",
            &[("X-Why", "because")],
        ));
        subject.receives("not you");
        subject.engine.end_of_input(subject.now);
        let response = subject.engine.response().expect("it has come");
        assert_eq!((response.status, &*response.body), (403, &b"not you"[..]));
        assert!(response.body_complete);
        assert_eq!(subject.failed_by(), Some(Rule::HandshakeRefused));
    }
}

fn heads_of_a_whole_browser_session_fit_the_default_limits<E: Engine>() {
    let cookie = "c".repeat(20_000);
    let line = format!("GET /chat?{} HTTP/1.1", "q".repeat(20_000));
    let more: Vec<_> = (0..200).map(|index| format!("X-{index}")).collect();
    let fields = [("Cookie", &*cookie), ("Authorization", &*cookie)];
    let fields = heads::REQUEST.into_iter().chain(fields);
    let fields: Vec<_> = fields
        .chain(more.iter().map(|name| (&**name, "y")))
        .collect();
    let shown = accepted::<E>(heads::head(&line, &fields));
    assert_eq!(shown.headers.len(), 207);

    let (mut subject, head) = asking::<E>(&plain());
    let mut response = heads::response_to(key_in(&head));
    response.truncate(response.len() - 2);
    response.extend(format!("Set-Cookie: {cookie}\r\n").bytes());
    for name in &more {
        response.extend(format!("{name}: y\r\n").bytes());
    }
    response.extend(b"\r\n");
    assert_eq!(subject.receives(response), [Event::Opened]);
}

fn a_request_in_headers_may_be_untidy_too<E: Engine>() {
    for (name, value) in [
        ("Host", ""),
        ("Host", "::1:8080"),
        ("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC=="),
        ("Sec-WebSocket-Protocol", ""),
        ("Sec-WebSocket-Protocol", "a, a"),
        ("Sec-WebSocket-Extensions", "permessage-deflate;"),
    ] {
        let kept = heads::REQUEST.into_iter().filter(|(n, _)| *n != name);
        let fields = kept.chain([(name, value)]);
        let fields: Vec<_> = fields.map(|(name, value)| header(name, value)).collect();
        let begin = |config: &Config| {
            let mut server = E::server(config, START).unwrap();
            let acceptance = Acceptance::default();
            server.begin_server_handshake(HandshakeKind::Upgrade, &fields, &acceptance, START)?;
            server.end_server_handshake(START)?;
            let result = server.exchange(b"", &[], Instant::from_nanos(3), 100);
            assert_eq!(result.state, State::Open);
            Ok::<_, host_tests::Failure>(())
        };
        assert_eq!(begin(&Config::default()), Ok(()), "{name}: {value}");
        let mut strict = Config::default();
        strict.allow_malformed_host = false;
        let rule = begin(&strict).err().map(|failure| failure.rule);
        let expected = (value == "::1:8080").then_some(Rule::HostMalformed);
        assert_eq!(rule, expected, "{name}: {value}");
    }
}
