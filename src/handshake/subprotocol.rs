//! Subprotocols (RFC 6455, sections 1.9 and 11.3.4). Names compare with regard to
//! case.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{Header, repeated};
use crate::{
    Rule,
    http::{
        grammar,
        header::{self, Occurrence},
    },
};

pub(super) const FIELD: &str = "Sec-WebSocket-Protocol";

/// Returns the subprotocols that a request asks for, most wanted first, each once; none if
/// it has no such field or an empty one.
///
/// Clients should send neither an empty field nor a name twice (RFC 6455, section 4.1,
/// item 10), but what they mean is plain.
///
/// Fails with [`Rule::SubprotocolMalformed`] if one is not a token.
pub(super) fn requested(headers: &[Header]) -> Result<Vec<String>, Rule> {
    let names: Vec<&[u8]> = header::list(headers, FIELD).collect();
    let repeated = repeated(names.iter().copied());
    let first = names.iter().zip(repeated).filter(|(_, repeated)| !repeated);
    first
        .map(|(name, _)| token(name).ok_or(Rule::SubprotocolMalformed))
        .collect()
}

/// Returns the subprotocol that a response chose of those offered, a list as in the field, if
/// any (RFC 6455, section 4.1, item 6 of the checks).
///
/// Fails with [`Rule::SubprotocolDuplicate`], [`Rule::SubprotocolMalformed`], which an empty
/// field is too, or [`Rule::SubprotocolNotOffered`].
pub(super) fn chosen(headers: &[Header], offered: &str) -> Result<Option<String>, Rule> {
    let value = match header::single(headers, FIELD) {
        Occurrence::Missing => return Ok(None),
        Occurrence::Once(value) => value,
        Occurrence::Repeated => return Err(Rule::SubprotocolDuplicate),
    };
    if grammar::elements(value).nth(1).is_some() {
        return Err(Rule::SubprotocolDuplicate);
    }
    let name = token(value).ok_or(Rule::SubprotocolMalformed)?;
    if !is_in(offered, &name) {
        return Err(Rule::SubprotocolNotOffered);
    }
    Ok(Some(name))
}

/// Returns names as the field lists them.
pub(super) fn list(names: &[String]) -> String {
    let mut list = String::new();
    for name in names {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(name);
    }
    list
}

/// Whether a list that [`list`] has made has this name.
pub(super) fn is_in(list: &str, name: &str) -> bool {
    grammar::elements(list.as_bytes()).any(|other| other == name.as_bytes())
}

/// Checks the subprotocols that a caller offers.
#[inline(never)]
pub(super) fn check(names: &[String]) -> Result<(), Rule> {
    if names.iter().all(|name| grammar::is_token(name.as_bytes())) && are_unique(names) {
        Ok(())
    } else {
        Err(Rule::SubprotocolInvalid)
    }
}

/// Returns the first of `supported` that a request's `headers` ask for: a helper for
/// servers that choose a subprotocol by preference (RFC 6455, section 4.2.2). None if the
/// request asks for none of them, or its field is malformed.
///
/// ```
/// use websocket_component::handshake::{Header, choose_subprotocol};
///
/// let headers = [Header::new("Sec-WebSocket-Protocol", "chat, superchat")];
/// let chosen = choose_subprotocol(&headers, &["superchat", "chat"]);
/// assert_eq!(chosen.as_deref(), Some("superchat"));
/// ```
pub fn choose(headers: &[Header], supported: &[impl AsRef<str>]) -> Option<String> {
    let requested = requested(headers).ok()?;
    supported
        .iter()
        .map(AsRef::as_ref)
        .find(|name| requested.iter().any(|requested| requested == name))
        .map(ToOwned::to_owned)
}

fn token(bytes: &[u8]) -> Option<String> {
    if !grammar::is_token(bytes) {
        return None;
    }
    core::str::from_utf8(bytes).ok().map(ToOwned::to_owned)
}

