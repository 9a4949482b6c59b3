//! The handshake between the endpoints.

use std::time::Duration;

use host_tests::deflate;
use host_tests::heads::{self, ACCEPT};
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, RSV1};
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::HandshakeKind;
use websocket_component::inspector::{End, Options, UnknownExtensions};
use websocket_component::{Rule, State};

use crate::{by, headers};

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols";

const ACCEPTED: [(&str, &str); 3] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Accept", ACCEPT),
];

fn response(more: &[(&str, &str)]) -> Vec<u8> {
    let fields: Vec<_> = ACCEPTED.iter().chain(more).copied().collect();
    heads::head(SWITCHING, &fields)
}

/// A proxy that has forwarded a request and its response.
fn through<I: Inspects>(
    options: Options,
    request: &[u8],
    response: &[u8],
    length: usize,
) -> Proxy<I> {
    let mut proxy = Proxy::<I>::new(options);
    proxy.send_in(Client, request, length);
    proxy.send_in(Server, response, length);
    proxy
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into()
}

fn a_handshake_in_bytes_passes_with_what_is_sent_behind_it<I: Inspects>() {
    for length in [1, 10, 1000] {
        let early = by(Client, &[Frame::text("early")]);
        let greeting = by(Server, &[Frame::text("greeting")]);
        let request = [heads::request(), early].concat();
        let interim = heads::head("HTTP/1.1 103 Early Hints", &[("Link", "</a>")]);
        let response = [interim, response(&[]), greeting].concat();
        let mut proxy = through::<I>(Options::default(), &request, &response, length);
        assert_eq!(proxy.inspector.state(), State::Open);
        assert_eq!(proxy.broken(), None);
        assert_eq!(text(&proxy.reached(Server)), text(&request));
        assert_eq!(text(&proxy.reached(Client)), text(&response));
        let expected = [
            (Client, Saw::Request),
            (Server, Saw::Response),
            (Server, Saw::Response),
            (Server, Saw::Opened),
        ];
        assert_eq!(proxy.saw, expected);
    }
}

fn what_the_client_sends_before_the_answer_is_held<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    let early = by(Client, &[Frame::text("early")]);
    proxy.send(Client, &[heads::request(), early.clone()].concat());
    assert_eq!(text(&proxy.reached(Server)), text(&heads::request()));
    proxy.send(Server, &response(&[]));
    assert_eq!(proxy.reached(Server), early);
}

fn permessage_deflate_is_followed_as_it_was_negotiated<I: Inspects>() {
    let offer = (
        "Sec-WebSocket-Extensions",
        "permessage-deflate; client_max_window_bits",
    );
    let answer = "permessage-deflate; client_max_window_bits=9; client_no_context_takeover";
    let answer = response(&[("Sec-WebSocket-Extensions", answer)]);
    let mut proxy = through::<I>(
        Options::default(),
        &heads::request_with(&[offer]),
        &answer,
        100,
    );
    assert_eq!(proxy.broken(), None);
    let compressed = |text: &str| {
        let payload = deflate::Peer::with_window(9).compresses(text);
        by(Client, &[Frame::text(payload).reserved(RSV1)])
    };
    for _ in 0..2 {
        proxy.send(Client, &compressed(&deflate::text(5000)));
    }
    assert_eq!(proxy.broken(), None);
    // A window that is larger than negotiated.
    let far = [deflate::noise(600), deflate::noise(600)].concat();
    let payload = deflate::Peer::with_window(15).compresses(far);
    proxy.send(
        Client,
        &by(Client, &[Frame::binary(payload).reserved(RSV1)]),
    );
    assert_eq!(proxy.broken(), Some((Client, Rule::DeflateMalformed)));
}

