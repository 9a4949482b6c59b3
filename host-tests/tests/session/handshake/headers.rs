//! The handshake in headers, over HTTP/1.1 and as an extended CONNECT (RFC 8441, RFC 9220).

use std::time::Duration;

use host_tests::engine::{ENTROPY, START};
use host_tests::wire::Frame;
use host_tests::{Engine, Event, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, HandshakeKind, Header, Negotiated};
use websocket_component::{Config, Instant, Message, Role, Rule, State};

use super::{assert_refused, extension, header};

on_both_engines![
    an_upgrade_in_headers,
    an_extended_connect,
    class_19_an_upgrade_refuses_what_belongs_to_the_other_form,
    class_19_an_extended_connect_refuses_what_belongs_to_an_upgrade,
    class_18_a_status_other_than_the_forms_own_never_opens,
    a_request_in_headers_that_breaks_a_rule_ends_the_session,
    an_answer_that_the_request_does_not_allow_can_be_put_right,
    class_18_values_with_line_ends_are_refused,
    a_session_that_starts_open_has_what_was_negotiated,
    bytes_before_the_handshake_has_ended_wait,
    a_session_whose_connection_is_lost_meanwhile_does_not_open,
    class_23_a_handshake_in_headers_that_takes_too_long_writes_nothing,
];

const NOW: Instant = Instant::from_nanos(3);

fn client<E: Engine>() -> E {
    E::client(&Config::default(), &ENTROPY, START).unwrap()
}

fn server<E: Engine>() -> E {
    E::server(&Config::default(), START).unwrap()
}

fn value<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    let named = |header: &&Header| header.name.eq_ignore_ascii_case(name);
    let header = headers.iter().find(named)?;
    Some(std::str::from_utf8(&header.value).unwrap())
}

fn chat() -> [String; 1] {
    ["chat".into()]
}

fn accept_chat() -> Acceptance {
    Acceptance {
        subprotocol: Some("chat".into()),
        ..Acceptance::default()
    }
}

/// Checks that both sides are open, agree, and can exchange messages.
#[track_caller]
fn assert_connected<E: Engine>(mut client: E, mut server: E) {
    assert_eq!(client.negotiated(), server.negotiated());
    assert_eq!(client.state(), State::Open);
    assert_eq!(server.state(), State::Open);
    client.send(Message::Text("hello"), None, NOW).unwrap();
    let output = client.exchange(b"", &[], NOW, 1000).output;
    let result = server.exchange(&output, &[], NOW, 1000);
    assert_eq!(result.events, [Event::text("hello")]);
}

fn an_upgrade_in_headers<E: Engine>() {
    let mut client = client::<E>();
    let extensions = [extension("x-of-mine")];
    let mut request = client
        .begin_client_handshake(
            HandshakeKind::Upgrade,
            &chat(),
            &extensions,
            &[header("A", "b")],
            NOW,
        )
        .unwrap();
    assert_eq!(value(&request, "Upgrade"), Some("websocket"));
    assert_eq!(value(&request, "Connection"), Some("Upgrade"));
    assert_eq!(value(&request, "Sec-WebSocket-Version"), Some("13"));
    assert_eq!(value(&request, "Sec-WebSocket-Protocol"), Some("chat"));
    let offered = value(&request, "Sec-WebSocket-Extensions");
    assert_eq!(offered, Some("x-of-mine"));
    let key = value(&request, "Sec-WebSocket-Key").unwrap().to_owned();
    // The Host field is the caller's.
    assert_eq!(value(&request, "Host"), None);
    request.push(header("host", "example.org"));

    let mut server = server::<E>();
    let response = server
        .begin_server_handshake(HandshakeKind::Upgrade, &request, &accept_chat(), NOW)
        .unwrap();
    let accept = heads::accept_for(&key);
    assert_eq!(value(&response, "Sec-WebSocket-Accept"), Some(&*accept));
    assert_eq!(server.state(), State::Connecting);
    server.end_server_handshake(NOW).unwrap();
    let negotiated = client.end_client_handshake(101, &response, NOW).unwrap();
    assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
    assert_connected(client, server);
}

