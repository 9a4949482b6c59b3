//! Both sides, against each other.

use proptest::prelude::*;

use super::*;
use crate::{
    Limits,
    http::head::{HeadKind, HeadReader, ParsedRequest, ParsedResponse, Version},
};

fn read(kind: HeadKind, head: &[u8]) -> HeadReader {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (u32::MAX, u32::MAX);
    let mut reader = HeadReader::new(kind, Version::Http11, &limits);
    assert_eq!(reader.read(head), Ok((head.len(), true)));
    reader
}

fn read_request(head: &[u8]) -> ParsedRequest {
    read(HeadKind::Request, head).request().unwrap()
}

fn read_response(head: &[u8]) -> ParsedResponse {
    read(HeadKind::Response, head).response().unwrap()
}

fn extension(name: &str) -> Extension {
    Extension {
        name: name.into(),
        parameters: vec![("a".into(), Some("1".into()))],
    }
}

#[test]
fn client_and_server_agree_over_an_upgrade() {
    let request = Request {
        subprotocols: vec!["a".into(), "b".into()],
        extensions: vec![extension("foo"), extension("bar")],
        ..Request::new("example.org", "/chat")
    };
    let (head, made) = UpgradeRequest::make(&request, &request.extensions, [7; 16]).unwrap();
    let parsed = UpgradeRequest::parse(&read_request(&head), true).unwrap();
    let acceptance = Acceptance {
        subprotocol: Some("b".into()),
        extensions: vec![extension("bar")],
        headers: vec![],
    };
    let (head, agreed) = parsed.accept(&acceptance, &acceptance.extensions).unwrap();
    let response = read_response(&head);
    assert_eq!(made.check(response.status, &response.headers), Ok(agreed));

    let (_, other) = UpgradeRequest::make(&request, &request.extensions, [8; 16]).unwrap();
    let outcome = other.check(response.status, &response.headers);
    assert_eq!(outcome, Err(Rule::AcceptWrong), "the answer to another key");
}

#[test]
fn client_and_server_agree_over_an_extended_connect() {
    let pseudo = [
        Header::new(":method", "CONNECT"),
        Header::new(":protocol", "websocket"),
    ];
    let subprotocols = ["a".into()];
    let form = HandshakeKind::ExtendedConnect;
    let (added, made) =
        UpgradeRequest::make_headers(form, &subprotocols, &[], &pseudo, [7; 16]).unwrap();
    let parsed =
        UpgradeRequest::parse_headers(form, &[&pseudo[..], &added].concat(), true).unwrap();
    let acceptance = Acceptance {
        subprotocol: Some("a".into()),
        ..Acceptance::default()
    };
    let (headers, agreed) = parsed
        .accept_headers(&acceptance, &acceptance.extensions)
        .unwrap();
    assert_eq!(made.check(200, &headers), Ok(agreed));
}

#[test]
fn class_18_a_refusal_never_opens() {
    let (_, made) = UpgradeRequest::make(&Request::new("a", "/"), &[], [7; 16]).unwrap();
    for &rule in Rule::ALL {
        let bytes = refusal_for(rule, true);
        let response = read_response(&bytes);
        let outcome = made.check(response.status, &response.headers);
        assert_eq!(outcome, Err(Rule::HandshakeRefused), "{rule:?}");
    }
}

/// Text that is mostly a token, and else full of what could end a line or an
/// element.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-c]{1,4}", 1 => "[a-c/:;=, \"#\r\n\u{0}\u{e9}]{0,4}"]
}

fn header() -> impl Strategy<Value = Header> {
    (text(), text()).prop_map(|(name, value)| Header::new(name, value))
}

proptest! {
    #[test]
    fn class_18_a_request_is_read_as_it_was_meant_whatever_the_caller_gives(
        target in text(),
        authority in text(),
        subprotocols in prop::collection::vec(text(), 0..2),
        names in prop::collection::vec(text(), 0..2),
        headers in prop::collection::vec(header(), 0..2),
    ) {
        let request = Request {
            target: format!("/{target}"),
            authority,
            subprotocols,
            extensions: names.iter().map(|name| extension(name)).collect(),
            headers,
        };
        if let Ok((head, _)) = UpgradeRequest::make(&request, &request.extensions, [7; 16]) {
            let parsed = read_request(&head);
            prop_assert!(UpgradeRequest::parse(&parsed, false).is_ok());
            let fields = parsed.headers.len();
            let offers = usize::from(!request.subprotocols.is_empty())
                + usize::from(!request.extensions.is_empty());
            prop_assert_eq!(fields, 5 + offers + request.headers.len());
            let shown = RequestHead::new(parsed, None);
            prop_assert_eq!(shown.target, request.target);
            prop_assert_eq!(shown.authority, request.authority);
            prop_assert_eq!(shown.subprotocols, request.subprotocols);
            prop_assert_eq!(shown.extensions, request.extensions);
        }
    }

    #[test]
    fn class_18_a_response_is_one_head_whatever_the_host_gives(
        headers in prop::collection::vec(header(), 0..3),
        status in 100..1100u16,
    ) {
        let refusal = Refusal { headers, ..Refusal::new(status) };
        if let Ok(head) = refusal_head(&refusal, true) {
            prop_assert_eq!(read_response(&head).status, status);
        }
    }

    #[test]
    fn no_field_values_make_either_side_panic(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 9),
        status in any::<u16>(),
    ) {
        let names = ["Host", ":method", ":path"].iter().chain(&RESERVED);
        let headers: Vec<Header> = names
            .zip(values)
            .map(|(name, value)| Header::new(*name, value))
            .collect();
        for form in [HandshakeKind::Upgrade, HandshakeKind::ExtendedConnect] {
            let _ = UpgradeRequest::parse_headers(form, &headers, true);
            let (_, made) = UpgradeRequest::make_headers(form, &[], &[], &[], [7; 16]).unwrap();
            let _ = made.check(status, &headers);
        }
        let _ = choose_subprotocol(&headers, &["a"]);
    }
}
