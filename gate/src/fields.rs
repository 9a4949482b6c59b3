//! Header fields by name, compared as by servers that pass them to programs as environment variables.
//!
//! CGI (RFC 3875, section 4.1.18) and its successors, such as WSGI, Rack, PHP and FastCGI, write `X-Real-IP` as
//! `HTTP_X_REAL_IP`, and many servers replace every character that a variable can't have with an underscore. Then
//! `X_Real_IP` and `x.real.ip` are the same field, so all of these spellings have to be dropped or replaced together.

use websocket_host::protocol::Header;

/// Creates a field.
pub(crate) fn header(name: &str, value: impl Into<Vec<u8>>) -> Header {
    Header {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// Whether a server may treat two names as equal.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().map(canonical).eq(other.bytes().map(canonical))
}

/// Whether a server may treat a name as one in the list, where `x-` stands for all names with this prefix.
pub(crate) fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.iter().any(|&listed| match listed.ends_with('-') {
        true => name
            .get(..listed.len())
            .is_some_and(|start| are_same(start, listed)),
        false => are_same(name, listed),
    })
}

/// Whether a name is in standard spelling: with hyphens only.
pub(crate) fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns the values of the fields of exactly this name, in order.
pub(crate) fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_slice())
}

fn canonical(byte: u8) -> u8 {
    match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_lowercase(),
        false => b'-',
    }
}

#[cfg(test)]
mod tests {
    use super::{are_same, is_one_of, is_plain};

    #[test]
    fn letter_case_and_what_is_no_letter_or_digit_make_no_difference() {
        for name in ["X-Real-IP", "x-real-ip", "X_Real_IP", "x.real!ip"] {
            assert!(are_same(name, "X-Real-IP"), "{name}");
        }
        for name in ["X-RealIP", "X--Real-IP", "X-Real-IP-", "X-Real-IQ", ""] {
            assert!(!are_same(name, "X-Real-IP"), "{name}");
        }
    }

    #[test]
    fn a_listed_name_that_ends_in_a_hyphen_stands_for_all_that_begin_with_it() {
        let list = ["X-Forwarded-", "Host"];
        for name in ["X-Forwarded-For", "x_forwarded_", "HOST"] {
            assert!(is_one_of(name, &list), "{name}");
        }
        for name in ["X-Forwarded", "Hosts", "Hos", ""] {
            assert!(!is_one_of(name, &list), "{name}");
        }
    }

    #[test]
    fn a_plain_name_has_hyphens_only() {
        assert!(is_plain("X-Real-IP2"));
        assert!(!is_plain("X_Real_IP"));
        assert!(!is_plain("X.Real-IP"));
    }
}