fn pseudo() -> Vec<Header> {
    vec![
        header(":method", "CONNECT"),
        header(":protocol", "websocket"),
        header(":scheme", "https"),
        header(":path", "/chat"),
        header(":authority", "example.org"),
    ]
}

fn an_extended_connect<E: Engine>() {
    let form = HandshakeKind::ExtendedConnect;
    let mut client = client::<E>();
    let added = client
        .begin_client_handshake(form, &chat(), &[], &pseudo(), NOW)
        .unwrap();
    for field in &added {
        assert_eq!(field.name, field.name.to_ascii_lowercase());
    }
    for absent in ["upgrade", "connection", "sec-websocket-key", "host"] {
        assert_eq!(value(&added, absent), None);
    }
    let request = [pseudo(), added].concat();
    let mut server = server::<E>();
    let response = server
        .begin_server_handshake(form, &request, &accept_chat(), NOW)
        .unwrap();
    for absent in ["upgrade", "connection", "sec-websocket-accept"] {
        assert_eq!(value(&response, absent), None);
    }
    server.end_server_handshake(NOW).unwrap();
    client.end_client_handshake(200, &response, NOW).unwrap();
    assert_connected(client, server);
}

fn upgrade_request() -> Vec<Header> {
    let fields = heads::REQUEST.into_iter();
    fields.map(|(name, value)| header(name, value)).collect()
}

fn connect_request() -> Vec<Header> {
    let version = header("sec-websocket-version", "13");
    [pseudo(), vec![version]].concat()
}

/// A server given this request fails by this rule, and has ended.
#[track_caller]
fn refuses<E: Engine>(form: HandshakeKind, request: &[Header], rule: Rule) {
    let mut server = server::<E>();
    let outcome = server.begin_server_handshake(form, request, &Acceptance::default(), NOW);
    assert_eq!(outcome, Err(rule.into()));
    assert_eq!(server.failure(), Some(rule.into()));
    assert_eq!(server.state(), State::Closed);
    assert_eq!(server.exchange(b"", &[], NOW, 100).output, b"");
}

/// A client given this response fails by this rule, and has ended.
#[track_caller]
fn rejects<E: Engine>(form: HandshakeKind, status: u16, response: &[Header], rule: Rule) {
    let mut client = client::<E>();
    client
        .begin_client_handshake(form, &[], &[], &[], NOW)
        .unwrap();
    let outcome = client.end_client_handshake(status, response, NOW);
    assert_eq!(outcome, Err(rule.into()));
    assert_eq!(client.failure(), Some(rule.into()));
    assert_eq!(client.state(), State::Closed);
    assert_eq!(client.negotiated(), None);
}

fn class_19_an_upgrade_refuses_what_belongs_to_the_other_form<E: Engine>() {
    for field in pseudo() {
        let request = [upgrade_request(), vec![field]].concat();
        refuses::<E>(HandshakeKind::Upgrade, &request, Rule::ConnectForbidden);
    }
    let without_key: Vec<_> = upgrade_request()
        .into_iter()
        .filter(|header| header.name != "Sec-WebSocket-Key")
        .collect();
    refuses::<E>(HandshakeKind::Upgrade, &without_key, Rule::KeyMissing);
    let response = [
        header("Upgrade", "websocket"),
        header("Connection", "Upgrade"),
    ];
    rejects::<E>(HandshakeKind::Upgrade, 101, &response, Rule::AcceptMissing);
    rejects::<E>(
        HandshakeKind::Upgrade,
        200,
        &response,
        Rule::HandshakeRefused,
    );
}

