//! Offers, answers and negotiated parameters (RFC 7692, section 7.1), in whole handshakes.

use host_tests::deflate::{self, NAME, text};
use host_tests::engine::{ENTROPY, START};
use host_tests::wire::RSV1;
use host_tests::{Engine, Event, Failure, Pair, Subject, heads, on_both_engines};
use websocket_component::handshake::{Acceptance, Extension, HandshakeKind, Header, Request};
use websocket_component::{Config, Deflate, Message, Role, Rule, State};

use super::open_with;

on_both_engines![
    two_sides_agree_and_understand_each_other,
    a_client_offers_what_its_settings_say,
    a_server_answers_the_first_offer_that_it_can,
    class_05_offers_with_something_wrong_are_declined,
    class_05_an_answer_that_answers_no_offer_never_opens,
    class_10_each_size_of_window_is_honoured_or_declined,
    class_10_an_answer_with_wrong_window_bits_never_opens,
    in_headers_it_is_agreed_on_too,
    extensions_of_the_hosts_take_its_place,
    a_host_can_make_the_offers_and_the_answer,
    a_session_that_starts_open_takes_the_answer_to_the_letter,
    without_settings_nothing_is_offered_and_nothing_accepted,
];

const FIELD: &str = "Sec-WebSocket-Extensions";

fn with(set: impl FnOnce(&mut Deflate)) -> Config {
    let mut config = deflate::config();
    set(config.deflate.as_mut().unwrap());
    config
}

fn windows(send: u8, receive: u8) -> Config {
    with(|deflate| {
        deflate.send_window_bits = send;
        deflate.receive_window_bits = receive;
    })
}

fn takeovers(send: bool, receive: bool) -> Config {
    with(|deflate| {
        deflate.send_context_takeover = send;
        deflate.receive_context_takeover = receive;
    })
}

fn plain() -> Request {
    Request::new("example.org", "/chat")
}

fn two_sides_agree_and_understand_each_other<E: Engine>() {
    let all = [
        deflate::config(),
        windows(8, 8),
        windows(9, 15),
        windows(15, 9),
        takeovers(false, true),
        takeovers(true, false),
        with(|deflate| {
            deflate.send_context_takeover = false;
            deflate.receive_window_bits = 10;
        }),
    ];
    let message = text(3000);
    for client in &all {
        for server in &all {
            let mut pair = Pair::<E>::connecting(client, server, &plain());
            pair.drive();
            assert_eq!(pair.states(), (State::Open, State::Open));
            assert_eq!(pair.client.events(), [Event::Opened]);
            assert_eq!(pair.server.events(), [Event::Request]);
            for _ in 0..3 {
                pair.client_sends(Message::Text(&message)).unwrap();
                pair.server_sends(Message::Binary(message.as_bytes()))
                    .unwrap();
                // Compressed, they are much shorter.
                for engine in [&mut pair.client.engine, &mut pair.server.engine] {
                    assert!(engine.buffered_amount() < 600);
                }
                pair.drive();
                assert_eq!(pair.server.events(), [Event::text(&message)]);
                assert_eq!(pair.client.events(), [Event::binary(&message)]);
            }
        }
    }
}

/// What a client with these settings offers.
fn offered<E: Engine>(config: &Config, request: &Request) -> Option<String> {
    let mut subject = Subject::<E>::new(Role::Client, config);
    subject.engine.connect(request, subject.now).unwrap();
    let head = subject.writes_text();
    heads::field(&head, FIELD).map(Into::into)
}

