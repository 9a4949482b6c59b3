use super::*;
use crate::handshake::RequestHead;

mod accepting;
mod checking;
mod making;
mod parsing;
mod untidy;

const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn extension(name: &str) -> Extension {
    Extension {
        name: name.into(),
        parameters: vec![("a".into(), Some("1".into())), ("b".into(), None)],
    }
}

fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
    fields
        .iter()
        .map(|&(name, value)| Header::new(name, value))
        .collect()
}

/// The good fields, of which those named like one of `instead` are replaced by all
/// of these.
fn replaced(good: &[(&str, &str)], instead: &[(&str, &str)]) -> Vec<Header> {
    let kept = good
        .iter()
        .filter(|(name, _)| instead.iter().all(|(other, _)| name != other));
    let fields: Vec<(&str, &str)> = kept.chain(instead).copied().collect();
    headers(&fields)
}

fn example() -> Request {
    Request {
        subprotocols: vec!["chat".into(), "superchat".into()],
        extensions: vec![extension("foo"), extension("bar")],
        headers: vec![Header::new("Origin", "https://example.org")],
        ..Request::new("example.org:8080", "/chat?a=b")
    }
}

/// The head of a request that offers its own extensions.
fn make(request: &Request) -> Result<(Vec<u8>, UpgradeRequest), Rule> {
    UpgradeRequest::make(request, &request.extensions, NONCE)
}

/// The fields that accept, with the extensions of the acceptance.
fn accept_headers(
    request: &UpgradeRequest,
    acceptance: &Acceptance,
) -> Result<(Vec<Header>, Negotiated), Rule> {
    request.accept_headers(acceptance, &acceptance.extensions)
}

/// The fields of an upgrade.
fn upgrade(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        ("Host", "example.org"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    replaced(&good, instead)
}

/// The fields of an extended CONNECT.
fn connect(instead: &[(&str, &str)]) -> Vec<Header> {
    let good = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "example.org"),
        ("sec-websocket-version", "13"),
    ];
    replaced(&good, instead)
}

fn request(method: &str, target: &str, headers: Vec<Header>) -> ParsedRequest {
    ParsedRequest {
        version: Version::Http11,
        method: method.into(),
        target: target.into(),
        headers,
    }
}

fn without(name: &str) -> Vec<Header> {
    let mut headers = upgrade(&[]);
    headers.retain(|header| header.name != name);
    headers
}

fn examine(headers: &[Header]) -> Option<Rule> {
    examine_with(headers, true)
}

fn examine_with(headers: &[Header], allow_malformed_host: bool) -> Option<Rule> {
    let by_fields =
        UpgradeRequest::parse_headers(HandshakeKind::Upgrade, headers, allow_malformed_host).err();
    let by_request = examine_request(&request("GET", "/", headers.to_vec()), allow_malformed_host);
    assert_eq!(by_fields, by_request, "both ways find the same");
    by_fields
}

fn examine_request(request: &ParsedRequest, allow_malformed_host: bool) -> Option<Rule> {
    UpgradeRequest::parse(request, allow_malformed_host).err()
}

fn examine_connect(instead: &[(&str, &str)]) -> Option<Rule> {
    UpgradeRequest::parse_headers(HandshakeKind::ExtendedConnect, &connect(instead), true).err()
}

/// What a host is shown of an upgrade.
fn shown(instead: &[(&str, &str)]) -> RequestHead {
    RequestHead::new(request("GET", "/", upgrade(instead)), None)
}
