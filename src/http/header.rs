//! Header fields, and how they are found (RFC 9110, section 5).

use alloc::{string::String, vec::Vec};

use super::grammar;
use crate::Rule;

/// A field of an HTTP head (RFC 9110, section 5).
///
/// ```
/// use websocket_component::handshake::Header;
///
/// let header = Header::new("User-Agent", "example/1.0");
/// assert_eq!(header.value, b"example/1.0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// A token. Names are case-insensitive.
    pub name: String,
    /// The bytes of the value, without surrounding white space. They need not be
    /// UTF-8.
    pub value: Vec<u8>,
}

impl Header {
    /// Creates a field with this name and value, which are checked when it is used.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Header {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// The values of all field lines of a name, in order, without surrounding white
/// space.
pub(crate) fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| grammar::trim(&header.value))
}

/// How often a field that may appear once appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurrence<'a> {
    Missing,
    Once(&'a [u8]),
    Repeated,
}

/// The value of a field that may appear once.
pub(crate) fn single<'a>(headers: &'a [Header], name: &'a str) -> Occurrence<'a> {
    let mut values = values(headers, name);
    match (values.next(), values.next()) {
        (None, _) => Occurrence::Missing,
        (Some(value), None) => Occurrence::Once(value),
        (Some(_), Some(_)) => Occurrence::Repeated,
    }
}

/// The elements of a list that may be spread over several field lines (RFC 9110,
/// section 5.2).
pub(crate) fn list<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    values(headers, name).flat_map(grammar::elements)
}

/// Whether a list holds a token, without regard to case.
pub(crate) fn contains_token(headers: &[Header], name: &str, token: &str) -> bool {
    list(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether the fields announce a body (RFC 9112, section 6.3). A Content-Length of
/// 0 announces that there is none.
pub(crate) fn announces_body(headers: &[Header]) -> bool {
    values(headers, "Transfer-Encoding").next().is_some()
        || values(headers, "Content-Length").any(|value| value != b"0")
}

/// Checks fields that are about to be written: a name must be a token, and a value
/// must not end its line.
#[inline(never)]
pub(crate) fn validate(headers: &[Header]) -> Result<(), Rule> {
    headers.iter().try_for_each(|header| {
        if !grammar::is_token(header.name.as_bytes()) {
            return Err(Rule::HeaderNameInvalid);
        }
        validate_value(&header.value)
    })
}

/// Checks the value of a field that is about to be written.
pub(crate) fn validate_value(value: &[u8]) -> Result<(), Rule> {
    if value.iter().all(|&byte| grammar::is_field_byte(byte)) {
        Ok(())
    } else {
        Err(Rule::HeaderValueInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
        fields
            .iter()
            .map(|&(name, value)| Header::new(name, value))
            .collect()
    }

    #[test]
    fn names_compare_without_regard_to_case() {
        let headers = headers(&[("HOST", "a"), ("x", "b"), ("host", " c\t")]);
        let found: Vec<&[u8]> = values(&headers, "Host").collect();
        assert_eq!(found, [b"a".as_slice(), b"c"]);
    }

    #[test]
    fn a_single_field_is_missing_once_or_repeated() {
        let headers = headers(&[("a", "1"), ("b", "2"), ("B", "2")]);
        assert_eq!(single(&headers, "c"), Occurrence::Missing);
        assert_eq!(single(&headers, "A"), Occurrence::Once(b"1"));
        assert_eq!(single(&headers, "b"), Occurrence::Repeated);
    }

    #[test]
    fn a_list_goes_over_several_lines_and_its_tokens_compare_without_regard_to_case() {
        let headers = headers(&[
            ("Connection", "keep-alive,, close"),
            ("connection", "\tUpGrAdE ,x"),
        ]);
        assert!(contains_token(&headers, "Connection", "upgrade"));
        assert!(contains_token(&headers, "Connection", "close"));
        assert!(!contains_token(&headers, "Connection", "keep"));
        assert!(!contains_token(&headers, "Upgrade", "upgrade"));
        assert_eq!(list(&headers, "Connection").count(), 4);
    }

    #[test]
    fn class_18_a_body_is_announced_by_any_encoding_and_any_length_but_zero() {
        assert!(!announces_body(&headers(&[("Host", "a")])));
        assert!(!announces_body(&headers(&[("Content-Length", "0")])));
        for length in ["1", "", "00", "+0", "0, 0", "0, 5", "-1", "x"] {
            assert!(announces_body(&headers(&[("content-length", length)])));
        }
        let two = headers(&[("Content-Length", "0"), ("Content-Length", "9")]);
        assert!(announces_body(&two));
        for coding in ["chunked", "identity", ""] {
            assert!(announces_body(&headers(&[("TRANSFER-ENCODING", coding)])));
        }
    }

    #[test]
    fn class_18_a_line_end_in_a_name_or_value_is_refused() {
        assert_eq!(validate(&headers(&[("X-Trace", "a\tb \u{e9}")])), Ok(()));
        for name in ["", "a b", "a:", "a\r\nb", "é", ":path"] {
            assert_eq!(
                validate(&headers(&[(name, "v")])),
                Err(Rule::HeaderNameInvalid),
                "{name:?}"
            );
        }
        for value in ["a\rb", "a\nb", "a\r\nX: y", "\0", "\u{7f}"] {
            assert_eq!(
                validate(&headers(&[("X", value)])),
                Err(Rule::HeaderValueInvalid),
                "{value:?}"
            );
        }
    }

    #[test]
    fn class_04_high_bytes_are_carried_in_values() {
        let value: Vec<u8> = (0x80..=0xFF).collect();
        let fields = [Header::new("X", value.clone())];
        assert_eq!(validate(&fields), Ok(()));
        assert_eq!(single(&fields, "x"), Occurrence::Once(&value));
        assert!(!contains_token(&fields, "x", "websocket"));
    }
}