fn a_client_offers_what_its_settings_say<E: Engine>() {
    for (config, offer) in [
        (
            deflate::config(),
            "permessage-deflate; client_max_window_bits",
        ),
        (
            windows(10, 15),
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            takeovers(false, false),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
        (
            windows(15, 9),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits, \
             permessage-deflate; server_no_context_takeover; client_max_window_bits",
        ),
    ] {
        assert_eq!(offered::<E>(&config, &plain()).as_deref(), Some(offer));
    }
}

/// What a server with these settings answers. It opens in any case.
#[track_caller]
fn answered<E: Engine>(config: &Config, offer: &str, acceptance: &Acceptance) -> Option<String> {
    let mut subject = Subject::<E>::new(Role::Server, config);
    let request = heads::request_with(&[(FIELD, offer)]);
    assert_eq!(subject.receives(request), [Event::Request]);
    subject.engine.accept(acceptance, subject.now).unwrap();
    assert_eq!(subject.state(), State::Open);
    let head = subject.writes_text();
    heads::field(&head, FIELD).map(Into::into)
}

fn a_server_answers_the_first_offer_that_it_can<E: Engine>() {
    for (config, offers, answer) in [
        (
            deflate::config(),
            "permessage-deflate",
            "permessage-deflate",
        ),
        (
            deflate::config(),
            "x-other, permessage-deflate; client_max_window_bits=\"10\"",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            windows(15, 10),
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            windows(15, 10),
            "permessage-deflate",
            "permessage-deflate; client_no_context_takeover",
        ),
        (
            deflate::config(),
            "permessage-deflate; x, permessage-deflate; server_max_window_bits=16, \
             permessage-deflate; server_no_context_takeover, permessage-deflate",
            "permessage-deflate; server_no_context_takeover",
        ),
    ] {
        let answered = answered::<E>(&config, offers, &Acceptance::default());
        assert_eq!(answered.as_deref(), Some(answer), "{offers}");
    }
}

fn class_05_offers_with_something_wrong_are_declined<E: Engine>() {
    for offer in [
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=\"true\"",
        "permessage-deflate; unknown",
        "permessage-deflate; Server_No_Context_Takeover",
        "PERMESSAGE-DEFLATE",
        "x-webkit-deflate-frame",
    ] {
        let answered = answered::<E>(&deflate::config(), offer, &Acceptance::default());
        assert_eq!(answered, None, "{offer}");
    }
}

/// A client that has received this answer.
fn heard<E: Engine>(config: &Config, answer: &str) -> Subject<E> {
    let mut subject = Subject::<E>::new(Role::Client, config);
    subject.engine.connect(&plain(), subject.now).unwrap();
    let head = subject.writes_text();
    let key = heads::field(&head, "Sec-WebSocket-Key").expect("a key");
    let accept = heads::accept_for(key);
    let fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept.as_str()),
        (FIELD, answer),
    ];
    subject.receives(heads::head("HTTP/1.1 101 Switching Protocols", &fields));
    subject
}

fn class_05_an_answer_that_answers_no_offer_never_opens<E: Engine>() {
    let asks = with(|deflate| deflate.receive_context_takeover = false);
    for (config, answer) in [
        (&deflate::config(), "permessage-deflate; unknown"),
        (
            &deflate::config(),
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ),
        (
            &deflate::config(),
            "permessage-deflate; client_no_context_takeover=1",
        ),
        (
            &deflate::config(),
            "permessage-deflate; client_max_window_bits",
        ),
        (&asks, "permessage-deflate"),
        (&asks, "permessage-deflate; client_no_context_takeover"),
    ] {
        let mut subject = heard::<E>(config, answer);
        assert_eq!(
            subject.failed_by(),
            Some(Rule::DeflateAnswerInvalid),
            "{answer}"
        );
        assert_eq!(subject.state(), State::Closed);
    }
    for (answer, rule) in [
        (
            "permessage-deflate, permessage-deflate",
            Rule::ExtensionNotOffered,
        ),
        ("permessage-deflate, x-other", Rule::ExtensionNotOffered),
        ("x-other", Rule::ExtensionNotOffered),
        (
            "permessage-deflate; server_max_window_bits=",
            Rule::ExtensionMalformed,
        ),
    ] {
        let mut subject = heard::<E>(&deflate::config(), answer);
        assert_eq!(subject.failed_by(), Some(rule), "{answer}");
    }
    let mut subject = heard::<E>(&deflate::config(), "permessage-deflate");
    assert_eq!((subject.failed_by(), subject.state()), (None, State::Open));
}

fn class_10_each_size_of_window_is_honoured_or_declined<E: Engine>() {
    for side in ["server_max_window_bits", "client_max_window_bits"] {
        for bits in 0..=17 {
            for value in [format!("{bits}"), format!("\"{bits}\"")] {
                let offer = format!("permessage-deflate; {side}={value}");
                let answered = answered::<E>(&deflate::config(), &offer, &Acceptance::default());
                let honoured = format!("permessage-deflate; {side}={bits}");
                let expected = (8..=15).contains(&bits).then_some(honoured);
                assert_eq!(answered, expected, "{offer}");
            }
            let offer = format!("permessage-deflate; {side}=0{bits}");
            let answered = answered::<E>(&deflate::config(), &offer, &Acceptance::default());
            assert_eq!(answered, None, "{offer}");
        }
    }
    let offer = "permessage-deflate; server_max_window_bits";
    let answered = answered::<E>(&deflate::config(), offer, &Acceptance::default());
    assert_eq!(answered, None);
}

fn class_10_an_answer_with_wrong_window_bits_never_opens<E: Engine>() {
    let asks = windows(15, 10);
    for (bits, opens) in [
        ("8", true),
        ("\"8\"", true),
        ("10", true),
        ("11", false),
        ("15", false),
        ("7", false),
        ("08", false),
        ("16", false),
    ] {
        let mut subject = heard::<E>(
            &asks,
            &format!("permessage-deflate; server_max_window_bits={bits}"),
        );
        let expected = (!opens).then_some(Rule::DeflateAnswerInvalid);
        assert_eq!(subject.failed_by(), expected, "{bits}");
    }
}