fn are_unique(names: &[String]) -> bool {
    !repeated(names.iter().map(String::as_bytes)).contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[&str]) -> Vec<Header> {
        values
            .iter()
            .map(|&value| Header::new("sec-websocket-protocol", value))
            .collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn a_request_asks_in_order_over_several_lines() {
        let headers = fields(&["b, a,", "C"]);
        assert_eq!(requested(&headers), Ok(names(&["b", "a", "C"])));
        assert_eq!(requested(&[]), Ok(vec![]));
    }

    #[test]
    fn an_empty_field_asks_for_none() {
        for values in [&[""][..], &[" \t "], &[" , "], &["", ""]] {
            assert_eq!(requested(&fields(values)), Ok(vec![]), "{values:?}");
        }
    }

    #[test]
    fn a_name_that_is_repeated_counts_once_at_its_first_place() {
        for values in [&["b, a, b"][..], &["b", "a", "b"], &["b, b", "a, a"]] {
            let expected = Ok(names(&["b", "a"]));
            assert_eq!(requested(&fields(values)), expected, "{values:?}");
        }
        assert_eq!(choose(&fields(&["a, a"]), &["a"]).as_deref(), Some("a"));
    }

    #[test]
    fn a_request_for_what_is_no_token_is_malformed() {
        for values in [
            &["a b"][..],
            &["a;b"],
            &["\"a\""],
            &["a, é"],
            &["a, a b, a b"],
        ] {
            assert_eq!(
                requested(&fields(values)),
                Err(Rule::SubprotocolMalformed),
                "{values:?}"
            );
        }
        assert!(requested(&fields(&["a, A"])).is_ok());
    }

    #[test]
    fn a_response_chooses_one_that_was_offered_or_none() {
        let offered = list(&names(&["a", "b"]));
        let chosen = |values: &[&str]| chosen(&fields(values), &offered);
        assert_eq!(chosen(&[]), Ok(None));
        assert_eq!(chosen(&[" b\t"]), Ok(Some("b".into())));
        assert_eq!(chosen(&["B"]), Err(Rule::SubprotocolNotOffered));
        assert_eq!(chosen(&["c"]), Err(Rule::SubprotocolNotOffered));
        assert_eq!(chosen(&["a, b"]), Err(Rule::SubprotocolDuplicate));
        assert_eq!(chosen(&["a", "a"]), Err(Rule::SubprotocolDuplicate));
        assert_eq!(chosen(&["a, b, c"]), Err(Rule::SubprotocolDuplicate));
        for malformed in ["", ",", "a,", "a b", "\"a\"", "é"] {
            assert_eq!(
                chosen(&[malformed]),
                Err(Rule::SubprotocolMalformed),
                "{malformed:?}"
            );
        }
    }

    #[test]
    fn the_servers_order_decides() {
        let headers = fields(&["a, b"]);
        assert_eq!(choose(&headers, &["c", "b", "a"]).as_deref(), Some("b"));
        assert_eq!(choose(&headers, &["B"]), None);
        assert_eq!(choose(&[], &["a"]), None);
        assert_eq!(choose(&fields(&["a, b c"]), &["a"]), None);
    }

    #[test]
    fn a_caller_offers_tokens_each_once() {
        assert_eq!(check(&names(&["a", "A", "soap.v1"])), Ok(()));
        for bad in [
            &["a", "a"][..],
            &[""],
            &["a b"],
            &["a,b"],
            &["a\r\nb"],
            &["é"],
        ] {
            assert_eq!(check(&names(bad)), Err(Rule::SubprotocolInvalid), "{bad:?}");
        }
    }

    #[test]
    fn class_03_a_comma_flood_takes_linear_time() {
        let flood = ",".repeat(1 << 20);
        assert_eq!(requested(&fields(&[&flood])), Ok(vec![]));
        let flood = "a,".repeat(1 << 19);
        assert_eq!(requested(&fields(&[&flood])), Ok(names(&["a"])));
        let many: Vec<String> = (0..1 << 16).map(|number| format!("p{number}")).collect();
        let headers = fields(&[&many.join(",")]);
        assert_eq!(requested(&headers), Ok(many.clone()));
        assert_eq!(choose(&headers, &["p65535"]).as_deref(), Some("p65535"));
    }
}
