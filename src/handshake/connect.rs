//! What an extended CONNECT has in place of a request line, a Host field, a key and the
//! answer to it (RFC 8441, sections 4 and 5; RFC 9220, section 3).

use super::{Header, RESERVED, target};
use crate::{
    Rule,
    http::{
        authority::is_authority,
        grammar,
        header::{self, Occurrence},
    },
};

/// Checks the fields that a client's request has already. Those whose names begin
/// with a colon are the HTTP stack's to judge (RFC 9113, section 8.3).
pub(super) fn check_extra(headers: &[Header]) -> Result<(), Rule> {
    for header in headers {
        match header.name.strip_prefix(':') {
            Some(name) if !grammar::is_token(name.as_bytes()) => {
                return Err(Rule::HeaderNameInvalid);
            }
            Some(_) => header::validate_value(&header.value)?,
            None => super::check_extra(core::slice::from_ref(header), &RESERVED)?,
        }
    }
    Ok(())
}

/// Checks the pseudo-fields of a request that a server got, and that it has no key.
///
/// `:method` and `:protocol` must be there. The others of RFC 8441, section 4, may
/// have stayed with the caller, whose HTTP stack knows that they are there, but no
/// other pseudo-field may be.
pub(super) fn check_request(headers: &[Header]) -> Result<(), Rule> {
    let mut names = headers.iter().map(|header| header.name.as_str());
    if names.any(|name| name.starts_with(':') && !is_known(name)) {
        return Err(Rule::ConnectMalformed);
    }
    if pseudo(headers, ":method")? != Some(b"CONNECT") {
        return Err(Rule::ConnectMalformed);
    }
    // Names of protocols compare without regard to case (RFC 9110, section 7.8).
    let is_websocket = |value: &[u8]| value.eq_ignore_ascii_case(b"websocket");
    if !pseudo(headers, ":protocol")?.is_some_and(is_websocket) {
        return Err(Rule::ConnectMalformed);
    }
    let is_http =
        |value: &[u8]| value.eq_ignore_ascii_case(b"http") || value.eq_ignore_ascii_case(b"https");
    if !pseudo(headers, ":scheme")?.is_none_or(is_http) {
        return Err(Rule::ConnectMalformed);
    }
    if !pseudo(headers, ":authority")?.is_none_or(is_authority) {
        return Err(Rule::HostMalformed);
    }
    let is_path = |value: &[u8]| core::str::from_utf8(value).is_ok_and(target::is_path);
    if !pseudo(headers, ":path")?.is_none_or(is_path) {
        return Err(Rule::TargetMalformed);
    }
    match header::single(headers, "Sec-WebSocket-Key") {
        Occurrence::Missing => Ok(()),
        _ => Err(Rule::KeyForbidden),
    }
}

/// Checks that a response accepts an extended CONNECT.
pub(super) fn check_response(status: u16, headers: &[Header]) -> Result<(), Rule> {
    if !matches!(status, 200..=299) {
        return Err(Rule::HandshakeRefused);
    }
    match header::single(headers, "Sec-WebSocket-Accept") {
        Occurrence::Missing => Ok(()),
        _ => Err(Rule::AcceptForbidden),
    }
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        ":method" | ":protocol" | ":scheme" | ":path" | ":authority"
    )
}

/// Returns the value of a pseudo-field, which may appear once.
fn pseudo<'a>(headers: &'a [Header], name: &'a str) -> Result<Option<&'a [u8]>, Rule> {
    match header::single(headers, name) {
        Occurrence::Missing => Ok(None),
        Occurrence::Once(value) => Ok(Some(value)),
        Occurrence::Repeated => Err(Rule::ConnectMalformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &[u8]); 5] = [
        (":method", b"CONNECT"),
        (":protocol", b"websocket"),
        (":scheme", b"https"),
        (":path", b"/chat"),
        (":authority", b"example.org"),
    ];

    /// The good fields, of which those of this name are replaced by the values.
    fn check(name: &str, values: &[&[u8]]) -> Result<(), Rule> {
        let kept = GOOD.into_iter().filter(|&(other, _)| other != name);
        let instead = values.iter().map(|&value| (name, value));
        let headers: Vec<Header> = kept
            .chain(instead)
            .map(|(name, value)| Header::new(name, value))
            .collect();
        check_request(&headers)
    }

    #[test]
    fn the_pseudo_fields_are_checked() {
        for (name, value, outcome) in [
            (":protocol", "WebSocket", Ok(())),
            (":scheme", "http", Ok(())),
            (":path", "/?a", Ok(())),
            ("x", "y", Ok(())),
            (":method", "GET", Err(Rule::ConnectMalformed)),
            (":method", "connect", Err(Rule::ConnectMalformed)),
            (":protocol", "connect-udp", Err(Rule::ConnectMalformed)),
            (":protocol", "", Err(Rule::ConnectMalformed)),
            (":scheme", "ws", Err(Rule::ConnectMalformed)),
            (":status", "200", Err(Rule::ConnectMalformed)),
            (":other", "", Err(Rule::ConnectMalformed)),
            (":authority", "", Err(Rule::HostMalformed)),
            (":path", "chat", Err(Rule::TargetMalformed)),
            (":path", "http://a/", Err(Rule::TargetMalformed)),
            (":path", "/a b", Err(Rule::TargetMalformed)),
            ("sec-websocket-key", "", Err(Rule::KeyForbidden)),
        ] {
            assert_eq!(
                check(name, &[value.as_bytes()]),
                outcome,
                "{name} {value:?}"
            );
        }
    }

    #[test]
    fn method_and_protocol_must_stand_and_none_may_stand_twice() {
        for (name, value) in GOOD {
            let is_required = matches!(name, ":method" | ":protocol");
            assert_eq!(check(name, &[]).is_err(), is_required, "{name}");
            assert_eq!(check(name, &[value]), Ok(()));
            let twice = check(name, &[value, value]);
            assert_eq!(twice, Err(Rule::ConnectMalformed), "{name}");
        }
    }

    #[test]
    fn class_04_high_bytes_in_a_pseudo_field_are_refused() {
        for byte in 0x80..=0xFF {
            for (name, rule) in [
                (":method", Rule::ConnectMalformed),
                (":protocol", Rule::ConnectMalformed),
                (":scheme", Rule::ConnectMalformed),
                (":path", Rule::TargetMalformed),
                (":authority", Rule::HostMalformed),
            ] {
                assert_eq!(check(name, &[&[byte]]), Err(rule), "{name}");
                assert_eq!(check(name, &[&[b'/', byte]]), Err(rule), "{name}");
            }
        }
    }

    #[test]
    fn class_18_the_fields_of_a_client_are_checked() {
        let add = |name: &str, value: &str| check_extra(&[Header::new(name, value)]);
        assert_eq!(add(":path", "/\u{e9}"), Ok(()));
        assert_eq!(add("origin", "a"), Ok(()));
        assert_eq!(add(":", "a"), Err(Rule::HeaderNameInvalid));
        assert_eq!(add(":a b", "a"), Err(Rule::HeaderNameInvalid));
        assert_eq!(add("a b", "a"), Err(Rule::HeaderNameInvalid));
        assert_eq!(add(":path", "/\n"), Err(Rule::HeaderValueInvalid));
        assert_eq!(add("x", "\n"), Err(Rule::HeaderValueInvalid));
        assert_eq!(add("upgrade", "a"), Err(Rule::HeaderReserved));
    }
}