fn class_19_an_extended_connect_refuses_what_belongs_to_an_upgrade<E: Engine>() {
    let form = HandshakeKind::ExtendedConnect;
    let key = header("sec-websocket-key", heads::KEY);
    let request = [connect_request(), vec![key]].concat();
    refuses::<E>(form, &request, Rule::KeyForbidden);
    refuses::<E>(form, &upgrade_request(), Rule::ConnectMalformed);
    let accept = header("sec-websocket-accept", heads::ACCEPT);
    rejects::<E>(form, 200, &[accept], Rule::AcceptForbidden);
    rejects::<E>(form, 101, &[], Rule::HandshakeRefused);
}

fn class_18_a_status_other_than_the_forms_own_never_opens<E: Engine>() {
    for status in [0, 100, 200, 204, 302, 401, 426, 500, u16::MAX] {
        let mut client = client::<E>();
        let request = client
            .begin_client_handshake(HandshakeKind::Upgrade, &[], &[], &[], NOW)
            .unwrap();
        let key = value(&request, "Sec-WebSocket-Key").unwrap();
        let response = [
            header("Upgrade", "websocket"),
            header("Connection", "Upgrade"),
            header("Sec-WebSocket-Accept", &heads::accept_for(key)),
        ];
        let outcome = client.end_client_handshake(status, &response, NOW);
        assert_eq!(outcome, Err(Rule::HandshakeRefused.into()));
        assert_eq!(client.state(), State::Closed);
    }
    for status in [0, 101, 199, 300, 404] {
        let form = HandshakeKind::ExtendedConnect;
        rejects::<E>(form, status, &[], Rule::HandshakeRefused);
    }
}

fn a_request_in_headers_that_breaks_a_rule_ends_the_session<E: Engine>() {
    for (name, value, rule) in [
        ("Upgrade", "h2c", Rule::UpgradeMissing),
        ("Connection", "close", Rule::ConnectionMissing),
        ("Sec-WebSocket-Key", "x", Rule::KeyMalformed),
        ("Sec-WebSocket-Version", "8", Rule::VersionUnsupported),
    ] {
        let mut request = upgrade_request();
        for field in &mut request {
            if field.name == name {
                field.value = value.into();
            }
        }
        refuses::<E>(HandshakeKind::Upgrade, &request, rule);
    }
    for (name, value, rule) in [
        (":method", "GET", Rule::ConnectMalformed),
        (":protocol", "connect-udp", Rule::ConnectMalformed),
        (":path", "chat", Rule::TargetMalformed),
        ("sec-websocket-version", "8", Rule::VersionUnsupported),
    ] {
        let mut request = connect_request();
        for field in &mut request {
            if field.name == name {
                field.value = value.into();
            }
        }
        refuses::<E>(HandshakeKind::ExtendedConnect, &request, rule);
    }
}

fn an_answer_that_the_request_does_not_allow_can_be_put_right<E: Engine>() {
    let mut server = server::<E>();
    let request = upgrade_request();
    let outcome =
        server.begin_server_handshake(HandshakeKind::Upgrade, &request, &accept_chat(), NOW);
    assert_refused(outcome, Rule::SubprotocolNotRequested);
    assert_refused(server.end_server_handshake(NOW), Rule::HandshakeOutOfOrder);
    assert_eq!(server.state(), State::Connecting);
    server
        .begin_server_handshake(
            HandshakeKind::Upgrade,
            &request,
            &Acceptance::default(),
            NOW,
        )
        .unwrap();
    server.end_server_handshake(NOW).unwrap();
    assert_eq!(server.state(), State::Open);
    assert_refused(server.end_server_handshake(NOW), Rule::HandshakeOutOfOrder);
}

fn class_18_values_with_line_ends_are_refused<E: Engine>() {
    for form in [HandshakeKind::Upgrade, HandshakeKind::ExtendedConnect] {
        let mut client = client::<E>();
        let injected = [header("X", "a\r\nY: b")];
        let outcome = client.begin_client_handshake(form, &[], &[], &injected, NOW);
        assert_refused(outcome, Rule::HeaderValueInvalid);
        let bad = ["a\r\nb".to_owned()];
        let outcome = client.begin_client_handshake(form, &bad, &[], &[], NOW);
        assert_refused(outcome, Rule::SubprotocolInvalid);
        client
            .begin_client_handshake(form, &[], &[], &[], NOW)
            .unwrap();
    }
}