fn extensions_are_taken_out_of_the_request<I: Inspects>() {
    let mut options = Options::default();
    options.strip_extensions = true;
    let field = ("sec-websocket-extensions", "permessage-deflate");
    let request = heads::request_with(&[field]);
    for length in [1, 1000] {
        let mut proxy = through::<I>(options, &request, &response(&[]), length);
        assert_eq!(text(&proxy.reached(Server)), text(&heads::request()));
        assert_eq!(proxy.broken(), None);
        assert_eq!(proxy.inspector.state(), State::Open);
    }
    let answer = response(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
    let proxy = through::<I>(options, &request, &answer, 1000);
    assert_eq!(proxy.broken(), Some((Server, Rule::ExtensionNotOffered)));
}

fn a_request_that_breaks_a_rule_is_answered_and_goes_nowhere<I: Inspects>() {
    for (request, rule, status) in [
        (
            heads::request_without("Upgrade"),
            Rule::UpgradeMissing,
            "426",
        ),
        (
            heads::request_without("Sec-WebSocket-Key"),
            Rule::KeyMissing,
            "400",
        ),
        (
            heads::request_with(&[("Sec-WebSocket-Version", "8")]),
            Rule::VersionUnsupported,
            "426",
        ),
        (
            b"GET /\x00 HTTP/1.1\r\n".to_vec(),
            Rule::HeadMalformed,
            "400",
        ),
    ] {
        let mut proxy = Proxy::<I>::new(Options::default());
        proxy.send_in(Client, &request, 7);
        assert_eq!(proxy.broken(), Some((Client, rule)));
        assert_eq!(proxy.reached(Server), b"");
        let answer = text(&proxy.reached(Client));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

fn a_response_that_breaks_a_rule_never_reaches_the_client<I: Inspects>() {
    let wrong = |name: &str, value: &str| {
        let fields =
            ACCEPTED.map(|(known, good)| (known, if known == name { value } else { good }));
        heads::head(SWITCHING, &fields)
    };
    for (response, rule) in [
        (wrong("Sec-WebSocket-Accept", "AAAA"), Rule::AcceptWrong),
        (wrong("Upgrade", "h2c"), Rule::UpgradeMissing),
        (
            response(&[("Sec-WebSocket-Protocol", "chat")]),
            Rule::SubprotocolNotOffered,
        ),
        (
            response(&[("Sec-WebSocket-Extensions", "x")]),
            Rule::ExtensionNotOffered,
        ),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), Rule::HeadMalformed),
    ] {
        let mut proxy = through::<I>(Options::default(), &heads::request(), &response, 7);
        assert_eq!(proxy.broken(), Some((Server, rule)));
        let answer = text(&proxy.reached(Client));
        assert!(
            answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
            "{answer}"
        );
        assert_eq!(text(&proxy.reached(Server)), text(&heads::request()));
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

fn an_unknown_extension_is_refused_or_passes_as_the_options_say<I: Inspects>() {
    let field = [("Sec-WebSocket-Extensions", "x-other")];
    for (policy, broken) in [
        (
            UnknownExtensions::Reject,
            Some((Server, Rule::ExtensionUnknown)),
        ),
        (UnknownExtensions::Opaque, None),
    ] {
        let mut options = Options::default();
        options.unknown_extensions = policy;
        let request = heads::request_with(&field);
        let proxy = through::<I>(options, &request, &response(&field), 1000);
        assert_eq!(proxy.broken(), broken);
    }
}

fn a_refusal_goes_on_with_its_body<I: Inspects>() {
    for (fields, body) in [
        (vec![("Content-Length", "6")], "denied"),
        (
            vec![("Transfer-Encoding", "chunked")],
            "6\r\ndenied\r\n0\r\n\r\n",
        ),
        (vec![("Content-Length", "0")], ""),
    ] {
        for length in [1, 1000] {
            let refusal = heads::head("HTTP/1.1 403 Forbidden", &fields);
            let refusal = [&refusal, body.as_bytes()].concat();
            let mut proxy = through::<I>(Options::default(), &heads::request(), &refusal, length);
            assert_eq!(proxy.broken(), Some((Server, Rule::HandshakeRefused)));
            assert_eq!(text(&proxy.reached(Client)), text(&refusal));
            assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
        }
    }
    // One that ends with the connection, as those of HTTP/1.0 do.
    for line in ["HTTP/1.1 403 Forbidden", "HTTP/1.0 403 Forbidden"] {
        let refusal = [&heads::head(line, &[])[..], b"denied"].concat();
        let mut proxy = through::<I>(Options::default(), &heads::request(), &refusal, 10);
        assert_eq!(proxy.ends(), (End::None, End::Shutdown));
        proxy.end_of_input(Server);
        assert_eq!(text(&proxy.reached(Client)), text(&refusal));
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

fn a_101_of_http_1_0_is_no_answer_to_an_upgrade<I: Inspects>() {
    let answer = text(&response(&[])).replace("HTTP/1.1", "HTTP/1.0");
    let proxy = through::<I>(
        Options::default(),
        &heads::request(),
        answer.as_bytes(),
        1000,
    );
    assert_eq!(proxy.broken(), Some((Server, Rule::HttpVersion)));
}

fn a_server_that_leaves_or_is_silent_is_a_bad_gateway<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.send(Client, &heads::request());
    proxy.end_of_input(Server);
    assert_eq!(proxy.broken(), Some((Server, Rule::ConnectionLost)));
    assert!(text(&proxy.reached(Client)).starts_with("HTTP/1.1 502 "));

    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.send(Client, &heads::request());
    proxy.wait(Duration::from_secs(10));
    assert_eq!(proxy.broken(), Some((Server, Rule::HandshakeTimeout)));
    assert!(text(&proxy.reached(Client)).starts_with("HTTP/1.1 504 "));
}

fn a_handshake_in_header_fields_is_checked_over_http_1_and_2<I: Inspects>() {
    let extended = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "example.org"),
        ("sec-websocket-version", "13"),
    ];
    for (form, request, status, response) in [
        (
            HandshakeKind::Upgrade,
            &heads::REQUEST[..],
            101,
            &ACCEPTED[..],
        ),
        (HandshakeKind::ExtendedConnect, &extended, 200, &[]),
    ] {
        let mut proxy = Proxy::<I>::new(Options::default());
        let (now, inspector) = (proxy.now, &mut proxy.inspector);
        let early = inspector
            .response_headers(status, &headers(response), now)
            .map(drop);
        assert_eq!(early, Err(Rule::HandshakeOutOfOrder));
        inspector
            .request_headers(form, &headers(request), now)
            .expect("a request");
        inspector
            .response_headers(status, &headers(response), now)
            .expect("a response");
        let hello = by(Client, &[Frame::text("Hello")]);
        proxy.send(Client, &hello);
        assert_eq!(proxy.reached(Server), hello);
    }
    let mut proxy = Proxy::<I>::new(Options::default());
    let (now, inspector) = (proxy.now, &mut proxy.inspector);
    let kind = HandshakeKind::Upgrade;
    inspector
        .request_headers(kind, &headers(&heads::REQUEST), now)
        .expect("a request");
    let refused = inspector.response_headers(403, &[], now).map(drop);
    assert_eq!(refused, Err(Rule::HandshakeRefused));
    // The response is the host's to pass on.
    proxy.forward();
    assert_eq!(proxy.reached(Client), b"");
    assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
}

fn memory_has_what_the_handshake_keeps_and_no_more_than_it_needs<I: Inspects>() {
    // Each takes two bytes at least in the field, and 40 as a separate string.
    let names = (0..10_000).map(|number| format!("{number:x}"));
    let names = names.collect::<Vec<_>>().join(",");
    let field = ("Sec-WebSocket-Protocol", &names[..]);
    let mut proxy = Proxy::<I>::new(Options::default());
    let (now, before) = (proxy.now, proxy.inspector.memory());
    let fields = [&heads::REQUEST[..], &[field]].concat();
    let asked = headers(&fields);
    let kind = HandshakeKind::Upgrade;
    let request = proxy.inspector.request_headers(kind, &asked, now);
    request.expect("a request");
    let taken = proxy.inspector.memory() - before;
    assert!((names.len()..2 * names.len()).contains(&taken), "{taken}");
    let response = proxy
        .inspector
        .response_headers(101, &headers(&ACCEPTED), now);
    response.expect("a response");
    let left = proxy.inspector.memory().saturating_sub(before);
    assert!(left < 1000, "{left}");
}

fn heads_that_have_come_are_kept_until_frames_do<I: Inspects>() {
    let more = [("X-More", &"x".repeat(8000)[..])];
    let request = heads::request_with(&more);
    let mut proxy = through::<I>(Options::default(), &request, &response(&more), 10_000);
    let asked = proxy.inspector.request().expect("its head");
    let answered = proxy.inspector.response().expect("its head");
    assert_eq!((&asked.target[..], answered.status), ("/chat", 101));
    assert!(asked.headers.iter().any(|header| header.name == "X-More"));
    let with_heads = proxy.inspector.memory();
    proxy.send(Client, &by(Client, &[Frame::text("first")]));
    assert_eq!(proxy.inspector.request(), None);
    assert_eq!(proxy.inspector.response(), None);
    let without = proxy.inspector.memory();
    assert!(
        without + 16_000 < with_heads,
        "{with_heads}, then {without}"
    );
}

on_both_inspectors!(
    memory_has_what_the_handshake_keeps_and_no_more_than_it_needs,
    heads_that_have_come_are_kept_until_frames_do,
    a_handshake_in_bytes_passes_with_what_is_sent_behind_it,
    what_the_client_sends_before_the_answer_is_held,
    permessage_deflate_is_followed_as_it_was_negotiated,
    extensions_are_taken_out_of_the_request,
    a_request_that_breaks_a_rule_is_answered_and_goes_nowhere,
    a_response_that_breaks_a_rule_never_reaches_the_client,
    an_unknown_extension_is_refused_or_passes_as_the_options_say,
    a_refusal_goes_on_with_its_body,
    a_101_of_http_1_0_is_no_answer_to_an_upgrade,
    a_server_that_leaves_or_is_silent_is_a_bad_gateway,
    a_handshake_in_header_fields_is_checked_over_http_1_and_2,
);