fn in_headers_it_is_agreed_on_too<E: Engine>() {
    for form in [HandshakeKind::Upgrade, HandshakeKind::ExtendedConnect] {
        let mut client = E::client(&deflate::config(), &ENTROPY, START).unwrap();
        let mut server = E::server(&deflate::config(), START).unwrap();
        let mut request = match form {
            HandshakeKind::Upgrade => vec![Header::new("Host", "example.org")],
            HandshakeKind::ExtendedConnect => [
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "https"),
                (":path", "/chat"),
                (":authority", "example.org"),
            ]
            .map(|(name, value)| Header::new(name, value))
            .into(),
        };
        request.extend(
            client
                .begin_client_handshake(form, &[], &[], &request, START)
                .unwrap(),
        );
        let response = server
            .begin_server_handshake(form, &request, &Acceptance::default(), START)
            .unwrap();
        server.end_server_handshake(START).unwrap();
        let status = if form == HandshakeKind::Upgrade {
            101
        } else {
            200
        };
        client
            .end_client_handshake(status, &response, START)
            .unwrap();
        let negotiated = Some(deflate::negotiated(""));
        assert_eq!(client.negotiated(), negotiated);
        assert_eq!(server.negotiated(), negotiated);
    }
}

/// With a parameter that permessage-deflate doesn't have.
fn other() -> Extension {
    Extension {
        name: "x-other".into(),
        parameters: vec![("level".into(), Some("1".into()))],
    }
}

fn extensions_of_the_hosts_take_its_place<E: Engine>() {
    let request = Request {
        extensions: vec![other()],
        ..plain()
    };
    let offered = offered::<E>(&deflate::config(), &request);
    assert_eq!(offered.as_deref(), Some("x-other; level=1"));
    let acceptance = Acceptance {
        extensions: vec![other()],
        ..Acceptance::default()
    };
    let answered = answered::<E>(
        &deflate::config(),
        "permessage-deflate, x-other; level=1",
        &acceptance,
    );
    assert_eq!(answered.as_deref(), Some("x-other; level=1"));
}

fn a_host_can_make_the_offers_and_the_answer<E: Engine>() {
    let request = Request {
        extensions: vec![
            deflate::extension("server_max_window_bits=8"),
            deflate::extension(""),
        ],
        ..plain()
    };
    let acceptance = Acceptance {
        extensions: vec![deflate::extension("server_max_window_bits=8")],
        ..Acceptance::default()
    };
    let (client, server) = (deflate::config(), deflate::config());
    let mut pair = Pair::<E>::connecting(&client, &server, &request);
    pair.server.acceptance = Some(acceptance.clone());
    pair.drive();
    let negotiated = Some(deflate::negotiated("server_max_window_bits=8"));
    assert_eq!(pair.client.engine.negotiated(), negotiated);
    assert_eq!(pair.states(), (State::Open, State::Open));

    // An answer that answers no offer is the host's fault.
    let mut subject = Subject::<E>::new(Role::Server, &deflate::config());
    let offer = "permessage-deflate; server_no_context_takeover";
    subject.receives(heads::request_with(&[(FIELD, offer)]));
    let refused = subject.engine.accept(&acceptance, subject.now);
    assert_eq!(refused, Err(Failure::from(Rule::ExtensionNotRequested)));
    subject
        .engine
        .accept(&Acceptance::default(), subject.now)
        .unwrap();
}

fn a_session_that_starts_open_takes_the_answer_to_the_letter<E: Engine>() {
    let message = text(1000);
    let mut subject = open_with::<E>(
        Role::Server,
        &deflate::config(),
        "server_no_context_takeover",
    );
    let mut payloads = Vec::new();
    for _ in 0..2 {
        subject.sends(Message::Text(&message)).unwrap();
        payloads.extend(subject.writes().into_iter().map(|frame| frame.payload));
    }
    assert_eq!(payloads[0], payloads[1], "neither refers to the other");
    for wrong in [
        "server_max_window_bits=7",
        "client_max_window_bits",
        "unknown",
    ] {
        let negotiated = deflate::negotiated(wrong);
        let made = E::open(Role::Server, &deflate::config(), &negotiated);
        assert_eq!(made.err(), Some(Failure::from(Rule::DeflateAnswerInvalid)));
    }
}

fn without_settings_nothing_is_offered_and_nothing_accepted<E: Engine>() {
    let plain_config = Config::default();
    assert_eq!(offered::<E>(&plain_config, &plain()), None);
    let answered = answered::<E>(&plain_config, NAME, &Acceptance::default());
    assert_eq!(answered, None);
    // The host then implements what was negotiated elsewhere.
    let mut subject = open_with::<E>(Role::Server, &plain_config, "");
    let frame = Message::ExtensionFrame(0x80 | RSV1 | 1, b"x");
    subject.sends(frame).unwrap();
    assert_eq!(subject.writes()[0].first, 0x80 | RSV1 | 1);
}