fn a_session_that_starts_open_has_what_was_negotiated<E: Engine>() {
    let negotiated = Negotiated {
        subprotocol: Some("chat".into()),
        extensions: vec![extension("x-of-mine")],
    };
    for role in host_tests::ROLES {
        let mut engine = E::open(role, &Config::default(), &negotiated).unwrap();
        assert_eq!(engine.state(), State::Open);
        assert_eq!(engine.negotiated(), Some(negotiated.clone()));
        let outcome = engine.end_client_handshake(101, &[], NOW);
        assert_refused(outcome, Rule::HandshakeOutOfOrder);
    }
}

fn bytes_before_the_handshake_has_ended_wait<E: Engine>() {
    let mut server = server::<E>();
    let request = upgrade_request();
    server
        .begin_server_handshake(
            HandshakeKind::Upgrade,
            &request,
            &Acceptance::default(),
            NOW,
        )
        .unwrap();
    let early = Frame::text("early").by(Role::Client).bytes();
    let result = server.exchange(&early, &[], NOW, 100);
    assert_eq!((result.consumed, result.events), (0, vec![]));
    server.end_server_handshake(NOW).unwrap();
    let result = server.exchange(&early, &[], NOW, 100);
    assert_eq!(result.events, [Event::text("early")]);
}

fn a_session_whose_connection_is_lost_meanwhile_does_not_open<E: Engine>() {
    const OVER: Rule = Rule::HandshakeOutOfOrder;
    let (form, acceptance) = (HandshakeKind::Upgrade, Acceptance::default());
    let mut lost = client::<E>();
    lost.end_of_input(NOW);
    assert_refused(lost.begin_client_handshake(form, &[], &[], &[], NOW), OVER);
    let mut lost = server::<E>();
    lost.end_of_input(NOW);
    let outcome = lost.begin_server_handshake(form, &upgrade_request(), &acceptance, NOW);
    assert_refused(outcome, OVER);

    let (mut client, mut server) = (client::<E>(), server::<E>());
    let fields = client
        .begin_client_handshake(form, &[], &[], &[], NOW)
        .unwrap();
    let request = [fields, vec![header("Host", "example.com")]].concat();
    let response = server
        .begin_server_handshake(form, &request, &acceptance, NOW)
        .unwrap();
    client.end_of_input(NOW);
    assert_refused(client.end_client_handshake(101, &response, NOW), OVER);
    server.end_of_input(NOW);
    assert_refused(server.end_server_handshake(NOW), OVER);
    assert_eq!(client.state(), State::Closed);
    assert_eq!(server.state(), State::Closed);
}

/// RFC 8441, section 5: the stream of an extended CONNECT carries no bytes of HTTP/1.1.
fn class_23_a_handshake_in_headers_that_takes_too_long_writes_nothing<E: Engine>() {
    let (late, acceptance) = (START.after(Duration::from_secs(10)), Acceptance::default());
    for form in [HandshakeKind::Upgrade, HandshakeKind::ExtendedConnect] {
        let (mut client, mut server) = (client::<E>(), server::<E>());
        client
            .begin_client_handshake(form, &[], &[], &[], NOW)
            .unwrap();
        for session in [&mut client, &mut server] {
            let result = session.exchange(b"", &[], late, 100);
            assert_eq!((result.output, result.state), (vec![], State::Closed));
            assert_eq!(session.failure(), Some(Rule::HandshakeTimeout.into()));
        }
        let outcome = client.end_client_handshake(200, &[], late);
        assert_refused(outcome, Rule::HandshakeOutOfOrder);
        let outcome = server.begin_server_handshake(form, &connect_request(), &acceptance, late);
        assert_refused(outcome, Rule::HandshakeOutOfOrder);
    }
}
